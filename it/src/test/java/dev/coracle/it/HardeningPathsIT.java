package dev.coracle.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.it.harness.Bundle;
import dev.coracle.it.harness.Cgroups;
import dev.coracle.it.harness.ContainerTest;
import dev.coracle.it.harness.Json;
import dev.coracle.it.harness.Result;
import dev.coracle.it.harness.Testbed;
import dev.coracle.it.harness.Unsupported;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Links in the image where the runtime makes, mounts, reads or hides something. */
@ContainerTest
class HardeningPathsIT {

  /** A folder of the host that a hostile root file system points at; it must stay as it is. */
  private static Path bait(Testbed bed) {
    return bed.folder("bait");
  }

  private static void assertUntouched(Path bait) {
    assertThat(bait).isEmptyDirectory();
    assertThat(Cgroups.read(Path.of("/proc/self/mountinfo"))).doesNotContain(bait.toString());
  }

  /** A way out of any root file system, if it is followed as the host would. */
  private static String up(Path path) {
    return "../".repeat(20) + path.toString().substring(1);
  }

  private static void replace(Bundle bundle, String path, String target) throws IOException {
    Files.delete(bundle.inRootfs(path));
    bundle.symlink(path, target);
  }

  @Test
  void sysAsASymlinkDoesNotReachTheHost(Testbed bed) throws IOException {
    Path bait = bait(bed);
    Bundle bundle = bed.bundle();
    replace(bundle, "/sys", up(bait));
    bed.run(bundle);
    assertUntouched(bait);
  }

  @Test
  @Unsupported(
      runtime = "runc",
      reason = "CVE-2026-41579, in 1.1.5 too",
      expect = Unsupported.Expect.EITHER)
  @Unsupported(
      runtime = "crun",
      reason = "CVE-2026-47766, in 1.8.1 too",
      expect = Unsupported.Expect.EITHER)
  void devAsASymlinkToTheHost(Testbed bed) throws IOException {
    Path bait = bait(bed);
    Bundle bundle = bed.bundle();
    for (String below : List.of("/dev/shm", "/dev/mqueue", "/dev/pts", "/dev")) {
      bundle.withoutMount(below);
    }
    replace(bundle, "/dev", up(bait));
    bed.run(bundle);
    assertUntouched(bait);
  }

  @Unsupported(runtime = "runc", reason = "CVE-2026-41579, in 1.1.5 too")
  @Test
  void devAsAnAbsoluteSymlink(Testbed bed) throws IOException {
    Path bait = bait(bed);
    Bundle bundle = bed.bundle();
    replace(bundle, "/dev", bait.toString());
    bed.run(bundle);
    assertUntouched(bait);
  }

  @Test
  void aMountTargetBelowASymlinkStaysInside(Testbed bed) {
    Path bait = bait(bed);
    Bundle bundle = bed.bundle().symlink("/out", bait.toString());
    bundle.symlink("/up", up(bait));
    bundle.mount("/out/in", "tmpfs", "tmpfs").mount("/up/in", "tmpfs", "tmpfs");
    bundle.mount("/out/file", "bind", bed.file("file", "x"), "bind");
    bundle.sh("grep -c -E '/(in|file) ' /proc/self/mountinfo");
    bed.run(bundle);
    assertUntouched(bait);
  }

  @Test
  void aTargetWithDotsStaysInside(Testbed bed) {
    Path bait = bait(bed);
    Bundle bundle = bed.bundle();
    bundle.mount("/" + up(bait), "tmpfs", "tmpfs");
    bed.run(bundle);
    assertUntouched(bait);
  }

  @Test
  void aFalseDevNullMasksNothing(Testbed bed) {
    // Without the tmpfs on /dev the image's own /dev/null is used; it points at what must not
    // appear.
    Bundle bundle = bed.bundle().file("/secret", "secret").file("/shown", "shown instead");
    for (String below : List.of("/dev/shm", "/dev/mqueue", "/dev/pts", "/dev")) {
      bundle.withoutMount(below);
    }
    bundle
        .symlink("/dev/null", "/shown")
        .add("/linux/maskedPaths", "/secret")
        .args("cat", "/secret");
    Result result = bed.run(bundle);
    assertThat(result.stdout()).isEmpty();
  }

  @Test
  void aMaskedPathThatIsASymlinkStaysInside(Testbed bed) {
    Path bait = bait(bed);
    Bundle bundle = bed.bundle().symlink("/masked", bait.toString()).folder(bait.toString());
    bed.run(bundle.add("/linux/maskedPaths", "/masked").add("/linux/readonlyPaths", "/masked"));
    assertUntouched(bait);
  }

  @Test
  void passwdIsTheContainers(Testbed bed) throws IOException {
    // A symlink in the image must not make the runtime read the host's file.
    Path hosts = bed.file("passwd", "root:x:0:0::/from/the/host:/bin/sh\n");
    Bundle bundle = bed.bundle();
    replace(bundle, "/etc/passwd", hosts.toString());
    assertThat(bed.outputOf(bundle.sh("echo $HOME"))).doesNotContain("/from/the/host");
  }

  @Unsupported(runtime = "runc", reason = "waits for a writer")
  @Unsupported(runtime = "crun", reason = "waits for a writer")
  @Test
  void aFifoAsPasswdDoesNotBlock(Testbed bed) throws IOException {
    Bundle bundle = bed.bundle();
    Files.delete(bundle.inRootfs("/etc/passwd"));
    bed.program("mkfifo", bundle.inRootfs("/etc/passwd").toString()).execute().ok();
    bed.runCommand(bundle).timeout(Duration.ofSeconds(5)).execute();
  }

  @Test
  void aCwdThatIsMissingIsMadeInside(Testbed bed) {
    Path bait = bait(bed);
    Bundle bundle = bed.bundle().symlink("/out", up(bait)).set("/process/cwd", "/out/made");
    bed.run(bundle);
    assertUntouched(bait);
  }

  @Test
  void aDeviceBelowASymlinkStaysInside(Testbed bed) {
    Path bait = bait(bed);
    Bundle bundle = bed.bundle().symlink("/out", up(bait)).symlink("/abs", bait.toString());
    for (String path : List.of("/out/device", "/abs/device", "/out/deep/device")) {
      bundle.add("/linux/devices", Json.object("path", path, "type", "c", "major", 1, "minor", 3));
    }
    bed.run(bundle);
    assertUntouched(bait);
  }

  @Test
  void aCgroupMountBelowASymlinkStaysInside(Testbed bed) {
    Path bait = bait(bed);
    Bundle bundle = bed.bundle().symlink("/out", up(bait));
    bundle.mount("/out/cgroup", "cgroup", "cgroup", "ro");
    bed.run(bundle);
    assertUntouched(bait);
  }

  @Test
  void tmpcopyupCopiesNothingOfTheHost(Testbed bed) throws IOException {
    Path bait = bait(bed);
    Files.writeString(bait.resolve("secret"), "of the host");
    Bundle bundle = bed.bundle().symlink("/data", up(bait)).folder("/more");
    bundle.symlink("/more/link", bait + "/secret");
    bundle.mount("/data", "tmpfs", "tmpfs", "tmpcopyup").mount("/more", "tmpfs", "t", "tmpcopyup");
    Result result = bed.run(bundle.sh("cat /data/* /more/*; true"));
    assertThat(result.stdout()).doesNotContain("of the host");
    Files.delete(bait.resolve("secret"));
    assertUntouched(bait);
  }
}
