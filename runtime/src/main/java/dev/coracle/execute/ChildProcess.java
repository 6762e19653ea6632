package dev.coracle.execute;

import static dev.coracle.abi.Fcntl.ALL_DESCRIPTORS;
import static dev.coracle.abi.Fcntl.CLOSE_RANGE_CLOEXEC;
import static dev.coracle.abi.Process.PR_SET_DUMPABLE;
import static dev.coracle.abi.Process.PR_SET_PDEATHSIG;
import static dev.coracle.abi.Process.SIGHUP;
import static dev.coracle.abi.Process.SIGINT;
import static dev.coracle.abi.Process.SIGKILL;
import static dev.coracle.abi.Process.SIGQUIT;
import static dev.coracle.abi.Process.SIGTERM;

import dev.coracle.abi.Bytes;
import dev.coracle.kernel.Errno;
import dev.coracle.kernel.Kernel;
import dev.coracle.plan.Action;
import dev.coracle.plan.Phase;
import dev.coracle.plan.Plan;
import dev.coracle.plan.Step;
import dev.coracle.spec.Linux.MapWriter;
import org.jspecify.annotations.Nullable;

/**
 * The container's first process, from its clone to its execve(2): it runs the child's part of the
 * plan and speaks to the runtime by one-letter messages.
 *
 * <p>{@code P} and a pid: from here on another process. {@code U}: in the namespaces, answered with
 * what the runtime opened and any byte. {@code H}: time for the runtime's hooks, answered with any
 * byte. {@code R}: ready, parked or about to execute. {@code F} and a text: failed. {@code N} and a
 * number: the descriptor of a seccomp listener, answered with any byte once an agent has it. {@code
 * M}, a descriptor and the number of a mapping: a mount to be id-mapped, answered with any byte.
 *
 * <p>The runtime says {@code S} when its own program is sealed for good, and no program is executed
 * before. With it come the signals that are ignored, which it finds out while we are at work.
 */
final class ChildProcess {
  static final char OTHER_PROCESS = 'P';
  static final char IN_NAMESPACES = 'U';
  static final char HOOKS = 'H';
  static final char READY = 'R';
  static final char FAILED = 'F';
  static final char LISTENER = 'N';
  static final char MAPPING = 'M';

  /** What the runtime says of itself: its program is sealed for good (see Seal). */
  static final byte SEALED = 'S';

  /** With the signals that are ignored, 64 bits. */
  static final int SEALED_BYTES = 9;

  /** What ends a process that waits for start, where engines stop it before; see endBySignals. */
  private static final int[] ENDING = {SIGTERM, SIGINT, SIGHUP, SIGQUIT};

  /** The same, signal n as bit n − 1. */
  static final long ENDING_SIGNALS =
      1L << SIGTERM - 1 | 1L << SIGINT - 1 | 1L << SIGHUP - 1 | 1L << SIGQUIT - 1;

  private static final int FIRST_AFTER_STDIO = 3;
  private static final int FAILURE_STATUS = 1;

  private ChildProcess() {}

  /** Runs to execve(2), or fails, tells so, and exits. */
  static void run(Context c, Plan plan) {
    String problem = runPlan(c, plan);
    if (problem != null) {
      tellFailure(c, problem);
    }
    long result = c.kernel.exit_group(FAILURE_STATUS);
    if (result < 0) {
      throw new IllegalStateException("exit_group: " + Errno.text(-result));
    }
  }

  private static @Nullable String runPlan(Context c, Plan plan) {
    Steps steps = new Steps(c);
    long result = prepare(c, plan);
    if (result < 0) {
      return "cannot prepare the container's process: " + c.explain(result);
    }
    String problem = steps.prepareHooks(plan);
    if (problem == null) {
      problem = steps.run(plan.in(Phase.CHILD_SETUP));
    }
    if (problem == null && !plan.in(Phase.PARENT_HOOKS).isEmpty()) {
      problem = waitForHooks(c);
    }
    if (problem == null) {
      problem = steps.run(plan.in(Phase.CHILD_BEFORE_PIVOT));
    }
    if (problem == null) {
      problem = steps.run(plan.in(Phase.CHILD_AFTER_PIVOT));
      steps.closeRoot();
    }
    if (problem == null && c.endsBySignals) {
      problem = endBySignals(c);
    }
    if (problem == null) {
      problem = steps.run(plan.in(Phase.CHILD_PROCESS));
    }
    if (problem == null) {
      problem = steps.run(plan.in(Phase.CHILD_START));
    }
    return problem;
  }

  /**
   * The kernel drops signals that the first process of a PID namespace has no handler for
   * (pid_namespaces(7)): with one they end it while it is parked. execve(2) takes the handlers
   * away. It comes before the seccomp filter, which may not allow it.
   */
  private static @Nullable String endBySignals(Context c) {
    for (int signal : ENDING) {
      long result = c.kernel.exitOnSignal(signal);
      if (result < 0) {
        return "default signals before start: cannot handle them: " + c.explain(result);
      }
    }
    return null;
  }

  private static long prepare(Context c, Plan plan) {
    Kernel k = c.kernel;
    // Killed with the runtime, until it has taken note of us: see park.
    long result = k.prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (result >= 0 && !mappedByUser(plan)) {
      result = hide(c);
    }
    if (result >= 0) {
      // Modes of devices and directories are meant as they are written.
      result = k.umask(0);
    }
    if (result >= 0) {
      long first = FIRST_AFTER_STDIO + (long) c.kept.count();
      result = k.close_range(first, ALL_DESCRIPTORS, CLOSE_RANGE_CLOEXEC);
    }
    return result;
  }

  /**
   * Whether a user without privileges writes the maps of the user namespace, and so must own our
   * files in /proc: until then nobody else is in that namespace. See {@code BecomeRoot}.
   */
  private static boolean mappedByUser(Plan plan) {
    for (Step step : plan.in(Phase.PARENT_AFTER_CLONE)) {
      if (step.action() instanceof Action.WriteUidMap a && a.writer() != MapWriter.RUNTIME) {
        return true;
      }
    }
    return false;
  }

  /** The step {@code AwaitRuntime}. */
  static long awaitRuntime(Context c, Action.AwaitRuntime a) {
    long result = send(c, IN_NAMESPACES, "");
    if (result >= 0) {
      result = c.trees.receive(c, a.trees());
    }
    byte[] go = new byte[1];
    if (result >= 0) {
      result = c.kernel.read(c.sync, go, 0, 1);
    }
    return result == 0 ? c.fail(Errno.EPIPE, "the runtime ended") : result;
  }

  /** The first act of the process that goes on in the place of this one. */
  static long becomeOther(Context c) {
    long result = c.kernel.prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (result >= 0 && c.hostPid != 0) {
      result = Steps.findHostPid(c);
    }
    return result;
  }

  /** Tells the runtime of the process that goes on in the place of this one. */
  static long tellOther(Context c, int pid) {
    return send(c, OTHER_PROCESS, Integer.toString(pid));
  }

  /** Others in the container must not look into us (CVE-2016-9962). */
  static long hide(Context c) {
    if (c.hidden) {
      return 0;
    }
    c.hidden = true;
    return c.kernel.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  }

  /** The step {@code AwaitScope}: the runtime sends a byte when our cgroups are there. */
  static long awaitScope(Context c) {
    long result = c.kernel.read(c.sync, new byte[1], 0, 1);
    return result == 0 ? c.fail(Errno.EPIPE, "the runtime ended before") : result;
  }

  private static @Nullable String waitForHooks(Context c) {
    long result = ask(c, HOOKS, "");
    if (result == 0) {
      return "the runtime ended before its hooks";
    }
    return result < 0 ? "cannot wait for hooks: " + c.explain(result) : null;
  }

  /** Says something that the runtime answers: 0 where it has ended instead. */
  static long ask(Context c, char kind, String text) {
    long result = send(c, kind, text);
    return result < 0 ? result : answer(c);
  }

  /** The runtime's next message, but for the one that says that its program is sealed. */
  private static long answer(Context c) {
    byte[] message = new byte[SEALED_BYTES];
    long result = c.kernel.read(c.sync, message, 0, message.length);
    if (result > 0 && takeSealed(c, message)) {
      result = c.kernel.read(c.sync, message, 0, message.length);
    }
    return result;
  }

  private static boolean takeSealed(Context c, byte[] message) {
    if (c.sealed || message[0] != SEALED) {
      return false;
    }
    c.sealed = true;
    c.ignoredSignals = Bytes.i64(message, 1);
    return true;
  }

  /** Waits until the runtime has said that its program is sealed. */
  private static long awaitSealed(Context c) {
    if (c.sealed) {
      return 0;
    }
    byte[] message = new byte[SEALED_BYTES];
    long result = c.kernel.read(c.sync, message, 0, message.length);
    return result > 0 && takeSealed(c, message)
        ? 0
        : result < 0 ? result : c.fail(Errno.EPIPE, "the runtime ended before");
  }

  /** The step {@code Park}: says that all is set up, and sleeps until {@code start}. */
  static long park(Context c) {
    Kernel k = c.kernel;
    long result = ready(c);
    if (result < 0 || c.startFifo < 0) {
      return result;
    }
    byte[] go = new byte[1];
    result = k.read(c.startFifo, go, 0, 1);
    while (result == -Errno.EINTR) {
      result = k.read(c.startFifo, go, 0, 1);
    }
    return result;
  }

  private static long ready(Context c) {
    Kernel k = c.kernel;
    long result = awaitSealed(c);
    if (result >= 0) {
      // From here on we live without it. Were it dead already, the message would not arrive.
      result = k.prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0);
    }
    if (result >= 0) {
      result = send(c, READY, "");
    }
    // The socket closes itself on execve: a `run` waits for that to know that it worked.
    if (result >= 0 && c.startFifo >= 0) {
      c.close(c.sync);
      c.sync = -1;
    }
    return result;
  }

  private static void tellFailure(Context c, String problem) {
    long result;
    if (c.sync >= 0) {
      result = send(c, FAILED, problem);
    } else {
      byte[] text = Bytes.utf8(problem);
      result = Files.writeAll(c.kernel, c.startFifo, text, 0, text.length);
    }
    if (result < 0) {
      // Nobody listens any more: there is no one left to tell.
      return;
    }
  }

  private static long send(Context c, char kind, String text) {
    byte[] message = Bytes.utf8(kind + text);
    return Files.writeAll(c.kernel, c.sync, message, 0, message.length);
  }
}
