package dev.coracle.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.it.harness.Bundle;
import dev.coracle.it.harness.Cgroups;
import dev.coracle.it.harness.Command;
import dev.coracle.it.harness.ConsoleSocket;
import dev.coracle.it.harness.Container;
import dev.coracle.it.harness.ContainerTest;
import dev.coracle.it.harness.CoracleOnly;
import dev.coracle.it.harness.CriuProgram;
import dev.coracle.it.harness.Poll;
import dev.coracle.it.harness.Result;
import dev.coracle.it.harness.Testbed;
import dev.coracle.it.harness.Unsupported;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;

@ContainerTest
@Unsupported(
    runtime = "crun",
    reason = "Debian's has no checkpoint",
    expect = Unsupported.Expect.NOT_RUN)
class CheckpointIT {
  private static final String CRIU = CriuProgram.PROPERTY;

  @Test
  @EnabledIfSystemProperty(named = CRIU, matches = ".+")
  void aProcessGoesOnWhereItWas(Testbed bed) {
    Bundle bundle = counting(bed);
    started(bed, bundle);
    awaitCount(bundle, 3);
    checkpoint(bed, bundle).ok();
    int count = count(bundle);
    assertThat(bed.oci("state", bundle.id()).execute().exitCode()).isNotZero();
    bed.assertNothingLeft("checkpointed");
    try (Container c = restored(bed, bundle)) {
      assertThat(c.status()).isEqualTo("running");
      assertThat(pidFile(bed)).isEqualTo(Integer.toString(c.pid()));
      awaitCount(bundle, count + 3);
      assertThat(c.exec("cat", "/tmp/count").ok().line()).isNotEmpty();
    }
  }

  @Test
  @EnabledIfSystemProperty(named = CRIU, matches = ".+")
  void whatIsRestoredIsInItsCgroupsAndCanBeCheckpointedAgain(Testbed bed) {
    Bundle bundle = counting(bed);
    started(bed, bundle);
    awaitCount(bundle, 3);
    checkpoint(bed, bundle).ok();
    for (int i = 0; i < 5; i++) {
      int count = count(bundle);
      Container c = restored(bed, bundle);
      List<Path> cgroups = Cgroups.here().named(bundle.cgroupsPath());
      assertThat(cgroups).isNotEmpty();
      for (Path cgroup : cgroups) {
        assertThat(Cgroups.read(cgroup.resolve("cgroup.procs")).lines())
            .as(cgroup.toString())
            .contains(c.pid() + "");
      }
      awaitCount(bundle, count + 3);
      checkpoint(bed, bundle).ok(); // its processes are found by their cgroup
    }
  }

  @Test
  @EnabledIfSystemProperty(named = CRIU, matches = ".+")
  void itMayGoOn(Testbed bed) {
    Bundle bundle = counting(bed);
    try (Container c = started(bed, bundle)) {
      awaitCount(bundle, 3);
      checkpoint(bed, bundle, "--leave-running").ok();
      assertThat(c.status()).isEqualTo("running");
      awaitCount(bundle, count(bundle) + 3);
    }
  }

  @Test
  @EnabledIfSystemProperty(named = CRIU, matches = ".+")
  void memoryFirstAndTheRestThen(Testbed bed) {
    Bundle bundle = counting(bed);
    try (Container c = started(bed, bundle)) {
      awaitCount(bundle, 3);
      Result first =
          criu(bed, "checkpoint", "--pre-dump", "--image-path", images(bed, "parent"), bundle.id());
      if (first.exitCode() != 0) {
        // Debian's kernel has it, the smallest kernels of virtual machines have not.
        assertThat(first.error())
            .containsAnyOf("CONFIG_MEM_SOFT_DIRTY", "CRIU is missing features");
        assertThat(c.status()).isEqualTo("running");
        return;
      }
      assertThat(c.status()).isEqualTo("running");
      checkpoint(bed, bundle, "--parent-path", "../parent").ok();
      assertThat(bed.directory().resolve("images/parent")).exists();
    }
    int count = count(bundle);
    try (Container c = restored(bed, bundle)) {
      assertThat(c.status()).isEqualTo("running");
      awaitCount(bundle, count + 3);
    }
  }

  @Test
  @EnabledIfSystemProperty(named = CRIU, matches = ".+")
  @CoracleOnly("runc has other words, and crun none")
  void aParentThatIsNotThereIsAnErrorOfItsFlag(Testbed bed) {
    Bundle bundle = counting(bed);
    try (Container c = started(bed, bundle)) {
      awaitCount(bundle, 1);
      assertThat(checkpoint(bed, bundle, "--parent-path", "../nowhere").fails().error())
          .contains("--parent-path: \"../nowhere\"", "ENOENT");
      assertThat(checkpoint(bed, bundle, "--parent-path", "/abs").fails().error())
          .contains("--parent-path must be relative");
      assertThat(c.status()).isEqualTo("running");
    }
  }

  @Test
  @EnabledIfSystemProperty(named = CRIU, matches = ".+")
  void bindMountsComeFromTheBundle(Testbed bed) {
    Path shared = bed.folder("shared");
    Bundle bundle = counting(bed);
    bundle.mount("/shared", "bind", shared, "rbind", "rw");
    bundle.sh("i=0; while :; do i=$((i+1)); echo $i > /shared/count; usleep 20000; done");
    started(bed, bundle);
    Poll.until("counting", () -> read(shared.resolve("count")) >= 3);
    checkpoint(bed, bundle).ok();
    int count = read(shared.resolve("count"));
    try (Container c = restored(bed, bundle)) {
      assertThat(c.status()).isEqualTo("running");
      Poll.until("counting again", () -> read(shared.resolve("count")) > count + 3);
    }
  }

  @Test
  @EnabledIfSystemProperty(named = CRIU, matches = ".+")
  void aTerminalIsSentAgain(Testbed bed) {
    Bundle bundle = counting(bed).sh("while read line; do echo got $line; done");
    bundle.set("/process/terminal", true);
    try (ConsoleSocket console = new ConsoleSocket(bed)) {
      String path = console.path().toString();
      bed.createCommand(bundle, "--console-socket", path).execute().ok();
      try (ConsoleSocket.Terminal terminal = console.receive()) {
        bed.oci("start", bundle.id()).execute().ok();
        terminal.type("one\n");
        terminal.readUntil("got one");
        checkpoint(bed, bundle, "--shell-job").ok();
      }
      try (Container c = restored(bed, bundle, "--shell-job", "--console-socket", path);
          ConsoleSocket.Terminal terminal = console.receive()) {
        assertThat(c.status()).isEqualTo("running");
        terminal.type("two\n");
        terminal.readUntil("got two");
      }
    }
  }

  @Test
  @CoracleOnly("says what is missing")
  void withoutCriu(Testbed bed) {
    Bundle bundle = counting(bed);
    try (Container c = bed.start(bundle)) {
      Result result =
          bed.oci("checkpoint", "--image-path", images(bed, "none"), bundle.id())
              .env("PATH", bed.directory().toString())
              .execute()
              .fails();
      assertThat(result.error()).contains("\"criu\": executable file not found in $PATH");
      assertThat(c.status()).isEqualTo("running");
    }
  }

  /** What podman asks. */
  @Test
  void probes(Testbed bed) {
    bed.plain("checkpoint", "--help").execute().ok();
    assertThat(bed.plain("restore", "--lsm-mount-context").execute().fails())
        .asString()
        .contains("flag needs an argument");
  }

  private static Bundle counting(Testbed bed) {
    // The host's /dev/null for stdio, as engines have it.
    return bed.bundle().sh("i=0; while :; do i=$((i+1)); echo $i > /tmp/count; usleep 20000; done");
  }

  private static Container started(Testbed bed, Bundle bundle) {
    Command create = bed.createCommand(bundle).after("exec > /dev/null 2>&1");
    return bed.created(bundle.id(), create).start();
  }

  private static Result checkpoint(Testbed bed, Bundle bundle, String... flags) {
    String[] args = new String[flags.length + 4];
    args[0] = "checkpoint";
    args[1] = "--image-path";
    args[2] = images(bed, "images");
    System.arraycopy(flags, 0, args, 3, flags.length);
    args[args.length - 1] = bundle.id();
    return criu(bed, args);
  }

  private static Container restored(Testbed bed, Bundle bundle, String... flags) {
    String[] args = new String[flags.length + 9];
    args[0] = "restore";
    args[1] = "--bundle";
    args[2] = bundle.directory().toString();
    args[3] = "--image-path";
    args[4] = images(bed, "images");
    args[5] = "--detach";
    args[6] = "--pid-file";
    args[7] = bed.directory().resolve("pid").toString();
    System.arraycopy(flags, 0, args, 8, flags.length);
    args[args.length - 1] = bundle.id();
    Command command = withCriu(bed.oci(args)).after("exec > /dev/null");
    return bed.created(bundle.id(), command);
  }

  private static Result criu(Testbed bed, String... args) {
    return withCriu(bed.oci(args)).execute();
  }

  private static Command withCriu(Command command) {
    return command.env("PATH", CriuProgram.path());
  }

  private static String images(Testbed bed, String name) {
    return bed.directory().resolve(name).toString();
  }

  private static String pidFile(Testbed bed) {
    try {
      return Files.readString(bed.directory().resolve("pid"));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static int count(Bundle bundle) {
    return read(bundle.inRootfs("/tmp/count"));
  }

  private static void awaitCount(Bundle bundle, int least) {
    Poll.until("a count of " + least, () -> count(bundle) >= least);
  }

  private static int read(Path file) {
    try {
      String text = Files.exists(file) ? Files.readString(file).strip() : "";
      return text.isEmpty() ? 0 : Integer.parseInt(text);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
