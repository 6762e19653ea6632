package dev.coracle.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.it.harness.Bundle;
import dev.coracle.it.harness.Command;
import dev.coracle.it.harness.Container;
import dev.coracle.it.harness.ContainerTest;
import dev.coracle.it.harness.Libc;
import dev.coracle.it.harness.Testbed;
import dev.coracle.it.harness.Unsupported;
import java.util.Random;
import org.junit.jupiter.api.Test;

@ContainerTest
class KillDuringCreateIT {

  private static final int POINTS = 40;

  @Test
  @Unsupported(
      runtime = "runc",
      reason = "leaves its cgroup or its first stage when it dies early",
      expect = Unsupported.Expect.EITHER)
  @Unsupported(
      runtime = "crun",
      reason = "leaves its cgroup when it dies early",
      expect = Unsupported.Expect.EITHER)
  void deleteByForceLeavesNothing(Testbed bed) {
    Bundle whole = bed.bundle();
    long begin = System.nanoTime();
    try (Container c = bed.create(whole)) {
      assertThat(c.status()).isEqualTo("created");
    }
    long span = (System.nanoTime() - begin) * 2 / 3; // create, of create, state and delete
    Random random = new Random(7);
    for (int i = 0; i < POINTS; i++) {
      Bundle bundle = bed.bundle();
      long wait = span * i / POINTS + random.nextLong(Math.max(1, span / POINTS));
      Command.Running create = bed.createCommand(bundle).start();
      long end = System.nanoTime() + wait;
      while (System.nanoTime() < end) {
        Thread.onSpinWait();
      }
      Libc.kill(create.pid(), Libc.SIGKILL);
      create.end();
      bed.oci("delete", "--force", bundle.id()).execute().ok();
      bed.assertNothingLeft("killed " + wait / 1000 + " us after its start");
    }
  }

  @Test
  @Unsupported(
      runtime = "runc",
      reason = "leaves its cgroup when it dies early",
      expect = Unsupported.Expect.EITHER)
  @Unsupported(
      runtime = "crun",
      reason = "leaves its cgroup when it dies early",
      expect = Unsupported.Expect.EITHER)
  void theIdCanBeUsedAgain(Testbed bed) {
    for (int i = 0; i < 10; i++) {
      Bundle bundle = bed.bundle();
      Command.Running create = bed.createCommand(bundle).start();
      long end = System.nanoTime() + i * 500_000L;
      while (System.nanoTime() < end) {
        Thread.onSpinWait();
      }
      Libc.kill(create.pid(), Libc.SIGKILL);
      create.end();
      bed.oci("delete", "--force", bundle.id()).execute().ok();
      bed.run(bundle).ok();
    }
  }

  @Test
  @Unsupported(
      runtime = "runc",
      reason = "its process may outlive it",
      expect = Unsupported.Expect.EITHER)
  @Unsupported(
      runtime = "crun",
      reason = "its process may outlive it",
      expect = Unsupported.Expect.EITHER)
  void killedDuringStart(Testbed bed) {
    for (int i = 0; i < 10; i++) {
      try (Container c = bed.create(bed.bundle().lasting())) {
        Command.Running start = bed.oci("start", c.id()).start();
        long end = System.nanoTime() + i * 300_000L;
        while (System.nanoTime() < end) {
          Thread.onSpinWait();
        }
        Libc.kill(start.pid(), Libc.SIGKILL);
        start.end();
        assertThat(c.status()).isIn("created", "running");
      }
      bed.assertNothingLeft("start killed");
    }
  }

  @Test
  @Unsupported(
      runtime = "runc",
      reason = "may need two attempts",
      expect = Unsupported.Expect.EITHER)
  @Unsupported(
      runtime = "crun",
      reason = "may need two attempts",
      expect = Unsupported.Expect.EITHER)
  void killedDuringDelete(Testbed bed) {
    for (int i = 0; i < 10; i++) {
      Bundle bundle = bed.bundle().lasting();
      try (Container c = bed.start(bundle)) {
        Command.Running delete = bed.oci("delete", "--force", c.id()).start();
        long end = System.nanoTime() + i * 300_000L;
        while (System.nanoTime() < end) {
          Thread.onSpinWait();
        }
        Libc.kill(delete.pid(), Libc.SIGKILL);
        delete.end();
      }
      bed.assertNothingLeft("delete killed");
    }
  }
}
