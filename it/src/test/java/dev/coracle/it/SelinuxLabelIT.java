package dev.coracle.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.it.harness.Container;
import dev.coracle.it.harness.ContainerTest;
import dev.coracle.it.harness.CoracleOnly;
import dev.coracle.it.harness.Testbed;
import dev.coracle.it.harness.Unsupported;
import org.junit.jupiter.api.Test;

/** On a host without SELinux; what is written where there is one, SecurityActionsTest shows. */
@ContainerTest
class SelinuxLabelIT {
  private static final String LABEL = "system_u:system_r:container_t:s0";

  @Unsupported(runtime = "crun", reason = "passes over it where there is no SELinux")
  @Test
  void withoutSelinuxItIsAnError(Testbed bed) {
    assertThat(
            bed.run(bed.bundle().set("/process/selinuxLabel", LABEL).args("true")).fails().error())
        .containsIgnoringCase("selinux")
        .contains("disabled or not supported");
    bed.assertNothingLeft("after the error");
  }

  @CoracleOnly("the flag takes the place of the bundle's property")
  @Test
  void theFlagOfExecIsNamed(Testbed bed) {
    try (Container c = bed.start(bed.bundle().lasting())) {
      assertThat(
              bed.oci("exec", "--process-label", LABEL, c.id(), "true")
                  .execute()
                  .exitsWith(255)
                  .error())
          .contains("--process-label: cannot set SELinux label");
    }
  }
}
