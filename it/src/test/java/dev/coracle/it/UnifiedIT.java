package dev.coracle.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.it.harness.Bundle;
import dev.coracle.it.harness.Cgroups;
import dev.coracle.it.harness.Container;
import dev.coracle.it.harness.ContainerTest;
import dev.coracle.it.harness.CoracleOnly;
import dev.coracle.it.harness.Json;
import dev.coracle.it.harness.NeedsController;
import dev.coracle.it.harness.Testbed;
import dev.coracle.it.harness.Unsupported;
import org.junit.jupiter.api.Test;

@ContainerTest
class UnifiedIT {
  private static final String UNIFIED = "/linux/resources/unified";

  @Test
  @NeedsController("unified")
  void isWrittenAsItIs(Testbed bed) {
    Bundle bundle = bed.bundle();
    bundle.set(UNIFIED, Json.object("cgroup.max.descendants", "3", "cgroup.max.depth", "max"));
    try (Container c = bed.create(bundle)) {
      assertThat(c.status()).isEqualTo("created");
      assertThat(Cgroups.here().value(bundle, "unified", "", "cgroup.max.descendants"))
          .isEqualTo("3");
    }
  }

  @Test
  @NeedsController("pids")
  void winsOverTheOthers(Testbed bed) {
    if (Cgroups.here().view() != Cgroups.View.V2) {
      return; // refused there: see below
    }
    Bundle bundle = bed.bundle().set("/linux/resources/pids/limit", 7);
    bundle.set(UNIFIED, Json.object("pids.max", "9"));
    try (Container c = bed.create(bundle)) {
      assertThat(c.status()).isEqualTo("created");
      assertThat(Cgroups.here().value(bundle, "pids", "", "pids.max")).isEqualTo("9");
    }
  }

  @Unsupported(
      runtime = "crun",
      reason = "leaves its cgroup behind, sometimes",
      expect = Unsupported.Expect.EITHER)
  @Test
  @NeedsController("unified")
  void anUnknownFileIsAnError(Testbed bed) {
    bed.run(bed.bundle().set(UNIFIED, Json.object("cgroup.no.such", "3"))).exitsWith(1);
  }

  @Unsupported(
      runtime = "crun",
      reason = "leaves its cgroup behind, sometimes",
      expect = Unsupported.Expect.EITHER)
  @Test
  @NeedsController("unified")
  void aControllerThatIsNotThereIsAnError(Testbed bed) {
    bed.run(bed.bundle().set(UNIFIED, Json.object("nosuch.max", "3"))).exitsWith(1);
  }

  @Unsupported(
      runtime = "crun",
      reason = "leaves its cgroup behind, sometimes",
      expect = Unsupported.Expect.EITHER)
  @Test
  void aPathIsRefused(Testbed bed) {
    bed.run(bed.bundle().set(UNIFIED, Json.object("../x.max", "3"))).exitsWith(1);
  }

  @Test
  @CoracleOnly("what would keep the container from starting is refused by name")
  void theFreezerIsRefused(Testbed bed) {
    assertThat(
            bed.run(bed.bundle().set(UNIFIED, Json.object("cgroup.freeze", "1"))).fails().error())
        .contains("/linux/resources/unified/cgroup.freeze: is no limit");
  }
}
