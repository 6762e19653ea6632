package dev.coracle.execute;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.json.Pointer;
import dev.coracle.plan.Action;
import dev.coracle.plan.Errors;
import dev.coracle.plan.Phase;
import dev.coracle.plan.Step;
import dev.coracle.problem.Origin;
import java.util.List;
import org.junit.jupiter.api.Test;

class WordingTest {
  private static final Step EXECUTE =
      step(
          Phase.CHILD_START, new Action.Execute(List.of("/run.sh"), List.of(), 0), "/process/args");
  private static final Step UMASK =
      step(Phase.CHILD_PROCESS, new Action.SetUmask(18), "/process/user");

  private static Step step(Phase phase, Action action, String pointer) {
    return new Step(phase, action, Origin.of(Pointer.of(pointer)), Errors.NONE);
  }

  @Test
  void isChosenByTheName() {
    assertThat(Wording.of("runc")).isEqualTo(Wording.RUNC);
    assertThat(Wording.of("coracle")).isEqualTo(Wording.OURS);
    assertThat(Wording.of("runc2")).isEqualTo(Wording.OURS);
  }

  @Test
  void oursIsThePropertyFirst() {
    assertThat(Wording.OURS.step(UMASK, "why"))
        .isEqualTo("config.json /process/user: cannot set umask 022: why");
    assertThat(Wording.OURS.step(EXECUTE, "why"))
        .isEqualTo("config.json /process/args: cannot execute \"/run.sh\": why");
    assertThat(Wording.OURS.inProcess("p")).isEqualTo("p");
    assertThat(Wording.OURS.beforeProcess("p")).isEqualTo("p");
    assertThat(Wording.OURS.failed("run")).isEmpty();
  }

  @Test
  void runcsTellsTheStage() {
    assertThat(Wording.RUNC.step(UMASK, "why")).isEqualTo(Wording.OURS.step(UMASK, "why"));
    assertThat(Wording.RUNC.step(EXECUTE, "exec /run.sh: no such file or directory"))
        .isEqualTo("exec /run.sh: no such file or directory");
    assertThat(Wording.RUNC.beforeProcess("p")).isEqualTo("unable to start container process: p");
    assertThat(Wording.RUNC.inProcess("p"))
        .isEqualTo("unable to start container process: error during container init: p");
    assertThat(Wording.RUNC.inProcess(null)).isNull();
    assertThat(Wording.RUNC.beforeProcess(null)).isNull();
  }
}
