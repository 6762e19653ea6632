package dev.coracle.execute;

import static dev.coracle.abi.Fcntl.AT_FDCWD;
import static dev.coracle.abi.Fcntl.O_CLOEXEC;
import static dev.coracle.abi.Fcntl.O_DIRECTORY;
import static dev.coracle.abi.Fcntl.O_PATH;
import static dev.coracle.abi.Process.AF_UNIX;
import static dev.coracle.abi.Process.CLONE_INTO_CGROUP;
import static dev.coracle.abi.Process.CLONE_PIDFD;
import static dev.coracle.abi.Process.SIGCHLD;
import static dev.coracle.abi.Process.SIGKILL;
import static dev.coracle.abi.Process.SOCK_CLOEXEC;
import static dev.coracle.abi.Process.SOCK_SEQPACKET;

import dev.coracle.abi.Bytes;
import dev.coracle.abi.Process;
import dev.coracle.kernel.Errno;
import dev.coracle.kernel.Kernel;
import dev.coracle.plan.Action;
import dev.coracle.plan.ActionText;
import dev.coracle.plan.Phase;
import dev.coracle.plan.Plan;
import dev.coracle.plan.Step;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The runtime's side of a plan: what comes before the clone, the clone, and the talk with the child
 * until it is ready. Each method returns an error as text, or null; after an error, {@link #undo}.
 */
public final class Launcher {
  private static final int MOST_MESSAGE_BYTES = 64 * 1024;

  private final Context c;
  private final Plan plan;
  private final Steps steps;
  private int pid;
  private int pidfd = -1;
  private int sync = -1;
  private boolean reaped;
  private int waitStatus;

  /** A launch of {@code plan}. */
  public Launcher(Context context, Plan plan) {
    this.c = context;
    this.plan = plan;
    this.steps = new Steps(context);
  }

  /** The child's pid, once it is cloned. */
  public int pid() {
    return pid;
  }

  /** The child's pidfd, once it is cloned. */
  public int pidfd() {
    return pidfd;
  }

  /** Runs the steps that come before there is a process. */
  public @Nullable String prepare() {
    return c.wording.beforeProcess(steps.run(plan.in(Phase.PARENT_BEFORE)));
  }

  /** Takes a child of ours that somebody else made for the container's process; null where done. */
  public @Nullable String adopt(int restored) {
    long opened = c.kernel.pidfd_open(restored, 0);
    if (opened < 0) {
      return "cannot watch the process that was restored: " + c.explain(opened);
    }
    pid = restored;
    pidfd = (int) opened;
    return null;
  }

  /** Runs the hooks whose time is when there are namespaces. */
  public @Nullable String runHooks(int process) {
    c.hostPid = process;
    return steps.run(plan.in(Phase.PARENT_HOOKS));
  }

  /** Makes the process. In the child this does not return. */
  public @Nullable String launch() {
    Kernel k = c.kernel;
    Step step = plan.in(Phase.CLONE).get(0);
    if (!(step.action() instanceof Action.CloneProcess clone)) {
      throw new IllegalStateException("no CloneProcess in phase CLONE");
    }
    int[] pair = {-1, -1};
    long result = k.socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, pair);
    long cgroup = -1;
    long flags = clone.flags() | CLONE_PIDFD;
    if (result >= 0 && clone.cgroup() != null) {
      cgroup = k.openat2(AT_FDCWD, clone.cgroup(), O_PATH | O_DIRECTORY | O_CLOEXEC, 0, 0);
      result = withoutCgroup(cgroup) ? 0 : cgroup;
      flags |= cgroup < 0 ? 0 : CLONE_INTO_CGROUP;
    }
    int[] child = new int[1];
    if (result >= 0) {
      result = k.clone3(flags, child, SIGCHLD, (int) cgroup);
      if (cgroup >= 0 && withoutCgroup(result) && !c.limited) {
        // The cgroup is ours, but not the way there from our own (cgroups(7), "delegation").
        result = k.clone3(flags & ~CLONE_INTO_CGROUP, child, SIGCHLD, -1);
      }
    }
    if (result == -Errno.EBUSY && cgroup >= 0 && c.mayUseItsCgroup) {
      // A v2 cgroup whose children have controllers takes no process: an init such as systemd has
      // moved into one of them, and we go there.
      c.close(cgroup);
      cgroup = CgroupProcesses.openCgroupOf(k, c.containerPid);
      result = cgroup < 0 ? cgroup : k.clone3(flags, child, SIGCHLD, (int) cgroup);
    }
    if (result < 0) {
      String problem =
          step.origin() + ": cannot " + ActionText.of(clone) + ": " + c.explain(result);
      problem += clone.cgroup() == null ? "" : hint(clone.cgroup(), result);
      closeIfOpen(cgroup);
      closeIfOpen(pair[0]);
      closeIfOpen(pair[1]);
      return c.wording.beforeProcess(problem);
    }
    if (cgroup >= 0) {
      c.close(cgroup);
    }
    if (result == 0) {
      c.closeSeal();
      c.close(pair[0]);
      c.sync = pair[1];
      c.closeSystemd();
      closeIfOpen(c.stateFile);
      ChildProcess.run(c, plan);
      return null;
    }
    pid = (int) result;
    pidfd = child[0];
    sync = pair[0];
    c.hostPid = pid;
    c.close(pair[1]);
    if (c.startFifo >= 0) {
      // The child must be the only one that waits on it: see Start.
      c.close(c.startFifo);
      c.startFifo = -1;
    }
    String problem = startScope();
    return c.wording.inProcess(problem == null ? afterClone() : problem);
  }

  /**
   * Dissolves the mount that our program is executed from, which takes the kernel a while: the
   * child is at work meanwhile, and has closed it, first thing. What can be found out here for the
   * child goes along with the message that says so.
   */
  private @Nullable String dissolveSeal() {
    byte[] message = new byte[ChildProcess.SEALED_BYTES];
    message[0] = ChildProcess.SEALED;
    Bytes.put64(message, 1, c.kernel.ignoredSignals());
    c.closeSeal();
    long sent = c.kernel.write(sync, message, 0, message.length);
    return sent < 0 && !isGone(sent) ? unheard(sent) : null;
  }

  /**
   * Whether the child has ended, before or after it has heard all: its last words are still to be
   * read.
   */
  private static boolean isGone(long sent) {
    return sent == -Errno.EPIPE || sent == -Errno.ECONNRESET;
  }

  /** Does what comes before the child may go on: it waits for a byte. */
  private @Nullable String startScope() {
    List<Step> scope = plan.in(Phase.PARENT_SCOPE);
    if (scope.isEmpty()) {
      return null;
    }
    String problem = steps.run(scope);
    if (problem == null) {
      long sent = c.kernel.write(sync, new byte[1], 0, 1);
      problem = sent < 0 ? unheard(sent) : null;
    }
    return problem;
  }

  /** Whether the process may do without its cgroup: where the runtime is rootless. */
  private boolean withoutCgroup(long result) {
    boolean other = c.containerPidfd >= 0 && !c.mayUseItsCgroup;
    return !other && Rootless.isDenial(result) && c.isRootless();
  }

  /**
   * Does what the child cannot do itself: at once, or where the child first has to get into its
   * namespaces, when it says so.
   */
  private @Nullable String afterClone() {
    List<Step> outside = plan.in(Phase.PARENT_AFTER_CLONE);
    boolean other = false;
    boolean awaits = false;
    for (Step step : plan.in(Phase.CHILD_SETUP)) {
      other |= step.action() instanceof Action.CloneAgain;
      awaits |= step.action() instanceof Action.AwaitRuntime;
    }
    if (!awaits && !outside.isEmpty()) {
      String problem = steps.run(outside);
      if (problem != null) {
        return problem;
      }
    }
    byte[] message = other || awaits ? new byte[MOST_MESSAGE_BYTES] : new byte[0];
    while (other || awaits) {
      long n = receive(message);
      if (n <= 0) {
        return n < 0 ? unheard(n) : died();
      }
      String problem;
      if (message[0] == ChildProcess.OTHER_PROCESS) {
        other = false;
        problem = takeOther(Integer.parseInt(Bytes.text(message, 1, (int) n)));
      } else if (message[0] == ChildProcess.IN_NAMESPACES) {
        awaits = false;
        problem = actFromOutside(outside);
      } else {
        problem = Bytes.text(message, 1, (int) n);
      }
      if (problem != null) {
        return problem;
      }
    }
    return null;
  }

  /** Why a v2 cgroup takes no process (linux v6.12 cgroup-v2.rst). */
  private String hint(String cgroup, long result) {
    // For exec in runc's words too: to start in a cgroup is what writing to that file is.
    String adding =
        c.containerPidfd < 0
            ? ""
            : "; adding pid of a new process to cgroups, as by " + cgroup + "/cgroup.procs: ";
    if (result == -Errno.EOPNOTSUPP) {
      return "; is the cgroup threaded?";
    }
    if (result == -Errno.ENOENT && !adding.isEmpty()) {
      return adding + "no such file or directory";
    }
    if (result == -Errno.EBUSY) {
      return (adding.isEmpty() ? "" : adding + "device or resource busy")
          + "; the cgroup hands controllers to cgroups below it, and so takes no process";
    }
    return result == -Errno.EAGAIN ? "; is pids.max of a cgroup above it reached?" : "";
  }

  /** The child has made another one, which takes its place, and ends. */
  private @Nullable String takeOther(int otherPid) {
    // It is our child: nobody else can have its pid.
    long fd = c.kernel.pidfd_open(otherPid, 0);
    if (fd < 0) {
      return unheard(fd);
    }
    await();
    reaped = false;
    c.close(pidfd);
    pidfd = (int) fd;
    pid = otherPid;
    c.hostPid = otherPid;
    return null;
  }

  private @Nullable String actFromOutside(List<Step> outside) {
    String problem = steps.run(outside);
    long left = c.trees.leave(c);
    if (problem == null && left < 0) {
      problem = "cannot return to the runtime's mount namespace: " + c.explain(left);
    }
    if (problem != null) {
      c.trees.closeAll(c);
      return problem;
    }
    long sent = c.trees.send(c, sync);
    if (sent >= 0) {
      sent = c.kernel.write(sync, new byte[] {'!'}, 0, 1);
    }
    return sent < 0 ? unheard(sent) : null;
  }

  /** Answers the child until it says that it is ready. */
  public @Nullable String awaitReady() {
    return c.wording.inProcess(answerChild());
  }

  private @Nullable String answerChild() {
    String problem = dissolveSeal();
    if (problem != null) {
      return problem;
    }
    byte[] message = new byte[MOST_MESSAGE_BYTES];
    while (true) {
      long n = receive(message);
      if (n < 0) {
        return unheard(n);
      }
      if (n == 0) {
        return died();
      }
      if (message[0] == ChildProcess.FAILED) {
        return Bytes.text(message, 1, (int) n);
      }
      if (message[0] == ChildProcess.READY) {
        c.idMaps.closeAll(c);
        return null;
      }
      String text = Bytes.text(message, 1, (int) n);
      problem =
          switch (message[0]) {
            case ChildProcess.LISTENER -> SeccompListener.handOn(c, plan, pidfd, text);
            case ChildProcess.MAPPING -> c.idMaps.applyFor(c, plan, pidfd, text);
            default -> steps.run(plan.in(Phase.PARENT_HOOKS));
          };
      if (problem == null) {
        long sent = c.kernel.write(sync, message, 0, 1);
        problem = sent < 0 && !isGone(sent) ? unheard(sent) : null;
      }
      if (problem != null) {
        return problem;
      }
    }
  }

  /** Waits until the child has executed its program: then its end of the socket is closed. */
  public @Nullable String awaitExecuted() {
    byte[] message = new byte[MOST_MESSAGE_BYTES];
    long n = receive(message);
    return n == 0
        ? null
        : c.wording.inProcess(n > 0 ? Bytes.text(message, 1, (int) n) : unheard(n));
  }

  private long receive(byte[] message) {
    long n = c.kernel.read(sync, message, 0, message.length);
    // ECONNRESET, once: the child has ended and not heard us; what it said is still to be read
    // (linux v6.12 net/unix/af_unix.c, unix_release_sock).
    while (n == -Errno.EINTR || n == -Errno.ECONNRESET) {
      n = c.kernel.read(sync, message, 0, message.length);
    }
    return n;
  }

  /** It may well be alive, so nobody waits for its end before it is killed. */
  private String unheard(long result) {
    return "cannot hear the container's process: " + c.explain(result);
  }

  private String died() {
    long result = await();
    if (result < 0) {
      return "cannot wait for the container's process: " + c.explain(result);
    }
    int code = Process.exitCode(waitStatus);
    String how =
        Process.exited(waitStatus)
            ? "exited with status " + code
            : "was killed by signal " + (code - 128);
    String hint = code == 128 + SIGKILL ? "; is the memory limit too low?" : "";
    return "the container's process " + how + " while it was set up" + hint;
  }

  /** Waits for the child's end and returns its wait status, or −errno. */
  public long await() {
    int[] status = new int[1];
    while (!reaped) {
      long result = c.kernel.wait4(pid, status, 0);
      if (result >= 0) {
        reaped = true;
        waitStatus = status[0];
      } else if (result != -Errno.EINTR) {
        return result;
      }
    }
    return waitStatus;
  }

  private void closeIfOpen(long fd) {
    if (fd >= 0) {
      c.close(fd);
    }
  }

  /** All has succeeded: closes what only {@link #undo} would have needed. */
  public void settle() {
    steps.settle();
  }

  /**
   * Takes back all that was done, last thing first. The text tells what could not be, or is null.
   */
  public @Nullable String undo() {
    Kernel k = c.kernel;
    String problem = null;
    if (pidfd >= 0 && !reaped) {
      long result = k.pidfd_send_signal(pidfd, SIGKILL);
      if (result < 0 && result != -Errno.ESRCH) {
        return "cannot kill process " + pid + ": " + c.kernel.explain(result);
      }
      long ended = await();
      problem = ended < 0 ? "cannot wait for process " + pid + ": " + c.explain(ended) : null;
    }
    String given = steps.giveBack();
    problem = given == null ? problem : given;
    String scope = ScopeActions.stop(c);
    problem = scope == null ? problem : scope;
    // Before the cgroups: to walk and remove them takes descriptors, of which there may be few.
    closeIfOpen(pidfd);
    closeIfOpen(sync);
    c.closeGiven();
    List<String> made = steps.madeCgroups();
    for (int i = made.size() - 1; i >= 0; i--) {
      // Hooks may have made cgroups in it.
      long result = CgroupActions.removeTree(k, made.get(i));
      if (result == -Errno.EBUSY) {
        result = CgroupActions.remove(k, made.get(i));
      }
      if (result < 0) {
        problem = "cannot remove cgroup \"" + made.get(i) + "\": " + c.kernel.explain(result);
      }
    }
    return problem;
  }
}
