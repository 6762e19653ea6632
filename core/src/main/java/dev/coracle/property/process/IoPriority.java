package dev.coracle.property.process;

import dev.coracle.abi.Sched;
import dev.coracle.json.Members;
import dev.coracle.json.Pointer;
import dev.coracle.plan.Action;
import dev.coracle.plan.Phase;
import dev.coracle.plan.PlanBuilder;
import org.jspecify.annotations.Nullable;

/** The priority of its input and output (config.md, "Process"; ioprio_set(2)). */
public final class IoPriority {
  public static final Pointer POINTER = Pointer.of("/process/ioPriority");

  private IoPriority() {}

  /** Reads it. */
  public static dev.coracle.spec.Process.@Nullable IoPriority read(Members process) {
    Members in = process.object("ioPriority");
    if (in == null) {
      return null;
    }
    String name = in.requiredString("class");
    int ioClass =
        switch (name) {
          case "IOPRIO_CLASS_RT" -> Sched.IOPRIO_CLASS_RT;
          case "IOPRIO_CLASS_BE" -> Sched.IOPRIO_CLASS_BE;
          case "IOPRIO_CLASS_IDLE" -> Sched.IOPRIO_CLASS_IDLE;
          default -> 0;
        };
    if (ioClass == 0 && in.isString("class")) {
      in.error("class", "unknown I/O priority class \"" + name + "\"");
    }
    Long priority = in.number("priority", 0, 7);
    return new dev.coracle.spec.Process.IoPriority(
        ioClass, priority == null ? 0 : priority.intValue());
  }

  /** Sets it: while CAP_SYS_NICE is still there, which the class RT needs. */
  public static void plan(
      dev.coracle.spec.Process.@Nullable IoPriority priority, PlanBuilder plan) {
    if (priority != null) {
      plan.add(
          Phase.CHILD_PROCESS,
          new Action.SetIoPriority(priority.ioClass(), priority.priority()),
          POINTER);
    }
  }
}
