package dev.coracle.config;

import dev.coracle.cgroup.CgroupLayout;
import dev.coracle.cgroup.CgroupLayout.Hierarchy;
import dev.coracle.cgroup.CgroupPaths;
import dev.coracle.cgroup.CgroupSteps;
import dev.coracle.json.Pointer;
import dev.coracle.kernel.Errno;
import dev.coracle.plan.Action;
import dev.coracle.plan.Errors;
import dev.coracle.plan.Phase;
import dev.coracle.plan.PlanBuilder;
import dev.coracle.problem.Origin;
import dev.coracle.problem.Problems;
import dev.coracle.property.linux.CgroupsPath;
import dev.coracle.property.linux.resources.BlockIo;
import dev.coracle.property.linux.resources.Cpu;
import dev.coracle.property.linux.resources.DevicesRules;
import dev.coracle.property.linux.resources.HugepageLimits;
import dev.coracle.property.linux.resources.Memory;
import dev.coracle.property.linux.resources.Network;
import dev.coracle.property.linux.resources.Pids;
import dev.coracle.property.linux.resources.Rdma;
import dev.coracle.property.linux.resources.ResourcesReader;
import dev.coracle.property.linux.resources.Unified;
import dev.coracle.spec.Resources;
import dev.coracle.spec.Spec;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The cgroup steps in their order: make the cgroups, let them have controllers, set all limits, and
 * only then let the container's process in.
 */
public final class CgroupPlan {
  private static final Origin INHERIT = new Origin.Default("cpuset");
  static final Resources NO_RESOURCES = new Resources(List.of(), null, null, null);

  private CgroupPlan() {}

  /**
   * Adds the steps for one container.
   *
   * @param paths where the container's cgroups are; {@link CgroupPaths#v2Path} is where the child
   *     must be cloned into
   */
  public static void plan(
      Spec spec, CgroupLayout layout, CgroupPaths paths, PlanBuilder plan, Problems problems) {
    String cgroupsPath = spec.linux().cgroupsPath();
    Resources resources = spec.linux().resources();
    if (layout.version() == CgroupLayout.Version.NONE && cgroupsPath != null) {
      problems.error(CgroupsPath.POINTER, "no cgroup hierarchy is mounted");
    }
    Origin origin = CgroupsPath.origin(cgroupsPath);
    CgroupsPath.planMake(paths, origin, plan);

    CgroupSteps steps = new CgroupSteps(layout, paths, CgroupSteps.Use.CREATE, problems);
    values(resources == null ? NO_RESOURCES : resources, layout, paths, steps);
    if (!steps.controllers().isEmpty()) {
      // Without the controller its limit cannot be set, and says so itself.
      enable(steps.controllers(), cgroupsPath, layout, paths, Errors.WHERE_ROOTLESS, plan);
    }
    List<String> statistics = statistics(layout, steps.controllers());
    if (!statistics.isEmpty()) {
      enable(statistics, cgroupsPath, layout, paths, Errors.ANY, plan);
    }
    steps.addTo(plan);
    CgroupsPath.planJoin(paths, origin, plan);
  }

  /**
   * Adds the steps that give a container other limits.
   *
   * <p>Its device rules stay as they are, whatever is given: engines repeat the rules of the bundle
   * in each update, and hooks of accelerators have added to them since. Peers: runc.
   */
  public static void planUpdate(
      Resources resources,
      CgroupLayout layout,
      CgroupPaths paths,
      PlanBuilder plan,
      Problems problems) {
    CgroupSteps steps = new CgroupSteps(layout, paths, CgroupSteps.Use.UPDATE, problems);
    Resources.Cpu cpu = resources.cpu();
    if (cpu != null) {
      Cpu.planSets(cpu, steps);
      Cpu.plan(cpu, steps);
    }
    limits(resources, steps);
    Unified.plan(resources.unified(), layout, steps);
    if (!steps.controllers().isEmpty()) {
      // What create did not enable. Where that cannot be, the write that needs it tells.
      enable(steps.controllers(), null, layout, paths, Errors.ANY, plan);
    }
    steps.addTo(plan);
  }

  /**
   * Whether a hybrid host must be asked what its unified hierarchy offers: resources ask for
   * something that no v1 hierarchy has. Few bundles do, and no other need wait for the answer.
   */
  public static boolean needsUnified(@Nullable Resources r, CgroupLayout layout) {
    if (r == null || layout.version() != CgroupLayout.Version.HYBRID) {
      return false;
    }
    return !r.unified().isEmpty()
        || !r.hugepageLimits().isEmpty() && layout.v1("hugetlb") == null
        || !r.rdma().isEmpty() && layout.v1("rdma") == null
        || r.memory() != null && layout.v1("memory") == null
        || r.cpu() != null && (layout.v1("cpu") == null || layout.v1("cpuset") == null)
        || r.pidsLimit() != null && layout.v1("pids") == null
        || r.blockIo() != null && layout.v1("blkio") == null;
  }

  /**
   * Controllers without which engines read no statistics and see no OOM kill: all of them that the
   * host has, even where nothing is limited, as runc and crun enable them.
   */
  private static List<String> statistics(CgroupLayout layout, List<String> enabled) {
    CgroupLayout.Unified unified = layout.unified();
    List<String> offered = unified == null ? null : unified.controllers();
    List<String> out = new ArrayList<>();
    if (layout.version() != CgroupLayout.Version.V2 || offered == null) {
      return out;
    }
    for (String controller : List.of("cpu", "io", "memory", "pids")) {
      if (offered.contains(controller) && !enabled.contains(controller)) {
        out.add(controller);
      }
    }
    return out;
  }

  static void values(
      Resources resources, CgroupLayout layout, CgroupPaths paths, CgroupSteps steps) {
    Resources.Cpu cpu = resources.cpu();
    sets(cpu, layout, paths, steps);
    if (cpu != null) {
      Cpu.plan(cpu, steps);
    }
    limits(resources, steps);
    DevicesRules.plan(resources.devices(), steps);
    // Last: what it names itself wins over all that was derived from other properties.
    Unified.plan(resources.unified(), layout, steps);
  }

  private static void limits(Resources resources, CgroupSteps steps) {
    Resources.Memory memory = resources.memory();
    if (memory != null) {
      Memory.plan(memory, steps);
    }
    Long pids = resources.pidsLimit();
    if (pids != null) {
      Pids.plan(pids, steps);
    }
    HugepageLimits.plan(resources.hugepageLimits(), steps);
    Resources.BlockIo blockIo = resources.blockIo();
    if (blockIo != null) {
      BlockIo.plan(blockIo, steps);
    }
    Rdma.plan(resources.rdma(), steps);
    Resources.Network network = resources.network();
    if (network != null) {
      Network.plan(network, steps);
    }
  }

  /**
   * A v1 cpuset takes no process before it has CPUs and memory nodes. What the bundle gives is
   * written before the rest is inherited: the parent's own set could be refused where a neighbour
   * has an exclusive part of it.
   */
  private static void sets(
      Resources.@Nullable Cpu cpu, CgroupLayout layout, CgroupPaths paths, CgroupSteps steps) {
    boolean given = cpu != null && (cpu.cpus() != null || cpu.mems() != null);
    Hierarchy hierarchy = layout.v1("cpuset");
    String path = paths.v1("cpuset");
    if (hierarchy == null || path == null) {
      if (cpu != null) {
        Cpu.planSets(cpu, steps);
      }
      return;
    }
    if (cpu != null && given) {
      String parent = path.substring(0, path.lastIndexOf('/'));
      if (parent.length() > hierarchy.mountPoint().length()) {
        inherit(hierarchy.mountPoint(), parent, steps);
      }
      Cpu.planSets(cpu, steps);
    }
    if (cpu == null || cpu.cpus() == null || cpu.mems() == null) {
      inherit(hierarchy.mountPoint(), path, steps);
    }
  }

  private static void inherit(String mountPoint, String path, CgroupSteps steps) {
    steps.add(new Action.InheritCpuset(mountPoint, path), INHERIT, Errors.WHERE_ROOTLESS);
  }

  /** From the top down: a cgroup can hand on only what it was given itself. */
  private static void enable(
      List<String> controllers,
      @Nullable String cgroupsPath,
      CgroupLayout layout,
      CgroupPaths paths,
      Errors tolerates,
      PlanBuilder plan) {
    CgroupLayout.Unified unified = layout.unified();
    String path = paths.v2Path();
    if (unified == null || path == null) {
      return;
    }
    boolean absolute = cgroupsPath != null && cgroupsPath.startsWith("/");
    // Above what was delegated to the runtime it may not be ours to change, nor need it be.
    int ours = (absolute ? unified.mountPoint() : unified.delegatedDirectory()).length();
    Errors notOurs = Errors.of(Errno.EACCES, Errno.EPERM, Errno.EROFS);
    Pointer at = ResourcesReader.POINTER;
    int end = unified.mountPoint().length();
    while (end > 0) {
      plan.add(
          Phase.PARENT_BEFORE,
          new Action.EnableControllers(path.substring(0, end), controllers),
          Origin.of(at),
          end < ours && tolerates.equals(Errors.WHERE_ROOTLESS) ? notOurs : tolerates);
      int next = path.indexOf('/', end + 1);
      end = next;
    }
  }
}
