package dev.coracle.property.linux;

import dev.coracle.cgroup.CgroupPaths;
import dev.coracle.json.Members;
import dev.coracle.json.Pointer;
import dev.coracle.plan.Action;
import dev.coracle.plan.Errors;
import dev.coracle.plan.Phase;
import dev.coracle.plan.PlanBuilder;
import dev.coracle.problem.Origin;
import dev.coracle.systemd.Scope;
import org.jspecify.annotations.Nullable;

/** Where the container's cgroups are (config-linux.md, "Cgroups Path"; cgroups(7)). */
public final class CgroupsPath {
  public static final Pointer POINTER = Pointer.of("/linux/cgroupsPath");

  private static final Origin DEFAULT = new Origin.Default("cgroupsPath");

  private CgroupsPath() {}

  /** Reads it; an empty one counts as none. */
  public static @Nullable String read(Members linux) {
    String path = linux.string("cgroupsPath");
    if (path == null || path.isEmpty()) {
      return null;
    }
    // Whether a unit may be named at all is for the flag --systemd-cgroup to say.
    String defect = Scope.isNamedBy(path) ? null : CgroupPaths.defect(path);
    if (defect != null) {
      linux.error("cgroupsPath", defect + ": \"" + path + "\"");
    }
    return path;
  }

  /** Who asked for the container's cgroups. */
  public static Origin origin(@Nullable String cgroupsPath) {
    return cgroupsPath == null ? DEFAULT : Origin.of(POINTER);
  }

  /** Makes the cgroups. */
  public static void planMake(CgroupPaths paths, Origin origin, PlanBuilder plan) {
    for (String directory : paths.directories()) {
      plan.add(
          Phase.PARENT_BEFORE, new Action.MakeCgroup(directory), origin, Errors.WHERE_ROOTLESS);
    }
  }

  /**
   * Puts the container's process into its v1 cgroups; into a v2 cgroup it is cloned.
   *
   * <p>The process, which has one thread, moves itself by its {@code tasks} files: moving a whole
   * thread group by cgroup.procs takes a lock that waits for a grace period of RCU, which is
   * milliseconds (cgroup_threadgroup_rwsem, linux v6.12 kernel/cgroup/cgroup.c).
   */
  public static void planJoin(CgroupPaths paths, Origin origin, PlanBuilder plan) {
    for (CgroupPaths.Directory d : paths.v1()) {
      Action join = new Action.JoinCgroup(d.path() + "/tasks");
      plan.add(Phase.CHILD_SETUP, join, origin, Errors.WHERE_ROOTLESS);
    }
  }
}
