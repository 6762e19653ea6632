package dev.coracle.cli;

import static dev.coracle.abi.Process.SIGCHLD;
import static dev.coracle.abi.Process.SIGPIPE;

import dev.coracle.execute.Kept;
import dev.coracle.execute.RelativePath;
import dev.coracle.execute.Rootless;
import dev.coracle.execute.Wording;
import dev.coracle.kernel.DescribingKernel;
import dev.coracle.kernel.Kernel;
import dev.coracle.lifecycle.CalledAs;
import dev.coracle.lifecycle.Checkpoint;
import dev.coracle.lifecycle.Create;
import dev.coracle.lifecycle.Delete;
import dev.coracle.lifecycle.Descriptors;
import dev.coracle.lifecycle.Environment;
import dev.coracle.lifecycle.Events;
import dev.coracle.lifecycle.Exec;
import dev.coracle.lifecycle.Failure;
import dev.coracle.lifecycle.Features;
import dev.coracle.lifecycle.Pause;
import dev.coracle.lifecycle.PlanReport;
import dev.coracle.lifecycle.Ps;
import dev.coracle.lifecycle.Run;
import dev.coracle.lifecycle.Seal;
import dev.coracle.lifecycle.Signals;
import dev.coracle.lifecycle.SpecTemplate;
import dev.coracle.lifecycle.Start;
import dev.coracle.lifecycle.StateReport;
import dev.coracle.lifecycle.Update;
import dev.coracle.lifecycle.VmKernel;
import dev.coracle.property.process.Env;
import dev.coracle.state.FilterCache;
import dev.coracle.state.StateStore;
import java.util.List;

/** The command line: from its words to a verb, and from what came of it to an exit code. */
public final class Cli {
  private static final int FAILED = 1;
  private static final int EXEC_FAILED = 255;

  private final DescribingKernel k;
  private final Log log;
  private final String name;
  private final String commit;
  private final List<String> args;
  private final boolean runproc;
  private final Wording wording;
  private String verb = "";

  /** What stands in front of a failure; "" until the command line is understood. */
  private String failed = "";

  private int seal = Seal.NONE;

  private Cli(Kernel kernel, String argv0, List<String> args, String commit) {
    this.commit = commit;
    this.k = new DescribingKernel(kernel);
    this.log = new Log(k);
    this.name = argv0.substring(argv0.lastIndexOf('/') + 1);
    this.args = args;
    this.runproc = name.equals("runproc");
    this.wording = Wording.of(name);
  }

  /**
   * Does what a command line asks for, and returns the exit code.
   *
   * @param argv0 the name by which we were called
   * @param commit of the sources from which the binary was made
   */
  public static int run(Kernel kernel, String argv0, List<String> args, String commit) {
    Cli cli = new Cli(kernel, argv0, args, commit);
    try {
      return cli.run();
    } catch (Failure failure) {
      cli.log.error((failure.isOfStarted() ? "" : cli.failed) + failure.getMessage());
      // A field: the compiler to C loses a local variable that try assigns and catch reads.
      return cli.verb.equals("exec") ? EXEC_FAILED : FAILED;
    }
  }

  private int run() throws Failure {
    Arguments.Mode mode =
        runproc ? Arguments.Mode.TOLERANT_FLAGS_FIRST : Arguments.Mode.FLAGS_FIRST;
    Arguments global = Arguments.parse(args, 0, Usage.GLOBAL, mode);
    log.configure(global);
    verb = global.words().isEmpty() ? "" : global.words().get(0);
    return dispatch(global);
  }

  private int dispatch(Arguments global) throws Failure {
    if (global.is("version")) {
      log.print(Features.version(name, commit));
      return 0;
    }
    if (global.is("help") || verb.isEmpty() || verb.equals("help")) {
      log.print(Usage.help(name, ""));
      return verb.isEmpty() && !global.is("help") ? FAILED : 0;
    }
    String flags = Usage.flags(verb);
    if (flags == null && (args.contains("-h") || args.contains("--help"))) {
      throw new Failure("No help topic for '" + verb + "'");
    }
    if (flags == null) {
      throw new Failure("unknown verb \"" + verb + "\"; see --help");
    }
    int from = args.size() - global.words().size() + 1;
    Arguments.Mode mode =
        Usage.takesProgram(verb)
            ? Arguments.Mode.FLAGS_FIRST
            : runproc ? Arguments.Mode.TOLERANT : Arguments.Mode.MIXED;
    Arguments a = Arguments.parse(args, from, flags, mode);
    if (a.is("help")) {
      log.print(Usage.help(name, verb));
      return 0;
    }
    return verb(global, a);
  }

  private int verb(Arguments global, Arguments a) throws Failure {
    switch (verb) {
      case "features" -> log.print(Features.json());
      case "spec" -> SpecTemplate.write(k, a.value("bundle", "."), a.is("rootless"));
      case "plan" ->
          log.print(
              PlanReport.report(
                  environment(global),
                  createRequest(global, a, "plan"),
                  a.value("format", "text").equals("json")));
      case "list" -> log.print(list(global, a));
      case "vm" -> vm(global, a);
      default -> {
        return ofContainer(global, a);
      }
    }
    return 0;
  }

  private int ofContainer(Arguments global, Arguments a) throws Failure {
    if (a.words().isEmpty()) {
      throw new Failure(verb + " needs a container id; see " + verb + " --help");
    }
    failed = wording.failed(verb);
    String id = a.words().get(0);
    if (Usage.makesProcess(verb)) {
      // Before anything else is done, for all of it is done once more.
      seal = Seal.ensure(k, k.environ(), name);
    }
    // A process that we write to may be gone: that is an error to tell, not our end.
    long ignored = k.ignoreSignal(SIGPIPE);
    if (ignored < 0) {
      throw new Failure("cannot ignore SIGPIPE: " + k.explain(ignored));
    }
    // Where it is ignored, nobody can wait for a child (wait(2), NOTES).
    long waited = verb.equals("state") ? 0 : k.defaultSignal(SIGCHLD);
    if (waited < 0) {
      throw new Failure("cannot wait for children: " + k.explain(waited));
    }
    Environment e = environment(global);
    int most = Usage.takesProgram(verb) ? Integer.MAX_VALUE : verb.equals("kill") ? 2 : 1;
    if (a.words().size() > most && !runproc) {
      throw new Failure(verb + ": too many arguments; see " + verb + " --help");
    }
    switch (verb) {
      case "create" -> {
        Descriptors.closeLeaked(k, kept(a), null, seal);
        Create.create(e, createRequest(global, a, id));
      }
      case "start" -> Start.start(e, id);
      case "state" -> log.print(StateReport.state(e, id));
      case "kill" ->
          Signals.kill(e, id, a.words().size() > 1 ? a.words().get(1) : "TERM", a.is("all"));
      case "delete" -> Delete.delete(e, id, a.is("force") || runproc);
      case "run" -> {
        Descriptors.closeLeaked(k, kept(a), null, seal);
        return Run.run(e, createRequest(global, a, id), a.is("detach"), a.is("keep"));
      }
      case "exec" -> {
        Descriptors.closeLeaked(k, kept(a), a.value("process"), seal);
        return Run.exec(e, execRequest(a, id), a.is("detach"));
      }
      case "pause" -> Pause.pause(e, id);
      case "resume" -> Pause.resume(e, id);
      case "update" ->
          Update.update(
              e, id, a.value("resources"), UpdateFlags.resources(a), UpdateFlags.schemata(a));
      case "events" -> {
        if (a.is("stats")) {
          log.print(Events.statistics(e, id));
        } else {
          Events.follow(e, id, Duration.millis("interval", a.value("interval", "5s")));
        }
      }
      case "checkpoint" -> Checkpoint.checkpoint(e, id, CheckpointFlags.of(a, absolutePaths(a)));
      case "restore" -> {
        Descriptors.closeLeaked(k, kept(a), null, seal);
        return Run.restore(
            e,
            createRequest(global, a, id),
            CheckpointFlags.of(a, absolutePaths(a)),
            a.is("detach"));
      }
      case "ps" -> {
        List<String> options = a.words().subList(1, a.words().size());
        boolean json = a.value("format", "table").equals("json");
        log.print(json ? Ps.json(e, id) : Ps.table(e, id, options));
      }
      default -> throw new IllegalStateException("verb " + verb);
    }
    return 0;
  }

  private void vm(Arguments global, Arguments a) throws Failure {
    long waited = k.defaultSignal(SIGCHLD);
    if (waited < 0) {
      throw new Failure("cannot wait for children: " + k.explain(waited));
    }
    VmKernel.Request request =
        new VmKernel.Request(
            a.words(), absolute(a, "kernels"), absolute(a, "modules"), absolute(a, "initrd"));
    log.print(VmKernel.run(environment(global), request));
  }

  private String list(Arguments global, Arguments a) throws Failure {
    String format = a.value("format", "table");
    if (!format.equals("table") && !format.equals("json")) {
      throw new Failure("--format must be table or json, not \"" + format + "\"");
    }
    StateReport.Format shape =
        a.is("quiet")
            ? StateReport.Format.IDS
            : format.equals("json") ? StateReport.Format.JSON : StateReport.Format.TABLE;
    return StateReport.list(environment(global), shape, global.value("root") != null);
  }

  private CheckpointFlags.Paths absolutePaths(Arguments a) throws Failure {
    String images = absolute(a, "image-path");
    if (images == null) {
      images = RelativePath.absolute(k, "checkpoint");
    }
    if (images == null) {
      throw new Failure("--image-path: the working directory cannot be found");
    }
    return new CheckpointFlags.Paths(images, absolute(a, "work-path"));
  }

  private Create.Request createRequest(Arguments global, Arguments a, String id) throws Failure {
    return new Create.Request(
        id,
        a.value("bundle", "."),
        absolute(a, "pid-file"),
        absolute(a, "console-socket"),
        -1,
        absolute(a, "pidfd-socket"),
        kept(a),
        a.is("no-pivot"),
        !a.is("no-new-keyring"),
        global.is("systemd-cgroup"),
        global.value("sandbox"),
        CalledAs.of(name));
  }

  private Exec.Request execRequest(Arguments a, String id) throws Failure {
    return new Exec.Request(
        id,
        a.value("process"),
        a.words().subList(1, a.words().size()),
        a.all("env"),
        a.value("cwd"),
        a.value("user"),
        ExecArguments.gids(a),
        a.all("cap"),
        a.is("no-new-privs"),
        a.value("apparmor"),
        a.value("process-label"),
        a.all("cgroup"),
        a.is("tty"),
        absolute(a, "console-socket"),
        -1,
        absolute(a, "pid-file"),
        absolute(a, "pidfd-socket"),
        kept(a),
        a.is("ignore-paused"));
  }

  /** Creating goes to the bundle's directory: paths of the command line are the caller's. */
  private @org.jspecify.annotations.Nullable String absolute(Arguments a, String flag)
      throws Failure {
    String path = a.value(flag);
    if (path == null || path.startsWith("/")) {
      return path;
    }
    String absolute = RelativePath.absolute(k, path);
    if (absolute == null) {
      throw new Failure("--" + flag + ": the working directory cannot be found");
    }
    return absolute;
  }

  private Kept kept(Arguments a) throws Failure {
    return Descriptors.kept(k, k.environ(), number(a, "preserve-fds"));
  }

  private static int number(Arguments a, String flag) throws Failure {
    String text = a.value(flag, "0");
    int value = 0;
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c < '0' || c > '9' || value > 100_000) {
        throw new Failure("--" + flag + " must be a number, not \"" + text + "\"");
      }
      value = value * 10 + c - '0';
    }
    return value;
  }

  private Environment environment(Arguments global) throws Failure {
    List<String> variables = k.environ();
    String root = global.value("root");
    if (root == null) {
      root = defaultRoot(variables);
    }
    if (!root.startsWith("/")) {
      String absolute = RelativePath.absolute(k, root);
      if (absolute == null) {
        throw new Failure("--root: the working directory cannot be found");
      }
      root = absolute;
    }
    if (RelativePath.isRoot(root)) {
      throw new Failure("--root must not be the root directory");
    }
    String word = global.value("rootless", "auto");
    Rootless rootless = Rootless.of(word);
    if (rootless == null) {
      throw new Failure("--rootless must be auto, true or false, not \"" + word + "\"");
    }
    return new Environment(
        k,
        new StateStore(k, root),
        new FilterCache(k, root, commit),
        root,
        variables,
        log,
        rootless,
        seal,
        wording);
  }

  private String defaultRoot(List<String> variables) {
    String named = runproc ? Env.value(variables, "RUNPROC_STATE_DIR") : "";
    if (!named.isEmpty()) {
      return named;
    }
    String runtime = Env.value(variables, "XDG_RUNTIME_DIR");
    // Root of a user namespace is a user as well: /run is not theirs.
    boolean user = !runtime.isEmpty() && (k.geteuid() != 0 || Rootless.inUserNamespace(k));
    return (user ? runtime : "/run") + (runproc ? "/runproc" : "/coracle");
  }
}
