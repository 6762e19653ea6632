package dev.coracle.lifecycle;

import static dev.coracle.abi.Fcntl.AT_FDCWD;

import dev.coracle.abi.Bytes;
import dev.coracle.abi.Stat;
import dev.coracle.abi.Statx;
import dev.coracle.config.ConfigReader;
import dev.coracle.config.Host;
import dev.coracle.config.Planner;
import dev.coracle.criu.CriuRequest;
import dev.coracle.execute.Criu;
import dev.coracle.execute.CriuMounts;
import dev.coracle.execute.Files;
import dev.coracle.execute.Freezer;
import dev.coracle.host.HostReader;
import dev.coracle.json.JsonWriter;
import dev.coracle.kernel.Kernel;
import dev.coracle.plan.Plan;
import dev.coracle.problem.Problems;
import dev.coracle.sandbox.SandboxKind;
import dev.coracle.spec.Linux.Namespace;
import dev.coracle.spec.Linux.NamespaceType;
import dev.coracle.spec.Spec;
import dev.coracle.state.ContainerState;
import dev.coracle.state.StateStore;
import dev.coracle.state.Status;
import org.jspecify.annotations.Nullable;

/** {@code checkpoint}: writes a container that runs to files, by criu. */
public final class Checkpoint {
  static final String DESCRIPTORS = "/descriptors.json";
  private static final String LOG = "dump.log";
  private static final int MOST_BYTES = 1 << 20;
  private static final int PATH_MAX = 4096;

  private final Environment e;
  private final ContainerState state;
  private final CriuFlags flags;
  private final boolean running;

  private Checkpoint(Environment e, ContainerState state, CriuFlags flags, boolean running) {
    this.e = e;
    this.state = state;
    this.flags = flags;
    this.running = running;
  }

  /** Writes it, and deletes it unless it is to go on. */
  public static void checkpoint(Environment e, String id, CriuFlags flags) throws Failure {
    StateStore.Entry entry = Containers.find(e, id);
    ContainerState state = entry.state();
    Status status = Containers.status(e, state);
    if (status != Status.RUNNING && status != Status.PAUSED) {
      throw new Failure("container cannot be checkpointed in " + status.word() + " state");
    }
    if (state.sandbox().equals(SandboxKind.MICROVM.word())) {
      MachineCheckpoint.dump(e, state, status, flags);
      return;
    }
    if (!state.sandbox().equals(SandboxKind.CONTAINER.word())) {
      throw new Failure("only a container can be checkpointed, not a process of the host");
    }
    new Checkpoint(e, state, flags, status == Status.RUNNING).dump(entry);
    if (!flags.leaveRunning() && !flags.preDump()) {
      Delete.delete(e, id, true);
    }
  }

  private void dump(StateStore.Entry entry) throws Failure {
    Kernel k = e.kernel();
    Problems problems = new Problems();
    Host host = HostReader.read(k, problems);
    Spec spec = Exec.spec(e, entry, host, ConfigReader.Wanted.ALL);
    Planner.Target target =
        new Planner.Target(state.bundle(), state.id(), state.cgroups(), true, null);
    Plan plan = Planner.plan(spec, host, target, problems);
    if (problems.hasErrors()) {
      throw new Failure(problems.errorText());
    }
    String program = CriuTalk.program(e, flags);
    CriuRequest.Type type = flags.preDump() ? CriuRequest.Type.PRE_DUMP : CriuRequest.Type.DUMP;
    CriuRequest request = CriuTalk.request(e, type, flags, spec, LOG);
    request.pid(state.pid());
    request.set(CriuRequest.Text.ROOT, state.rootfs());
    request.set(CriuRequest.Text.FREEZE_CGROUP, freezer());
    request.set(CriuRequest.Flag.LEAVE_RUNNING, flags.leaveRunning());
    if (flags.parent() != null) {
      checkParent(flags.parent());
      request.set(CriuRequest.Text.PARENT_IMG, flags.parent());
      request.set(CriuRequest.Flag.TRACK_MEM, true);
    }
    pageServer(request);
    externalNamespaces(spec, request);
    if (!flags.preDump()) {
      long result = CriuMounts.forDump(k, plan, state.pid(), request);
      if (result < 0) {
        throw new Failure("cannot look into the container: " + k.explain(result));
      }
      descriptors(request);
    }
    ask(program, request);
  }

  /** criu would say what it misses, and not whose flag it is. */
  private void checkParent(String parent) throws Failure {
    byte[] statx = new byte[Statx.SIZE];
    Kernel k = e.kernel();
    long result = k.statx(AT_FDCWD, flags.images() + "/" + parent, 0, Statx.STATX_TYPE, statx);
    if (result < 0) {
      throw new Failure("--parent-path: \"" + parent + "\" in --image-path: " + k.explain(result));
    }
    if (Statx.type(statx) != Stat.S_IFDIR) {
      throw new Failure("--parent-path: \"" + parent + "\" in --image-path is no directory");
    }
  }

  private void ask(String program, CriuRequest request) throws Failure {
    Criu criu = new Criu(e.kernel(), program, e.variables());
    String problem = criu.start();
    if (problem != null) {
      throw new Failure(problem);
    }
    Criu.Outcome outcome = criu.ask(request.bytes(), this::notified);
    problem = CriuTalk.problem(e, outcome, flags, LOG);
    if (problem != null) {
      String left = running ? goOn() : "";
      throw new Failure("cannot checkpoint container \"" + state.id() + "\": " + problem + left);
    }
  }

  /** A criu that ended early may have left it frozen; why it cannot go on, or nothing. */
  private String goOn() {
    Kernel k = e.kernel();
    Freezer freezer = new Freezer(k, state.cgroups());
    long result = freezer.isFrozen();
    if (result > 0) {
      result = freezer.thaw();
    }
    return result < 0 ? "\nthe container may stand still: " + k.explain(result) : "";
  }

  private @Nullable String notified(String script, int pid, int descriptor) {
    if (!script.equals("status-ready") || flags.statusFd() < 0) {
      return null;
    }
    Kernel k = e.kernel();
    long result = k.write(flags.statusFd(), new byte[1], 0, 1);
    long closed = k.close(flags.statusFd());
    return result < 0 || closed < 0 ? "--status-fd: " + k.explain(Math.min(result, closed)) : null;
  }

  /** criu stops all processes by it, which with ptrace(2) alone it can miss. */
  private @Nullable String freezer() {
    String v1 = state.cgroups().v1("freezer");
    return v1 != null ? v1 : state.cgroups().v2Path();
  }

  private void pageServer(CriuRequest request) throws Failure {
    String server = flags.pageServer();
    if (server == null) {
      return;
    }
    int colon = server.lastIndexOf(':');
    long port = colon < 0 ? 0 : Exec.id(server.substring(colon + 1), "--page-server", server);
    if (colon <= 0 || port == 0 || port > 65535) {
      throw new Failure("--page-server must be ADDRESS:PORT, not \"" + server + "\"");
    }
    request.pageServer(server.substring(0, colon), (int) port);
  }

  /** A namespace that was joined by its path is not dumped: it must be there at a restore. */
  private void externalNamespaces(Spec spec, CriuRequest request) throws Failure {
    for (Namespace namespace : spec.linux().namespaces()) {
      String path = namespace.path();
      String key = externalKey(namespace.type());
      if (path != null && key != null) {
        byte[] statx = new byte[Statx.SIZE];
        long result = e.kernel().statx(AT_FDCWD, path, 0, Statx.STATX_BASIC_STATS, statx);
        if (result < 0) {
          throw new Failure(
              namespace.origin() + ": cannot be looked at: " + e.kernel().explain(result));
        }
        String word = namespace.type() == NamespaceType.NETWORK ? "net" : "pid";
        request.set(CriuRequest.Text.EXTERNAL, word + "[" + inode(statx) + "]:" + key);
      }
    }
  }

  /** The name of a namespace that criu leaves to us, as runc has it; null where it joins it. */
  static @Nullable String externalKey(NamespaceType type) {
    return switch (type) {
      case NETWORK -> "extRootNetNS";
      case PID -> "extRootPidNS";
      default -> null;
    };
  }

  private static long inode(byte[] statx) {
    return Bytes.i64(statx, 32); // struct statx, stx_ino
  }

  /**
   * Tells what stdio was, for the restore: pipes, and files of mounts that are not the container's,
   * such as the host's /dev/null. Others criu finds by their paths.
   */
  private void descriptors(CriuRequest request) throws Failure {
    Kernel k = e.kernel();
    String process = "/proc/" + state.pid();
    Files.Read mounts = Files.read(k, process + "/mountinfo", 64 << 20);
    Files.Content content = mounts.content();
    if (content == null) {
      throw new Failure("cannot read the container's mounts: " + k.explain(mounts.errno()));
    }
    String mountinfo = "\n" + content.text();
    JsonWriter out = JsonWriter.compact();
    out.array();
    for (int fd = 0; fd <= 2; fd++) {
      byte[] link = new byte[PATH_MAX];
      long n = k.readlinkat(AT_FDCWD, process + "/fd/" + fd, link);
      String text = n < 0 ? "" : Bytes.text(link, 0, (int) n);
      String outside = text.startsWith("/") ? outside(process, fd, mountinfo) : null;
      if (outside != null) {
        request.set(CriuRequest.Text.EXTERNAL, outside);
      }
      out.value(outside == null ? text : outside);
    }
    out.endArray();
    long result = Files.create(k, flags.images() + DESCRIPTORS, out.toString(), 0600);
    if (result < 0) {
      throw new Failure("cannot write descriptors.json: " + k.explain(result));
    }
  }

  /**
   * {@code file[MOUNT:INODE]} in hexadecimal digits, where the mount is none of the container's.
   */
  private @Nullable String outside(String process, int fd, String mountinfo) {
    Kernel k = e.kernel();
    Files.Content info = Files.read(k, process + "/fdinfo/" + fd, MOST_BYTES).content();
    String text = info == null ? "" : info.text();
    int at = text.indexOf("mnt_id:");
    if (at < 0) {
      return null;
    }
    int end = text.indexOf('\n', at);
    String mount = text.substring(at + "mnt_id:".length(), end).trim();
    byte[] statx = new byte[Statx.SIZE];
    long result = k.statx(AT_FDCWD, process + "/fd/" + fd, 0, Statx.STATX_BASIC_STATS, statx);
    if (result < 0 || mountinfo.contains("\n" + mount + " ")) {
      return null;
    }
    return "file["
        + Long.toHexString(Long.parseLong(mount))
        + ":"
        + Long.toHexString(inode(statx))
        + "]";
  }
}
