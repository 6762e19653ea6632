package dev.coracle.execute;

import static dev.coracle.abi.Fcntl.AT_FDCWD;
import static dev.coracle.abi.Fcntl.F_SETFD;
import static dev.coracle.abi.Fcntl.O_CLOEXEC;
import static dev.coracle.abi.Fcntl.O_DIRECTORY;
import static dev.coracle.abi.Fcntl.O_PATH;
import static dev.coracle.abi.Process.AF_UNIX;
import static dev.coracle.abi.Process.CLONE_INTO_CGROUP;
import static dev.coracle.abi.Process.CLONE_PIDFD;
import static dev.coracle.abi.Process.POLLIN;
import static dev.coracle.abi.Process.SIGCHLD;
import static dev.coracle.abi.Process.SIGKILL;
import static dev.coracle.abi.Process.SOCK_CLOEXEC;
import static dev.coracle.abi.Process.SOCK_SEQPACKET;

import dev.coracle.abi.Bytes;
import dev.coracle.abi.Process;
import dev.coracle.criu.CriuRequest;
import dev.coracle.criu.CriuResponse;
import dev.coracle.kernel.DescribingKernel;
import dev.coracle.kernel.Errno;
import dev.coracle.kernel.Kernel;
import dev.coracle.plan.Action;
import dev.coracle.plan.Phase;
import dev.coracle.plan.Plan;
import dev.coracle.plan.Step;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One {@code criu swrk}: criu as our child that serves one request over a socket pair
 * (https://criu.org/RPC).
 *
 * <p>A tree that is restored gets our stdio, our cgroups, and the root where it is on the host: all
 * that criu's process has. So it starts in the container's cgroups, in a mount namespace of its own
 * in which the root is a mount, as criu wants it; nothing of that is left when it ends.
 */
public final class Criu {
  private static final int MOST_MESSAGE_BYTES = 40 * 1024;
  private static final int NOT_EXECUTED = 127;
  private static final int MOST_CGROUP_BYTES = 1 << 20;

  /** What it says of itself once it is in its cgroups, before it is criu. */
  private static final String JOINED = "J";

  private static final String GONE = "criu ended without an answer";

  private final DescribingKernel k;
  private final String program;
  private final List<String> variables;
  private int pid;
  private int pidfd = -1;
  private int socket = -1;
  private String how = "";

  /** What is done when criu notifies. */
  public interface Listener {
    /**
     * Hears of a step.
     *
     * @param descriptor that came with it, −1 for none
     * @return why criu must give up, or null
     */
    @Nullable String notified(String script, int pid, int descriptor);
  }

  /** What came of a request. */
  public record Outcome(@Nullable CriuResponse response, @Nullable String problem) {}

  /**
   * A criu that does not run yet.
   *
   * @param program its path
   * @param variables its environment
   */
  public Criu(DescribingKernel kernel, String program, List<String> variables) {
    this.k = kernel;
    this.program = program;
    this.variables = variables;
  }

  /**
   * Starts it where we are.
   *
   * @return why it cannot, or null
   */
  public @Nullable String start() {
    return start(-1, null, null, new int[0]);
  }

  /**
   * Starts it where a container's process would be: in the cgroups of a plan that was prepared. It
   * must be ended by {@link #end} where that fails.
   *
   * @param kept descriptors that it keeps
   * @return why it cannot, or null
   */
  public @Nullable String start(Context c, Plan plan, int[] kept) {
    String cgroup = null;
    for (Step step : plan.in(Phase.CLONE)) {
      if (step.action() instanceof Action.CloneProcess clone) {
        cgroup = clone.cgroup();
      }
    }
    long fd = -1;
    if (cgroup != null) {
      fd = k.openat2(AT_FDCWD, cgroup, O_PATH | O_DIRECTORY | O_CLOEXEC, 0, 0);
      if (fd < 0) {
        return "cannot start criu: " + k.explain(fd);
      }
    }
    List<Step> joins = new ArrayList<>();
    for (Step step : plan.in(Phase.CHILD_SETUP)) {
      if (step.action() instanceof Action.JoinCgroup) {
        joins.add(step);
      }
    }
    String problem = start((int) fd, c, joins, kept);
    if (fd >= 0) {
      c.close(fd);
    }
    return problem;
  }

  private @Nullable String start(
      int cgroup, @Nullable Context c, @Nullable List<Step> joins, int[] kept) {
    int[] pair = {-1, -1};
    long result = k.socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, pair);
    int[] child = new int[1];
    if (result >= 0) {
      long flags = CLONE_PIDFD | (cgroup >= 0 ? CLONE_INTO_CGROUP : 0);
      result = k.clone3(flags, child, SIGCHLD, cgroup);
    }
    if (result == 0) {
      becomeCriu(c, joins, pair[1], kept);
    }
    if (result < 0) {
      String problem = "cannot start criu: " + k.explain(result);
      close(pair[0]);
      close(pair[1]);
      return problem;
    }
    pid = (int) result;
    pidfd = child[0];
    socket = pair[0];
    close(pair[1]);
    return joins == null ? null : awaitJoined();
  }

  /** Only from then on its cgroups are the container's: before, they are still ours. */
  private @Nullable String awaitJoined() {
    byte[] buffer = new byte[MOST_MESSAGE_BYTES];
    long n = k.read(socket, buffer, 0, buffer.length);
    while (n == -Errno.EINTR) {
      n = k.read(socket, buffer, 0, buffer.length);
    }
    if (n <= 0) {
      return n < 0 ? "cannot hear criu: " + k.explain(n) : "criu ended before it was executed";
    }
    String said = Bytes.text(buffer, 0, (int) n);
    return said.equals(JOINED) ? null : "criu cannot be executed: " + said;
  }

  private void becomeCriu(@Nullable Context c, @Nullable List<Step> joins, int end, int[] kept) {
    long result = 0;
    if (c != null && joins != null) {
      String problem = StepList.run(c, joins);
      byte[] message = Bytes.utf8(problem == null ? JOINED : problem);
      result = k.write(end, message, 0, message.length);
      if (problem != null) {
        exit();
      }
    }
    if (result >= 0) {
      result = k.fcntl(end, F_SETFD, 0);
    }
    for (int fd : kept) {
      if (result >= 0) {
        result = k.fcntl(fd, F_SETFD, 0);
      }
    }
    if (result >= 0) {
      result = k.resetSignals(Kernel.ALL_SIGNALS);
    }
    if (result >= 0) {
      result = k.execve(program, List.of("criu", "swrk", Integer.toString(end)), variables);
    }
    byte[] message = Bytes.utf8("criu cannot be executed: " + k.explain(result) + "\n");
    Files.writeAll(k, 2, message, 0, message.length);
    exit();
  }

  private void exit() {
    long exited = k.exit_group(NOT_EXECUTED);
    throw new IllegalStateException("exit_group: " + exited);
  }

  /** Its cgroups, a line for each hierarchy as in cgroups(7). */
  public Files.Read cgroups() {
    return Files.read(k, "/proc/" + pid + "/cgroup", MOST_CGROUP_BYTES);
  }

  /** Sends a request, answers notifications, and waits for the end. */
  public Outcome ask(byte[] request, Listener listener) {
    String problem = say(request);
    byte[] buffer = new byte[MOST_MESSAGE_BYTES];
    CriuResponse response = null;
    while (problem == null) {
      int[] fd = {-1};
      long n = hear(buffer, fd);
      if (n == -Errno.EINTR) {
        continue;
      }
      response = n <= 0 ? null : CriuResponse.read(buffer, (int) n);
      if (response == null) {
        problem = n < 0 && !isGone(n) ? "cannot hear criu: " + k.explain(n) : GONE;
      } else if (response.type() != CriuResponse.NOTIFY || !response.success()) {
        break;
      } else {
        problem = listener.notified(response.script(), response.pid(), fd[0]);
        close(fd[0]);
        problem = problem == null ? say(CriuRequest.notified()) : problem;
      }
    }
    String ended = end(problem != null);
    boolean gone = GONE.equals(problem);
    return new Outcome(response, problem == null ? ended : gone ? problem + how : problem);
  }

  private @Nullable String say(byte[] message) {
    long sent = k.write(socket, message, 0, message.length);
    return sent >= 0 ? null : isGone(sent) ? GONE : "cannot speak to criu: " + k.explain(sent);
  }

  private static boolean isGone(long result) {
    return result == -Errno.EPIPE || result == -Errno.ECONNRESET;
  }

  /**
   * Its next message; 0 when it has ended. Its end of the socket alone does not tell that: what it
   * was restoring has the socket too, and waits for a criu that is no more.
   */
  private long hear(byte[] buffer, int[] fd) {
    short[] heard = new short[2];
    long ready = k.poll(new int[] {socket, pidfd}, new short[] {POLLIN, POLLIN}, heard, -1);
    if (ready < 0) {
      return ready;
    }
    return heard[0] == 0 && heard[1] != 0 ? 0 : k.receiveMessage(socket, buffer, fd);
  }

  /** Takes its end into account; one that is in the way is killed. */
  public @Nullable String end(boolean kill) {
    close(socket);
    socket = -1;
    if (pidfd < 0) {
      return null;
    }
    long killed = kill ? k.pidfd_send_signal(pidfd, SIGKILL) : 0;
    int[] status = new int[1];
    long result = k.wait4(pid, status, 0);
    while (result == -Errno.EINTR) {
      result = k.wait4(pid, status, 0);
    }
    close(pidfd);
    pidfd = -1;
    if (killed < 0 && killed != -Errno.ESRCH) {
      return "cannot end criu: " + k.explain(killed);
    }
    if (result < 0) {
      return "cannot wait for criu: " + k.explain(result);
    }
    int code = Process.exitCode(status[0]);
    how = Process.exited(status[0]) ? ": exit code " + code : ": killed by signal " + (code - 128);
    return code == NOT_EXECUTED ? "criu cannot be executed: \"" + program + "\"" : null;
  }

  private void close(int fd) {
    long closed = fd < 0 ? 0 : k.close(fd);
    if (closed < 0) {
      throw new IllegalStateException("close: " + Errno.text(-closed));
    }
  }
}
