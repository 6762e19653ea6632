package dev.coracle.property.process;

import dev.coracle.abi.BitList;
import dev.coracle.abi.Sched;
import dev.coracle.json.Members;
import dev.coracle.json.Pointer;
import dev.coracle.plan.Action;
import dev.coracle.plan.Errors;
import dev.coracle.plan.Phase;
import dev.coracle.plan.PlanBuilder;
import dev.coracle.problem.Origin;
import dev.coracle.spec.Process;
import org.jspecify.annotations.Nullable;

/** The CPUs of a process that exec starts (config.md, "Process"; sched_setaffinity(2)). */
public final class ExecCPUAffinity {
  public static final Pointer POINTER = Pointer.of("/process/execCPUAffinity");

  private static final Origin DEFAULT = new Origin.Default("CPU affinity");

  private ExecCPUAffinity() {}

  /** Reads it; an empty list is none. */
  public static Process.@Nullable ExecCpuAffinity read(Members process) {
    Members in = process.object("execCPUAffinity");
    if (in == null) {
      return null;
    }
    return new Process.ExecCpuAffinity(list(in, "initial"), list(in, "final"));
  }

  private static @Nullable String list(Members in, String key) {
    String list = in.string(key);
    if (list == null || list.isEmpty()) {
      return null;
    }
    byte[] mask = BitList.mask(list, Sched.LAST_CPU);
    if (mask == null || mask.length == 0) {
      in.error(key, "must be a list of CPUs such as 0-3,7, not \"" + list + "\"");
      return null;
    }
    return list;
  }

  /**
   * For exec: binds the runtime itself, whose child starts with that. So it holds before the child
   * is in the container's cgroup, whichever way it gets there.
   */
  public static void planInitial(Process.@Nullable ExecCpuAffinity affinity, PlanBuilder plan) {
    String cpus = affinity == null ? null : affinity.initial();
    if (cpus != null) {
      plan.add(Phase.PARENT_BEFORE, new Action.SetCpuAffinity(cpus), POINTER.child("initial"));
    }
  }

  /** For exec: binds the process, which is in the container's cgroup by now. */
  public static void planFinal(Process.@Nullable ExecCpuAffinity affinity, PlanBuilder plan) {
    String cpus = affinity == null ? null : affinity.last();
    if (cpus != null) {
      plan.add(Phase.CHILD_PROCESS, new Action.SetCpuAffinity(cpus), POINTER.child("final"));
    } else {
      planReset(plan);
    }
  }

  /** Lets a process run wherever its cgroup does, whatever the caller is bound to. */
  public static void planReset(PlanBuilder plan) {
    plan.add(
        Phase.CHILD_PROCESS,
        new Action.ResetCpuAffinity(),
        DEFAULT,
        Errors.of(dev.coracle.kernel.Errno.EINVAL, dev.coracle.kernel.Errno.EPERM));
  }
}
