package dev.coracle.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.it.harness.Bundle;
import dev.coracle.it.harness.Cgroups;
import dev.coracle.it.harness.Container;
import dev.coracle.it.harness.ContainerTest;
import dev.coracle.it.harness.CoracleOnly;
import dev.coracle.it.harness.NeedsController;
import dev.coracle.it.harness.Testbed;
import org.junit.jupiter.api.Test;

/** What the runtime itself takes of a container's memory. */
@ContainerTest
class SmallMemoryIT {
  private static final long LIMIT_BYTES = 512 << 10;

  @Test
  @NeedsController("memory")
  @CoracleOnly("the peers need several MiB")
  void aContainerStartsInHalfAMebibyte(Testbed bed) {
    for (int i = 0; i < 5; i++) {
      Bundle bundle = bed.bundle().args("true");
      bundle.set("/linux/resources/memory/limit", LIMIT_BYTES);
      try (Container c = bed.create(bundle)) {
        assertThat(
                Cgroups.here()
                    .value(bundle, "memory", "memory.limit_in_bytes", "memory.max"))
            .isEqualTo("" + LIMIT_BYTES);
        c.start();
        assertThat(c.awaitExit()).isZero();
      }
    }
  }
}
