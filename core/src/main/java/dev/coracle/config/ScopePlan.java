package dev.coracle.config;

import dev.coracle.cgroup.CgroupLayout;
import dev.coracle.cgroup.CgroupLayout.Version;
import dev.coracle.cgroup.CgroupPaths;
import dev.coracle.cgroup.CgroupSteps;
import dev.coracle.cgroup.DeviceUnits;
import dev.coracle.kernel.Errno;
import dev.coracle.plan.Action;
import dev.coracle.plan.Errors;
import dev.coracle.plan.Phase;
import dev.coracle.plan.PlanBuilder;
import dev.coracle.plan.Step;
import dev.coracle.problem.Origin;
import dev.coracle.problem.Problems;
import dev.coracle.property.linux.CgroupsPath;
import dev.coracle.property.linux.resources.ResourcesReader;
import dev.coracle.spec.Resources;
import dev.coracle.spec.Spec;
import dev.coracle.systemd.ScopeRequest;
import dev.coracle.systemd.UnitProperty;
import java.util.ArrayList;
import java.util.List;

/**
 * The cgroup steps where systemd makes the container's cgroup: a scope is started with a process in
 * it, so they come after the clone, and the process waits for them
 * (docs/decisions/0010-systemd.md).
 */
final class ScopePlan {
  /** The controllers that systemd gives to a scope with {@code Delegate=true}. */
  private static final List<String> DELEGATED = List.of("cpu", "cpuset", "io", "memory", "pids");

  private ScopePlan() {}

  static void plan(
      Spec spec,
      CgroupLayout layout,
      CgroupPaths paths,
      ScopeRequest request,
      PlanBuilder plan,
      Problems problems) {
    Resources given = spec.linux().resources();
    Resources resources = given == null ? CgroupPlan.NO_RESOURCES : given;
    CgroupSteps steps = new CgroupSteps(layout, paths, CgroupSteps.Use.CREATE, problems);
    CgroupPlan.values(resources, layout, paths, steps);
    List<Step> limits = steps.steps();
    boolean v2 = layout.version() == Version.V2;
    List<UnitProperty> properties =
        ScopeProperties.start(
            request.scope(),
            request.id(),
            v2,
            limits,
            DeviceUnits.allowed(resources.devices()),
            request.manager());
    properties.addAll(request.asked());

    Origin origin = CgroupsPath.origin(spec.linux().cgroupsPath());
    List<String> others = v2 ? List.of() : paths.directories();
    Action start =
        new Action.StartScope(request.scope(), properties, v2 ? paths.v2Path() : null, others);
    plan.add(Phase.PARENT_SCOPE, start, origin);
    enable(steps.controllers(), layout, paths, plan);
    for (Step s : limits) {
      plan.add(Phase.PARENT_SCOPE, s.action(), s.origin(), s.tolerates());
    }
    // Before all else: neither a limit nor the cgroup namespace may miss anything.
    plan.add(Phase.CHILD_SETUP, new Action.AwaitScope(), origin);
    CgroupsPath.planJoin(paths, origin, plan);
    if (!v2 && paths.v2Path() != null) {
      Action join = new Action.JoinCgroup(paths.v2Path() + "/cgroup.procs");
      plan.add(Phase.CHILD_SETUP, join, origin);
    }
  }

  /** Controllers that systemd does not know; where they cannot be had, the write tells. */
  private static void enable(
      List<String> needed, CgroupLayout layout, CgroupPaths paths, PlanBuilder plan) {
    CgroupLayout.Unified unified = layout.unified();
    String path = paths.v2Path();
    List<String> unknown = new ArrayList<>();
    for (String controller : needed) {
      if (!DELEGATED.contains(controller)) {
        unknown.add(controller);
      }
    }
    if (unknown.isEmpty() || unified == null || path == null) {
      return;
    }
    Errors notOurs = Errors.of(Errno.EACCES, Errno.EPERM, Errno.EROFS);
    for (int end = unified.mountPoint().length(); end > 0; end = path.indexOf('/', end + 1)) {
      Action action = new Action.EnableControllers(path.substring(0, end), unknown);
      plan.add(Phase.PARENT_SCOPE, action, Origin.of(ResourcesReader.POINTER), notOurs);
    }
  }
}
