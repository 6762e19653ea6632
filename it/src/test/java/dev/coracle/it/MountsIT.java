package dev.coracle.it;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;
import dev.coracle.it.harness.Bundle;
import dev.coracle.it.harness.Container;
import dev.coracle.it.harness.ContainerTest;
import dev.coracle.it.harness.Json;
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

  @Unsupported(runtime = "coracle", reason = "idmapped mounts are not yet supported")
  @Test
  @Unsupported(runtime = "runc", reason = "1.1.5 knows no idmapped mounts")
  @Unsupported(
      runtime = "crun",
      reason = "the host's file system cannot be idmapped",
      expect = Unsupported.Expect.EITHER)
  void canBeIdmapped(Testbed bed) throws IOException {
    Path shared = bed.folder("shared");
    bed.program("mount", "-t", "tmpfs", "idmap", shared.toString()).execute().ok();
    try {
      Files.writeString(shared.resolve("file"), "x");
      bed.program("chown", "1000:1000", shared + "/file").execute().ok();
      JsonObject mapping = Json.object("containerID", 1000, "hostID", 4000, "size", 1);
      Bundle bundle = bed.bundle();
      bundle.add(
          "/mounts",
          Json.object(
              "destination",
              "/m",
              "type",
              "bind",
              "source",
              shared.toString(),
              "options",
              List.of("bind", "idmap"),
              "uidMappings",
              List.of(mapping),
              "gidMappings",
              List.of(mapping)));
      assertThat(bed.outputOf(bundle.args("stat", "-c", "%u:%g", "/m/file")))
          .isEqualTo("4000:4000");
    } finally {
      bed.program("umount", shared.toString()).execute().ok();
    }
  }
}
