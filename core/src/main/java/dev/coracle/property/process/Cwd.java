package dev.coracle.property.process;

import dev.coracle.json.Members;
import dev.coracle.json.Pointer;
import dev.coracle.plan.Action;
import dev.coracle.plan.Phase;
import dev.coracle.plan.PlanBuilder;

/** The working directory (config.md, "Process"). */
public final class Cwd {
  public static final Pointer POINTER = Pointer.of("/process/cwd");

  private Cwd() {}

  /** Reads it: an absolute path. */
  public static String read(Members process) {
    String cwd = process.requiredString("cwd");
    if (!cwd.startsWith("/") && process.isString("cwd")) {
      process.error("cwd", "must be absolute, not \"" + cwd + "\"");
    }
    return cwd;
  }

  /**
   * Goes there.
   *
   * @param create whether a missing one is made: a container's is, as peers do; a host's is not
   */
  public static void plan(String cwd, boolean create, PlanBuilder plan) {
    // Before User: a user may be unable to make it, or to search its parents.
    plan.add(Phase.CHILD_PROCESS, new Action.ChangeDirectory(cwd, create), POINTER);
  }
}
