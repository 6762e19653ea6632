package dev.coracle.lifecycle;

import static dev.coracle.abi.Process.SIGKILL;

import dev.coracle.execute.CgroupKill;
import dev.coracle.execute.Files;
import dev.coracle.execute.Freezer;
import dev.coracle.kernel.Errno;
import dev.coracle.kernel.Kernel;
import dev.coracle.state.ContainerState;
import dev.coracle.state.ProcStat;
import dev.coracle.state.Status;
import org.jspecify.annotations.Nullable;

/** {@code kill}, and signals by name and number (signal(7)). */
public final class Signals {
  // In the order of their numbers on x86-64 and arm64.
  private static final String NAMES =
      "HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CONT STOP"
          + " TSTP TTIN TTOU URG XCPU XFSZ VTALRM PROF WINCH IO PWR SYS ";

  private static final int STATUS_MOST = 64 * 1024;
  private static final int SIGRTMIN = 34;
  private static final int SIGRTMAX = 64;

  private Signals() {}

  /** The number of {@code TERM}, {@code SIGTERM}, {@code 15}, {@code RTMIN+1}; 0 where unknown. */
  public static int number(String signal) {
    if (!signal.isEmpty() && signal.charAt(0) >= '0' && signal.charAt(0) <= '9') {
      int number = decimal(signal);
      return number <= SIGRTMAX ? number : 0;
    }
    String name = upper(signal);
    if (name.startsWith("SIG")) {
      name = name.substring(3);
    }
    if (name.startsWith("RTMIN")) {
      return realtime(SIGRTMIN, name.substring(5), 1);
    }
    if (name.startsWith("RTMAX")) {
      return realtime(SIGRTMAX, name.substring(5), -1);
    }
    if (name.equals("POLL")) {
      name = "IO";
    }
    int from = 0;
    for (int number = 1; from < NAMES.length(); number++) {
      int to = NAMES.indexOf(' ', from);
      if (NAMES.substring(from, to).equals(name)) {
        return number;
      }
      from = to + 1;
    }
    return 0;
  }

  private static int realtime(int base, String offset, int direction) {
    if (offset.isEmpty()) {
      return base;
    }
    char sign = direction > 0 ? '+' : '-';
    int distance = offset.charAt(0) == sign ? decimal(offset.substring(1)) : 0;
    int number = base + direction * distance;
    return distance > 0 && number >= SIGRTMIN && number <= SIGRTMAX ? number : 0;
  }

  private static int decimal(String text) {
    int number = 0;
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c < '0' || c > '9' || number > SIGRTMAX) {
        return 0;
      }
      number = number * 10 + c - '0';
    }
    return number;
  }

  private static String upper(String text) {
    char[] out = text.toCharArray();
    for (int i = 0; i < out.length; i++) {
      if (out[i] >= 'a' && out[i] <= 'z') {
        out[i] = (char) (out[i] - 32);
      }
    }
    return new String(out);
  }

  /** Signals a container's first process, or all its processes. */
  public static void kill(Environment e, String id, String signal, boolean all) throws Failure {
    int number = number(signal);
    // Signal 0 asks whether there is somebody to signal (kill(2)).
    if (number == 0 && !signal.equals("0")) {
      throw new Failure("unknown signal \"" + signal + "\"");
    }
    ContainerState state = Containers.find(e, id).state();
    if (all) {
      killAll(e, state, number);
      return;
    }
    Status status = Containers.status(e, state);
    if (status == Status.STOPPED
        && number == SIGKILL
        && !Containers.processes(e, state).isEmpty()) {
      // The first process is gone, and has left others that no PID namespace took along.
      killAll(e, state, number);
      return;
    }
    if (status == Status.STOPPED || status == Status.CREATING) {
      // Words for every engine: runc's, and those of kill(2) that crun passes on.
      throw new Failure("container not running: kill: no such process");
    }
    boolean alone = number == SIGKILL && !endsWithFirst(e.kernel(), state.pid());
    String problem = send(e, state, number);
    if (problem != null) {
      throw new Failure(problem);
    }
    if (alone) {
      // As runc: who kills a container means all of it.
      killAll(e, state, number);
    }
    if (status == Status.PAUSED && number == SIGKILL) {
      thaw(e, state);
    }
  }

  private static void killAll(Environment e, ContainerState state, int signal) throws Failure {
    long result =
        signal == SIGKILL
            ? CgroupKill.kill(e.kernel(), state.cgroups())
            : CgroupKill.signal(e.kernel(), state.cgroups(), signal);
    if (result < 0) {
      throw new Failure("cannot signal the container's processes: " + e.kernel().explain(result));
    }
  }

  /**
   * Whether a process is PID 1 of a PID namespace, whose end ends all others in it. A container
   * that shares the host's, or a pod's, lives on without its first process.
   */
  static boolean endsWithFirst(Kernel k, int pid) {
    Files.Read read = Files.read(k, "/proc/" + pid + "/status", STATUS_MOST);
    Files.Content content = read.content();
    if (content == null) {
      // Where nobody knows, all are looked for: none must outlive it.
      return read.errno() == -Errno.ENOENT || read.errno() == -Errno.ESRCH;
    }
    String status = content.text();
    int at = status.indexOf("\nNSpid:");
    int end = at < 0 ? -1 : status.indexOf('\n', at + 1);
    return end > 0 && status.substring(at, end).endsWith("\t1");
  }

  /** On cgroup v1 not even SIGKILL reaches a process that is frozen. */
  static void thaw(Environment e, ContainerState state) throws Failure {
    long result = new Freezer(e.kernel(), state.cgroups()).thaw();
    // A cgroup that is gone has nobody in it: systemd removes a scope once its last process ended.
    boolean gone = result == -Errno.ENOENT || result == -Errno.ENODEV;
    if (result < 0 && !gone) {
      throw new Failure("cannot resume the container: " + e.kernel().explain(result));
    }
  }

  /**
   * Signals the first process. A pidfd names one process for ever: if it is still the one that we
   * know, the signal reaches it and no other that got its pid later.
   */
  static @Nullable String send(Environment e, ContainerState state, int signal) {
    Kernel k = e.kernel();
    long pidfd = k.pidfd_open(state.pid(), 0);
    if (pidfd == -Errno.ESRCH) {
      return "container not running: kill: no such process";
    }
    if (pidfd < 0) {
      return "cannot signal process " + state.pid() + ": " + k.explain(pidfd);
    }
    ProcStat.Found found = ProcStat.of(k, state.pid());
    ProcStat stat = found.stat();
    boolean same = stat != null && stat.startTicks() == state.startTicks();
    long result = found.errno();
    if (result == 0) {
      result = same ? k.pidfd_send_signal((int) pidfd, signal) : -Errno.ESRCH;
    }
    String why = result < 0 ? k.explain(result) : "";
    long closed = k.close((int) pidfd);
    if (result == -Errno.ESRCH) {
      return "container not running: kill: no such process";
    }
    if (result < 0 || closed < 0) {
      String because = result < 0 ? why : k.explain(closed);
      return "cannot signal process " + state.pid() + ": " + because;
    }
    return null;
  }
}
