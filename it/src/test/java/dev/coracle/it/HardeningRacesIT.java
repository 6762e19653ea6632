package dev.coracle.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.it.harness.Bundle;
import dev.coracle.it.harness.Cgroups;
import dev.coracle.it.harness.Command;
import dev.coracle.it.harness.ContainerTest;
import dev.coracle.it.harness.Json;
import dev.coracle.it.harness.Libc;
import dev.coracle.it.harness.Poll;
import dev.coracle.it.harness.Result;
import dev.coracle.it.harness.Testbed;
import dev.coracle.it.harness.Unsupported;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.Test;

/**
 * An attacker who writes to the root filesystem, as a container with the same volume can, and
 * exchanges a name that the runtime uses with another one, as fast as renameat2(2) goes, while
 * containers start.
 */
@ContainerTest
class HardeningRacesIT {
  private static final int STARTS = 100;

  /** Starts containers while two names in the root file system are exchanged. */
  private static void race(Testbed bed, Bundle bundle, String a, String b, Attempt attempt)
      throws IOException {
    Command.Running racer = racer(bed, bundle, a, b);
    int started = 0;
    try {
      for (int i = 0; i < STARTS; i++) {
        Result result = bed.run(bundle);
        started += result.exitCode() == 0 ? 1 : 0;
        attempt.check(result);
      }
      assertThat(racer.isRunning()).isTrue();
    } finally {
      Libc.kill(racer.pid(), Libc.SIGKILL);
      racer.end();
    }
    // Else it would not be a race.
    assertThat(started).as("starts that were no error").isPositive();
  }

  /** Exchanges two names of the root file system, over and over. */
  private static Command.Running racer(Testbed bed, Bundle bundle, String a, String b) {
    bundle.addProbe();
    return bed.program(
            bundle.inRootfs("/bin/probe").toString(),
            "swap",
            bundle.inRootfs(a).toString(),
            bundle.inRootfs(b).toString())
        .start();
  }

  /**
   * The control of these tests: whoever looks at a name and then uses it, as a runtime would that
   * trusts paths, is led outside by the same exchange.
   */
  private static void assertLost(
      Testbed bed, Bundle bundle, String a, String b, BooleanSupplier isLedOutside) {
    Command.Running racer = racer(bed, bundle, a, b);
    try {
      Poll.until("led outside by " + a, isLedOutside);
    } finally {
      Libc.kill(racer.pid(), Libc.SIGKILL);
      racer.end();
    }
  }

  @Test
  void whoeverLooksFirstMakesDirectoriesOutside(Testbed bed) throws IOException {
    Path bait = bed.folder("bait");
    Bundle bundle = bed.bundle().folder("/swap/a").symlink("/swap/b", up(bait));
    Path name = bundle.inRootfs("/swap/a");
    assertLost(
        bed,
        bundle,
        "/swap/a",
        "/swap/b",
        () -> {
          if (Files.isDirectory(name, LinkOption.NOFOLLOW_LINKS)) {
            name.resolve("made").toFile().mkdir();
          }
          return Files.exists(bait.resolve("made"));
        });
  }

  @Test
  void whoeverLooksFirstOpensWhatIsNotTheNullDevice(Testbed bed) throws IOException {
    Bundle bundle = bed.bundle().file("/shown", "shown instead");
    Path name = bundle.inRootfs("/dev/null");
    bed.program("mknod", "-m", "666", name.toString(), "c", "1", "3").execute().ok();
    bundle.symlink("/dev/other", "../shown");
    assertLost(
        bed,
        bundle,
        "/dev/null",
        "/dev/other",
        () -> !Files.isSymbolicLink(name) && !Cgroups.read(name).isEmpty());
  }

  /** What must hold for each start. */
  private interface Attempt {
    void check(Result result) throws IOException;
  }

  private static String up(Path path) {
    return "../".repeat(20) + path.toString().substring(1);
  }

  /**
   * A folder of the host whose mounts reach this mount namespace, so that one that gets there is
   * seen.
   */
  private static Path sharedBait(Testbed bed) {
    Path bait = bed.folder("bait");
    bed.program("mount", "--bind", bait.toString(), bait.toString()).execute().ok();
    bed.program("mount", "--make-shared", bait.toString()).execute().ok();
    return bait;
  }

  private static long mountsAt(Path bait) {
    return Cgroups.read(Path.of("/proc/self/mountinfo"))
        .lines()
        .filter(line -> line.contains(" " + bait))
        .count();
  }

  private static void unmount(Testbed bed, Path bait) {
    bed.program("umount", "--lazy", bait.toString()).execute().ok();
  }

  /** CVE-2021-30465, and CVE-2024-45310 for what is made where a target is missing. */
  @Test
  @Unsupported(
      runtime = "runc",
      reason = "1.1.5 has CVE-2024-45310",
      expect = Unsupported.Expect.EITHER)
  @Unsupported(runtime = "crun", reason = "1.8.1: unknown", expect = Unsupported.Expect.EITHER)
  void nothingIsMountedOrMadeOutside(Testbed bed) throws IOException {
    Path bait = sharedBait(bed);
    try {
      Bundle bundle = bed.bundle().folder("/swap/a").symlink("/swap/b", up(bait));
      bundle.set("/linux/rootfsPropagation", "rshared");
      Path file = bed.file("file", "");
      for (int i = 0; i < 8; i++) {
        bundle.mount("/swap/a/mount" + i, "tmpfs", "tmpfs");
        bundle.mount("/swap/a/file" + i, "bind", file, "bind");
        bundle.mount("/swap/a/deep/er" + i + "/folder", "bind", bed.directory(), "bind");
      }
      bundle.mount("/swap/a", "tmpfs", "tmpfs");
      race(
          bed,
          bundle,
          "/swap/a",
          "/swap/b",
          result -> {
            assertThat(bait).isEmptyDirectory();
            assertThat(mountsAt(bait)).isOne();
          });
    } finally {
      unmount(bed, bait);
    }
  }

  @Test
  @Unsupported(runtime = "runc", reason = "1.1.5: unknown", expect = Unsupported.Expect.EITHER)
  @Unsupported(runtime = "crun", reason = "1.8.1: unknown", expect = Unsupported.Expect.EITHER)
  void noDeviceIsMadeOutside(Testbed bed) throws IOException {
    Path bait = bed.folder("bait");
    Bundle bundle = bed.bundle().folder("/swap").symlink("/other", up(bait));
    for (int i = 0; i < 8; i++) {
      bundle.add(
          "/linux/devices",
          Json.object("path", "/swap/d" + i + "/node", "type", "c", "major", 1, "minor", 3));
    }
    race(bed, bundle, "/swap", "/other", result -> assertThat(bait).isEmptyDirectory());
  }

  /** CVE-2025-31133: what hides a file is the null device, or there is no container. */
  @Test
  @Unsupported(
      runtime = "runc",
      reason = "1.1.5 has CVE-2025-31133",
      expect = Unsupported.Expect.EITHER)
  @Unsupported(
      runtime = "crun",
      reason = "1.8.1 has the class of CVE-2025-31133",
      expect = Unsupported.Expect.EITHER)
  void nothingElseThanTheNullDeviceHidesAFile(Testbed bed) throws IOException {
    Bundle bundle = bed.bundle().file("/secret", "secret").file("/shown", "shown instead");
    for (String below : List.of("/dev/shm", "/dev/mqueue", "/dev/pts", "/dev")) {
      bundle.withoutMount(below);
    }
    bed.program("mknod", "-m", "666", bundle.inRootfs("/dev/null").toString(), "c", "1", "3")
        .execute()
        .ok();
    bundle.symlink("/dev/other", "/shown");
    bundle.add("/linux/maskedPaths", "/secret").args("cat", "/secret");
    race(bed, bundle, "/dev/null", "/dev/other", result -> assertThat(result.stdout()).isEmpty());
  }

  @Test
  @Unsupported(
      runtime = "runc",
      reason = "1.1.5 copies from where the name leads",
      expect = Unsupported.Expect.EITHER)
  @Unsupported(
      runtime = "crun",
      reason = "1.8.1 copies from where the name leads",
      expect = Unsupported.Expect.EITHER)
  void tmpcopyupCopiesNothingOfTheHost(Testbed bed) throws IOException {
    Path bait = bed.folder("bait/sub");
    Files.writeString(bait.resolve("secret"), "of the host");
    Bundle bundle = bed.bundle().file("/data/a/sub/file", "of the image");
    Path outside = Objects.requireNonNull(bait.getParent());
    bundle.symlink("/data/b", up(outside));
    bundle.mount("/data", "tmpfs", "tmpfs", "tmpcopyup");
    bundle.mount("/data/a/sub", "tmpfs", "tmpfs", "tmpcopyup").sh("cat /data/*/*/* /data/*/*");
    bundle.sh("cat /data/a/sub/* /data/b/sub/* 2>/dev/null; true");
    race(
        bed,
        bundle,
        "/data/a",
        "/data/b",
        result -> assertThat(result.stdout()).doesNotContain("of the host"));
  }

  /** The working directory is entered inside, whatever becomes of its name. */
  @Test
  void theWorkingDirectoryIsInside(Testbed bed) throws IOException {
    Path bait = bed.folder("bait");
    Files.writeString(bait.resolve("marker"), "");
    Bundle bundle = bed.bundle().folder("/work").symlink("/other", up(bait));
    bundle.set("/process/cwd", "/work/deep").sh("[ ! -e marker ] && [ ! -e ../marker ]");
    race(
        bed,
        bundle,
        "/work",
        "/other",
        result -> assertThat(bait).isDirectoryNotContaining(p -> !p.endsWith("marker")));
  }
}
