package dev.coracle.property.process;

import dev.coracle.json.Members;
import dev.coracle.json.Pointer;
import dev.coracle.plan.Action;
import dev.coracle.plan.Phase;
import dev.coracle.plan.PlanBuilder;

/** No execve(2) gives privileges any more (config.md; prctl(2), PR_SET_NO_NEW_PRIVS). */
public final class NoNewPrivileges {
  public static final Pointer POINTER = Pointer.of("/process/noNewPrivileges");

  private NoNewPrivileges() {}

  /** Reads it. */
  public static boolean read(Members process) {
    return process.bool("noNewPrivileges", false);
  }

  /** Sets it. */
  public static void plan(boolean noNewPrivileges, PlanBuilder plan) {
    if (noNewPrivileges) {
      plan.add(Phase.CHILD_PROCESS, new Action.SetNoNewPrivileges(), POINTER);
    }
  }
}
