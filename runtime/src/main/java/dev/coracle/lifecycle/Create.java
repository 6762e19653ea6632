package dev.coracle.lifecycle;

import static dev.coracle.abi.Process.CLOCK_REALTIME;

import dev.coracle.bus.Systemd;
import dev.coracle.cgroup.CgroupPaths;
import dev.coracle.config.Host;
import dev.coracle.config.KnownFilter;
import dev.coracle.config.Planner;
import dev.coracle.execute.CgroupKill;
import dev.coracle.execute.Context;
import dev.coracle.execute.HookState;
import dev.coracle.execute.Kept;
import dev.coracle.execute.Launcher;
import dev.coracle.execute.Resctrl;
import dev.coracle.execute.SharedRoot;
import dev.coracle.host.HostReader;
import dev.coracle.kernel.Errno;
import dev.coracle.kernel.Kernel;
import dev.coracle.plan.Plan;
import dev.coracle.problem.Problems;
import dev.coracle.property.OciVersion;
import dev.coracle.property.SystemdProperties;
import dev.coracle.property.Vm;
import dev.coracle.property.linux.CgroupsPath;
import dev.coracle.property.linux.Sysctl;
import dev.coracle.property.process.SessionKeyring;
import dev.coracle.sandbox.GuestSandbox;
import dev.coracle.sandbox.HostSandbox;
import dev.coracle.sandbox.MicroVmSandbox;
import dev.coracle.sandbox.NotifySocket;
import dev.coracle.sandbox.SandboxKind;
import dev.coracle.spec.Linux.Namespace;
import dev.coracle.spec.Linux.NamespaceType;
import dev.coracle.spec.Process;
import dev.coracle.spec.Root;
import dev.coracle.spec.Spec;
import dev.coracle.state.ContainerState;
import dev.coracle.state.ProcStat;
import dev.coracle.state.ScopeText;
import dev.coracle.state.StateStore;
import dev.coracle.systemd.Manager;
import dev.coracle.systemd.Scope;
import dev.coracle.systemd.ScopeRequest;
import dev.coracle.systemd.UnitProperty;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** {@code create}: everything up to a process that is set up and parked, or nothing at all. */
public final class Create {
  /**
   * What was asked for.
   *
   * @param pidFile null for none
   * @param consoleSocket the path of a socket that gets the terminal's master; null for none
   * @param consoleDescriptor a connected socket that gets it; −1 for none
   * @param pidfdSocket the path of a socket that gets a pidfd; null for none
   * @param kept descriptors of the caller's that the program keeps
   * @param noPivot whether the root is changed without pivot_root(2)
   * @param newKeyring whether the container gets a session keyring of its own
   * @param systemd whether systemd makes the container's cgroup
   * @param sandbox the value of --sandbox; null where it was not given
   * @param calledAs the name by which we are called
   */
  public record Request(
      String id,
      String bundle,
      @Nullable String pidFile,
      @Nullable String consoleSocket,
      int consoleDescriptor,
      @Nullable String pidfdSocket,
      Kept kept,
      boolean noPivot,
      boolean newKeyring,
      boolean systemd,
      @Nullable String sandbox,
      CalledAs calledAs) {
    /** The container that a machine was made for, as its agent asks for it. */
    static final String GUEST = "guest of a machine";

    /** Whether it is one. */
    @SuppressWarnings("ReferenceEquality") // no flag can have it
    boolean guest() {
      return sandbox == GUEST;
    }

    /**
     * A container in a machine.
     *
     * @param consoleDescriptor a connected socket that gets the terminal's master; −1 for none
     */
    public static Request inMachine(String id, String bundle, int consoleDescriptor) {
      return new Request(
          id,
          bundle,
          null,
          null,
          consoleDescriptor,
          null,
          Kept.NOTHING,
          false,
          true,
          false,
          GUEST,
          CalledAs.CORACLE);
    }
  }

  private final Environment e;
  private final Request request;
  private final Problems problems = new Problems();

  /** The compiled seccomp filter that is kept with the state; null for none. */
  private @Nullable KnownFilter filter;

  private @Nullable Systemd systemd;
  private Machines.@Nullable Prepared machine;
  private boolean notify;
  private boolean waits;
  private @Nullable CriuFlags restored;
  private String criu = "";

  private Create(Environment e, Request request) {
    this.e = e;
    this.request = request;
  }

  /** A container that was made: its process is parked. */
  public record Created(Launcher launcher, boolean terminal) {}

  /** Makes a container, which may be started, or signalled, by and by. */
  public static Created create(Environment e, Request request) throws Failure {
    Create create = new Create(e, request);
    create.waits = true;
    return create.create();
  }

  /** Makes a container that the caller starts at once. */
  public static Created createToStart(Environment e, Request request) throws Failure {
    return new Create(e, request).create();
  }

  /** Makes a container of the files of a checkpoint: its processes run. */
  static Created restore(Environment e, Request request, CriuFlags flags) throws Failure {
    Create create = new Create(e, request);
    create.restored = flags;
    Created created = create.create();
    if (create.machine != null) {
      MachineCheckpoint.start(e, request, created);
    }
    return created;
  }

  /** The plan of a bundle, and nothing done. */
  public static Plan plan(Environment e, Request request) throws Failure {
    Create create = new Create(e, request);
    Plan plan = create.prepare().plan();
    create.closeSystemd();
    return plan;
  }

  /** All that is known before anything is done. */
  private record Prepared(
      Bundle bundle,
      Spec spec,
      SandboxKind kind,
      CgroupPaths cgroups,
      @Nullable ScopeRequest scope,
      Plan plan) {}

  private Prepared prepare() throws Failure {
    Host host = HostReader.read(e.kernel(), problems);
    Bundle bundle = Bundle.read(e, request.bundle(), host, problems);
    SandboxKind kind =
        request.guest()
            ? SandboxKind.GUEST
            : SandboxChoice.choose(e, bundle.spec(), request.sandbox(), request.calledAs());
    CriuFlags flags = restored;
    if (flags != null && kind != SandboxKind.MICROVM) {
      if (request.systemd()) {
        throw new Failure("restore: --systemd-cgroup is not supported");
      }
      criu = CriuTalk.program(e, flags);
    }
    Spec spec = rewritten(kind, bundle, host);
    boolean isolated = kind != SandboxKind.HOST;
    if (problems.hasErrors()) {
      CgroupPaths some = CgroupPaths.of(host.cgroups(), null, request.id());
      Planner.findMore(
          spec,
          host,
          new Planner.Target(bundle.path(), request.id(), some, isolated, null),
          problems);
      throw new Failure(problems.errorText());
    }
    Host all = HostReader.complete(e.kernel(), host, spec.linux().resources(), problems);
    notify = !e.variable(Notify.VARIABLE).isEmpty() && NotifySocket.fits(spec);
    if (notify) {
      spec = NotifySocket.rewrite(spec, Notify.directory(e, request.id()));
    }
    ScopeRequest scope = scope(spec);
    CgroupPaths cgroups = cgroups(spec, all, scope);
    String keyring = newKeyring(kind) ? SessionKeyring.name(request.id()) : null;
    Planner.Target target =
        new Planner.Target(
            bundle.path(),
            request.id(),
            cgroups,
            isolated,
            keyring,
            request.noPivot(),
            scope,
            kind == SandboxKind.GUEST ? Sysctl.Kernel.OWN : Sysctl.Kernel.SHARED);
    return new Prepared(bundle, spec, kind, cgroups, scope, plan(spec, all, target));
  }

  private Spec rewritten(SandboxKind kind, Bundle bundle, Host host) throws Failure {
    boolean kernel = kind == SandboxKind.MICROVM || kind == SandboxKind.GUEST;
    if (bundle.spec().vm() != null && !kernel) {
      problems.error(
          Vm.POINTER, "is for a sandbox that boots a virtual machine, not for a container");
    }
    return switch (kind) {
      case CONTAINER -> bundle.spec();
      case HOST -> HostSandbox.rewrite(bundle.spec());
      case GUEST ->
          GuestSandbox.rewrite(
              bundle.spec(),
              Machines.disksInGuest(e.kernel(), bundle.spec(), problems),
              Machines.socketsInGuest(e.kernel(), bundle.spec()));
      case MICROVM -> {
        CriuFlags from = restored;
        String checkpoint = from == null ? null : MachineCheckpoint.images(e, from);
        machine = Machines.prepare(e, request.id(), bundle, checkpoint, host, problems);
        yield MicroVmSandbox.rewrite(bundle.spec(), machine.needs());
      }
    };
  }

  private Created create() throws Failure {
    String defect = StateStore.defect(request.id());
    if (defect != null) {
      throw new Failure(defect);
    }
    Prepared prepared = prepare();
    String warnings = problems.warningText();
    if (!warnings.isEmpty()) {
      e.output().warn(warnings);
    }
    return make(prepared);
  }

  /** The scope that systemd is to make; null where we make the cgroups ourselves. */
  private @Nullable ScopeRequest scope(Spec spec) throws Failure {
    String path = spec.linux().cgroupsPath();
    if (!request.systemd()) {
      if (path != null && Scope.isNamedBy(path)) {
        problems.error(
            CgroupsPath.POINTER,
            "names a unit of systemd, and so needs --systemd-cgroup: \"" + path + "\"");
      }
      return null;
    }
    String defect = Scope.defect(path);
    if (defect != null) {
      problems.error(CgroupsPath.POINTER, defect + ": \"" + path + "\"");
    }
    List<UnitProperty> asked = SystemdProperties.read(spec.annotations(), problems);
    if (problems.hasErrors()) {
      return null;
    }
    Systemd.Connected connected = Systemd.connect(e.kernel(), e.variables(), Systemd.Owner.OURS);
    systemd = connected.systemd();
    String problem = systemd == null ? connected.problem() : systemd.ask();
    if (systemd == null || problem != null) {
      closeSystemd();
      throw new Failure("--systemd-cgroup: " + problem);
    }
    Manager manager = systemd.manager();
    Scope scope = Scope.of(path, request.id(), manager.user());
    return new ScopeRequest(manager, scope, request.id(), asked);
  }

  private void closeSystemd() {
    if (systemd != null) {
      systemd.close();
      systemd = null;
    }
  }

  private CgroupPaths cgroups(Spec spec, Host host, @Nullable ScopeRequest scope) throws Failure {
    failWithProblems();
    String path =
        scope == null ? spec.linux().cgroupsPath() : scope.scope().cgroup(scope.manager());
    return CgroupPaths.of(host.cgroups(), path, request.id());
  }

  private void failWithProblems() throws Failure {
    if (problems.hasErrors()) {
      closeSystemd();
      throw new Failure(problems.errorText());
    }
  }

  private Plan plan(Spec spec, Host host, Planner.Target target) throws Failure {
    Plan plan = Planner.plan(spec, host, target, problems);
    failWithProblems();
    return plan;
  }

  private boolean newKeyring(SandboxKind kind) {
    boolean container = kind == SandboxKind.CONTAINER || kind == SandboxKind.GUEST;
    return container && request.newKeyring();
  }

  private Created make(Prepared prepared) throws Failure {
    Bundle bundle = prepared.bundle();
    Spec spec = prepared.spec();
    StateStore store = e.store();
    long taken = store.take(request.id());
    if (taken < 0) {
      closeSystemd();
    }
    if (taken == -Errno.EEXIST) {
      throw new Failure("container with given ID already exists: \"" + request.id() + "\"");
    }
    if (taken < 0) {
      throw new Failure(
          "cannot make state directory \""
              + e.root()
              + "/"
              + request.id()
              + "\": "
              + e.kernel().explain(taken));
    }
    Context context =
        new Context(
            e.kernel(),
            new HookState(OciVersion.NEWEST, request.id(), bundle.path(), spec.annotations()));
    context.useSeal(e.seal());
    context.useWording(e.wording());
    if (waits) {
      context.endBySignals();
    }
    if (machine != null) {
      context.useService(machine.service());
    }
    ScopeRequest scope = prepared.scope();
    if (systemd != null && scope != null) {
      context.useSystemd(systemd, scope, e.variables());
    }
    Launcher launcher = new Launcher(context, prepared.plan());
    DebugLog.plan(e, prepared.plan());
    SharedRoot.Opened root = sharedRoot(context, prepared);
    ContainerState state = state(prepared, root.mount());
    String problem = root.problem();
    if (problem == null) {
      problem =
          restored == null || machine != null
              ? attempt(context, launcher, state, bundle)
              : restore(context, launcher, state, prepared, restored);
    }
    if (problem == null) {
      launcher.settle();
      if (!root.mount().isEmpty()) {
        SharedRoot.settle(context);
      }
      e.filters().keep(prepared.plan());
      Process process = spec.process();
      return new Created(launcher, process != null && process.terminal());
    }
    String left = launcher.undo();
    if (!root.mount().isEmpty()) {
      String mounted = SharedRoot.remove(e.kernel(), root.mount(), state.rootfs());
      left = mounted == null ? left : mounted;
    }
    long removed = store.remove(request.id());
    String more = left == null ? "" : "\n" + left;
    String stale = removed < 0 ? "\ncannot remove the state: " + e.kernel().explain(removed) : "";
    throw new Failure(problem + more + stale);
  }

  /** Nearly always there is none: a container has a mount namespace of its own. */
  private SharedRoot.Opened sharedRoot(Context context, Prepared prepared) {
    Namespace mount = prepared.spec().linux().namespace(NamespaceType.MOUNT);
    if (mount != null && mount.path() == null) {
      return new SharedRoot.Opened("", null);
    }
    if (restored != null && SharedRoot.isIn(prepared.plan())) {
      return new SharedRoot.Opened("", "restore needs a new mount namespace");
    }
    return SharedRoot.open(context, prepared.plan(), mount == null ? null : mount.path());
  }

  private ContainerState state(Prepared prepared, String rootMount) {
    Bundle bundle = prepared.bundle();
    Spec spec = prepared.spec();
    Kernel k = e.kernel();
    Root root = spec.root();
    String rootfs = root == null ? "" : root.in(bundle.path());
    KnownFilter known = e.filters().of(prepared.plan());
    filter = known;
    return new ContainerState(
        spec.ociVersion(),
        request.id(),
        0,
        0,
        bundle.path(),
        rootfs,
        Math.max(0, k.clock_gettime(CLOCK_REALTIME)),
        Math.max(0, k.geteuid()),
        prepared.kind().word(),
        prepared.cgroups(),
        newKeyring(prepared.kind()),
        ScopeText.of(prepared.scope()),
        Resctrl.toBeMade(k, prepared.plan()),
        rootMount,
        spec.annotations(),
        known == null
            ? null
            : new ContainerState.KeptFilter(
                known.from(), known.to(), known.filter().flags(), known.filter().program().length),
        spec.hooks());
  }

  private @Nullable String attempt(
      Context context, Launcher launcher, ContainerState state, Bundle bundle) {
    StateStore store = e.store();
    long result = store.write(state, bundle.config(), 0, bundle.length(), filter);
    if (result >= 0) {
      result = store.makeStartFifo(state.id());
    }
    if (result >= 0 && notify) {
      long made = Notify.makeDirectory(e, state.id());
      result = made < 0 ? made : result;
    }
    if (result < 0) {
      return "cannot write the state: " + e.kernel().explain(result);
    }
    context.useRootless(e.rootless());
    context.useStartFifo((int) result, request.kept());
    context.hideStateFile(store.descriptor());
    String problem = connectConsole(context, bundle.spec().process());
    if (problem == null) {
      problem = launcher.prepare();
    }
    if (problem == null) {
      problem = launcher.launch();
    }
    if (problem == null) {
      DebugLog.made(e, launcher.pid());
      problem = note(launcher);
    }
    PidFile pidFile = new PidFile(e.kernel(), request.pidFile());
    if (problem == null) {
      problem = pidFile.write(launcher.pid());
    }
    if (problem == null) {
      problem = launcher.awaitReady();
    }
    if (problem == null) {
      DebugLog.ready(e);
    }
    if (problem == null) {
      problem = PidfdSocket.send(e.kernel(), request.pidfdSocket(), launcher.pidfd(), "standard");
    }
    if (problem == null) {
      problem = pidFile.publish();
    }
    return problem == null ? null : pidFile.discarded(problem);
  }

  /** As {@link #attempt}, but criu makes the processes, and they do not wait for start. */
  private @Nullable String restore(
      Context context,
      Launcher launcher,
      ContainerState state,
      Prepared prepared,
      CriuFlags flags) {
    Bundle bundle = prepared.bundle();
    long result = e.store().write(state, bundle.config(), 0, bundle.length(), filter);
    if (result < 0) {
      return "cannot write the state: " + e.kernel().explain(result);
    }
    if (prepared.kind() != SandboxKind.CONTAINER) {
      return "only a container can be restored, not a process of the host";
    }
    String problem = connectConsole(context, bundle.spec().process());
    if (problem == null) {
      problem = launcher.prepare();
    }
    if (problem == null) {
      Restore restore =
          new Restore(
              e, flags, prepared.spec(), prepared.plan(), state.rootfs(), context, launcher);
      problem = restore.restore(criu);
      problem = problem == null ? null : problem + killed(state);
    }
    PidFile pidFile = new PidFile(e.kernel(), request.pidFile());
    if (problem == null) {
      problem = pidFile.write(launcher.pid());
    }
    if (problem == null) {
      problem = pidFile.publish();
    }
    return problem == null ? null : pidFile.discarded(problem);
  }

  /** A criu that ended early leaves what it was restoring; nobody else is in its cgroups. */
  private String killed(ContainerState state) {
    long result = CgroupKill.kill(e.kernel(), state.cgroups());
    return result < 0 ? "\ncannot kill what was restored: " + e.kernel().explain(result) : "";
  }

  /** Takes note of the process, while it is at work. */
  private @Nullable String note(Launcher launcher) {
    ProcStat.Found found = ProcStat.of(e.kernel(), launcher.pid());
    ProcStat stat = found.stat();
    if (stat == null && found.errno() == 0) {
      // It is gone, and the launcher knows how.
      String problem = launcher.awaitReady();
      return problem == null
          ? "cannot write the state: /proc/" + launcher.pid() + "/stat is not there"
          : problem;
    }
    long result = found.errno();
    if (stat != null) {
      result = e.store().writeProcess(launcher.pid(), stat.startTicks());
    }
    return result < 0 ? "cannot write the state: " + e.kernel().explain(result) : null;
  }

  private @Nullable String connectConsole(Context context, @Nullable Process process) {
    boolean terminal = process != null && process.terminal();
    String path = request.consoleSocket();
    if (request.consoleDescriptor() >= 0) {
      context.useConsoleSocket(request.consoleDescriptor());
      return null;
    }
    if (path == null) {
      return terminal ? "--console-socket is required: /process/terminal is true" : null;
    }
    if (!terminal) {
      return "--console-socket must not be given: /process/terminal is false";
    }
    return ConsoleSocket.connect(e.kernel(), path, context);
  }
}
