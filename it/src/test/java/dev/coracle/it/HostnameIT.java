package dev.coracle.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.it.harness.ContainerTest;
import dev.coracle.it.harness.Testbed;
import org.junit.jupiter.api.Test;

@ContainerTest
class HostnameIT {
  @Test
  void isTheContainers(Testbed bed) {
    assertThat(bed.outputOf(bed.bundle().set("/hostname", "boat").args("hostname")))
        .isEqualTo("boat");
  }

  @Test
  void needsAUtsNamespace(Testbed bed) {
    String before = bed.program("hostname").execute().line();
    assertThat(bed.run(bed.bundle().withoutNamespace("uts").set("/hostname", "boat")).fails())
        .satisfies(r -> assertThat(r.stderr()).containsIgnoringCase("uts"));
    assertThat(bed.program("hostname").execute().line()).isEqualTo(before);
  }

  @Test
  void isTheHostsWithoutOne(Testbed bed) {
    String hosts = bed.program("hostname").execute().line();
    assertThat(
            bed.outputOf(bed.bundle().withoutNamespace("uts").remove("/hostname").args("hostname")))
        .isEqualTo(hosts);
  }
}
