package dev.coracle.config;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.cgroup.CgroupLayout;
import dev.coracle.cgroup.CgroupPaths;
import dev.coracle.plan.Action;
import dev.coracle.plan.Phase;
import dev.coracle.plan.PlanBuilder;
import dev.coracle.plan.Step;
import dev.coracle.problem.Problems;
import dev.coracle.spec.Hooks;
import dev.coracle.spec.Linux;
import dev.coracle.spec.Resources;
import dev.coracle.spec.Resources.DeviceRule;
import dev.coracle.spec.Spec;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class CgroupPlanTest {
  private static final List<DeviceRule> ALLOW_ALL =
      List.of(new DeviceRule(true, 'a', null, null, "rwm"));
  private static final List<DeviceRule> DENY_ALL =
      List.of(new DeviceRule(false, 'a', null, null, "rwm"));

  private static final CgroupLayout V2 = CgroupLayout.unified("0::/s/own\n".getBytes(UTF_8));
  private static final CgroupLayout V1 = v1("cpu,cpuacct cpuset memory devices pids name=systemd");

  private final Problems problems = new Problems();

  private static CgroupLayout v1(String hierarchies) {
    StringBuilder mounts = new StringBuilder();
    StringBuilder self = new StringBuilder("0::/own\n");
    for (String h : hierarchies.split(" ", -1)) {
      mounts.append("1 2 0:1 / /cg/").append(h).append(" rw - cgroup x rw,").append(h).append('\n');
      self.append("1:").append(h).append(":/own\n");
    }
    return CgroupLayout.parse(mounts.toString().getBytes(UTF_8), self.toString().getBytes(UTF_8));
  }

  private static Resources limits() {
    return new Resources(
        ALLOW_ALL,
        new Resources.Memory(64L, 32L, 96L, null, null, null, false, false),
        new Resources.Cpu(2048L, 5000L, 100L, 50_000L, null, null, "0", "0", 0L),
        7L);
  }

  private static Resources memory(Resources.Memory memory) {
    return new Resources(ALLOW_ALL, memory, null, null);
  }

  private static Resources cpu(Resources.Cpu cpu) {
    return new Resources(ALLOW_ALL, null, cpu, null);
  }

  private List<String> plan(
      CgroupLayout layout, @Nullable String path, @Nullable Resources resources) {
    Linux none = Linux.NONE;
    Linux linux =
        new Linux(
            none.namespaces(),
            none.devices(),
            path,
            resources,
            none.sysctl(),
            null,
            null,
            List.of(),
            List.of());
    Spec spec = new Spec("1.3.0", null, null, null, null, List.of(), Hooks.NONE, Map.of(), linux);
    PlanBuilder builder = new PlanBuilder();
    CgroupPlan.plan(spec, layout, CgroupPaths.of(layout, path, "id"), builder, problems);
    List<String> out = new ArrayList<>();
    for (Step s : builder.build().steps()) {
      out.add((s.phase() == Phase.PARENT_BEFORE ? "" : s.phase() + " ") + text(s.action()));
    }
    return out;
  }

  private static String text(Action action) {
    return switch (action) {
      case Action.MakeCgroup a -> "make " + a.path();
      case Action.EnableControllers a -> "enable " + a.path() + " " + a.controllers();
      case Action.InheritCpuset a -> "inherit " + a.mountPoint() + " " + a.path();
      case Action.WriteCgroupFile a -> a.path() + " = " + a.value();
      case Action.WriteCgroupValues a -> {
        StringBuilder out = new StringBuilder();
        for (Action.WriteCgroupFile f : a.values()) {
          out.append(out.length() == 0 ? "" : " & ").append(f.path() + " = " + f.value());
        }
        yield out.toString();
      }
      case Action.SetCpuPeriod a -> a.path() + "/cpu.max = keep " + a.periodMicros();
      case Action.SetSwapBySum a -> a.path() + "/memory.swap.max = up to " + a.sumBytes();
      case Action.CheckMemoryUsage a -> "check " + a.path() + " below " + a.limitBytes();
      case Action.AllotRealtime a -> "allot " + a.mountPoint() + " to " + a.path();
      case Action.WriteCgroupLines a -> a.path() + " = " + a.values().size() + " lines";
      case Action.JoinCgroup a -> "join " + a.file();
      case Action.AttachDeviceProgram a -> "program " + a.path() + " " + a.program();
      default -> throw new AssertionError(action.toString());
    };
  }

  @Test
  void v2() {
    assertThat(plan(V2, "/docker/id", limits()))
        .containsExactly(
            "make /sys/fs/cgroup/docker/id",
            "enable /sys/fs/cgroup [cpuset, cpu, memory, pids]",
            "enable /sys/fs/cgroup/docker [cpuset, cpu, memory, pids]",
            "/sys/fs/cgroup/docker/id/cpuset.cpus = 0",
            "/sys/fs/cgroup/docker/id/cpuset.mems = 0",
            "/sys/fs/cgroup/docker/id/cpu.idle = 0",
            "/sys/fs/cgroup/docker/id/cpu.weight = 174",
            "/sys/fs/cgroup/docker/id/cpu.max = 5000 50000"
                + " & /sys/fs/cgroup/docker/id/cpu.max.burst = 100",
            "/sys/fs/cgroup/docker/id/memory.swap.max = 32",
            "/sys/fs/cgroup/docker/id/memory.max = 64",
            "/sys/fs/cgroup/docker/id/memory.low = 32",
            "/sys/fs/cgroup/docker/id/pids.max = 7");
    assertThat(problems.all()).isEmpty();
  }

  @Test
  void v2WithoutResources() {
    assertThat(plan(V2, null, null))
        .containsExactly(
            "make /sys/fs/cgroup/s/id", "program /sys/fs/cgroup/s/id deny all, 12 rules");
    assertThat(plan(V2, null, new Resources(DENY_ALL, null, null, -1L))).hasSize(2);
    assertThat(plan(V2, null, new Resources(ALLOW_ALL, null, null, null))).hasSize(1);
  }

  @Test
  void v2RelativeEnablesFromTheTopAndToleratesWhatIsNotOurs() {
    assertThat(plan(V2, "a/b", new Resources(ALLOW_ALL, null, null, 0L)))
        .containsExactly(
            "make /sys/fs/cgroup/s/a/b",
            "enable /sys/fs/cgroup [pids]",
            "enable /sys/fs/cgroup/s [pids]",
            "enable /sys/fs/cgroup/s/a [pids]",
            "/sys/fs/cgroup/s/a/b/pids.max = 1");
  }

  @Test
  void v1() {
    assertThat(plan(V1, "/docker/id", limits()))
        .containsExactly(
            "make /cg/cpu,cpuacct/docker/id",
            "make /cg/cpuset/docker/id",
            "make /cg/memory/docker/id",
            "make /cg/devices/docker/id",
            "make /cg/pids/docker/id",
            "make /cg/name=systemd/docker/id",
            "inherit /cg/cpuset /cg/cpuset/docker",
            "/cg/cpuset/docker/id/cpuset.cpus = 0",
            "/cg/cpuset/docker/id/cpuset.mems = 0",
            "/cg/cpu,cpuacct/docker/id/cpu.idle = 0",
            "/cg/cpu,cpuacct/docker/id/cpu.shares = 2048",
            "/cg/cpu,cpuacct/docker/id/cpu.cfs_period_us = 50000"
                + " & /cg/cpu,cpuacct/docker/id/cpu.cfs_quota_us = 5000"
                + " & /cg/cpu,cpuacct/docker/id/cpu.cfs_burst_us = 100",
            "/cg/memory/docker/id/memory.limit_in_bytes = 64"
                + " & /cg/memory/docker/id/memory.memsw.limit_in_bytes = 96",
            "/cg/memory/docker/id/memory.soft_limit_in_bytes = 32",
            "/cg/pids/docker/id/pids.max = 7",
            "/cg/devices/docker/id/devices.allow = a",
            "CHILD_SETUP join /cg/cpu,cpuacct/docker/id/tasks",
            "CHILD_SETUP join /cg/cpuset/docker/id/tasks",
            "CHILD_SETUP join /cg/memory/docker/id/tasks",
            "CHILD_SETUP join /cg/devices/docker/id/tasks",
            "CHILD_SETUP join /cg/pids/docker/id/tasks",
            "CHILD_SETUP join /cg/name=systemd/docker/id/tasks");
    assertThat(problems.all()).isEmpty();
  }

  @Test
  void v1InheritsWhatWasNotGiven() {
    CgroupLayout layout = v1("cpuset");
    Resources cpus = cpu(new Resources.Cpu(null, null, null, null, null, null, "1", null, null));
    assertThat(plan(layout, "/id", cpus))
        .containsSubsequence("/cg/cpuset/id/cpuset.cpus = 1", "inherit /cg/cpuset /cg/cpuset/id")
        .doesNotContain("inherit /cg/cpuset /cg/cpuset");
    assertThat(plan(layout, "/id", null)).contains("inherit /cg/cpuset /cg/cpuset/id");
  }

  @Test
  void v1WritesNoDefaults() {
    Resources.Cpu cpu = new Resources.Cpu(1024L, -1L, null, 100_000L, null, null, null, null, null);
    Resources.Memory memory = new Resources.Memory(-1L, -1L, -1L, -1L, -1L, null, false, false);
    assertThat(plan(v1("cpu memory pids"), "/id", new Resources(List.of(), memory, cpu, -1L)))
        .hasSize(6)
        .noneMatch(s -> s.contains("="));
  }

  @Test
  void v1Rest() {
    Resources.Cpu cpu = new Resources.Cpu(null, null, null, null, 4L, 5L, null, null, null);
    Resources.Memory memory = new Resources.Memory(null, null, null, 1L, 2L, 3L, true, false);
    assertThat(plan(v1("cpu memory"), "/id", new Resources(List.of(), memory, cpu, null)))
        .containsSubsequence(
            "allot /cg/cpu to /cg/cpu/id",
            "/cg/cpu/id/cpu.rt_period_us = 5 & /cg/cpu/id/cpu.rt_runtime_us = 4",
            "/cg/memory/id/memory.kmem.limit_in_bytes = 1",
            "/cg/memory/id/memory.kmem.tcp.limit_in_bytes = 2",
            "/cg/memory/id/memory.oom_control = 1",
            "/cg/memory/id/memory.swappiness = 3");
    assertThat(problems.errorText()).isEmpty();
    assertThat(problems.warningText())
        .isEqualTo("config.json /linux/resources/memory/kernel: has no effect since Linux 5.16");
  }

  @Test
  void v1Devices() {
    assertThat(plan(v1("devices"), "/id", new Resources(DENY_ALL, null, null, null)))
        .containsExactly(
            "make /cg/devices/id",
            "/cg/devices/id/devices.deny = a",
            "/cg/devices/id/devices.allow = 12 lines",
            "CHILD_SETUP join /cg/devices/id/tasks");
  }

  @Test
  void v1HoleInADeviceRule() {
    List<DeviceRule> rules =
        List.of(
            new DeviceRule(true, 'b', 8L, null, "rw"), new DeviceRule(false, 'b', 8L, 1L, "rw"));
    plan(v1("devices"), "/id", new Resources(rules, null, null, null));
    assertThat(problems.errorText())
        .isEqualTo(
            "config.json /linux/resources/devices/1:"
                + " \"deny b 8:1 rw\" takes back a part of a wider rule; cgroup v1 cannot");
  }

  @Test
  void hybridUsesV1AndTheUnifiedOneForWhatOnlyItHas() {
    CgroupLayout layout =
        CgroupLayout.parse(
                ("1 2 0:1 / /cg/memory rw - cgroup x rw,memory\n"
                        + "1 2 0:1 / /cg/unified rw - cgroup2 x rw\n")
                    .getBytes(UTF_8),
                "2:memory:/\n0::/\n".getBytes(UTF_8))
            .withControllers("pids hugetlb\n".getBytes(UTF_8));
    assertThat(plan(layout, "/id", new Resources(DENY_ALL, limits().memory(), null, 7L)))
        .containsExactly(
            "make /cg/memory/id",
            "make /cg/unified/id",
            "enable /cg/unified [pids]",
            "/cg/memory/id/memory.limit_in_bytes = 64"
                + " & /cg/memory/id/memory.memsw.limit_in_bytes = 96",
            "/cg/memory/id/memory.soft_limit_in_bytes = 32",
            "/cg/unified/id/pids.max = 7",
            "program /cg/unified/id deny all, 12 rules",
            "CHILD_SETUP join /cg/memory/id/tasks");
    assertThat(problems.all()).isEmpty();
    plan(layout, "/id", cpu(new Resources.Cpu(9L, null, null, null, null, null, null, null, null)));
    assertThat(problems.errorText())
        .isEqualTo("config.json /linux/resources/cpu/shares: no cpu controller is mounted");
  }

  @Test
  void aHybridHostIsAskedOnlyForWhatNoV1HierarchyHas() {
    CgroupLayout hybrid =
        CgroupLayout.parse(
            ("1 2 0:1 / /cg/memory rw - cgroup x rw,memory\n"
                    + "1 2 0:1 / /cg/unified rw - cgroup2 x rw\n")
                .getBytes(UTF_8),
            "2:memory:/\n0::/\n".getBytes(UTF_8));
    Resources memory = memory(requireNonNull(limits().memory()));
    Resources pids = new Resources(ALLOW_ALL, null, null, 7L);
    assertThat(CgroupPlan.needsUnified(null, hybrid)).isFalse();
    assertThat(CgroupPlan.needsUnified(memory, hybrid)).isFalse();
    assertThat(CgroupPlan.needsUnified(pids, hybrid)).isTrue();
    assertThat(CgroupPlan.needsUnified(pids, V2)).isFalse();
  }

  @Test
  void missingOnV1() {
    plan(v1("name=systemd"), "/id", new Resources(DENY_ALL, limits().memory(), null, 7L));
    assertThat(problems.errorText())
        .isEqualTo(
            """
            config.json /linux/resources/memory/limit: no memory controller is mounted
            config.json /linux/resources/memory/reservation: no memory controller is mounted
            config.json /linux/resources/pids/limit: no pids controller is mounted
            config.json /linux/resources/devices: no devices controller is mounted""");
  }

  @Test
  void missingOnV2() {
    CgroupLayout layout = V2.withControllers("cpu io\n".getBytes(UTF_8));
    plan(layout, "/id", new Resources(ALLOW_ALL, null, null, 7L));
    assertThat(problems.errorText())
        .isEqualTo(
            "config.json /linux/resources/pids/limit: needs the pids controller, which is not in"
                + " /sys/fs/cgroup/cgroup.controllers");
  }

  @Test
  void nothingMounted() {
    assertThat(plan(CgroupLayout.NONE, null, null)).isEmpty();
    assertThat(problems.all()).isEmpty();
    plan(CgroupLayout.NONE, "/id", new Resources(DENY_ALL, null, null, null));
    assertThat(problems.errorText())
        .isEqualTo(
            """
            config.json /linux/cgroupsPath: no cgroup hierarchy is mounted
            config.json /linux/resources/devices: no devices controller is mounted""");
  }

  @Test
  void whatV2HasNot() {
    plan(V2, "/id", memory(new Resources.Memory(null, null, null, 1L, 2L, 3L, true, false)));
    plan(V2, "/id", cpu(new Resources.Cpu(null, null, null, null, 1L, 2L, null, null, null)));
    String all = problems.errorText();
    for (String property :
        List.of(
            "memory/kernel",
            "memory/kernelTCP",
            "memory/swappiness",
            "memory/disableOOMKiller",
            "cpu/realtimeRuntime",
            "cpu/realtimePeriod")) {
      assertThat(all).contains("/linux/resources/" + property + ": cannot be set on cgroup v2");
    }
  }

  @Test
  void v2Memory() {
    assertThat(
            plan(
                V2,
                "/id",
                memory(new Resources.Memory(64L, -1L, 64L, null, null, null, false, false))))
        .containsSubsequence(
            "/sys/fs/cgroup/id/memory.swap.max = 0",
            "/sys/fs/cgroup/id/memory.max = 64",
            "/sys/fs/cgroup/id/memory.low = max");
    assertThat(problems.all()).isEmpty();
    assertThat(
            plan(
                V2,
                "/id",
                memory(new Resources.Memory(-1L, null, -1L, null, null, null, false, false))))
        .as("no limit needs no controller")
        .containsExactly("make /sys/fs/cgroup/id");
  }

  @Test
  void v2CpuPeriodAlone() {
    assertThat(
            plan(
                V2,
                "/id",
                cpu(new Resources.Cpu(2L, -1L, 0L, 5000L, null, null, null, null, null))))
        .containsSubsequence(
            "/sys/fs/cgroup/id/cpu.weight = 1",
            "/sys/fs/cgroup/id/cpu.max.burst = 0",
            "/sys/fs/cgroup/id/cpu.max = max 5000");
    assertThat(
            plan(
                V2,
                "/id",
                cpu(new Resources.Cpu(null, null, null, 5000L, null, null, null, null, null))))
        .contains("/sys/fs/cgroup/id/cpu.max = keep 5000");
  }

  @Test
  void v1Limits() {
    plan(
        v1("cpu"),
        "/id",
        cpu(new Resources.Cpu(1L, null, null, null, null, null, null, null, null)));
    assertThat(problems.errorText())
        .isEqualTo(
            "config.json /linux/resources/cpu/shares: must be from 2 to 262144 on cgroup v1, not 1");
  }

  private List<String> update(CgroupLayout layout, Resources resources) {
    PlanBuilder builder = new PlanBuilder();
    CgroupPlan.planUpdate(
        resources, layout, CgroupPaths.of(layout, "/id", "id"), builder, problems);
    List<String> out = new ArrayList<>();
    for (Step s : builder.build().steps()) {
      out.add(text(s.action()));
    }
    return out;
  }

  @Test
  void anUpdateWritesDefaultsToo() {
    Resources unlimited =
        new Resources(
            DENY_ALL,
            new Resources.Memory(-1L, -1L, null, null, null, null, false, false),
            new Resources.Cpu(1024L, -1L, null, 100_000L, null, null, null, null, null),
            -1L);
    assertThat(update(v1("cpu memory pids"), unlimited))
        .containsExactly(
            "/cg/cpu/id/cpu.shares = 1024",
            "/cg/cpu/id/cpu.cfs_quota_us = -1",
            "/cg/cpu/id/cpu.cfs_period_us = 100000",
            "/cg/memory/id/memory.memsw.limit_in_bytes = -1",
            "/cg/memory/id/memory.limit_in_bytes = -1",
            "/cg/memory/id/memory.soft_limit_in_bytes = -1",
            "/cg/pids/id/pids.max = max");
    assertThat(update(V2, unlimited))
        .containsExactly(
            "enable /sys/fs/cgroup [cpu, memory, pids]",
            "/sys/fs/cgroup/id/cpu.weight = 100",
            "/sys/fs/cgroup/id/cpu.max = max 100000",
            "/sys/fs/cgroup/id/memory.swap.max = max",
            "/sys/fs/cgroup/id/memory.max = max",
            "/sys/fs/cgroup/id/memory.low = max",
            "/sys/fs/cgroup/id/pids.max = max");
    assertThat(update(v1("name=systemd"), new Resources(List.of(), null, null, -1L)))
        .as("no controller, no limit")
        .isEmpty();
    assertThat(problems.all()).isEmpty();
  }

  @Test
  void anUpdateKeepsWhatIsNotGiven() {
    assertThat(
            update(V2, cpu(new Resources.Cpu(null, 9000L, null, null, null, null, null, null, 1L))))
        .containsExactly(
            "enable /sys/fs/cgroup [cpu]",
            "/sys/fs/cgroup/id/cpu.max = 9000",
            "/sys/fs/cgroup/id/cpu.idle = 1");
    assertThat(
            update(
                V2,
                cpu(new Resources.Cpu(null, null, null, 100_000L, null, null, null, null, null))))
        .contains("/sys/fs/cgroup/id/cpu.max = keep 100000");
    assertThat(
            update(V2, memory(new Resources.Memory(null, null, 9L, null, null, null, false, true))))
        .containsExactly(
            "enable /sys/fs/cgroup [memory]",
            "check /sys/fs/cgroup/id below 9",
            "/sys/fs/cgroup/id/memory.swap.max = up to 9");
  }
}
