package dev.coracle.property.process;

import dev.coracle.json.Members;
import dev.coracle.json.Pointer;
import dev.coracle.plan.Action;
import dev.coracle.plan.Phase;
import dev.coracle.plan.PlanBuilder;
import dev.coracle.spec.Process;

/** A pseudo terminal for the process (config.md, "Process"; pty(7)). */
public final class Terminal {
  public static final Pointer POINTER = Pointer.of("/process/terminal");

  private Terminal() {}

  /** Reads it. */
  public static boolean read(Members process) {
    return process.bool("terminal", false);
  }

  /** Opens it in the container's own devpts, once that is mounted. */
  public static void plan(Process process, PlanBuilder plan) {
    if (process.terminal()) {
      plan.add(Phase.CHILD_BEFORE_PIVOT, new Action.OpenConsole(process.consoleSize()), POINTER);
    }
  }
}
