package dev.coracle.execute;

import dev.coracle.plan.Action;
import dev.coracle.plan.ActionText;
import dev.coracle.plan.Step;
import org.jspecify.annotations.Nullable;

/**
 * Whose words stand in front of a failure. What engines and scripts look for are the words of runc,
 * so a binary that is called by that name says them first (libcontainer of runc 1.3); what we have
 * to say, with the property that it is about, follows them in any case.
 */
public enum Wording {
  OURS,
  RUNC;

  private static final String STARTING = "unable to start container process: ";

  /** Of the name by which the binary is called. */
  public static Wording of(String name) {
    return name.equals("runc") ? RUNC : OURS;
  }

  /** What stands in front of anything that a verb fails with. */
  public String failed(String verb) {
    return this == OURS
        ? ""
        : switch (verb) {
          case "create" -> "runc create failed: ";
          case "run" -> "runc run failed: ";
          case "exec" -> "exec failed: ";
          default -> "";
        };
  }

  /** A failure of the runtime's before there is a process; null stays null. */
  @Nullable String beforeProcess(@Nullable String problem) {
    return problem == null || this == OURS ? problem : STARTING + problem;
  }

  /** A failure once there is a process, its own or the runtime's; null stays null. */
  @Nullable String inProcess(@Nullable String problem) {
    return problem == null || this == OURS
        ? problem
        : STARTING + "error during container init: " + problem;
  }

  /** A step that failed. */
  String step(Step step, String why) {
    if (this == RUNC && step.action() instanceof Action.Execute) {
      // It stands alone with runc: by then nobody is there who could say more.
      return why;
    }
    String text = step.origin() + ": cannot " + ActionText.of(step.action()) + ": " + why;
    return this == RUNC && mounts(step.action()) ? "error mounting: " + text : text;
  }

  private static boolean mounts(Action action) {
    return action instanceof Action.MakeMount
        || action instanceof Action.MountCgroup
        || action instanceof Action.OpenTree;
  }
}
