package dev.coracle.execute;

import static dev.coracle.abi.Fcntl.AT_FDCWD;
import static dev.coracle.abi.Process.PR_SET_NO_NEW_PRIVS;

import dev.coracle.abi.Bytes;
import dev.coracle.kernel.Errno;
import dev.coracle.kernel.Kernel;
import dev.coracle.plan.Action;
import dev.coracle.plan.Errors;
import dev.coracle.plan.Plan;
import dev.coracle.plan.Step;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Carries steps out, one after the other, in whichever process it is called. */
final class Steps {
  private static final int AFFINITY_BYTES = 1024; // 8192 CPUs: more than any kernel is built for

  private final Context c;
  private final RootActions root = new RootActions();
  private final DeviceActions devices = new DeviceActions();
  private final NetDeviceActions netDevices = new NetDeviceActions();
  private final List<String> madeResctrlGroups = new ArrayList<>();
  private final List<String> madeCgroups = new ArrayList<>();

  Steps(Context context) {
    c = context;
  }

  /** The cgroups that were made, parents first: what is to be undone when the plan fails. */
  List<String> madeCgroups() {
    return madeCgroups;
  }

  /** Takes back what the host misses; the text tells what could not be, or is null. */
  @Nullable String giveBack() {
    String problem = netDevices.undo(c);
    String groups = Resctrl.remove(c.kernel, madeResctrlGroups);
    return problem == null ? groups : problem;
  }

  /** Closes what only a failure would have needed. */
  void settle() {
    netDevices.done(c);
  }

  /** Runs steps up to the first that fails; the text is the error, or null. */
  @Nullable String run(List<Step> steps) {
    for (int i = 0; i < steps.size(); i++) {
      Step step = steps.get(i);
      long result = run(step.action());
      if (result < 0 && !tolerates(step, result)) {
        return c.wording.step(step, c.explain(result));
      }
    }
    return null;
  }

  private boolean tolerates(Step step, long result) {
    return step.tolerates().equals(Errors.WHERE_ROOTLESS)
        ? Rootless.isDenial(result) && c.isRootless()
        : step.tolerates().has(result);
  }

  /**
   * Closes what the mounts needed: the working directory may name any descriptor that is open, and
   * must find none that leads elsewhere.
   */
  void closeRoot() {
    c.trees.closeAll(c);
    devices.done(c);
    root.done(c);
    c.idMaps.closeAll(c);
    c.closeRoot();
  }

  private long run(Action action) {
    Kernel k = c.kernel;
    return switch (action) {
      case Action.MakeCgroup a -> CgroupActions.make(c, a.path(), madeCgroups);
      case Action.EnableControllers a -> CgroupActions.enableControllers(c, a);
      case Action.InheritCpuset a -> CgroupActions.inheritCpuset(c, a);
      case Action.WriteCgroupFile a -> CgroupActions.writeLimit(c, a.path(), a.value());
      case Action.WriteCgroupLines a -> CgroupActions.writeLines(c, a);
      case Action.WriteCgroupValues a -> CgroupValues.writeAll(k, a.values());
      case Action.WriteEitherCgroupFile a -> CgroupValues.writeEither(k, a);
      case Action.SetCpuPeriod a -> CgroupValues.setCpuPeriod(k, a);
      case Action.SetSwapBySum a -> CgroupValues.setSwapBySum(c, a);
      case Action.CheckMemoryUsage a -> CgroupValues.checkMemoryUsage(c, a);
      case Action.LimitHugePages a -> CgroupValues.limitHugePages(c, a);
      case Action.AllotRealtime a -> CgroupValues.allotRealtime(k, a);
      case Action.JoinCgroup a -> CgroupActions.join(c, a.file());
      case Action.StartScope a -> ScopeActions.start(c, a, madeCgroups);
      case Action.AwaitScope a -> ChildProcess.awaitScope(c);
      case Action.AttachDeviceProgram a -> CgroupActions.attachDeviceProgram(c, a);
      case Action.MakeResctrlGroup a -> Resctrl.make(c, a, madeResctrlGroups);
      case Action.WriteSchemata a -> Resctrl.writeSchemata(c, a);
      case Action.JoinResctrlGroup a -> Resctrl.join(c, a);
      case Action.CloneProcess a -> throw misplaced(a);
      case Action.JoinNamespace a -> NamespaceActions.join(c, a.namespace());
      case Action.JoinContainer a -> NamespaceActions.joinContainer(c, a.flags());
      case Action.ReturnToNamespace a -> NamespaceActions.returnTo(c, a.type());
      case Action.MakeTimeNamespace a -> NamespaceActions.makeTime(c, a.offsets());
      case Action.Unshare a -> k.unshare(a.flags());
      case Action.CloneAgain a -> UserNamespaceActions.cloneAgain(c, a.flags());
      case Action.WriteUidMap a -> UserNamespaceActions.writeUidMap(c, a);
      case Action.WriteGidMap a -> UserNamespaceActions.writeGidMap(c, a);
      case Action.OpenTree a -> c.trees.open(c, a);
      case Action.MakeIdMapping a -> c.idMaps.make(c, a);
      case Action.AwaitRuntime a -> ChildProcess.awaitRuntime(c, a);
      case Action.VerifyMaps a -> UserNamespaceActions.verifyMaps(c, a);
      case Action.BecomeRoot a -> UserNamespaceActions.becomeRoot(c);
      case Action.RaiseRlimit a -> UserNamespaceActions.raiseRlimit(c, a);
      case Action.DelegateCgroup a -> CgroupActions.delegate(c, a);
      case Action.BindDevice a -> devices.bindDevice(c, a);
      case Action.UnshareCgroupNamespace a -> k.unshare(0x02000000L);
      case Action.SetHostname a -> k.sethostname(a.name());
      case Action.SetDomainname a -> k.setdomainname(a.name());
      case Action.BringUpLoopback a -> NamespaceActions.bringUpLoopback(c);
      case Action.MoveNetDevice a -> netDevices.move(c, a);
      case Action.IsolateMounts a -> root.isolate(c, a);
      case Action.AttachRoot a -> root.attach(c, a);
      case Action.MakeMount a -> MountActions.make(c, a);
      case Action.MountCgroup a -> CgroupMount.make(c, a);
      case Action.MakeDevice a -> devices.makeDevice(c, a);
      case Action.MakeSymlink a -> devices.makeSymlink(c, a);
      case Action.EncloseRoot a -> Enclosing.enclose(c, a);
      case Action.PivotRoot a -> {
        devices.done(c);
        yield root.pivot(c);
      }
      case Action.MoveRoot a -> {
        devices.done(c);
        yield MovedRoot.enter(c);
      }
      case Action.ChangeRoot a -> root.chroot(c, a);
      case Action.SetRootPropagation a -> root.setPropagation(c, a);
      case Action.RemountRootReadonly a -> root.makeReadonly(c);
      case Action.MaskPath a -> root.mask(c, a);
      case Action.MakePathReadonly a -> root.makePathReadonly(c, a);
      case Action.SetSysctl a -> NamespaceActions.setSysctl(c, a);
      case Action.StartSession a -> k.setsid();
      case Action.OpenConsole a -> ConsoleActions.open(c, a);
      case Action.SetOomScoreAdj a -> NamespaceActions.setOomScoreAdj(c, a.value());
      case Action.SetRlimit a -> SchedulingActions.setRlimit(c, a);
      case Action.ResetCpuAffinity a -> k.schedSetaffinityAll(AFFINITY_BYTES);
      case Action.SetCpuAffinity a -> SchedulingActions.setCpuAffinity(c, a);
      case Action.SetScheduler a -> SchedulingActions.setScheduler(c, a);
      case Action.SetIoPriority a -> SchedulingActions.setIoPriority(c, a);
      case Action.SetMemoryPolicy a -> SchedulingActions.setMemoryPolicy(c, a);
      case Action.SetPersonality a -> k.personality(a.persona());
      case Action.SetApparmorProfile a -> SecurityActions.setApparmorProfile(c, a);
      case Action.SetSelinuxLabel a -> SecurityActions.setSelinuxLabel(c, a);
      case Action.JoinSessionKeyring a -> SecurityActions.joinSessionKeyring(c, a);
      case Action.RunHooks a -> hooks(a);
      case Action.DropBoundingCapabilities a -> ProcessActions.dropBounding(c, a);
      case Action.SetUser a -> ProcessActions.setUser(c, a);
      case Action.SetCapabilities a -> ProcessActions.setCapabilities(c, a.capabilities());
      case Action.SetNoNewPrivileges a -> k.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
      case Action.SetUmask a -> k.umask(a.mask());
      case Action.ChangeDirectory a -> ProcessActions.changeDirectory(c, a);
      case Action.InstallSeccomp a -> SeccompListener.install(c, a);
      case Action.FindProgram a -> ProcessActions.findProgram(c, a);
      case Action.Park a -> ChildProcess.park(c);
      case Action.Serve a -> ProcessActions.serve(c, a);
      case Action.Execute a -> ProcessActions.execute(c, a);
    };
  }

  private static IllegalStateException misplaced(Action action) {
    return new IllegalStateException("not a step of its own: " + action);
  }

  private long hooks(Action.RunHooks a) {
    if (c.hostPid == 0) {
      long result = findHostPid(c);
      if (result < 0) {
        return result;
      }
    }
    String status =
        switch (a.kind()) {
          // They come after step 2 of the lifecycle (runtime.md, "State", "Lifecycle").
          case PRESTART, CREATE_RUNTIME, CREATE_CONTAINER, START_CONTAINER -> "created";
          case POSTSTART -> "running";
          case POSTSTOP -> "stopped";
        };
    List<String> env = List.of();
    if (a.kind() == Action.HookKind.START_CONTAINER) {
      // It runs in the container, and where it has no environment of its own, in the program's.
      env = ProcessActions.withHome(c, c.environment, c.kernel.geteuid());
    } else if (a.kind() == Action.HookKind.CREATE_CONTAINER && c.root >= 0) {
      // As with runc: relative paths of the hook are meant below the container's root.
      long result = c.kernel.fchdir(c.root);
      if (result < 0) {
        return result;
      }
    }
    String state = c.hookState.text(status, c.hostPid);
    String problem = HookRunner.run(c.kernel, a.hooks(), env, state);
    return problem == null ? 0 : c.fail(Errno.EINVAL, problem);
  }

  /** The host's procfs names us by our pid there, whatever namespace we are in. */
  static long findHostPid(Context c) {
    byte[] self = new byte[16];
    long n = c.kernel.readlinkat(AT_FDCWD, "/proc/self", self);
    if (n < 0) {
      return n;
    }
    c.hostPid = (int) Long.parseLong(Bytes.text(self, 0, (int) n));
    return 0;
  }

  /** Whether any step of the plan runs hooks in the container's process. */
  static boolean childHasHooks(Plan plan) {
    for (Step step : plan.steps()) {
      if (step.phase().isChild() && step.action() instanceof Action.RunHooks) {
        return true;
      }
    }
    return false;
  }

  /** Tells the host's pid while the host's /proc is in sight, for hooks that run later. */
  @Nullable String prepareHooks(Plan plan) {
    long result = childHasHooks(plan) ? findHostPid(c) : 0;
    return result < 0 ? "cannot find our own pid: " + c.explain(result) : null;
  }
}
