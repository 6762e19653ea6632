package dev.coracle.lifecycle;

import static dev.coracle.abi.Fcntl.AT_FDCWD;
import static dev.coracle.abi.Fcntl.O_CLOEXEC;
import static dev.coracle.abi.Fcntl.O_RDONLY;

import dev.coracle.criu.CriuRequest;
import dev.coracle.execute.Context;
import dev.coracle.execute.Criu;
import dev.coracle.execute.CriuMounts;
import dev.coracle.execute.CriuRoot;
import dev.coracle.execute.Files;
import dev.coracle.execute.Launcher;
import dev.coracle.json.Json;
import dev.coracle.json.JsonException;
import dev.coracle.json.JsonParser;
import dev.coracle.kernel.Kernel;
import dev.coracle.plan.Plan;
import dev.coracle.spec.Linux.Namespace;
import dev.coracle.spec.Linux.NamespaceType;
import dev.coracle.spec.Spec;
import dev.coracle.state.ProcStat;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** {@code restore}: a container from the files of a checkpoint, by criu. */
final class Restore {
  private static final String LOG = "restore.log";
  private static final int MOST_BYTES = 1 << 20;

  private final Environment e;
  private final CriuFlags flags;
  private final Spec spec;
  private final Plan plan;
  private final String rootfs;
  private final Context context;
  private final Launcher launcher;
  private final List<Integer> kept = new ArrayList<>();
  private @Nullable CriuRequest asked;

  Restore(
      Environment e,
      CriuFlags flags,
      Spec spec,
      Plan plan,
      String rootfs,
      Context context,
      Launcher launcher) {
    this.e = e;
    this.flags = flags;
    this.spec = spec;
    this.plan = plan;
    this.rootfs = rootfs;
    this.context = context;
    this.launcher = launcher;
  }

  /** Restores the processes into cgroups that are made; why it cannot, or null. */
  @Nullable String restore(String program) {
    try {
      return attempt(program);
    } catch (Failure failure) {
      return failure.getMessage();
    }
  }

  private @Nullable String attempt(String program) throws Failure {
    Kernel k = e.kernel();
    Criu criu = new Criu(e.kernel(), program, e.variables());
    CriuRequest request = start(criu);
    Files.Read cgroups = criu.cgroups();
    Files.Content content = cgroups.content();
    if (content == null) {
      String why = "cannot find criu's cgroups: " + k.explain(cgroups.errno());
      String left = criu.end(true);
      return left == null ? why : why + "\n" + left;
    }
    cgroupRoots(content.text(), request);
    Criu.Outcome outcome = criu.ask(request.bytes(), this::notified);
    String problem = CriuTalk.problem(e, outcome, flags, LOG);
    if (problem == null && launcher.pid() == 0) {
      problem = "criu restored nothing";
    }
    return problem == null ? null : "cannot restore the container: " + problem;
  }

  /** Starts criu where the root is a mount; we are back when it runs, or not. */
  private CriuRequest start(Criu criu) throws Failure {
    Kernel k = e.kernel();
    long back = CriuRoot.enter(k, rootfs);
    if (back < 0) {
      throw new Failure("cannot make the root a mount: " + k.explain(back));
    }
    String problem = prepared(criu);
    long left = CriuRoot.leave(k, (int) back);
    CriuRequest request = asked;
    if (problem == null && left < 0) {
      problem = "cannot go back to the host's mounts: " + k.explain(left);
    }
    if (problem != null || request == null) {
      String unended = criu.end(true);
      throw new Failure(problem + (unended == null ? "" : "\n" + unended));
    }
    return request;
  }

  private @Nullable String prepared(Criu criu) {
    try {
      return prepare(criu);
    } catch (Failure failure) {
      return failure.getMessage();
    }
  }

  private @Nullable String prepare(Criu criu) throws Failure {
    CriuRequest request = CriuTalk.request(e, CriuRequest.Type.RESTORE, flags, spec, LOG);
    asked = request;
    request.set(CriuRequest.Text.ROOT, rootfs);
    request.set(CriuRequest.Flag.EVASIVE_DEVICES, true);
    request.set(CriuRequest.Flag.RST_SIBLING, true);
    request.set(CriuRequest.Text.LSM_PROFILE, flags.lsmProfile());
    request.set(CriuRequest.Text.LSM_MOUNT_CONTEXT, flags.lsmMountContext());
    namespaces(request);
    long result = CriuMounts.forRestore(context, plan, rootfs, request);
    if (result < 0) {
      return "cannot prepare the root: " + context.why(result);
    }
    descriptors(request);
    int[] descriptors = new int[kept.size()];
    for (int i = 0; i < descriptors.length; i++) {
      descriptors[i] = kept.get(i);
    }
    return criu.start(context, plan, descriptors);
  }

  private void namespaces(CriuRequest request) throws Failure {
    for (Namespace namespace : spec.linux().namespaces()) {
      String path = namespace.path();
      if (path == null) {
        continue;
      }
      String key = Checkpoint.externalKey(namespace.type());
      if (key != null) {
        long fd = e.kernel().openat2(AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0, 0);
        if (fd < 0) {
          throw new Failure(namespace.origin() + ": cannot be opened: " + e.kernel().explain(fd));
        }
        kept.add((int) fd);
        request.inherit(key, (int) fd);
      } else if (namespace.type() == NamespaceType.CGROUP) {
        throw new Failure(namespace.origin() + ": criu cannot join a cgroup namespace");
      } else {
        request.join(namespace.type().procName(), path);
      }
    }
  }

  /** What stdio was at the checkpoint is ours now. */
  private void descriptors(CriuRequest request) throws Failure {
    String path = flags.images() + Checkpoint.DESCRIPTORS;
    Files.Read read = Files.read(e.kernel(), path, MOST_BYTES);
    Files.Content content = read.content();
    if (content == null) {
      throw new Failure(
          "--image-path: cannot read \"" + path + "\": " + e.kernel().explain(read.errno()));
    }
    List<Json> values = parse(path, content);
    for (int fd = 0; fd < values.size() && fd <= 2; fd++) {
      String key = values.get(fd) instanceof Json.Str text ? text.value() : "";
      if (key.startsWith("pipe:") || key.startsWith("file[")) {
        request.inherit(key, fd);
      }
    }
  }

  private static List<Json> parse(String path, Files.Content content) throws Failure {
    try {
      if (JsonParser.parse(content.bytes(), 0, content.length()) instanceof Json.Arr array) {
        return array.items();
      }
    } catch (JsonException broken) {
      throw new Failure("\"" + path + "\": not valid JSON: " + broken.getMessage());
    }
    throw new Failure("\"" + path + "\": must be an array");
  }

  /** Below these criu makes the container's own cgroups: those in which it was started. */
  private static void cgroupRoots(String lines, CriuRequest request) {
    int from = 0;
    while (from < lines.length()) {
      int to = lines.indexOf('\n', from);
      to = to < 0 ? lines.length() : to;
      int first = lines.indexOf(':', from);
      int second = lines.indexOf(':', first + 1);
      if (first > 0 && second > first && second < to) {
        request.cgroupRoot(lines.substring(first + 1, second), lines.substring(second + 1, to));
      }
      from = to + 1;
    }
  }

  private @Nullable String notified(String script, int pid, int descriptor) {
    return switch (script) {
      case "setup-namespaces" -> launcher.runHooks(pid);
      case "post-restore" -> adopt(pid);
      case "orphan-pts-master" -> passTerminal(descriptor);
      default -> null;
    };
  }

  private @Nullable String adopt(int pid) {
    String problem = launcher.adopt(pid);
    if (problem != null) {
      return problem;
    }
    ProcStat.Found found = ProcStat.of(e.kernel(), pid);
    ProcStat stat = found.stat();
    long result = found.errno();
    if (stat != null) {
      result = e.store().writeProcess(pid, stat.startTicks());
    } else if (result == 0) {
      return "the process that was restored is gone";
    }
    return result < 0 ? "cannot write the state: " + e.kernel().explain(result) : null;
  }

  private @Nullable String passTerminal(int descriptor) {
    long result = context.passTerminal(descriptor);
    return result < 0 ? "cannot pass the terminal on: " + context.why(result) : null;
  }
}
