package dev.coracle.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.it.harness.Bundle;
import dev.coracle.it.harness.ContainerTest;
import dev.coracle.it.harness.Testbed;
import org.junit.jupiter.api.Test;

@ContainerTest
class NoNewPrivilegesIT {

  @Test
  void isSet(Testbed bed) {
    assertThat(bed.outputOf(bed.bundle().sh("grep NoNewPrivs /proc/self/status | tr -s '\\t' ' '")))
        .isEqualTo("NoNewPrivs: 1");
  }

  @Test
  void isNotSetUnlessAsked(Testbed bed) {
    Bundle bundle = bed.bundle().remove("/process/noNewPrivileges");
    assertThat(bed.outputOf(bundle.sh("grep NoNewPrivs /proc/self/status | tr -s '\\t' ' '")))
        .isEqualTo("NoNewPrivs: 0");
  }
}
