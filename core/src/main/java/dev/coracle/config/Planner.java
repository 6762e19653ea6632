package dev.coracle.config;

import dev.coracle.cgroup.CgroupLayout;
import dev.coracle.cgroup.CgroupPaths;
import dev.coracle.idmap.MountIdMaps;
import dev.coracle.json.Pointer;
import dev.coracle.plan.Action;
import dev.coracle.plan.Phase;
import dev.coracle.plan.Plan;
import dev.coracle.plan.PlanBuilder;
import dev.coracle.plan.Step;
import dev.coracle.problem.Origin;
import dev.coracle.problem.Problem;
import dev.coracle.problem.Problems;
import dev.coracle.property.Domainname;
import dev.coracle.property.Hooks;
import dev.coracle.property.Hostname;
import dev.coracle.property.Mounts;
import dev.coracle.property.Root;
import dev.coracle.property.linux.CgroupsPath;
import dev.coracle.property.linux.Devices;
import dev.coracle.property.linux.GidMappings;
import dev.coracle.property.linux.IntelRdt;
import dev.coracle.property.linux.MaskedPaths;
import dev.coracle.property.linux.MemoryPolicy;
import dev.coracle.property.linux.Namespaces;
import dev.coracle.property.linux.NetDevices;
import dev.coracle.property.linux.Personality;
import dev.coracle.property.linux.ReadonlyPaths;
import dev.coracle.property.linux.RootfsPropagation;
import dev.coracle.property.linux.SeccompFilter;
import dev.coracle.property.linux.Sysctl;
import dev.coracle.property.linux.UidMappings;
import dev.coracle.property.process.ApparmorProfile;
import dev.coracle.property.process.Args;
import dev.coracle.property.process.Capabilities;
import dev.coracle.property.process.Cwd;
import dev.coracle.property.process.ExecCPUAffinity;
import dev.coracle.property.process.IoPriority;
import dev.coracle.property.process.NoNewPrivileges;
import dev.coracle.property.process.OomScoreAdj;
import dev.coracle.property.process.Rlimits;
import dev.coracle.property.process.Scheduler;
import dev.coracle.property.process.SelinuxLabel;
import dev.coracle.property.process.SessionKeyring;
import dev.coracle.property.process.Terminal;
import dev.coracle.property.process.User;
import dev.coracle.spec.Enclosure;
import dev.coracle.spec.Linux.Namespace;
import dev.coracle.spec.Linux.NamespaceType;
import dev.coracle.spec.Mount;
import dev.coracle.spec.Process;
import dev.coracle.spec.Spec;
import dev.coracle.spec.SystemCallFilter;
import dev.coracle.systemd.ScopeRequest;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * From a Spec to a Plan. Each property adds its own steps; the order in which they are asked is the
 * one thing that stands here, with the reason where it matters.
 */
public final class Planner {
  private static final Origin SESSION = new Origin.Default("session");
  private static final Origin CAPABILITIES = new Origin.Default("capabilities");
  private static final Process.Capabilities NONE = new Process.Capabilities(0, 0, 0, 0, 0);

  private final Spec spec;
  private final Host host;
  private final Target target;
  private final Problems problems;
  private final PlanBuilder plan;
  private final MountIdMaps idMaps;

  /** Those of the container, whose destinations are paths in it. */
  private List<Mount> mounts = List.of();

  /**
   * What a plan is made for.
   *
   * @param bundle the bundle's absolute path
   * @param isolated whether a sandbox stands between the process and the host
   * @param id the container's
   * @param keyring the name of the session keyring; null for the caller's own
   * @param noPivot whether the root is changed without pivot_root(2)
   * @param scope null where we make the cgroups ourselves, and for exec
   * @param kernel whose kernel it is
   */
  public record Target(
      String bundle,
      String id,
      CgroupPaths cgroups,
      boolean isolated,
      @Nullable String keyring,
      boolean noPivot,
      @Nullable ScopeRequest scope,
      Sysctl.Kernel kernel) {
    /** A target whose root is changed as usual, and whose cgroups we make. */
    public Target(
        String bundle, String id, CgroupPaths cgroups, boolean isolated, @Nullable String keyring) {
      this(bundle, id, cgroups, isolated, keyring, false, null, Sysctl.Kernel.SHARED);
    }
  }

  private Planner(
      Spec spec, Host host, Target target, Map<String, Origin> origins, Problems problems) {
    this.plan = new PlanBuilder(origins);
    this.spec = spec;
    this.host = host;
    this.target = target;
    this.problems = problems;
    MountIdMaps.UserNamespace own =
        inUserNamespace()
            ? new MountIdMaps.UserNamespace(
                spec.linux().uidMappings(), spec.linux().gidMappings(), host.privileged())
            : null;
    this.idMaps = new MountIdMaps(own);
  }

  /** Ids in options of mounts mean those of the container. */
  private void checkMountIds() {
    for (Mount m : mounts) {
      for (String option : m.options().data()) {
        if (option.startsWith("gid=")) {
          GidMappings.requireMapped(spec.linux().gidMappings(), option, m.origin(), problems);
        } else if (option.startsWith("uid=")) {
          UidMappings.requireMapped(spec.linux().uidMappings(), option, m.origin(), problems);
        }
      }
    }
  }

  /** The plan of {@code create}; worth nothing where there are errors among the problems. */
  public static Plan plan(Spec spec, Host host, Target target, Problems problems) {
    return planCreate(spec, host, target, problems).plan.build();
  }

  private static Planner planCreate(Spec spec, Host host, Target target, Problems problems) {
    Planner planner = new Planner(spec, host, target, Map.of(), problems);
    Process process = spec.process();
    if (process == null) {
      problems.error(Pointer.of("/process"), "is required");
    } else {
      planner.create(process);
    }
    return planner;
  }

  /**
   * Adds what planning finds to the errors that reading found, so that both are told at once.
   * Nothing is added where that could be an echo of an error: planning goes by the namespaces, the
   * id mappings, the root and the process, and compiles the seccomp filter.
   */
  public static void findMore(Spec spec, Host host, Target target, Problems problems) {
    for (Problem p : problems.all()) {
      if (p.severity() == Problem.Severity.ERROR && isBasis(p.origin().toString())) {
        return;
      }
    }
    planCreate(spec, host, target, problems);
  }

  private static boolean isBasis(String origin) {
    for (String basis :
        List.of("namespaces", "uidMappings", "gidMappings", "seccomp", "cgroupsPath")) {
      if (origin.startsWith("config.json /linux/" + basis)) {
        return true;
      }
    }
    return origin.equals("config.json /linux")
        || origin.equals("config.json /process")
        || origin.startsWith("config.json /root")
        || !origin.startsWith("config.json /");
  }

  /**
   * The plan of {@code exec}: a process in a container that runs already.
   *
   * @param spec the container's
   * @param process what is to run
   * @param origins who asked for what, by pointer, where it was not config.json
   */
  public static Plan planExec(
      Spec spec,
      Process process,
      Host host,
      Target target,
      Map<String, Origin> origins,
      Problems problems) {
    Planner planner = new Planner(spec, host, target, origins, problems);
    planner.exec(process);
    return planner.plan.build();
  }

  private void create(Process process) {
    dev.coracle.spec.Root root = spec.root();
    String path = root == null ? "/" : root.in(target.bundle());
    mounts = Mounts.inContainer(spec.mounts(), path, problems);
    IntelRdt.planMake(spec.linux().intelRdt(), target.id(), plan);
    IntelRdt.planJoin(spec.linux().intelRdt(), target.id(), plan);
    ScopeRequest scope = target.scope();
    if (scope == null) {
      CgroupPlan.plan(spec, host.cgroups(), target.cgroups(), plan, problems);
    } else {
      ScopePlan.plan(spec, host.cgroups(), target.cgroups(), scope, plan, problems);
    }
    delegateCgroup(scope == null ? Phase.PARENT_BEFORE : Phase.PARENT_SCOPE);
    // A scope is not there before it has a process.
    String cgroup = scope == null ? target.cgroups().v2Path() : null;
    // Before namespaces are joined for the container: nobody is to be seen there.
    idMaps.plan(mounts, plan, problems);
    // The steps that need the host's /proc and the host's paths come first.
    new NamespacePlan(spec.linux(), host, trees(), plan, problems)
        .plan(process, cgroup, target.isolated());
    plan.add(Phase.CHILD_SETUP, new Action.StartSession(), SESSION);
    SessionKeyring.planNew(
        target.keyring(),
        process.selinuxLabel(),
        spec.linux().namespace(NamespaceType.USER) != null,
        plan);
    Hostname.plan(spec, plan, problems);
    Domainname.plan(spec, plan, problems);
    Sysctl.plan(spec, target.kernel(), plan, problems);
    filesystem();
    // Before the hooks, which may set up what an interface is used for.
    NetDevices.plan(spec.linux(), plan, problems);
    Hooks.plan(spec.hooks(), plan);
    // After the createContainer hooks, whose programs they must not confine.
    ApparmorProfile.plan(process.apparmorProfile(), Phase.CHILD_BEFORE_PIVOT, plan);
    SelinuxLabel.plan(process.selinuxLabel(), Phase.CHILD_BEFORE_PIVOT, plan);
    // After the createContainer hooks, which may still add devices; before the root is read-only.
    Terminal.plan(process, plan);
    if (target.isolated()) {
      ExecCPUAffinity.planReset(plan);
    }
    process(process, spec.hooks());
  }

  /**
   * Root of a user namespace may manage a v2 cgroup that it sees alone and may write
   * (config-linux.md, "Cgroup ownership").
   */
  private void delegateCgroup(Phase phase) {
    String v2 = target.cgroups().v2Path();
    Namespace cgroup = spec.linux().namespace(NamespaceType.CGROUP);
    long root = UidMappings.hostId(spec.linux().uidMappings(), 0);
    boolean wanted =
        host.cgroups().version() == CgroupLayout.Version.V2
            && host.privileged()
            && cgroup != null
            && cgroup.path() == null
            && inUserNamespace()
            && Mounts.hasWritableCgroup(mounts);
    if (wanted && v2 != null && root >= 0) {
      plan.add(phase, new Action.DelegateCgroup(v2, root), CgroupsPath.POINTER);
    }
  }

  /** What of the host is to be seen in the container, in the order in which it is needed. */
  private List<Step> trees() {
    PlanBuilder out = new PlanBuilder();
    dev.coracle.spec.Root root = spec.root();
    Namespace mount = spec.linux().namespace(NamespaceType.MOUNT);
    if (root == null || mount == null || mount.path() != null || !inUserNamespace()) {
      return List.of();
    }
    Action tree = new Action.OpenTree(root.in(target.bundle()), true, null);
    out.add(Phase.PARENT_AFTER_CLONE, tree, Root.PATH);
    Mounts.planTrees(mounts, sources(root), idMaps, out);
    Enclosure enclosure = spec.enclosure();
    if (enclosure != null) {
      Mounts.planTrees(enclosure.mounts(), sources(root), idMaps, out);
    }
    return out.build().steps();
  }

  private Mounts.Sources sources(dev.coracle.spec.Root root) {
    return new Mounts.Sources(target.bundle(), root.in(target.bundle()));
  }

  private boolean inUserNamespace() {
    return spec.linux().namespace(NamespaceType.USER) != null;
  }

  private void filesystem() {
    dev.coracle.spec.Root root = spec.root();
    Namespace mount = spec.linux().namespace(NamespaceType.MOUNT);
    if (root == null) {
      if (target.isolated()) {
        problems.error(Root.POINTER, "is required");
      }
      return;
    }
    checkMountIds();
    String path = root.in(target.bundle());
    boolean own = mount != null && mount.path() == null;
    if (!own && !changesMounts(root)) {
      Root.planChroot(path, false, plan);
      return;
    }
    if (own) {
      RootfsPropagation.planIsolation(spec.linux().rootfsPropagation(), plan);
      Root.planAttach(path, plan);
    } else {
      // As the peers have it: in the mount namespace that there is.
      Root.planAttachShared(path, mount != null, plan);
    }
    Namespace cgroup = spec.linux().namespace(NamespaceType.CGROUP);
    String label = spec.linux().mountLabel();
    Mounts.Setting setting =
        new Mounts.Setting(sources(root), cgroupMounts(), cgroup != null, label, idMaps);
    Mounts.plan(mounts, setting, plan, problems);
    Enclosure enclosure = spec.enclosure();
    if (enclosure != null) {
      Root.planEnclosure(enclosure.rootAt(), plan);
      Mounts.plan(enclosure.mounts(), setting, plan, problems);
    }
    if (!Mounts.bindsDev(mounts)) {
      Devices.Nodes nodes = inUserNamespace() ? Devices.Nodes.BOUND : Devices.Nodes.MADE;
      Devices.plan(spec.linux().devices(), nodes, plan);
    }
    if (!own) {
      Root.planChroot(path, true, plan);
    } else if (target.noPivot()) {
      RootfsPropagation.checkMoved(spec.linux().rootfsPropagation(), problems);
      Root.planMove(plan);
    } else {
      Root.planPivot(plan);
    }
    ReadonlyPaths.plan(spec.linux().readonlyPaths(), plan);
    MaskedPaths.plan(spec.linux().maskedPaths(), label, plan);
    // What is unbindable cannot be copied, as hiding a path does.
    RootfsPropagation.plan(spec.linux().rootfsPropagation(), plan);
    // Last: all that came before may have to make a directory in it.
    Root.planReadonly(root, plan);
  }

  /** Whether anything asks for a mount, or for a mount to be changed. */
  private boolean changesMounts(dev.coracle.spec.Root root) {
    return !mounts.isEmpty()
        || root.readonly()
        || !spec.linux().maskedPaths().isEmpty()
        || !spec.linux().readonlyPaths().isEmpty()
        || !spec.linux().devices().isEmpty()
        || spec.linux().rootfsPropagation() != null;
  }

  private List<Action.Hierarchy> cgroupMounts() {
    String v2 = target.cgroups().v2Path();
    CgroupLayout.Unified unified = host.cgroups().unified();
    if (host.cgroups().version() == CgroupLayout.Version.V2 && v2 != null && unified != null) {
      List<Action.Hierarchy> out = new ArrayList<>();
      out.add(new Action.Hierarchy("", null, v2, unified.ownDirectory()));
      return out;
    }
    return host.cgroups().mounts(target.cgroups());
  }

  /** What becomes of the process: the same for its first process and for exec. */
  private void process(Process process, dev.coracle.spec.Hooks hooks) {
    Process.Capabilities capabilities = process.capabilities();
    Origin capabilitiesOrigin = Origin.of(Capabilities.POINTER);
    if (capabilities == null && target.isolated()) {
      // As peers do: a container that asks for no capabilities gets none.
      capabilities = NONE;
      capabilitiesOrigin = CAPABILITIES;
    }
    Cwd.plan(process.cwd(), target.isolated(), plan);
    Rlimits.plan(process.rlimits(), plan);
    Scheduler.plan(process.scheduler(), plan);
    IoPriority.plan(process.ioPriority(), plan);
    MemoryPolicy.plan(spec.linux().memoryPolicy(), plan);
    Personality.plan(spec.linux().personality(), plan);
    Capabilities.planBounding(capabilities, capabilitiesOrigin, plan);
    SystemCallFilter seccomp = spec.linux().seccomp();
    if (seccomp != null && !process.noNewPrivileges()) {
      // Loading a filter takes CAP_SYS_ADMIN then: as late as that is still there.
      SeccompFilter.plan(seccomp, Phase.CHILD_PROCESS, target.bundle(), plan);
    }
    User.plan(process, capabilities != null, plan);
    Capabilities.plan(capabilities, capabilitiesOrigin, plan);
    NoNewPrivileges.plan(process.noNewPrivileges(), plan);
    Enclosure enclosure = spec.enclosure();
    if (enclosure == null) {
      // As the user that will run it: what they may not execute is not found.
      Args.planFind(process.args(), process.env(), plan);
    }
    boolean late = process.noNewPrivileges();
    if (seccomp != null && late && seccomp.notifies()) {
      // The runtime must still be there to hand the listener on, and create fails if it cannot.
      SeccompFilter.plan(seccomp, Phase.CHILD_PROCESS, target.bundle(), plan);
    }
    Args.planPark(plan);
    if (seccomp != null && late && !seccomp.notifies()) {
      SeccompFilter.plan(seccomp, Phase.CHILD_START, target.bundle(), plan);
    }
    Hooks.planStart(hooks, plan);
    if (enclosure == null) {
      Args.planExecute(process.args(), process.env(), process.user().uid(), plan);
    } else {
      Args.planServe(enclosure.service(), plan);
    }
  }

  private void exec(Process process) {
    long flags = 0;
    for (Namespace n : spec.linux().namespaces()) {
      flags |= n.type().cloneFlag();
    }
    // A PID or time namespace takes only processes that are made after it was joined.
    long early = NamespaceType.PID.cloneFlag() | NamespaceType.TIME.cloneFlag();
    if (!host.privileged()) {
      // Without privileges they can be joined only from inside their user namespace.
      early |= NamespaceType.USER.cloneFlag();
    }
    Origin origin = Origin.of(Namespaces.POINTER);
    if (inUserNamespace()) {
      NamespacePlan.checkUser(process.user(), spec.linux(), problems);
    }
    ExecCPUAffinity.planInitial(process.execCpuAffinity(), plan);
    // From outside, where that is allowed: the process has enough to do.
    Phase oom = host.privileged() ? Phase.PARENT_AFTER_CLONE : Phase.PARENT_BEFORE;
    if (oom == Phase.PARENT_BEFORE) {
      OomScoreAdj.plan(process.oomScoreAdj(), oom, plan);
    }
    joinContainer(Phase.PARENT_BEFORE, flags & early, origin);
    plan.add(
        Phase.CLONE, new Action.CloneProcess(0, target.cgroups().v2Path()), Namespaces.POINTER);
    CgroupsPath.planJoin(target.cgroups(), CgroupsPath.origin(spec.linux().cgroupsPath()), plan);
    if (oom == Phase.PARENT_AFTER_CLONE) {
      OomScoreAdj.plan(process.oomScoreAdj(), oom, plan);
    }
    IntelRdt.planJoin(spec.linux().intelRdt(), target.id(), plan);
    ApparmorProfile.plan(process.apparmorProfile(), Phase.CHILD_SETUP, plan);
    SelinuxLabel.plan(process.selinuxLabel(), Phase.CHILD_SETUP, plan);
    joinContainer(Phase.CHILD_SETUP, flags & ~early, origin);
    if ((flags & NamespaceType.USER.cloneFlag()) != 0) {
      plan.add(Phase.CHILD_SETUP, new Action.BecomeRoot(), origin);
    }
    plan.add(Phase.CHILD_SETUP, new Action.StartSession(), SESSION);
    SessionKeyring.planJoin(target.keyring(), process.selinuxLabel(), plan);
    dev.coracle.spec.Root root = spec.root();
    Namespace mount = spec.linux().namespace(NamespaceType.MOUNT);
    if (root != null && (mount == null || mount.path() != null)) {
      Root.planChroot(root.in(target.bundle()), false, plan);
    }
    Terminal.plan(process, plan);
    if (target.isolated()) {
      ExecCPUAffinity.planFinal(process.execCpuAffinity(), plan);
    }
    process(process, dev.coracle.spec.Hooks.NONE);
  }

  private void joinContainer(Phase phase, long flags, @Nullable Origin origin) {
    if (flags != 0 && origin != null) {
      plan.add(phase, new Action.JoinContainer(flags), origin);
    }
  }
}
