package dev.coracle.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.it.harness.Container;
import dev.coracle.it.harness.ContainerTest;
import dev.coracle.it.harness.Json;
import dev.coracle.it.harness.Testbed;
import dev.coracle.it.harness.Unsupported;
import org.junit.jupiter.api.Test;

@ContainerTest
class IoPriorityIT {
  @Unsupported(runtime = "runc", reason = "1.1 does not know it")
  @Unsupported(runtime = "crun", reason = "1.8 does not know it")
  @Test
  void classAndPriority(Testbed bed) {
    assertThat(
            bed.outputOf(
                bed.bundle()
                    .set(
                        "/process/ioPriority",
                        Json.object("class", "IOPRIO_CLASS_BE", "priority", 6))
                    .sh("ionice -p $$")))
        .isEqualTo("best-effort: prio 6");
  }

  @Unsupported(runtime = "runc", reason = "1.1 does not know it")
  @Unsupported(runtime = "crun", reason = "1.8 does not know it")
  @Test
  void execHasItToo(Testbed bed) {
    try (Container c =
        bed.start(
            bed.bundle()
                .set(
                    "/process/ioPriority", Json.object("class", "IOPRIO_CLASS_IDLE", "priority", 0))
                .lasting())) {
      assertThat(c.exec("sh", "-c", "ionice -p $$").ok().line()).startsWith("idle");
    }
  }
}
