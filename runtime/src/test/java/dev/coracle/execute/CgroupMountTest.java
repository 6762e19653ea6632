package dev.coracle.execute;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.kernel.DescribingKernel;
import dev.coracle.kernel.Errno;
import dev.coracle.kernel.RecordingKernel;
import dev.coracle.plan.Action;
import dev.coracle.plan.Errors;
import dev.coracle.plan.Phase;
import dev.coracle.plan.Step;
import dev.coracle.problem.Origin;
import dev.coracle.spec.Mount.MountOptions;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class CgroupMountTest {
  private static final MountOptions OPTIONS = MountOptions.readonlyRemount();
  private static final Action.Hierarchy V1 =
      new Action.Hierarchy("pids", "pids", "/cg/pids/mine/id", "/cg/pids/mine");
  private static final Action.Hierarchy V2 =
      new Action.Hierarchy("", null, "/cg/mine/id", "/cg/mine");

  private final RecordingKernel kernel = new RecordingKernel();

  private @Nullable String mount(Action.Hierarchy hierarchy, Rootless rootless) {
    Context context =
        new Context(
            new DescribingKernel(kernel), new HookState("1.3.0", "id", "/bundle", Map.of()));
    context.useRootless(rootless);
    Action action = new Action.MountCgroup("/sys/fs/cgroup", OPTIONS, List.of(hierarchy), false);
    Step step = new Step(Phase.CHILD_SETUP, action, new Origin.Default("test"), Errors.NONE);
    return StepList.run(context, List.of(step));
  }

  private List<String> bound() {
    return kernel.calls().stream()
        .filter(c -> c.startsWith("open_tree("))
        .map(c -> c.replaceAll("[^\"]*\"(.*)\".*", "$1"))
        .toList();
  }

  @Test
  void theContainersCgroupIsBound() {
    assertThat(mount(V1, Rootless.TRUE)).isNull();
    assertThat(bound()).containsExactly("/cg/pids/mine/id");
  }

  @Test
  void whereItHasNoneTheCallersIsBound() {
    kernel.broken("/cg/pids/mine/id", Errno.ENOENT);
    assertThat(mount(V1, Rootless.TRUE)).isNull();
    assertThat(bound()).containsExactly("/cg/pids/mine/id", "/cg/pids/mine");
  }

  @Test
  void onV2Too() {
    kernel.broken("/cg/mine/id", Errno.ENOENT).answers("fsopen", -Errno.EPERM);
    assertThat(mount(V2, Rootless.TRUE)).isNull();
    assertThat(bound()).containsExactly("/cg/mine/id", "/cg/mine");
  }

  @Test
  void ofRootsContainersItIsAnError() {
    kernel.broken("/cg/pids/mine/id", Errno.ENOENT);
    assertThat(mount(V1, Rootless.FALSE)).contains("ENOENT", "/cg/pids/mine/id");
    assertThat(bound()).containsExactly("/cg/pids/mine/id");
  }
}
