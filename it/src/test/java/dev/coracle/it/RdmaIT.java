package dev.coracle.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.it.harness.Cgroups;
import dev.coracle.it.harness.ContainerTest;
import dev.coracle.it.harness.CoracleOnly;
import dev.coracle.it.harness.Json;
import dev.coracle.it.harness.Testbed;
import org.junit.jupiter.api.Test;

/** No kernel here has an RDMA device: what is written is proven by RdmaTest. */
@ContainerTest
class RdmaIT {
  @Test
  @CoracleOnly("peers pass it over where there is no controller")
  void aDeviceThatIsNotThereIsAnError(Testbed bed) {
    var bundle = bed.bundle().set("/linux/resources/rdma/nosuch0", Json.object("hcaHandles", 3));
    String why = Cgroups.here().hasController("rdma") ? "rdma.max" : "rdma controller";
    assertThat(bed.run(bundle).fails().error())
        .contains("/linux/resources/rdma/nosuch0: ")
        .contains(why);
  }
}
