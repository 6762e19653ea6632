package dev.coracle.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class GoalTest {
  @Test
  void ratiosAreJudgedByMedians() {
    Result result =
        new Result(
            Scenario.LIFECYCLE,
            CgroupView.V2,
            10,
            List.of(took("coracle", 2), took("crun", 10), took("floor3", 1.5)));
    assertThat(Goal.judge(List.of(result)))
        .containsExactly(
            new Goal("life cycle >= 5x faster than crun (cgroup v2)", "5.00x", true),
            new Goal("life cycle <= 1.3x the floor of 3 processes (cgroup v2)", "1.33x", false));
  }

  @Test
  void anExecIsJudgedWithoutWhatItRan() {
    Result result =
        new Result(Scenario.EXEC, CgroupView.V2, 10, List.of(exec("coracle", 1), exec("crun", 4)));
    assertThat(result.ratio("crun", "coracle")).contains(2.5);
    assertThat(Goal.judge(List.of(result)))
        .containsExactly(
            new Goal("Docker's bundle, exec >= 4x faster than crun (cgroup v2)", "4.00x", true));
  }

  @Test
  void aMissingPeerIsNotAVictory() {
    Result result =
        new Result(Scenario.STATE_CREATED, CgroupView.V1, 10, List.of(took("coracle", 2)));
    assertThat(Goal.judge(List.of(result)))
        .containsExactly(
            new Goal(
                "state of a created container >= 10x faster than crun (cgroup v1)", null, null));
  }

  @Test
  void aMegabyteIsAMillionBytes() {
    assertThat(Goal.judge(List.of(memory(976)))).extracting(Goal::met).containsExactly(true);
    assertThat(Goal.judge(List.of(memory(977)))).extracting(Goal::met).containsExactly(false);
  }

  private static Result memory(long kb) {
    Figures figures =
        new Figures("coracle", "coracle", Map.of(), Map.of("create", kb, "start", 5L));
    return new Result(Scenario.MEMORY, CgroupView.V2, 5, List.of(figures));
  }

  /** Took {@code millis}, and what it ran one more. */
  private static Figures exec(String contender, double millis) {
    Figures.Time command = new Figures.Time(millis, millis, millis, 10);
    Figures.Time total = new Figures.Time(millis + 1, millis + 1, millis + 1, 10);
    return new Figures(
        contender, contender, Map.of("exec", command, Figures.TOTAL, total), Map.of());
  }

  private static Figures took(String contender, double millis) {
    Figures.Time time = new Figures.Time(millis, millis, millis, 10);
    return new Figures(contender, contender, Map.of(Figures.TOTAL, time), Map.of());
  }
}
