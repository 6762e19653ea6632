package dev.coracle.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.it.harness.Bundle;
import dev.coracle.it.harness.Cgroups;
import dev.coracle.it.harness.Checkpoints;
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
import java.nio.file.Path;
import java.util.ArrayList;
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
    Checkpoints checkpoints = new Checkpoints(bed);
    checkpoints.started();
    checkpoints.checkpoint().execute().ok();
    int count = checkpoints.count();
    assertThat(bed.oci("state", checkpoints.bundle().id()).execute().exitCode()).isNotZero();
    bed.assertNothingLeft("checkpointed");
    try (Container c = restored(bed, checkpoints)) {
      assertThat(c.status()).isEqualTo("running");
      checkpoints.awaitCount(count + 3);
      assertThat(c.exec("cat", "/tmp/count").ok().line()).isNotEmpty();
    }
  }

  @Test
  @EnabledIfSystemProperty(named = CRIU, matches = ".+")
  void whatIsRestoredIsInItsCgroupsAndCanBeCheckpointedAgain(Testbed bed) {
    Checkpoints checkpoints = new Checkpoints(bed);
    checkpoints.started();
    checkpoints.checkpoint().execute().ok();
    for (int i = 0; i < 5; i++) {
      int count = checkpoints.count();
      Container c = restored(bed, checkpoints);
      List<Path> cgroups = Cgroups.here().named(checkpoints.bundle().cgroupsPath());
      assertThat(cgroups).isNotEmpty();
      for (Path cgroup : cgroups) {
        assertThat(Cgroups.read(cgroup.resolve("cgroup.procs")).lines())
            .as(cgroup.toString())
            .contains(c.pid() + "");
      }
      checkpoints.awaitCount(count + 3);
      checkpoints.checkpoint().execute().ok(); // its processes are found by their cgroup
    }
  }

  @Test
  @EnabledIfSystemProperty(named = CRIU, matches = ".+")
  void itMayGoOn(Testbed bed) {
    Checkpoints checkpoints = new Checkpoints(bed);
    try (Container c = checkpoints.started()) {
      checkpoints.checkpoint("--leave-running").execute().ok();
      assertThat(c.status()).isEqualTo("running");
      checkpoints.awaitCount(checkpoints.count() + 3);
    }
  }

  @Test
  @EnabledIfSystemProperty(named = CRIU, matches = ".+")
  void memoryFirstAndTheRestThen(Testbed bed) {
    Checkpoints checkpoints = new Checkpoints(bed);
    try (Container c = checkpoints.started()) {
      String parent = bed.directory().resolve("parent").toString();
      Result first = checkpoints.checkpoint("--pre-dump", "--image-path", parent).execute();
      if (first.exitCode() != 0) {
        // Debian's kernel has it, the smallest kernels of virtual machines have not.
        assertThat(first.error())
            .containsAnyOf("CONFIG_MEM_SOFT_DIRTY", "CRIU is missing features");
        assertThat(c.status()).isEqualTo("running");
        return;
      }
      assertThat(c.status()).isEqualTo("running");
      checkpoints.checkpoint("--parent-path", "../parent").execute().ok();
      assertThat(bed.directory().resolve("images/parent")).exists();
    }
    int count = checkpoints.count();
    try (Container c = restored(bed, checkpoints)) {
      assertThat(c.status()).isEqualTo("running");
      checkpoints.awaitCount(count + 3);
    }
  }

  @Test
  @EnabledIfSystemProperty(named = CRIU, matches = ".+")
  @CoracleOnly("runc has other words, and crun none")
  void aParentThatIsNotThereIsAnErrorOfItsFlag(Testbed bed) {
    Checkpoints checkpoints = new Checkpoints(bed);
    try (Container c = checkpoints.started()) {
      assertThat(checkpoints.checkpoint("--parent-path", "../nowhere").execute().fails().error())
          .contains("--parent-path: \"../nowhere\"", "ENOENT");
      assertThat(checkpoints.checkpoint("--parent-path", "/abs").execute().fails().error())
          .contains("--parent-path must be relative");
      assertThat(c.status()).isEqualTo("running");
    }
  }

  @Test
  @EnabledIfSystemProperty(named = CRIU, matches = ".+")
  void bindMountsComeFromTheBundle(Testbed bed) {
    Path shared = bed.folder("shared");
    Checkpoints checkpoints = new Checkpoints(bed);
    checkpoints.bundle().mount("/shared", "bind", shared, "rbind", "rw");
    String copy = "while :; do cat /tmp/count > /shared/count; usleep 20000; done & ";
    checkpoints.bundle().sh(copy + Checkpoints.COUNT);
    checkpoints.started();
    checkpoints.checkpoint().execute().ok();
    int count = checkpoints.count();
    try (Container c = restored(bed, checkpoints)) {
      assertThat(c.status()).isEqualTo("running");
      Poll.until("counting again", () -> Checkpoints.number(shared.resolve("count")) > count + 3);
    }
  }

  @Test
  @EnabledIfSystemProperty(named = CRIU, matches = ".+")
  void aTerminalIsSentAgain(Testbed bed) {
    Checkpoints checkpoints = new Checkpoints(bed);
    Bundle bundle = checkpoints.bundle().sh("while read line; do echo got $line; done");
    bundle.set("/process/terminal", true);
    try (ConsoleSocket console = new ConsoleSocket(bed)) {
      String path = console.path().toString();
      bed.createCommand(bundle, "--console-socket", path).execute().ok();
      try (ConsoleSocket.Terminal terminal = console.receive()) {
        bed.oci("start", bundle.id()).execute().ok();
        terminal.type("one\n");
        terminal.readUntil("got one");
        checkpoints.checkpoint("--shell-job").execute().ok();
      }
      try (Container c = restored(bed, checkpoints, "--shell-job", "--console-socket", path);
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
    Checkpoints checkpoints = new Checkpoints(bed);
    try (Container c = checkpoints.started()) {
      Result result =
          checkpoints.checkpoint().env("PATH", bed.directory().toString()).execute().fails();
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

  /** Restores it in the background; its pid file is checked. */
  private static Container restored(Testbed bed, Checkpoints checkpoints, String... flags) {
    Path pidFile = bed.directory().resolve("pid");
    List<String> all = new ArrayList<>(List.of("--detach", "--pid-file", pidFile.toString()));
    all.addAll(List.of(flags));
    Command restore = checkpoints.restore(all.toArray(String[]::new));
    Container container = bed.created(checkpoints.bundle().id(), restore);
    assertThat(pidFile).hasContent(Integer.toString(container.pid()));
    return container;
  }
}
