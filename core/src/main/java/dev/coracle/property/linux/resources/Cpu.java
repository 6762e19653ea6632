package dev.coracle.property.linux.resources;

import dev.coracle.cgroup.CgroupFiles;
import dev.coracle.cgroup.CgroupSteps;
import dev.coracle.cgroup.CgroupSteps.Use;
import dev.coracle.cgroup.CpuWeight;
import dev.coracle.json.Members;
import dev.coracle.json.Pointer;
import dev.coracle.kernel.Errno;
import dev.coracle.plan.Action;
import dev.coracle.plan.Errors;
import dev.coracle.spec.Resources;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * CPU limits, and the CPUs and memory nodes that may be used (config-linux.md, "CPU").
 *
 * <p>Of shares, quota, periods and runtime, 0 means that it is not set.
 *
 * <p>Kernel: linux v6.12 Documentation/scheduler/sched-bwc.rst, admin-guide/cgroup-v2.rst.
 */
public final class Cpu {
  public static final Pointer POINTER = Pointer.of("/linux/resources/cpu");

  private static final Pointer SHARES = POINTER.child("shares");
  private static final Pointer QUOTA = POINTER.child("quota");
  private static final Pointer BURST = POINTER.child("burst");
  private static final Pointer PERIOD = POINTER.child("period");
  private static final Pointer REALTIME_RUNTIME = POINTER.child("realtimeRuntime");
  private static final Pointer REALTIME_PERIOD = POINTER.child("realtimePeriod");
  private static final Pointer CPUS = POINTER.child("cpus");
  private static final Pointer MEMS = POINTER.child("mems");
  private static final Pointer IDLE = POINTER.child("idle");

  // linux v6.12 kernel/sched/core.c, fair.c, sched.h
  private static final long TIME_MIN_MICROS = 1_000;
  private static final long PERIOD_MAX_MICROS = 1_000_000;
  private static final long PERIOD_DEFAULT_MICROS = 100_000;
  private static final long SHARES_MIN_V1 = 2;
  private static final long SHARES_MAX_V1 = 1L << 18;
  private static final long SHARES_DEFAULT_V1 = 1024;

  private Cpu() {}

  /** Reads it. */
  public static Resources.@Nullable Cpu read(Members resources) {
    Members cpu = resources.object("cpu");
    if (cpu == null) {
      return null;
    }
    Resources.Cpu out =
        new Resources.Cpu(
            notZero(cpu.uint64("shares")),
            notZero(cpu.int64("quota")),
            cpu.number("burst", 0, Long.MAX_VALUE),
            notZero(cpu.number("period", 0, Long.MAX_VALUE)),
            notZero(cpu.int64("realtimeRuntime")),
            notZero(cpu.number("realtimePeriod", 0, Long.MAX_VALUE)),
            list(cpu, "cpus"),
            list(cpu, "mems"),
            cpu.number("idle", 0, 1));
    check(cpu, out);
    return out;
  }

  private static @Nullable Long notZero(@Nullable Long value) {
    return value == null || value == 0 ? null : value;
  }

  private static void check(Members cpu, Resources.Cpu c) {
    Long period = c.periodMicros();
    if (period != null && (period < TIME_MIN_MICROS || period > PERIOD_MAX_MICROS)) {
      cpu.error("period", "must be from 1000 to 1000000 microseconds, not " + period);
    }
    Long quota = c.quotaMicros();
    if (quota != null && quota > 0 && quota < TIME_MIN_MICROS) {
      cpu.error("quota", "must be at least 1000 microseconds, not " + quota);
    }
    Long burst = c.burstMicros();
    if (burst != null && quota != null && quota > 0 && burst > quota) {
      cpu.error("burst", "must not be above the quota of " + quota + ", but is " + burst);
    }
    Long runtime = c.realtimeRuntimeMicros();
    Long realtimePeriod = c.realtimePeriodMicros();
    if (runtime != null && realtimePeriod != null && runtime > realtimePeriod) {
      cpu.error(
          "realtimeRuntime",
          "must not be above the realtimePeriod of " + realtimePeriod + ", but is " + runtime);
    }
  }

  /** A list such as {@code 0-3,7}; null where it is absent or empty. */
  private static @Nullable String list(Members cpu, String key) {
    String value = cpu.string(key);
    if (value == null || value.isEmpty()) {
      return null;
    }
    for (int i = 0; i < value.length(); i++) {
      char c = value.charAt(i);
      if ((c < '0' || c > '9') && c != ',' && c != '-') {
        cpu.error(key, "must be a list like \"0-3,7\", not \"" + value + "\"");
        return null;
      }
    }
    return value;
  }

  /** Writes it, but for the CPUs and memory nodes. */
  public static void plan(Resources.Cpu cpu, CgroupSteps steps) {
    CgroupFiles files = steps.files("cpu");
    if (files.isV2()) {
      planV2(cpu, files, steps);
    } else {
      planV1(cpu, files, steps);
    }
  }

  private static void planV1(Resources.Cpu c, CgroupFiles files, CgroupSteps steps) {
    busy(c, files);
    sharesV1(c, files, steps);
    // Their ratio is checked against the parent's, and the burst against the quota: in which order
    // they can be written depends on what was there.
    List<Action.WriteCgroupFile> values = new ArrayList<>(3);
    Long period = c.periodMicros();
    if (period != null && (period != PERIOD_DEFAULT_MICROS || steps.use() == Use.UPDATE)) {
      values.add(files.value("cpu.cfs_period_us", "" + period));
    }
    Long quota = c.quotaMicros();
    if (quota != null && quota > 0) {
      values.add(files.value("cpu.cfs_quota_us", "" + quota));
    } else if (quota != null) {
      files.writeDefault("cpu.cfs_quota_us", "-1", QUOTA, Errors.NONE);
    }
    burst(c, "cpu.cfs_burst_us", values, files);
    files.writeBound(values, period != null ? PERIOD : quota != null ? QUOTA : BURST);
    realtimeV1(c, files, steps);
    idle(c, files);
  }

  private static void sharesV1(Resources.Cpu c, CgroupFiles files, CgroupSteps steps) {
    Long shares = c.shares();
    if (shares == null || (shares == SHARES_DEFAULT_V1 && steps.use() == Use.CREATE)) {
      return;
    }
    if (shares < SHARES_MIN_V1 || shares > SHARES_MAX_V1) {
      String text = Long.toUnsignedString(shares);
      steps.problems().error(SHARES, "must be from 2 to 262144 on cgroup v1, not " + text);
    } else {
      files.write("cpu.shares", "" + shares, SHARES);
    }
  }

  /** Only a kernel with CONFIG_RT_GROUP_SCHED has the files. */
  private static void realtimeV1(Resources.Cpu c, CgroupFiles files, CgroupSteps steps) {
    Long period = c.realtimePeriodMicros();
    Long runtime = c.realtimeRuntimeMicros();
    List<Action.WriteCgroupFile> values = new ArrayList<>(2);
    if (period != null) {
      values.add(files.value("cpu.rt_period_us", "" + period));
    }
    if (runtime != null) {
      values.add(files.value("cpu.rt_runtime_us", "" + runtime));
    }
    String mountPoint = steps.mountPoint("cpu");
    if (runtime != null && runtime > 0 && mountPoint != null) {
      // A new cgroup has no realtime runtime, and neither have those that were made above it.
      Action allot =
          new Action.AllotRealtime(
              mountPoint, files.directory(), period == null ? 0 : period, runtime);
      files.add(allot, REALTIME_RUNTIME, Errors.NONE);
    }
    files.writeBound(values, runtime != null ? REALTIME_RUNTIME : REALTIME_PERIOD);
  }

  private static void planV2(Resources.Cpu c, CgroupFiles files, CgroupSteps steps) {
    busy(c, files);
    Long shares = c.shares();
    if (shares != null) {
      files.write("cpu.weight", "" + CpuWeight.ofShares(shares), SHARES);
    }
    List<Action.WriteCgroupFile> values = new ArrayList<>(2);
    Long quota = c.quotaMicros();
    Long period = c.periodMicros();
    if (quota != null) {
      // Without a period the kernel keeps the one that is there.
      String value = (quota > 0 ? "" + quota : "max") + (period == null ? "" : " " + period);
      if (quota > 0 || period != null && period != PERIOD_DEFAULT_MICROS) {
        values.add(files.value("cpu.max", value));
      } else {
        files.writeDefault("cpu.max", value, QUOTA, Errors.NONE);
      }
    }
    burst(c, "cpu.max.burst", values, files);
    files.writeBound(values, quota != null ? QUOTA : BURST);
    boolean fresh = steps.use() == Use.CREATE;
    if (quota == null && period != null && !(fresh && period == PERIOD_DEFAULT_MICROS)) {
      files.add(new Action.SetCpuPeriod(files.directory(), period), PERIOD, Errors.NONE);
    }
    if (c.realtimePeriodMicros() != null) {
      files.unsupportedOnV2(REALTIME_PERIOD);
    }
    if (c.realtimeRuntimeMicros() != null) {
      files.unsupportedOnV2(REALTIME_RUNTIME);
    }
    idle(c, files);
  }

  private static void burst(
      Resources.Cpu c, String file, List<Action.WriteCgroupFile> values, CgroupFiles files) {
    Long burst = c.burstMicros();
    if (burst != null && burst > 0) {
      values.add(files.value(file, "" + burst));
    } else if (burst != null) {
      // Before Linux 5.14 there is no burst, as if it were 0. Before the quota, which it bounds.
      files.write(file, "0", BURST, Errors.of(Errno.ENOENT));
    }
  }

  // Not idle any more before the shares, which an idle group has none of; idle after them.
  private static void busy(Resources.Cpu c, CgroupFiles files) {
    Long idle = c.idle();
    if (idle != null && idle == 0) {
      // Before Linux 5.15 nothing is ever idle.
      files.write("cpu.idle", "0", IDLE, Errors.of(Errno.ENOENT));
    }
  }

  private static void idle(Resources.Cpu c, CgroupFiles files) {
    Long idle = c.idle();
    if (idle != null && idle == 1) {
      files.write("cpu.idle", "1", IDLE);
    }
  }

  /** Writes the CPUs and memory nodes, for which there is a controller of its own. */
  public static void planSets(Resources.Cpu cpu, CgroupSteps steps) {
    String cpus = cpu.cpus();
    if (cpus != null) {
      steps.files("cpuset").write("cpuset.cpus", cpus, CPUS);
    }
    String mems = cpu.mems();
    if (mems != null) {
      steps.files("cpuset").write("cpuset.mems", mems, MEMS);
    }
  }
}
