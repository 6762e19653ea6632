package dev.coracle.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.it.harness.Bundle;
import dev.coracle.it.harness.Container;
import dev.coracle.it.harness.ContainerTest;
import dev.coracle.it.harness.CoracleOnly;
import dev.coracle.it.harness.Mapped;
import dev.coracle.it.harness.Testbed;
import dev.coracle.it.harness.Unsupported;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;

@ContainerTest
class MountsIT {

  @Test
  void bindsAFolder(Testbed bed) throws IOException {
    Path shared = bed.folder("shared");
    Files.writeString(shared.resolve("a"), "from outside");
    Bundle bundle = bed.bundle().mount("/shared", "bind", shared, "rbind", "rw");
    bundle.sh("cat /shared/a; echo inside > /shared/b");
    assertThat(bed.outputOf(bundle)).isEqualTo("from outside");
    assertThat(Files.readString(shared.resolve("b"))).isEqualTo("inside\n");
  }

  @Test
  void bindsAFileAndMakesItsTarget(Testbed bed) {
    Path file = bed.file("file", "a file");
    Bundle bundle = bed.bundle().mount("/etc/deep/er/file", "bind", file, "bind", "ro");
    bundle.sh("cat /etc/deep/er/file; echo x 2>/dev/null > /etc/deep/er/file || echo ' read-only'");
    assertThat(bed.outputOf(bundle)).isEqualTo("a file read-only");
  }

  @Test
  void aBindIsTheOptionNotTheType(Testbed bed) {
    Path file = bed.file("file", "a file");
    Bundle bundle = bed.bundle().mount("/file", "none", file, "bind");
    assertThat(bed.outputOf(bundle.args("cat", "/file"))).isEqualTo("a file");
  }

  @Test
  void aRelativeSourceIsInTheBundle(Testbed bed) throws IOException {
    Bundle bundle = bed.bundle().mount("/file", "bind", "beside", "bind");
    Files.writeString(bundle.directory().resolve("beside"), "beside the rootfs");
    assertThat(bed.outputOf(bundle.args("cat", "/file"))).isEqualTo("beside the rootfs");
  }

  @Test
  void rbindBringsTheMountsBelow(Testbed bed) {
    Path shared = bed.folder("shared/below");
    Path outer = Objects.requireNonNull(shared.getParent());
    bed.program("mount", "-t", "tmpfs", "below", shared.toString()).execute().ok();
    try {
      bed.file("shared/below/file", "deep");
      Bundle bundle = bed.bundle().mount("/r", "bind", outer, "rbind");
      bundle.mount("/b", "bind", outer, "bind").sh("ls /r/below; ls /b/below");
      assertThat(bed.outputOf(bundle)).isEqualTo("file");
    } finally {
      bed.program("umount", shared.toString()).execute().ok();
    }
  }

  @Test
  void areMadeInTheirOrder(Testbed bed) {
    Bundle bundle = bed.bundle().mount("/a", "tmpfs", "tmpfs");
    bundle.mount("/a/b", "tmpfs", "tmpfs", "size=64k").mount("/a/b/c", "tmpfs", "tmpfs");
    bundle.sh("cut -d' ' -f5 /proc/self/mountinfo | grep ^/a");
    assertThat(bed.outputOf(bundle)).isEqualTo("/a\n/a/b\n/a/b/c");
  }

  @Test
  @Unsupported(
      runtime = "crun",
      reason = "1.8.1 takes it as a path in the container",
      expect = Unsupported.Expect.EITHER)
  @Unsupported(runtime = "runc", reason = "1.1.5 makes the target elsewhere")
  void theHostsPathOfTheRootLeadsIntoTheContainer(Testbed bed) {
    Path file = bed.file("file", "a file");
    Bundle bundle = bed.bundle();
    bundle.mount(bundle.rootfs() + "/data/file", "bind", file, "bind", "ro");
    assertThat(bed.outputOf(bundle.args("cat", "/data/file"))).isEqualTo("a file");
  }

  @Test
  @Unsupported(runtime = "runc", reason = "1.1.5 opens it before it mounts in a user namespace")
  void aSourceInTheRootShowsTheMountsBefore(Testbed bed) {
    for (Bundle bundle : List.of(bed.bundle(), Mapped.bundle(bed))) {
      Path file = bed.file("file", "a file");
      bundle.mount("/a", "tmpfs", "tmpfs").mount("/a/file", "bind", file, "bind");
      bundle.mount("/b", "bind", bundle.rootfs() + "/a", "rbind").args("cat", "/b/file");
      assertThat(bed.outputOf(bundle)).isEqualTo("a file");
    }
  }

  @Test
  @CoracleOnly("the peers of Debian 12 have no id-mapped mounts, or take sources before they mount")
  void anIdMappedSourceInTheRootShowsTheMountsBeforeInAUserNamespaceToo(Testbed bed) {
    Path shared = bed.folder("shared");
    bed.file("shared/file", "a file");
    Bundle bundle = Mapped.bundle(bed).mount("/a", "bind", shared, "bind");
    bundle.mount("/b", "bind", bundle.rootfs() + "/a", "bind", "idmap");
    bundle.sh("cat /b/file; stat -c ' %u' /a/file /b/file");
    // Of the host's root it is, and by the mapping of the container's own.
    assertThat(bed.outputOf(bundle)).isEqualTo("a file 65534\n 0");
  }

  /** The host's file stays out of reach where a link of the image stands in the source's way. */
  @Test
  @CoracleOnly("runc follows the link on the host, and crun too")
  void noLinkInTheRootLeadsASourceOut(Testbed bed) {
    Path secret = bed.file("secret", "of the host");
    Bundle bundle = bed.bundle().symlink("/link", secret.toString());
    bundle.mount("/b", "bind", bundle.rootfs() + "/link", "bind").args("cat", "/b");
    assertThat(bed.run(bundle).exitsWith(1).stderr()).contains("/mounts/", "ENOENT");
  }

  @Test
  void tmpfsTakesItsOptions(Testbed bed) {
    Bundle bundle =
        bed.bundle().mount("/t", "tmpfs", "tmpfs", "size=1m", "mode=1770", "uid=7", "gid=8");
    bundle.sh("stat -c '%a %u %g' /t; df -k /t | tail -n 1 | tr -s ' ' | cut -d' ' -f2");
    assertThat(bed.outputOf(bundle)).isEqualTo("1770 7 8\n1024");
  }

  @Test
  void tmpcopyupKeepsWhatWasThere(Testbed bed) {
    Bundle bundle = bed.bundle().file("/data/file", "was there");
    bundle.mount("/data", "tmpfs", "tmpfs", "tmpcopyup").sh("cat /data/file; echo x > /data/new");
    assertThat(bed.outputOf(bundle)).isEqualTo("was there");
    assertThat(bundle.inRootfs("/data/new")).doesNotExist();
  }

  @Test
  void tmpcopyupKeepsModesOwnersAndLinks(Testbed bed) throws IOException {
    Bundle bundle = bed.bundle().file("/data/sub/file", "deep");
    Path data = bundle.inRootfs("/data");
    Files.setPosixFilePermissions(
        data.resolve("sub"), PosixFilePermissions.fromString("rwx--x--x"));
    Files.setAttribute(data.resolve("sub/file"), "unix:uid", 12);
    Files.setAttribute(data.resolve("sub/file"), "unix:mode", 04751);
    Files.createSymbolicLink(data.resolve("link"), Path.of("sub/file"));
    bundle
        .mount("/data", "tmpfs", "tmpfs", "tmpcopyup")
        .sh("stat -c '%a %u' /data/sub /data/sub/file; readlink /data/link; cat /data/link");
    assertThat(bed.outputOf(bundle).split("\n", -1))
        .containsExactly("711 0", "4751 12", "sub/file", "deep");
  }

  @Test
  void aMissingSourceIsAnError(Testbed bed) {
    Bundle bundle = bed.bundle().mount("/x", "bind", "/not/there/at/all", "bind");
    assertThat(bed.run(bundle).exitsWith(1).stderr())
        .containsIgnoringCase("no such file or directory");
  }

  @Test
  void anUnknownFileSystemIsAnError(Testbed bed) {
    assertThat(bed.run(bed.bundle().mount("/x", "nofs", "none")).exitsWith(1).stderr())
        .containsAnyOf("no such device", "No such device", "nofs");
  }

  @Test
  void doNotReachTheHost(Testbed bed) throws IOException {
    Bundle bundle = bed.bundle().mount("/only/inside", "tmpfs", "tmpfs");
    try (Container c = bed.create(bundle)) {
      assertThat(Files.readString(Path.of("/proc/self/mountinfo")))
          .doesNotContain(bundle.directory().toString());
      assertThat(Files.readString(Path.of("/proc/" + c.pid() + "/mountinfo")))
          .contains(" /only/inside ");
    }
  }

  @Test
  void theHostsRootIsNotSeen(Testbed bed) {
    assertThat(bed.outputOf(bed.bundle().sh("cut -d' ' -f5 /proc/self/mountinfo")))
        .startsWith("/\n")
        .doesNotContain(bed.directory().toString(), "put_old", "/.old");
  }

  @Test
  @Unsupported(runtime = "crun", reason = "1.8.1 gives 1777", expect = Unsupported.Expect.EITHER)
  void aTmpfsHasTheModeOfWhatItCovers(Testbed bed) {
    Bundle bundle = bed.bundle().folder("/covered").mode("/covered", "rwx------");
    bundle.mount("/covered", "tmpfs", "tmpfs").mount("/new", "tmpfs", "tmpfs");
    bundle.sh("stat -c %a /covered /new");
    assertThat(bed.outputOf(bundle)).startsWith("700\n");
  }

  @Test
  void aReadOnlyTmpfsHoldsWhatIsMountedInIt(Testbed bed) {
    Bundle bundle = bed.bundle().mount("/a", "tmpfs", "tmpfs", "ro");
    bundle.mount("/a/file", "bind", bed.file("file", "x"), "bind");
    bundle.sh("cat /a/file; touch /a/new 2>/dev/null || echo ' read-only'");
    assertThat(bed.outputOf(bundle)).isEqualTo("x read-only");
  }

  @Test
  void aReadOnlyDevHoldsItsDevices(Testbed bed) {
    Bundle bundle = bed.bundle();
    bundle.mountAt("/dev").getAsJsonArray("options").add("ro");
    bundle.sh("echo > /dev/null && [ -c /dev/zero ] && touch /dev/new 2>&1 | grep -o Read-only");
    assertThat(bed.outputOf(bundle)).isEqualTo("Read-only");
  }

  @Test
  @Unsupported(
      runtime = "crun",
      reason = "1.8.1 hides it below",
      expect = Unsupported.Expect.EITHER)
  void canLieOverTheRoot(Testbed bed) {
    Bundle other = bed.bundle().file("/which", "the other").folder("/proc");
    Bundle bundle = bed.bundle().file("/which", "the first");
    bundle.config().getAsJsonArray("mounts").asList().clear();
    bundle.mount("/", "bind", other.rootfs(), "rbind").mount("/proc", "proc", "proc");
    bundle.mount("/later", "tmpfs", "tmpfs").sh("cat /which; grep -c ' /later ' /proc/mounts");
    assertThat(bed.outputOf(bundle)).isEqualTo("the other1");
    assertThat(other.inRootfs("/later")).isDirectory();
    assertThat(bundle.inRootfs("/later")).doesNotExist();
  }

  @Test
  void aFileCanLieOnALink(Testbed bed) throws IOException {
    Bundle bundle = bed.bundle().file("/etc/real", "below").symlink("/etc/link", "real");
    bundle.symlink("/etc/dangling", "/made/for/it");
    bundle.mount("/etc/link", "bind", bed.file("file", "bound"), "bind");
    bundle.mount("/etc/dangling", "bind", bed.file("file2", "bound"), "bind");
    assertThat(bed.outputOf(bundle.sh("cat /etc/real /made/for/it; [ -L /etc/link ]")))
        .isEqualTo("boundbound");
    assertThat(Files.readString(bundle.inRootfs("/etc/real"))).isEqualTo("below");
  }

  @Test
  void aFolderOnAFileIsAnError(Testbed bed) {
    Bundle bundle = bed.bundle().file("/etc/file", "");
    bed.run(bundle.mount("/etc/file", "bind", bed.folder("folder"), "bind")).exitsWith(1);
  }

  @Test
  void aRelativeDestinationIsInTheRoot(Testbed bed) {
    Bundle bundle = bed.bundle().mount("relative/here", "tmpfs", "tmpfs");
    assertThat(bed.outputOf(bundle.sh("cut -d' ' -f5 /proc/self/mountinfo | grep relative")))
        .isEqualTo("/relative/here");
  }

  @Test
  @Unsupported(
      runtime = "runc",
      reason = "1.1.5 sets the mode of what is covered",
      expect = Unsupported.Expect.EITHER)
  void severalCanLieOnOneAnother(Testbed bed) {
    Bundle bundle = bed.bundle().mount("/m", "tmpfs", "tmpfs");
    bundle.mount("/m", "bind", bed.folder("folder"), "bind");
    bundle
        .mount("/m", "tmpfs", "tmpfs", "mode=711")
        .sh("stat -c %a /m; grep -c ' /m ' /proc/mounts");
    assertThat(bed.outputOf(bundle)).isEqualTo("711\n3");
  }

  @Test
  void aRemountChangesWhatIsThere(Testbed bed) {
    Bundle bundle = bed.bundle().mount("/m", "tmpfs", "tmpfs", "size=64k");
    bundle.mount("/m", "tmpfs", "tmpfs", "remount", "ro", "size=128k");
    bundle
        .mount("/b", "bind", bed.folder("b"), "bind")
        .mount("/b", "bind", bed.folder("b"), "bind", "remount", "ro", "nosuid");
    bundle.sh(
        "grep -E ' /(m|b) ' /proc/self/mountinfo; df -k /m | tail -n 1 | tr -s ' ' | cut -d' ' -f2");
    String[] lines = bed.outputOf(bundle).split("\n", -1);
    assertThat(lines[0]).contains(" /m ro");
    assertThat(lines[1]).contains(" /b ro,").contains("nosuid");
    assertThat(lines[2]).isEqualTo("128");
  }

  @Test
  void theUsualFilesystemsTakeTheirOptions(Testbed bed) {
    Bundle bundle = bed.bundle();
    bundle.mount("/p", "proc", "proc", "hidepid=2", "gid=7");
    bundle.mount("/pts", "devpts", "devpts", "newinstance", "ptmxmode=0600", "mode=0600,gid=9");
    bundle.sh("grep -E ' /(p|pts) ' /proc/mounts | cut -d' ' -f4");
    assertThat(bed.outputOf(bundle).split("\n", -1)[0])
        .containsPattern("gid=7.*hidepid=(2|invisible)");
    assertThat(bed.outputOf(bundle).split("\n", -1)[1])
        .contains("gid=9", "mode=600", "ptmxmode=600");
  }
}
