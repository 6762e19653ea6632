package dev.coracle.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.it.harness.Cgroups;
import dev.coracle.it.harness.ContainerTest;
import dev.coracle.it.harness.CoracleOnly;
import dev.coracle.it.harness.Json;
import dev.coracle.it.harness.Testbed;
import dev.coracle.it.harness.Unsupported;
import java.util.List;
import org.junit.jupiter.api.Test;

/** No kernel here has net_cls and net_prio: what is written is proven by NetworkTest. */
@ContainerTest
class NetworkIT {
  @Test
  @CoracleOnly("peers pass it over where there is no controller")
  void itIsAnErrorWhereItCannotBe(Testbed bed) {
    var bundle = bed.bundle().set("/linux/resources/network/classID", 1_048_577);
    bundle.set(
        "/linux/resources/network/priorities", List.of(Json.object("name", "lo", "priority", 5)));
    if (Cgroups.here().hasController("net_cls")) {
      bed.run(bundle).ok();
      return;
    }
    String why =
        Cgroups.here().view() == Cgroups.View.V2
            ? "cannot be set on cgroup v2"
            : "controller is mounted";
    assertThat(bed.run(bundle).fails().error().lines())
        .anyMatch(l -> l.contains("/linux/resources/network/classID: ") && l.contains(why))
        .anyMatch(l -> l.contains("/linux/resources/network/priorities: ") && l.contains(why));
  }

  @Unsupported(runtime = "crun", reason = "1.8.1 wants the controller even for nothing")
  @Test
  void nothingIsNoError(Testbed bed) {
    bed.run(bed.bundle().set("/linux/resources/network", Json.object())).ok();
  }
}
