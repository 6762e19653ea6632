package dev.coracle.lifecycle;

import dev.coracle.cgroup.CgroupPaths;
import dev.coracle.cgroup.SubCgroups;
import dev.coracle.config.ConfigReader;
import dev.coracle.config.ConfigReader.Wanted;
import dev.coracle.config.Host;
import dev.coracle.config.KnownFilter;
import dev.coracle.config.Planner;
import dev.coracle.execute.Context;
import dev.coracle.execute.Files;
import dev.coracle.execute.HookState;
import dev.coracle.execute.Kept;
import dev.coracle.execute.Launcher;
import dev.coracle.execute.Service;
import dev.coracle.host.HostReader;
import dev.coracle.kernel.Errno;
import dev.coracle.kernel.Kernel;
import dev.coracle.plan.Plan;
import dev.coracle.problem.Problems;
import dev.coracle.property.OciVersion;
import dev.coracle.property.process.SessionKeyring;
import dev.coracle.sandbox.GuestSandbox;
import dev.coracle.sandbox.HostSandbox;
import dev.coracle.sandbox.MicroVmSandbox;
import dev.coracle.sandbox.SandboxKind;
import dev.coracle.spec.Process;
import dev.coracle.spec.Process.ConsoleSize;
import dev.coracle.spec.Spec;
import dev.coracle.state.ContainerState;
import dev.coracle.state.StateStore;
import dev.coracle.state.Status;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** {@code exec}: one more process in a container that runs. */
public final class Exec {
  private static final String USER = "--user must be uid or uid:gid in digits";

  /**
   * What was asked for. What is null or empty is as for the container's first process.
   *
   * @param processFile a file with a process as in config.json; null where args are given
   * @param user uid or uid:gid
   * @param apparmor the AppArmor profile; null for the container's
   * @param processLabel the SELinux context; null for the container's
   * @param cgroups sub-cgroups of the container's: see SubCgroups
   * @param pidfdSocket the path of a socket that gets a pidfd; null for none
   * @param kept descriptors of the caller's that the program keeps
   */
  public record Request(
      String id,
      @Nullable String processFile,
      List<String> args,
      List<String> env,
      @Nullable String cwd,
      @Nullable String user,
      List<Long> additionalGids,
      List<String> capabilities,
      boolean noNewPrivileges,
      @Nullable String apparmor,
      @Nullable String processLabel,
      List<String> cgroups,
      boolean terminal,
      @Nullable String consoleSocket,
      int consoleDescriptor,
      @Nullable String pidFile,
      @Nullable String pidfdSocket,
      Kept kept,
      boolean ignorePaused) {

    /** The same with a connected socket for the terminal. */
    Request withConsole(int descriptor) {
      return new Request(
          id,
          processFile,
          args,
          env,
          cwd,
          user,
          additionalGids,
          capabilities,
          noNewPrivileges,
          apparmor,
          processLabel,
          cgroups,
          terminal,
          consoleSocket,
          descriptor,
          pidFile,
          pidfdSocket,
          kept,
          ignorePaused);
    }
  }

  /** A process that was started. */
  public record Executed(Launcher launcher, boolean terminal) {}

  private Exec() {}

  /** Starts the process, and returns when it has executed its program. */
  public static Executed exec(Environment e, Request request) throws Failure {
    return exec(e, request, null);
  }

  /**
   * The same with a terminal of a size.
   *
   * @param size null for the one that the process asks for
   */
  public static Executed exec(Environment e, Request request, @Nullable ConsoleSize size)
      throws Failure {
    StateStore.Entry entry = Containers.find(e, request.id());
    ContainerState state = entry.state();
    int pidfd = open(e, state);
    // After that: while it tells of a living process, the descriptor is of no other.
    Status status = Containers.status(e, state);
    if (pidfd < 0 || status == Status.STOPPED || status == Status.CREATING) {
      throw new Failure("cannot exec in a stopped container: container not running");
    }
    if (status == Status.PAUSED && !request.ignorePaused()) {
      throw new Failure("cannot exec in a paused container (use --ignore-paused to override)");
    }
    Problems problems = new Problems();
    Host host = HostReader.readOwn(e.kernel(), problems);
    Wanted wanted = request.processFile() == null ? Wanted.FOR_EXEC : Wanted.FOR_EXEC_OF_ANOTHER;
    Spec spec = spec(e, entry, host, wanted);
    Files.Content content = processFile(e, request);
    Process process = sized(process(request, content, spec, host, problems), size);
    if (state.sandbox().equals(SandboxKind.GUEST.word())) {
      process = GuestSandbox.guests(process);
    }
    boolean isolated = !state.sandbox().equals(SandboxKind.HOST.word());
    String keyring = state.keyring() ? SessionKeyring.name(state.id()) : null;
    CgroupPaths cgroups = SubCgroups.of(state.cgroups(), request.cgroups(), problems);
    Planner.Target target =
        new Planner.Target(state.bundle(), state.id(), cgroups, isolated, keyring);
    boolean machine = state.sandbox().equals(SandboxKind.MICROVM.word());
    Plan plan =
        Planner.planExec(
            machine ? MicroVmSandbox.rewriteExec(spec) : spec,
            machine ? MicroVmSandbox.client(process) : process,
            host,
            target,
            ExecFlags.origins(request),
            problems);
    if (problems.hasErrors()) {
      throw new Failure(problems.errorText());
    }
    if (!problems.warningText().isEmpty()) {
      e.output().warn(problems.warningText());
    }
    Service service = machine ? Machines.exec(request, content, process.terminal()) : null;
    Executed executed = launch(e, request, state, pidfd, process, plan, service);
    e.filters().keep(plan);
    return executed;
  }

  /** The container's first process; −ESRCH where there is none. */
  private static int open(Environment e, ContainerState state) throws Failure {
    Kernel k = e.kernel();
    long pidfd = state.pid() == 0 ? -Errno.ESRCH : k.pidfd_open(state.pid(), 0);
    if (pidfd < 0 && pidfd != -Errno.ESRCH) {
      throw new Failure("cannot find process " + state.pid() + ": " + k.explain(pidfd));
    }
    return (int) pidfd;
  }

  static Spec spec(Environment e, StateStore.Entry entry, Host host, Wanted wanted) throws Failure {
    Problems ofContainer = new Problems();
    byte[] file = entry.file();
    int from = entry.configFrom();
    int end = entry.length();
    KnownFilter kept = entry.filter();
    KnownFilter known = kept == null ? e.filters().find(file, from, end) : kept;
    Spec spec = ConfigReader.read(file, from, end, host.capabilities(), known, wanted, ofContainer);
    if (spec == null || ofContainer.hasErrors()) {
      throw new Failure("the container's saved config.json: " + ofContainer.errorText());
    }
    String sandbox = entry.state().sandbox();
    return sandbox.equals(SandboxKind.HOST.word())
        ? HostSandbox.rewrite(spec)
        : sandbox.equals(SandboxKind.GUEST.word()) ? GuestSandbox.rewrite(spec) : spec;
  }

  private static Process sized(Process process, @Nullable ConsoleSize size) {
    return size == null ? process : process.withConsoleSize(size);
  }

  private static Process process(
      Request request, Files.@Nullable Content content, Spec spec, Host host, Problems problems)
      throws Failure {
    if (content == null) {
      return fromArguments(request, spec.process(), host.grantable(spec), problems);
    }
    Process process =
        ConfigReader.readProcess(
            content.bytes(), 0, content.length(), host.grantable(spec), problems);
    if (process == null || problems.hasErrors()) {
      throw new Failure("--process \"" + request.processFile() + "\": " + problems.errorText());
    }
    return process;
  }

  /** The file of --process; null where it was not given. */
  private static Files.@Nullable Content processFile(Environment e, Request request)
      throws Failure {
    String file = request.processFile();
    if (file == null) {
      return null;
    }
    Files.Read read = Files.read(e.kernel(), file, StateStore.MOST_CONFIG_BYTES);
    Descriptors.close(e.kernel(), request.kept(), file);
    if (read.content() == null) {
      throw new Failure("--process \"" + file + "\": " + e.kernel().explain(read.errno()));
    }
    return read.content();
  }

  private static Process fromArguments(
      Request request, @Nullable Process of, long grantable, Problems problems) throws Failure {
    if (of == null) {
      throw new Failure("the container's saved config.json has no process");
    }
    if (request.args().isEmpty()) {
      throw new Failure("exec needs a program and its arguments, or --process");
    }
    List<String> env = new ArrayList<>(of.env());
    for (String variable : request.env()) {
      if (variable.indexOf('=') <= 0) {
        throw new Failure("--env must be NAME=value, not \"" + variable + "\"");
      }
      env.add(variable);
    }
    String cwd = request.cwd();
    if (cwd != null && !cwd.startsWith("/")) {
      throw new Failure("--cwd must be absolute, not \"" + cwd + "\"");
    }
    return new Process(
        request.terminal(),
        of.consoleSize(),
        cwd == null ? of.cwd() : cwd,
        dev.coracle.property.process.Env.lastOnes(env),
        request.args(),
        user(request, of.user()),
        of.rlimits(),
        ExecCapabilities.with(of.capabilities(), request.capabilities(), grantable, problems),
        of.noNewPrivileges() || request.noNewPrivileges(),
        of.oomScoreAdj(),
        request.apparmor() == null ? of.apparmorProfile() : request.apparmor(),
        request.processLabel() == null ? of.selinuxLabel() : request.processLabel(),
        of.scheduler(),
        of.ioPriority(),
        of.execCpuAffinity());
  }

  private static Process.User user(Request request, Process.User of) throws Failure {
    String text = request.user();
    List<Long> groups = new ArrayList<>(of.additionalGids());
    groups.addAll(request.additionalGids());
    if (text == null) {
      return new Process.User(of.uid(), of.gid(), of.umask(), groups);
    }
    int colon = text.indexOf(':');
    long uid = id(colon < 0 ? text : text.substring(0, colon), USER, text);
    long gid = colon < 0 ? of.gid() : id(text.substring(colon + 1), USER, text);
    return new Process.User(uid, gid, of.umask(), groups);
  }

  /** Digits and nothing else: half-understood ids end up as root (CVE-2026-30892). */
  public static long id(String digits, String rule, String whole) throws Failure {
    long value = 0;
    boolean good = !digits.isEmpty() && digits.length() <= 10;
    for (int i = 0; i < digits.length() && good; i++) {
      char c = digits.charAt(i);
      good = c >= '0' && c <= '9';
      value = value * 10 + c - '0';
    }
    if (!good || value > 0xfffffffeL) {
      throw new Failure(rule + ", not \"" + whole + "\"");
    }
    return value;
  }

  private static Executed launch(
      Environment e,
      Request request,
      ContainerState state,
      int pidfd,
      Process process,
      Plan plan,
      @Nullable Service service)
      throws Failure {
    Kernel k = e.kernel();
    Context context =
        new Context(
            e.kernel(),
            new HookState(OciVersion.NEWEST, state.id(), state.bundle(), state.annotations()));
    context.keep(request.kept());
    context.useSeal(e.seal());
    context.useWording(e.wording());
    if (request.cgroups().isEmpty()) {
      context.useItsCgroup();
    }
    context.useRootless(e.rootless());
    context.useContainer(pidfd, state.pid());
    context.useService(service);
    console(e, request, process, context);
    Launcher launcher = new Launcher(context, plan);
    DebugLog.plan(e, plan);
    String problem = launcher.prepare();
    if (problem == null) {
      problem = launcher.launch();
    }
    PidFile pidFile = new PidFile(k, request.pidFile());
    if (problem == null) {
      DebugLog.made(e, launcher.pid());
      problem = pidFile.write(launcher.pid());
    }
    if (problem == null) {
      problem = launcher.awaitReady();
    }
    if (problem == null) {
      DebugLog.readyToExecute(e);
      problem = launcher.awaitExecuted();
    }
    if (problem == null) {
      problem = PidfdSocket.send(k, request.pidfdSocket(), launcher.pidfd(), "setns");
    }
    if (problem == null) {
      // Not before: a pid file says that the program runs.
      problem = pidFile.publish();
    }
    if (problem != null) {
      String left = launcher.undo();
      throw new Failure(pidFile.discarded(problem) + (left == null ? "" : "\n" + left));
    }
    return new Executed(launcher, process.terminal());
  }

  private static void console(Environment e, Request request, Process process, Context context)
      throws Failure {
    if (request.consoleDescriptor() >= 0) {
      context.useConsoleSocket(request.consoleDescriptor());
      return;
    }
    String path = request.consoleSocket();
    if (path == null) {
      if (process.terminal()) {
        throw new Failure("--console-socket is required for a detached process with a terminal");
      }
      return;
    }
    String problem = ConsoleSocket.connect(e.kernel(), path, context);
    if (problem != null) {
      throw new Failure(problem);
    }
  }
}
