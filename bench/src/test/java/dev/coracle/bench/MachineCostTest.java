package dev.coracle.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class MachineCostTest {
  private static MachineCost cost(String what, double millis, double cpuMillis, double pssMib) {
    return new MachineCost(what, 3, millis, millis, cpuMillis, pssMib);
  }

  @Test
  void theMedianIsTheMiddleOne() {
    assertThat(MachineCost.median(List.of(5.0, 1.0, 3.0), d -> d)).isEqualTo(3);
    assertThat(MachineCost.median(List.of(5.0, 1.0, 3.0, 4.0), d -> d)).isEqualTo(3.5);
    assertThat(MachineCost.median(List.<Double>of(), d -> d)).isNaN();
  }

  @Test
  void goalsAreJudgedByWhatTheyAreAbout() {
    List<Goal> goals =
        MachineCost.judge(
            List.of(
                cost(MachineCost.BOOTED, 9000, 1400, 230),
                cost(MachineCost.COPIED, 9000, 600, 90),
                cost(MachineCost.EXEC, 9, Double.NaN, Double.NaN)));
    assertThat(goals).extracting(Goal::met).containsExactly(true, false, false, null, true, null);
    assertThat(goals.get(0).text())
        .isEqualTo("virtual machine, booted, to its first line: CPU time <= 1500 ms");
    assertThat(goals.get(1).measured()).isEqualTo("230 MiB");
  }

  @Test
  void withoutMachinesNothingIsJudged() {
    assertThat(MachineCost.judge(List.of())).extracting(Goal::met).containsOnlyNulls();
  }
}
