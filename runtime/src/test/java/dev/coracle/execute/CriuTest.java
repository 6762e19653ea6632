package dev.coracle.execute;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.coracle.kernel.DescribingKernel;
import dev.coracle.kernel.Errno;
import dev.coracle.kernel.RecordingKernel;
import dev.coracle.plan.Action;
import dev.coracle.plan.Phase;
import dev.coracle.plan.Plan;
import dev.coracle.plan.PlanBuilder;
import dev.coracle.problem.Origin;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class CriuTest {
  private final RecordingKernel kernel = new RecordingKernel();
  private final DescribingKernel describing = new DescribingKernel(kernel);
  private final Criu criu = new Criu(describing, "/bin/criu", List.of());

  private @Nullable String start() {
    Context context = new Context(describing, new HookState("1.3.0", "id", "/bundle", Map.of()));
    return criu.start(context, plan(), new int[0]);
  }

  private static Plan plan() {
    PlanBuilder plan = new PlanBuilder();
    Origin origin = new Origin.Default("test");
    plan.add(Phase.CLONE, new Action.CloneProcess(0, null), origin);
    plan.add(Phase.CHILD_SETUP, new Action.JoinCgroup("/freezer/id/tasks"), origin);
    return plan.build();
  }

  /** Before it has joined them, /proc tells of our own cgroups: criu would restore into those. */
  @Test
  void itsCgroupsAreAskedForWhenItHasJoinedThem() {
    kernel.childSays("J").file("/proc/4242/cgroup", "1:freezer:/id\n");
    assertThat(start()).isNull();
    assertThat(kernel.calls()).last().asString().startsWith("read(");
  }

  @Test
  void whatItCannotJoinIsTold() {
    kernel.childSays("default test: cannot join: write(3, \"0\", 1): ENOENT");
    assertThat(start())
        .isEqualTo(
            "criu cannot be executed: default test: cannot join: write(3, \"0\", 1): ENOENT");
  }

  @Test
  void itsEarlyEndIsTold() {
    kernel.childSays();
    assertThat(start()).isEqualTo("criu ended before it was executed");
  }

  @Test
  void itJoinsAndTellsSoBeforeItIsCriu() {
    kernel.asChild().file("/freezer/id/tasks", "");
    assertThatThrownBy(this::start).isInstanceOf(RecordingKernel.Ended.class);
    assertThat(kernel.file("/freezer/id/tasks")).isEqualTo("0");
    assertThat(kernel.said()).isEqualTo("J");
    assertThat(kernel.calls()).last().asString().startsWith("execve(\"/bin/criu\"");
  }

  @Test
  void itIsNotCriuOutsideOfTheContainersCgroups() {
    kernel.asChild().broken("/freezer/id/tasks", Errno.EACCES);
    assertThatThrownBy(this::start).isInstanceOf(RecordingKernel.Ended.class);
    assertThat(kernel.said()).contains("EACCES", "/freezer/id/tasks");
    assertThat(kernel.calls()).last().asString().startsWith("exit_group(127)");
  }

  /** What it was restoring has its end of the socket too, and would let us wait for ever. */
  @Test
  void itsEndIsSeenThoughOthersHoldItsSocket() {
    kernel.childSays("J").answers("poll", 1);
    assertThat(start()).isNull();
    Criu.Outcome outcome = criu.ask(new byte[] {1}, (script, pid, fd) -> null);
    assertThat(kernel.calls()).contains("poll([2], [2], [2], -1)");
    assertThat(outcome.problem()).startsWith("criu ended without an answer: ");
  }

  @Test
  void itsEndIsNoErrorOfASystemCall() {
    kernel.childSays("J");
    assertThat(start()).isNull();
    kernel.fail("write", 1, Errno.EPIPE);
    assertThat(criu.ask(new byte[] {1}, (script, pid, fd) -> null).problem())
        .startsWith("criu ended without an answer: ");
  }
}
