package dev.coracle.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.it.harness.Container;
import dev.coracle.it.harness.ContainerTest;
import dev.coracle.it.harness.CoracleOnly;
import dev.coracle.it.harness.Json;
import dev.coracle.it.harness.Testbed;
import dev.coracle.it.harness.Unsupported;
import org.junit.jupiter.api.Test;

@ContainerTest
class SchedulerIT {
  // Of /proc/self/stat: nice, rt_priority, policy.
  private static final String[] SHOW = {"sh", "-c", "awk '{print $19, $40, $41}' /proc/self/stat"};

  @Unsupported(runtime = "runc", reason = "1.1 does not know it")
  @Unsupported(runtime = "crun", reason = "1.8 does not know it")
  @Test
  void policyAndNice(Testbed bed) {
    assertThat(
            bed.outputOf(
                bed.bundle()
                    .set("/process/scheduler", Json.object("policy", "SCHED_BATCH", "nice", 5))
                    .args(SHOW)))
        .isEqualTo("5 0 3");
  }

  @Unsupported(runtime = "runc", reason = "1.1 does not know it")
  @Unsupported(runtime = "crun", reason = "1.8 does not know it")
  @Test
  void execHasItToo(Testbed bed) {
    try (Container c =
        bed.start(
            bed.bundle()
                .set("/process/scheduler", Json.object("policy", "SCHED_IDLE"))
                .lasting())) {
      assertThat(c.exec(SHOW).ok().line()).isEqualTo("0 0 5");
    }
  }

  @CoracleOnly("peers name no property")
  @Test
  void whatTheKernelRefusesIsNamed(Testbed bed) {
    String error =
        bed.run(
                bed.bundle()
                    .set(
                        "/process/scheduler",
                        Json.object(
                            "policy",
                            "SCHED_DEADLINE",
                            "runtime",
                            20,
                            "deadline",
                            10,
                            "period",
                            10))
                    .args(SHOW))
            .fails()
            .error();
    assertThat(error)
        .contains(
            "config.json /process/scheduler: cannot set the scheduling policy: sched_setattr(0,"
                + " {policy=6, flags=0, nice=0, priority=0, runtime=20, deadline=10, period=10}");
  }
}
