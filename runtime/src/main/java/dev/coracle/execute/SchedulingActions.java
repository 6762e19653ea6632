package dev.coracle.execute;

import static dev.coracle.abi.Sched.IOPRIO_WHO_PROCESS;

import dev.coracle.abi.BitList;
import dev.coracle.abi.Mempolicy;
import dev.coracle.abi.Sched;
import dev.coracle.kernel.Errno;
import dev.coracle.plan.Action;

/** When and where the process runs, and how much it takes: CPUs, priorities, nodes, limits. */
final class SchedulingActions {
  private static final int CAP_SYS_NICE = 23;

  private SchedulingActions() {}

  static long setCpuAffinity(Context c, Action.SetCpuAffinity a) {
    long result = c.kernel.sched_setaffinity(mask(a.cpus(), Sched.LAST_CPU));
    return result == -Errno.EINVAL
        ? c.fail(Errno.EINVAL, "none of CPUs " + a.cpus() + " is there and allowed")
        : Math.min(result, 0);
  }

  static long setRlimit(Context c, Action.SetRlimit a) {
    long result = c.kernel.prlimit64(0, a.resource(), a.soft(), a.hard());
    // Also in a user namespace: what counts is a capability of the host's.
    return result == -Errno.EPERM
        ? c.fail(
            Errno.EPERM,
            c.explain(result) + "; to raise a hard limit the runtime needs CAP_SYS_RESOURCE")
        : result;
  }

  static long setScheduler(Context c, Action.SetScheduler a) {
    return explained(c, c.kernel.sched_setattr(Sched.attr(a.scheduler()), 0));
  }

  static long setIoPriority(Context c, Action.SetIoPriority a) {
    long priority = Sched.ioprio(a.ioClass(), a.priority());
    return explained(c, c.kernel.ioprio_set(IOPRIO_WHO_PROCESS, 0, priority));
  }

  /** EPERM mostly means that the runtime itself lacks a capability, which it can find out. */
  private static long explained(Context c, long result) {
    if (result == -Errno.EPERM) {
      long[] sets = new long[3];
      String words = c.explain(result);
      boolean lacks = c.kernel.capget(sets) >= 0 && (sets[0] & 1L << CAP_SYS_NICE) == 0;
      return c.fail(Errno.EPERM, words + (lacks ? "; the runtime has no CAP_SYS_NICE" : ""));
    }
    return result;
  }

  static long setMemoryPolicy(Context c, Action.SetMemoryPolicy a) {
    byte[] mask = mask(a.nodes(), Mempolicy.LAST_NODE);
    // The kernel counts one bit less than it is told (set_mempolicy(2), BUGS).
    return c.kernel.set_mempolicy(a.mode(), mask, mask.length == 0 ? 0 : mask.length * 8L + 1);
  }

  private static byte[] mask(String list, int most) {
    byte[] mask = BitList.mask(list, most);
    if (mask == null) {
      throw new IllegalStateException("planned without a check: " + list);
    }
    return mask;
  }
}
