package dev.coracle.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class SyscallCostTest {
  @Test
  void theWorkloadsLineIsFoundAmongOthers() {
    assertThat(SyscallCost.parse("crun", "cgroup v2", "a warning of crun\ncalls 61.5 90.0\n"))
        .isEqualTo(new SyscallCost("crun", "cgroup v2", 61.5, 90));
  }

  @Test
  void aWorkloadThatSaidNothingIsAnError() {
    assertThatThrownBy(() -> SyscallCost.parse("crun", "cgroup v2", "calls\n"))
        .hasMessageStartingWith("the workload told no costs");
  }
}
