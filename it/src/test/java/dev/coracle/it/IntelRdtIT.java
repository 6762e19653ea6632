package dev.coracle.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.it.harness.Container;
import dev.coracle.it.harness.ContainerTest;
import dev.coracle.it.harness.CoracleOnly;
import dev.coracle.it.harness.Json;
import dev.coracle.it.harness.Testbed;
import dev.coracle.it.harness.Unsupported;
import org.junit.jupiter.api.Test;

/** Without the hardware; what is written where there is some, IntelRdtLifecycleTest shows. */
@ContainerTest
class IntelRdtIT {
  @Unsupported(runtime = "crun", reason = "1.8 does not know it")
  @Test
  void withoutResctrlItIsAnErrorAndNothingIsLeft(Testbed bed) {
    bed.run(
            bed.bundle()
                .set("/linux/intelRdt", Json.object("closID", "gold", "memBwSchema", "MB:0=20"))
                .args("true"))
        .fails();
    bed.assertNothingLeft("after the error");
  }

  @CoracleOnly("peers name no property")
  @Test
  void thePropertyIsNamed(Testbed bed) {
    assertThat(
            bed.run(
                    bed.bundle()
                        .set("/linux/intelRdt", Json.object("enableMonitoring", true))
                        .args("true"))
                .fails()
                .error())
        .contains(
            "config.json /linux/intelRdt: cannot make resctrl group",
            "resctrl is not mounted on this host");
  }

  @CoracleOnly("peers make a group at update")
  @Test
  void updateNeedsAGroup(Testbed bed) {
    try (Container c = bed.start(bed.bundle().lasting())) {
      assertThat(bed.oci("update", "--mem-bw-schema", "MB:0=20", c.id()).execute().fails().error())
          .contains("the container was made without /linux/intelRdt");
    }
  }
}
