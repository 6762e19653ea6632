package dev.coracle.property.process;

import dev.coracle.abi.Sched;
import dev.coracle.json.Members;
import dev.coracle.json.Pointer;
import dev.coracle.plan.Action;
import dev.coracle.plan.Phase;
import dev.coracle.plan.PlanBuilder;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** How the process is scheduled (config.md, "Process"; sched(7), sched_setattr(2)). */
public final class Scheduler {
  public static final Pointer POINTER = Pointer.of("/process/scheduler");

  private static final int LEAST_NICE = -20;
  private static final int MOST_NICE = 19;

  private Scheduler() {}

  /** Reads it; what the policy does not look at must not be given. */
  public static dev.coracle.spec.Process.@Nullable Scheduler read(Members process) {
    Members in = process.object("scheduler");
    if (in == null) {
      return null;
    }
    String name = in.requiredString("policy");
    int policy = policy(name);
    if (policy < 0 && in.isString("policy")) {
      in.error("policy", "unknown scheduling policy \"" + name + "\"");
    }
    Long nice = in.number("nice", LEAST_NICE, MOST_NICE);
    Long priority = in.number("priority", 0, 99);
    long runtime = nanos(in, "runtime", name, policy);
    long deadline = nanos(in, "deadline", name, policy);
    long period = nanos(in, "period", name, policy);
    boolean realtime = policy == Sched.SCHED_FIFO || policy == Sched.SCHED_RR;
    if (policy >= 0 && !realtime && priority != null && priority != 0) {
      in.error("priority", "needs SCHED_FIFO or SCHED_RR, not " + name);
    }
    return new dev.coracle.spec.Process.Scheduler(
        Math.max(policy, 0),
        nice == null ? 0 : nice.intValue(),
        priority == null ? 0 : priority.intValue(),
        flags(in),
        runtime,
        deadline,
        period);
  }

  private static long nanos(Members in, String key, String name, int policy) {
    Long value = in.uint64(key);
    if (value == null) {
      return 0;
    }
    if (value != 0 && policy >= 0 && policy != Sched.SCHED_DEADLINE) {
      in.error(key, "needs SCHED_DEADLINE, not " + name);
    }
    return value;
  }

  private static int policy(String name) {
    return switch (name) {
      case "SCHED_OTHER" -> Sched.SCHED_OTHER;
      case "SCHED_FIFO" -> Sched.SCHED_FIFO;
      case "SCHED_RR" -> Sched.SCHED_RR;
      case "SCHED_BATCH" -> Sched.SCHED_BATCH;
      case "SCHED_ISO" -> Sched.SCHED_ISO;
      case "SCHED_IDLE" -> Sched.SCHED_IDLE;
      case "SCHED_DEADLINE" -> Sched.SCHED_DEADLINE;
      default -> -1;
    };
  }

  private static long flags(Members in) {
    long out = 0;
    List<String> names = in.strings("flags");
    for (int i = 0; i < names.size(); i++) {
      long flag = flag(names.get(i));
      if (flag == 0) {
        in.error("flags", i, "unknown scheduling flag \"" + names.get(i) + "\"");
      }
      out |= flag;
    }
    return out;
  }

  private static long flag(String name) {
    return switch (name) {
      case "SCHED_FLAG_RESET_ON_FORK" -> Sched.SCHED_FLAG_RESET_ON_FORK;
      case "SCHED_FLAG_RECLAIM" -> Sched.SCHED_FLAG_RECLAIM;
      case "SCHED_FLAG_DL_OVERRUN" -> Sched.SCHED_FLAG_DL_OVERRUN;
      case "SCHED_FLAG_KEEP_POLICY" -> Sched.SCHED_FLAG_KEEP_POLICY;
      case "SCHED_FLAG_KEEP_PARAMS" -> Sched.SCHED_FLAG_KEEP_PARAMS;
      case "SCHED_FLAG_UTIL_CLAMP_MIN" -> Sched.SCHED_FLAG_UTIL_CLAMP_MIN;
      case "SCHED_FLAG_UTIL_CLAMP_MAX" -> Sched.SCHED_FLAG_UTIL_CLAMP_MAX;
      default -> 0;
    };
  }

  /**
   * Sets it: after the CPU affinity, which SCHED_DEADLINE does not let change, and after Rlimits,
   * which may allow it to a process without CAP_SYS_NICE; before anything takes that away.
   */
  public static void plan(
      dev.coracle.spec.Process.@Nullable Scheduler scheduler, PlanBuilder plan) {
    if (scheduler != null) {
      plan.add(Phase.CHILD_PROCESS, new Action.SetScheduler(scheduler), POINTER);
    }
  }
}
