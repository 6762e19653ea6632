package dev.coracle.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.it.harness.Bundle;
import dev.coracle.it.harness.Cgroups;
import dev.coracle.it.harness.Command;
import dev.coracle.it.harness.Container;
import dev.coracle.it.harness.ContainerTest;
import dev.coracle.it.harness.CoracleOnly;
import dev.coracle.it.harness.Json;
import dev.coracle.it.harness.Libc;
import dev.coracle.it.harness.Result;
import dev.coracle.it.harness.Testbed;
import dev.coracle.it.harness.Unsupported;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@ContainerTest
class HardeningIT {

  /** A folder of the host that a hostile root file system points at; it must stay as it is. */
  private static Path bait(Testbed bed) {
    return bed.folder("bait");
  }

  private static void assertUntouched(Path bait) {
    assertThat(bait).isEmptyDirectory();
    assertThat(Cgroups.read(Path.of("/proc/self/mountinfo"))).doesNotContain(bait.toString());
  }

  private static void replace(Bundle bundle, String path, String target) throws IOException {
    Files.delete(bundle.inRootfs(path));
    bundle.symlink(path, target);
  }

  @Test
  void procAsASymlinkIsRefused(Testbed bed) throws IOException {
    Bundle bundle = bed.bundle().folder("/elsewhere");
    replace(bundle, "/proc", "/elsewhere");
    bed.run(bundle).fails();
  }

  @Test
  void sysAsASymlinkDoesNotReachTheHost(Testbed bed) throws IOException {
    Path bait = bait(bed);
    Bundle bundle = bed.bundle();
    replace(bundle, "/sys", "../".repeat(20) + bait.toString().substring(1));
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
    replace(bundle, "/dev", "../".repeat(20) + bait.toString().substring(1));
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
    bundle.symlink("/up", "../".repeat(20) + bait.toString().substring(1));
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
    bundle.mount("/" + "../".repeat(20) + bait.toString().substring(1), "tmpfs", "tmpfs");
    bed.run(bundle);
    assertUntouched(bait);
  }

  @Test
  @Unsupported(
      runtime = "runc",
      reason = "1.1.5 has CVE-2025-31133",
      expect = Unsupported.Expect.EITHER)
  @Unsupported(
      runtime = "crun",
      reason = "1.8.1 has the class of CVE-2025-31133",
      expect = Unsupported.Expect.EITHER)
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

  /**
   * Refused, or a folder of the container: runc numbers its descriptors so that 7 or 8 is the
   * host's.
   */
  @ParameterizedTest
  @ValueSource(strings = {"/proc/self/fd", "/proc/thread-self/fd", "/proc/1/fd"})
  @Unsupported(
      runtime = "runc",
      reason = "1.1.5 has CVE-2024-21626",
      expect = Unsupported.Expect.EITHER)
  @Unsupported(runtime = "crun", reason = "takes the caller's", expect = Unsupported.Expect.EITHER)
  void aCwdOfALeakedFdIsNotTheHosts(String fds, Testbed bed) {
    for (int fd = 3; fd <= 12; fd++) {
      assertInside(bed, bed.bundle().set("/process/cwd", fds + "/" + fd));
    }
  }

  @Test
  @Unsupported(
      runtime = "runc",
      reason = "1.1.5 has CVE-2024-21626",
      expect = Unsupported.Expect.EITHER)
  @Unsupported(runtime = "crun", reason = "takes the caller's", expect = Unsupported.Expect.EITHER)
  void aCwdThatIsASymlinkToALeakedFdIsNotTheHosts(Testbed bed) {
    for (int fd = 3; fd <= 12; fd++) {
      assertInside(
          bed, bed.bundle().symlink("/work", "/proc/self/fd/" + fd).set("/process/cwd", "/work"));
    }
  }

  /** Runs a bundle whose caller leaks the host's root too, and looks for the host from its cwd. */
  private static void assertInside(Testbed bed, Bundle bundle) {
    Path marker = bed.file("marker", "");
    bundle.sh(
        "d=.; for i in 1 2 3 4 5 6 7 8; do [ -e $d"
            + marker
            + " ] && echo escaped; d=$d/..; done; true");
    Result result = bed.runCommand(bundle).after("exec 5</ 7</ 9</").execute();
    assertThat(result.stdout()).as(Json.text(bundle.config())).doesNotContain("escaped");
  }

  @Test
  @Unsupported(
      runtime = "runc",
      reason = "1.1.5 passes the caller's descriptors on",
      expect = Unsupported.Expect.EITHER)
  @Unsupported(
      runtime = "crun",
      reason = "1.8.1 passes the caller's descriptors on",
      expect = Unsupported.Expect.EITHER)
  void theCallersFdsAreNotPassedOn(Testbed bed) {
    Result result =
        bed.runCommand(bed.bundle().probe("fds")).after("exec 5</ 7</etc 9</proc").execute().ok();
    assertThat(result.stdout().lines().map(line -> line.split(" ", 2)[0]))
        .containsExactly("0", "1", "2");
  }

  @Test
  void theRuntimesFdsAreNotPassedOn(Testbed bed) {
    assertThat(bed.outputOf(bed.bundle().probe("fds")).lines().map(line -> line.split(" ", 2)[0]))
        .containsExactly("0", "1", "2");
  }

  @Test
  void execPassesNoFdsOn(Testbed bed) {
    try (Container c = bed.start(bed.bundle().lasting().addProbe())) {
      assertThat(
              c.exec("/bin/probe", "fds").ok().stdout().lines().map(line -> line.split(" ", 2)[0]))
          .containsExactly("0", "1", "2");
    }
  }

  @Test
  @CoracleOnly("a parked process holds nothing of the host")
  void theParkedProcessHoldsNoFolderOfTheHost(Testbed bed) throws IOException {
    try (Container c = bed.create(bed.bundle());
        Stream<Path> fds = Files.list(Path.of("/proc/" + c.pid() + "/fd"))) {
      Set<String> mounts = new HashSet<>();
      for (String line : Files.readAllLines(Path.of("/proc/" + c.pid() + "/mountinfo"))) {
        mounts.add(line.substring(0, line.indexOf(' ')));
      }
      for (Path fd : fds.toList()) {
        String name = fd.getFileName().toString();
        if (Integer.parseInt(name) > 2 && Files.isDirectory(fd)) {
          String info = Files.readString(Path.of("/proc/" + c.pid() + "/fdinfo/" + name));
          String mount = info.replaceAll("(?s).*mnt_id:\\s*(\\d+).*", "$1");
          assertThat(mounts).as(fd + " -> " + Files.readSymbolicLink(fd)).contains(mount);
        }
      }
    }
  }

  @Test
  void theRuntimesProgramCannotBeWritten(Testbed bed) throws IOException {
    Path copy = bed.directory().resolve(bed.runtime().name());
    Files.copy(bed.runtime().binary(), copy, java.nio.file.StandardCopyOption.COPY_ATTRIBUTES);
    byte[] before = Files.readAllBytes(copy);
    // Its first process is the runtime itself until start; another in its PID namespace looks for
    // it.
    Bundle first =
        bed.bundle().lasting().capabilities("CAP_SYS_PTRACE", "CAP_DAC_OVERRIDE", "CAP_SYS_ADMIN");
    try (Container c = bed.start(first)) {
      Bundle second = bed.bundle().namespace("pid", Path.of("/proc/" + c.pid() + "/ns/pid"));
      Command create =
          bed.program(
              copy.toString(),
              "--root",
              bed.stateRoot().toString(),
              "create",
              "--bundle",
              second.write().toString(),
              second.id());
      try (Container parked = bed.created(second.id(), create)) {
        assertThat(parked.status()).isEqualTo("created");
        c.exec(
            "sh",
            "-c",
            "for p in /proc/[0-9]*; do (echo overwritten > $p/exe) 2>/dev/null; done; true");
      }
    }
    assertThat(Files.readAllBytes(copy)).isEqualTo(before);
  }

  @Unsupported(runtime = "crun", reason = "does not mind")
  @Test
  void bindsIntoProcAreRefused(Testbed bed) {
    Path file = bed.file("file", "x");
    bed.run(bed.bundle().mount("/proc/self/attr/exec", "bind", file, "bind")).fails();
    bed.run(bed.bundle().mount("/proc/sysrq-trigger", "bind", file, "bind")).fails();
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
  void theSwappedTargetOfAMountStaysInside(Testbed bed) {
    Path bait = bait(bed);
    Bundle bundle =
        bed.bundle()
            .folder("/swap/a")
            .symlink("/swap/b", "../".repeat(20) + bait.toString().substring(1));
    for (int i = 0; i < 20; i++) {
      bundle.mount("/swap/a/x" + i, "tmpfs", "tmpfs");
    }
    Command.Running racer =
        bed.program(
                "/bin/busybox",
                "sh",
                "-c",
                "cd "
                    + bundle.rootfs()
                    + "/swap; while :; do mv -T a c; mv -T b a; mv -T a b; mv -T c a; done")
            .start();
    try {
      for (int i = 0; i < 10; i++) {
        bed.run(bundle);
      }
    } finally {
      Libc.kill(racer.pid(), Libc.SIGKILL);
      racer.end();
    }
    assertUntouched(bait);
  }
}
