package dev.coracle.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.it.harness.Bundle;
import dev.coracle.it.harness.Cgroups;
import dev.coracle.it.harness.Container;
import dev.coracle.it.harness.ContainerTest;
import dev.coracle.it.harness.NeedsController;
import dev.coracle.it.harness.Testbed;
import dev.coracle.it.harness.Unsupported;
import org.junit.jupiter.api.Test;

/** What the runtime itself takes of a container's memory. */
@ContainerTest
class SmallMemoryIT {
  private static final long LIMIT_BYTES = 512 << 10;

  @Unsupported(runtime = "runc", reason = "1.1.5 needs 2 MiB")
  @Test
  @NeedsController("memory")
  void aContainerStartsInHalfAMebibyte(Testbed bed) {
    for (int i = 0; i < 5; i++) {
      Bundle bundle = bed.bundle().args("true");
      bundle.set("/linux/resources/memory/limit", LIMIT_BYTES);
      if (Cgroups.here().hasController("cpuset")) {
        // The kernel charges 256 KiB at once for each CPU, and takes back what another one has left
        // a moment later: on a busy machine two CPUs are the whole limit.
        bundle.set("/linux/resources/cpu/cpus", "0");
      }
      try (Container c = bed.create(bundle)) {
        assertThat(Cgroups.here().value(bundle, "memory", "memory.limit_in_bytes", "memory.max"))
            .isEqualTo("" + LIMIT_BYTES);
        c.start();
        assertThat(c.awaitExit()).isZero();
      }
    }
  }
}
