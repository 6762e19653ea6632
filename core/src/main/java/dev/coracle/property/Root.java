package dev.coracle.property;

import dev.coracle.json.Members;
import dev.coracle.json.Pointer;
import dev.coracle.plan.Action;
import dev.coracle.plan.Phase;
import dev.coracle.plan.PlanBuilder;
import dev.coracle.problem.Origin;
import org.jspecify.annotations.Nullable;

/** The root filesystem (config.md, "Root"). */
public final class Root {
  public static final Pointer POINTER = Pointer.of("/root");
  public static final Pointer PATH = POINTER.child("path");
  public static final Pointer READONLY = POINTER.child("readonly");

  private Root() {}

  /** Reads it. */
  public static dev.coracle.spec.@Nullable Root read(Members config) {
    Members root = config.object("root");
    if (root == null) {
      return null;
    }
    String path = root.requiredString("path");
    if (path.isEmpty() && root.isString("path")) {
      root.error("path", "must not be empty");
    }
    return new dev.coracle.spec.Root(path, root.bool("readonly", false));
  }

  /** Attaches a copy of the root's mounts, so that nothing done to it reaches the host. */
  public static void planAttach(String path, PlanBuilder plan) {
    plan.add(Phase.CHILD_SETUP, new Action.AttachRoot(path, false), PATH);
  }

  /**
   * The same in a mount namespace that others use.
   *
   * @param joined whether the container's process joins it; else it is the runtime's own
   */
  public static void planAttachShared(String path, boolean joined, PlanBuilder plan) {
    Phase phase = joined ? Phase.CHILD_SETUP : Phase.PARENT_BEFORE;
    plan.add(phase, new Action.AttachRoot(path, true), PATH);
  }

  /** Puts a root around it. */
  public static void planEnclosure(String rootAt, PlanBuilder plan) {
    plan.add(Phase.CHILD_SETUP, new Action.EncloseRoot(rootAt), PATH);
  }

  /** Makes it the process's root. */
  public static void planPivot(PlanBuilder plan) {
    plan.add(Phase.CHILD_AFTER_PIVOT, new Action.PivotRoot(), PATH);
  }

  /** Makes it the process's root without pivot_root(2). */
  public static void planMove(PlanBuilder plan) {
    plan.add(Phase.CHILD_AFTER_PIVOT, new Action.MoveRoot(), new Origin.Flag("--no-pivot"));
  }

  /** Makes it the process's root where there is no mount namespace of its own. */
  public static void planChroot(String path, boolean attached, PlanBuilder plan) {
    plan.add(Phase.CHILD_AFTER_PIVOT, new Action.ChangeRoot(path, attached), PATH);
  }

  /** Makes it read-only, once everything below it has been made. */
  public static void planReadonly(dev.coracle.spec.Root root, PlanBuilder plan) {
    if (root.readonly()) {
      plan.add(Phase.CHILD_AFTER_PIVOT, new Action.RemountRootReadonly(), Origin.of(READONLY));
    }
  }
}
