package dev.coracle.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.it.harness.Bundle;
import dev.coracle.it.harness.Cgroups;
import dev.coracle.it.harness.Cgroups.View;
import dev.coracle.it.harness.Container;
import dev.coracle.it.harness.ContainerTest;
import dev.coracle.it.harness.CoracleOnly;
import dev.coracle.it.harness.Json;
import dev.coracle.it.harness.NeedsController;
import dev.coracle.it.harness.Testbed;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;

@ContainerTest
class MemoryIT {
  private static final boolean V2 = Cgroups.here().view() == View.V2;
  private static final String MEMORY = "/linux/resources/memory";

  private static String value(Bundle bundle, String v1File, String v2File) {
    return Cgroups.here().value(bundle, "memory", v1File, v2File);
  }

  @Test
  @NeedsController("memory")
  void swapIsTheSumOfBoth(Testbed bed) {
    Path root = Objects.requireNonNull(Cgroups.here().controllerRoot("memory"));
    Assumptions.assumeTrue(
        V2 || Files.exists(root.resolve("memory.memsw.limit_in_bytes")), "no swap accounting");
    Bundle bundle = bed.bundle().set(MEMORY, Json.object("limit", 32L << 20, "swap", 40L << 20));
    try (Container c = bed.create(bundle)) {
      assertThat(c.status()).isEqualTo("created");
      assertThat(value(bundle, "memory.memsw.limit_in_bytes", "memory.swap.max"))
          .isEqualTo("" + ((V2 ? 8L : 40L) << 20));
    }
  }

  @Test
  @NeedsController("memory")
  void noSwapAtAll(Testbed bed) {
    Bundle bundle = bed.bundle().set(MEMORY, Json.object("limit", 32L << 20, "swap", 32L << 20));
    Path root = Objects.requireNonNull(Cgroups.here().controllerRoot("memory"));
    Assumptions.assumeTrue(
        V2 || Files.exists(root.resolve("memory.memsw.limit_in_bytes")), "no swap accounting");
    bed.run(bundle.args("true")).ok();
  }

  @Test
  @NeedsController("memory")
  void whatOnlyV1Has(Testbed bed) {
    Bundle bundle =
        bed.bundle().set(MEMORY, Json.object("disableOOMKiller", true, "swappiness", 7));
    if (V2) {
      Assumptions.assumeTrue(bed.runtime().isCoracle(), "the peers pass it over");
      assertThat(bed.run(bundle).fails().error())
          .contains(MEMORY + "/disableOOMKiller: cannot be set on cgroup v2")
          .contains(MEMORY + "/swappiness: cannot be set on cgroup v2");
      return;
    }
    try (Container c = bed.create(bundle)) {
      assertThat(c.status()).isEqualTo("created");
      assertThat(value(bundle, "memory.oom_control", "")).contains("oom_kill_disable 1");
      assertThat(value(bundle, "memory.swappiness", "")).isEqualTo("7");
    }
  }

  @Test
  @CoracleOnly("all at once, each with its pointer")
  void contradictionsAreNamed(Testbed bed) {
    Bundle bundle = bed.bundle().set(MEMORY, Json.object("limit", -1, "swap", 5));
    assertThat(bed.run(bundle).fails().error()).contains(MEMORY + "/swap: needs a limit of memory");
    bundle.set(MEMORY, Json.object("limit", 1 << 20, "swap", 5));
    assertThat(bed.run(bundle).fails().error())
        .contains(MEMORY + "/swap: must not be below the memory limit");
  }

  @Test
  @NeedsController("memory")
  @CoracleOnly("the peers name no limit")
  void aLimitThatIsTooSmallIsNamed(Testbed bed) {
    Bundle bundle = bed.bundle().args("true").set(MEMORY + "/limit", 8192);
    assertThat(bed.run(bundle).fails().error()).contains("is the memory limit too low?");
  }
}
