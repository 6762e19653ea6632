package dev.coracle.cgroup;

import dev.coracle.cgroup.CgroupLayout.Unified;
import dev.coracle.cgroup.CgroupLayout.Version;
import dev.coracle.json.Pointer;
import dev.coracle.plan.Action;
import dev.coracle.plan.Errors;
import dev.coracle.plan.Phase;
import dev.coracle.plan.PlanBuilder;
import dev.coracle.plan.Step;
import dev.coracle.problem.Origin;
import dev.coracle.problem.Problems;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What will be written into a container's cgroups, collected before any of it is planned: which
 * controllers a v2 cgroup needs is known only when all values are.
 */
public final class CgroupSteps {
  /** What the values are written for. */
  public enum Use {
    /** A cgroup that is made for them: what it starts with need not be written. */
    CREATE,
    /** The cgroup of a container that runs: whatever is given is written. */
    UPDATE
  }

  private final CgroupLayout layout;
  private final CgroupPaths paths;
  private final Use use;
  private final Problems problems;
  private final List<Step> steps = new ArrayList<>();
  private final List<String> controllers = new ArrayList<>();

  /** Steps for one container. */
  public CgroupSteps(CgroupLayout layout, CgroupPaths paths, Use use, Problems problems) {
    this.layout = layout;
    this.paths = paths;
    this.use = use;
    this.problems = problems;
  }

  /** The files of one controller: v1's where one is mounted, or else v2's. */
  public CgroupFiles files(String controller) {
    String v1 = paths.v1(controller);
    if (v1 != null) {
      return new CgroupFiles(this, controller, Version.V1, v1);
    }
    String v2 = paths.v2Path();
    if (v2 == null || (layout.version() == Version.HYBRID && !offered(controller))) {
      return new CgroupFiles(this, controller, Version.NONE, "");
    }
    return new CgroupFiles(this, controller, Version.V2, v2);
  }

  /**
   * The files of the v2 cgroup, whatever v1 hierarchies there are beside it.
   *
   * @param controller empty for those that every cgroup has
   */
  public CgroupFiles unifiedFiles(String controller) {
    String v2 = paths.v2Path();
    Version version = v2 == null ? Version.NONE : Version.V2;
    return new CgroupFiles(this, controller, version, v2 == null ? "" : v2);
  }

  /** What the values are written for. */
  public Use use() {
    return use;
  }

  /** The mount point of the v1 hierarchy with this controller, or null. */
  public @Nullable String mountPoint(String controller) {
    CgroupLayout.Hierarchy h = layout.v1(controller);
    return h == null ? null : h.mountPoint();
  }

  /** Where device rules go: v1's controller, or a program for any v2 cgroup. */
  CgroupFiles deviceFiles() {
    String v1 = paths.v1("devices");
    String v2 = paths.v2Path();
    if (v1 == null && v2 != null) {
      return new CgroupFiles(this, "devices", Version.V2, v2);
    }
    return new CgroupFiles(
        this, "devices", v1 == null ? Version.NONE : Version.V1, v1 == null ? "" : v1);
  }

  // Beside v1 hierarchies the unified one has few controllers, or none: it must have said so.
  private boolean offered(String controller) {
    Unified u = layout.unified();
    List<String> known = u == null ? null : u.controllers();
    return known != null && known.contains(controller);
  }

  /** The problems of the plan. */
  public Problems problems() {
    return problems;
  }

  /** Adds a step in the order of the calls. */
  public void add(Action action, Origin origin, Errors tolerates) {
    steps.add(new Step(Phase.PARENT_BEFORE, action, origin, tolerates));
  }

  /** Takes note that a v2 cgroup needs a controller for a property. */
  void need(String controller, Pointer at) {
    if (controller.isEmpty() || controllers.contains(controller)) {
      return;
    }
    Unified u = layout.unified();
    List<String> known = u == null ? null : u.controllers();
    if (u != null && known != null && !known.contains(controller)) {
      String file = u.mountPoint() + "/cgroup.controllers";
      problems.error(at, "needs the " + controller + " controller, which is not in " + file);
      return;
    }
    controllers.add(controller);
  }

  /** The controllers that the values need on v2. */
  public List<String> controllers() {
    return controllers;
  }

  /** Everything, in order. */
  public List<Step> steps() {
    return steps;
  }

  /** Adds everything to the plan. */
  public void addTo(PlanBuilder plan) {
    for (Step s : steps) {
      plan.add(s.phase(), s.action(), s.origin(), s.tolerates());
    }
  }
}
