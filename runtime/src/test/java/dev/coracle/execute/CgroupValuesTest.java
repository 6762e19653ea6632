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
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class CgroupValuesTest {
  private final RecordingKernel kernel = new RecordingKernel();

  private @Nullable String run(Action action) {
    Context context =
        new Context(
            new DescribingKernel(kernel), new HookState("1.3.0", "id", "/bundle", Map.of()));
    Step step = new Step(Phase.PARENT_BEFORE, action, new Origin.Default("test"), Errors.NONE);
    return StepList.run(context, List.of(step));
  }

  private List<String> writes() {
    return kernel.calls().stream().filter(c -> c.startsWith("write(")).toList();
  }

  private static Action.WriteCgroupFile value(String path, String value) {
    return new Action.WriteCgroupFile(path, value);
  }

  @Test
  void whatIsRefusedIsTriedAgainAfterTheOthers() {
    kernel.file("/c/a", "").file("/c/b", "").fail("write", 1, Errno.EINVAL);
    assertThat(run(new Action.WriteCgroupValues(List.of(value("/c/a", "1"), value("/c/b", "2")))))
        .isNull();
    assertThat(writes()).hasSize(3).last().asString().contains("\"1\"");
  }

  @Test
  void whatIsRefusedForGoodIsAnError() {
    kernel.file("/c/a", "").answers("write", -Errno.EINVAL);
    assertThat(run(new Action.WriteCgroupValues(List.of(value("/c/a", "1")))))
        .contains("EINVAL")
        .contains("\"1\" to \"/c/a\"");
    assertThat(writes()).hasSize(1);
  }

  @Test
  void otherErrorsAreNotTriedAgain() {
    kernel.file("/c/a", "").file("/c/b", "").answers("write", -Errno.EBUSY);
    assertThat(run(new Action.WriteCgroupValues(List.of(value("/c/a", "1"), value("/c/b", "2")))))
        .contains("EBUSY");
    assertThat(writes()).hasSize(1);
  }

  @Test
  void theOtherFileWhereTheFirstIsMissing() {
    kernel.broken("/c/io.bfq.weight", Errno.ENOENT).file("/c/io.weight", "");
    Action either =
        new Action.WriteEitherCgroupFile(
            value("/c/io.bfq.weight", "500"), value("/c/io.weight", "4950"));
    assertThat(run(either)).isNull();
    assertThat(writes()).singleElement().asString().contains("4950");
  }

  @Test
  void aPeriodKeepsTheQuota() {
    kernel.file("/c/cpu.max", "5000 100000\n");
    assertThat(run(new Action.SetCpuPeriod("/c", 50_000))).isNull();
    assertThat(writes()).singleElement().asString().contains("\"5000 50000\"");
  }

  @Test
  void swapIsWhatTheSumLeaves() {
    kernel.file("/c/memory.max", "4096\n").file("/c/memory.swap.max", "max\n");
    assertThat(run(new Action.SetSwapBySum("/c", 10_000))).isNull();
    assertThat(writes()).singleElement().asString().contains("\"5904\"");
    assertThat(run(new Action.SetSwapBySum("/c", 4_000))).contains("below the memory limit");
    kernel.file("/c/memory.max", "max\n");
    assertThat(run(new Action.SetSwapBySum("/c", 4_000))).contains("memory has no limit");
  }

  @Test
  void aLimitBelowTheUsageIsRefused() {
    kernel.file("/c/memory.current", "8192\n");
    assertThat(run(new Action.CheckMemoryUsage("/c", 8193, false))).isNull();
    assertThat(run(new Action.CheckMemoryUsage("/c", 8192, false)))
        .contains("rejecting memory limit 8192 <= usage 8192");
    assertThat(run(new Action.CheckMemoryUsage("/c", 8192, true)))
        .contains("rejecting memory+swap limit 8192 <= usage 8192");
    kernel.broken("/c/memory.current", Errno.ENOENT);
    assertThat(run(new Action.CheckMemoryUsage("/c", 1, false))).isNull();
  }

  @Test
  void realtimeRuntimeIsGivenToParentsThatHaveNone() {
    kernel.file("/cg/a/cpu.rt_runtime_us", "900\n").file("/cg/a/cpu.rt_period_us", "1000\n");
    kernel.file("/cg/a/b/cpu.rt_runtime_us", "0\n").file("/cg/a/b/cpu.rt_period_us", "1000\n");
    assertThat(run(new Action.AllotRealtime("/cg", "/cg/a/b/c", 2000, 500))).isNull();
    assertThat(writes()).hasSize(2);
    assertThat(writes().get(0)).contains("\"2000\"");
    assertThat(writes().get(1)).contains("\"500\"");
  }
}
