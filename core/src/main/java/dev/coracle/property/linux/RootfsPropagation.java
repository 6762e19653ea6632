package dev.coracle.property.linux;

import dev.coracle.abi.Mount;
import dev.coracle.json.Members;
import dev.coracle.json.Pointer;
import dev.coracle.plan.Action;
import dev.coracle.plan.Phase;
import dev.coracle.plan.PlanBuilder;
import dev.coracle.problem.Origin;
import dev.coracle.problem.Problems;
import org.jspecify.annotations.Nullable;

/** The propagation of the root mount (config-linux.md, "Rootfs Mount Propagation"). */
public final class RootfsPropagation {
  public static final Pointer POINTER = Pointer.of("/linux/rootfsPropagation");

  private RootfsPropagation() {}

  /** Reads it. */
  public static @Nullable String read(Members linux) {
    String value = linux.string("rootfsPropagation");
    if (value == null || value.isEmpty()) {
      return null;
    }
    if (kind(value) == 0) {
      linux.error(
          "rootfsPropagation",
          "must be shared, slave, private or unbindable, not \"" + value + "\"");
      return null;
    }
    return value;
  }

  private static long kind(String value) {
    return switch (value) {
      case "shared", "rshared" -> Mount.MS_SHARED;
      case "slave", "rslave" -> Mount.MS_SLAVE;
      case "private", "rprivate" -> Mount.MS_PRIVATE;
      case "unbindable", "runbindable" -> Mount.MS_UNBINDABLE;
      default -> 0;
    };
  }

  /**
   * Cuts the new mount namespace off the host's: as slaves, so that what the host mounts later
   * still arrives, unless the bundle asks for something else.
   */
  public static void planIsolation(@Nullable String value, PlanBuilder plan) {
    long kind = value == null ? Mount.MS_SLAVE : kind(value);
    // Unbindable mounts could not be copied for the container's root.
    long used = kind == Mount.MS_UNBINDABLE ? Mount.MS_PRIVATE : kind;
    Origin origin = value == null ? new Origin.Default("mount propagation") : Origin.of(POINTER);
    plan.add(Phase.CHILD_SETUP, new Action.IsolateMounts(used, true), origin);
  }

  /**
   * Tells that the old root, which stays below with {@code --no-pivot}, would be cut off from the
   * host: what the host unmounts would stay mounted there, and busy.
   */
  public static void checkMoved(@Nullable String value, Problems problems) {
    if (value != null && kind(value) != Mount.MS_SHARED && kind(value) != Mount.MS_SLAVE) {
      problems.error(POINTER, "must be shared or slave with --no-pivot, not \"" + value + "\"");
    }
  }

  /** Gives the container's root the propagation that was asked for. */
  public static void plan(@Nullable String value, PlanBuilder plan) {
    if (value != null) {
      plan.add(
          Phase.CHILD_AFTER_PIVOT,
          new Action.SetRootPropagation(kind(value), value.startsWith("r")),
          POINTER);
    }
  }
}
