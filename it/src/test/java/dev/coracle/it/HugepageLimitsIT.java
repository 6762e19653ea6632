package dev.coracle.it;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;
import dev.coracle.it.harness.Bundle;
import dev.coracle.it.harness.Cgroups;
import dev.coracle.it.harness.Container;
import dev.coracle.it.harness.ContainerTest;
import dev.coracle.it.harness.CoracleOnly;
import dev.coracle.it.harness.Json;
import dev.coracle.it.harness.NeedsController;
import dev.coracle.it.harness.Testbed;
import dev.coracle.it.harness.Unsupported;
import java.util.List;
import org.junit.jupiter.api.Test;

@ContainerTest
class HugepageLimitsIT {
  private static Bundle limited(Testbed bed, String size, long bytes) {
    JsonObject limit = Json.object("pageSize", size, "limit", bytes);
    return bed.bundle().set("/linux/resources/hugepageLimits", List.of(limit));
  }

  @Test
  @NeedsController("hugetlb")
  void theLimitIsSet(Testbed bed) {
    Bundle bundle = limited(bed, "2MB", 4 << 20);
    try (Container c = bed.create(bundle)) {
      assertThat(c.status()).isEqualTo("created");
      assertThat(
              Cgroups.here()
                  .value(bundle, "hugetlb", "hugetlb.2MB.limit_in_bytes", "hugetlb.2MB.max"))
          .isEqualTo("" + (4 << 20));
    }
  }

  @Unsupported(runtime = "crun", reason = "1.8.1 does not limit reservations")
  @Test
  @NeedsController("hugetlb")
  void theReservationsAreLimited(Testbed bed) {
    Bundle bundle = limited(bed, "2MB", 0);
    try (Container c = bed.create(bundle)) {
      assertThat(c.status()).isEqualTo("created");
      assertThat(
              Cgroups.here()
                  .value(
                      bundle, "hugetlb", "hugetlb.2MB.rsvd.limit_in_bytes", "hugetlb.2MB.rsvd.max"))
          .isEqualTo("0");
    }
  }

  @Test
  @NeedsController("hugetlb")
  @CoracleOnly("the sizes that there are stand in the error")
  void aSizeThatThereIsNot(Testbed bed) {
    assertThat(bed.run(limited(bed, "3MB", 1)).fails().error())
        .contains("/linux/resources/hugepageLimits/0")
        .contains("there are no huge pages of \"3MB\"; this kernel has [")
        .contains("2MB");
  }

  @Test
  @CoracleOnly("the peers know no controllers beside v1")
  void besideV1TheUnifiedHierarchyHasThem(Testbed bed) throws java.io.IOException {
    java.nio.file.Path unified = java.nio.file.Path.of("/sys/fs/cgroup/unified");
    org.junit.jupiter.api.Assumptions.assumeTrue(
        Cgroups.here().view() == Cgroups.View.HYBRID
            && Cgroups.read(unified.resolve("cgroup.controllers")).contains("hugetlb"),
        "hugetlb is not beside v1 hierarchies");
    Bundle bundle = limited(bed, "2MB", 6 << 20);
    bundle.set("/linux/resources/unified", Json.object("cgroup.max.depth", "4"));
    try (Container c = bed.create(bundle)) {
      assertThat(c.status()).isEqualTo("created");
      java.nio.file.Path cgroup = java.nio.file.Path.of(unified + bundle.cgroupsPath());
      assertThat(cgroup.resolve("hugetlb.2MB.max")).content().isEqualTo((6 << 20) + "\n");
      assertThat(cgroup.resolve("cgroup.max.depth")).content().isEqualTo("4\n");
    }
  }
}
