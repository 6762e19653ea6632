package dev.coracle.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.it.harness.Bundle;
import dev.coracle.it.harness.Command;
import dev.coracle.it.harness.ConsoleSocket;
import dev.coracle.it.harness.ContainerTest;
import dev.coracle.it.harness.Libc;
import dev.coracle.it.harness.Result;
import dev.coracle.it.harness.Testbed;
import dev.coracle.it.harness.Unsupported;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

/** A terminal in an image whose /dev holds traps (CVE-2025-52565). */
@ContainerTest
class HardeningConsoleIT {

  /** A bundle with a terminal whose /dev is the image's own. */
  private static Bundle bundle(Testbed bed) {
    Bundle bundle = bed.bundle().set("/process/terminal", true);
    for (String below : List.of("/dev/shm", "/dev/mqueue", "/dev/pts", "/dev")) {
      bundle.withoutMount(below);
    }
    return bundle.folder("/dev/pts");
  }

  private static void mountPts(Bundle bundle) {
    bundle.mount(
        "/dev/pts", "devpts", "devpts", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5");
  }

  private static Result create(Testbed bed, Bundle bundle) {
    // One for each: those that are never accepted would fill its backlog.
    try (ConsoleSocket socket = new ConsoleSocket(bed)) {
      Result result =
          bed.createCommand(bundle, "--console-socket", socket.path().toString()).execute();
      bed.oci("delete", "--force", bundle.id()).execute();
      return result;
    }
  }

  private static String up(Path path) {
    return "../".repeat(20) + path.toString().substring(1);
  }

  @Test
  @Unsupported(
      runtime = "crun",
      reason = "1.8.1 makes what the link names",
      expect = Unsupported.Expect.EITHER)
  void devConsoleAsASymlinkTouchesNothingOfTheHost(Testbed bed) throws IOException {
    Path bait = bed.file("bait", "as it was");
    Path missing = bed.directory().resolve("missing");
    for (String target : List.of(bait.toString(), up(bait), up(missing))) {
      Bundle bundle = bundle(bed);
      mountPts(bundle);
      create(bed, bundle.symlink("/dev/console", target));
    }
    assertThat(Files.readString(bait)).isEqualTo("as it was");
    assertThat(missing).doesNotExist();
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
  void devAsASymlinkTouchesNothingOfTheHost(Testbed bed) throws IOException {
    Path bait = bed.folder("bait");
    Bundle bundle = bundle(bed);
    Files.delete(bundle.inRootfs("/dev/pts"));
    Files.delete(bundle.inRootfs("/dev"));
    bundle.symlink("/dev", up(bait));
    create(bed, bundle);
    assertThat(bait).isEmptyDirectory();
  }

  /** No terminal is taken from what only looks like a devpts. */
  @Test
  void aFalsePtmxIsRefused(Testbed bed) throws IOException {
    Path bait = bed.file("bait", "as it was");
    for (String target : List.of("/bin/busybox", up(bait), "/proc/1/fd/0", "/dev/fifo")) {
      Bundle bundle = bundle(bed).symlink("/dev/pts/ptmx", target);
      bundle.symlink("/dev/ptmx", "pts/ptmx");
      bed.program("mkfifo", bundle.inRootfs("/dev/fifo").toString()).execute().ok();
      create(bed, bundle).fails();
    }
    assertThat(Files.readString(bait)).isEqualTo("as it was");
  }

  @Test
  @Unsupported(
      runtime = "runc",
      reason = "1.1.5 has CVE-2025-52565",
      expect = Unsupported.Expect.EITHER)
  @Unsupported(runtime = "crun", reason = "1.8.1: unknown", expect = Unsupported.Expect.EITHER)
  void theTargetOfTheConsoleMountIsExchanged(Testbed bed) throws IOException {
    Path bait = bed.folder("bait");
    Bundle bundle = bundle(bed).folder("/dev/x").symlink("/dev/y", up(bait)).addProbe();
    mountPts(bundle);
    bundle.symlink("/dev/console", up(bait.resolve("console")));
    Files.createFile(bundle.inRootfs("/dev/other"));
    Command.Running racer =
        bed.program(
                bundle.inRootfs("/bin/probe").toString(),
                "swap",
                bundle.inRootfs("/dev/console").toString(),
                bundle.inRootfs("/dev/other").toString())
            .start();
    try {
      for (int i = 0; i < 50; i++) {
        create(bed, bundle);
        assertThat(bait).isEmptyDirectory();
      }
    } finally {
      Libc.kill(racer.pid(), Libc.SIGKILL);
      racer.end();
    }
  }
}
