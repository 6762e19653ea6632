package dev.coracle.lifecycle;

import static dev.coracle.abi.Fcntl.LOCK_EX;
import static dev.coracle.abi.Fcntl.LOCK_NB;
import static dev.coracle.abi.Process.SIGKILL;

import dev.coracle.execute.Files;
import dev.coracle.execute.HookRunner;
import dev.coracle.execute.HookState;
import dev.coracle.kernel.Errno;
import dev.coracle.kernel.Kernel;
import dev.coracle.property.OciVersion;
import dev.coracle.state.ContainerState;
import dev.coracle.state.Status;
import org.jspecify.annotations.Nullable;

/** {@code start}: lets the parked process go, and returns when it has executed its program. */
public final class Start {
  private static final int MOST_MESSAGE_BYTES = 64 * 1024;

  private Start() {}

  /** Starts a container. */
  public static void start(Environment e, String id) throws Failure {
    Notify notify = Notify.open(e, id);
    int pid = begin(e, id);
    if (notify != null) {
      notify.awaitReady(pid);
    }
  }

  /** Starts a container, and waits for nothing that it may tell a service manager. */
  static int begin(Environment e, String id) throws Failure {
    ContainerState state = Containers.find(e, id).state();
    Kernel k = e.kernel();
    long fifo = e.store().openStartFifo(id);
    if (fifo < 0 && fifo != -Errno.ENOENT && fifo != -Errno.ENXIO) {
      throw new Failure("cannot open the start FIFO: " + k.explain(fifo));
    }
    if (fifo < 0) {
      throw new Failure(refusal(Containers.status(e, state)));
    }
    long locked = k.flock((int) fifo, LOCK_EX | LOCK_NB);
    if (locked < 0) {
      throw new Failure(
          locked == -Errno.EAGAIN
              ? "cannot start an already running container"
              : "cannot lock the start FIFO: " + k.explain(locked));
    }
    byte[] go = {'!'};
    long result = k.write((int) fifo, go, 0, 1);
    if (result < 0) {
      throw new Failure(
          result == -Errno.EPIPE
              ? refusal(Containers.status(e, state))
              : "cannot write to the start FIFO: " + k.explain(result));
    }
    String problem = awaitExecuted(e, id, (int) fifo);
    if (problem != null) {
      throw Failure.ofStarted(problem);
    }
    if (!state.hooks().poststart().isEmpty()) {
      poststart(e, state);
    }
    return state.pid();
  }

  private static String refusal(Status status) {
    return switch (status) {
      case STOPPED -> "cannot start a container that has stopped";
      case RUNNING, PAUSED -> "cannot start an already running container";
      case CREATING, CREATED -> "cannot start a container that is not yet created";
    };
  }

  /**
   * The process is the only reader of the FIFO, and loses it by executing or by ending: then the
   * writer gets POLLERR. What it has to say it leaves in the FIFO.
   */
  private static @Nullable String awaitExecuted(Environment e, String id, int fifo) throws Failure {
    Kernel k = e.kernel();
    long result = k.poll(new int[] {fifo}, new short[1], new short[1], -1);
    while (result == -Errno.EINTR) {
      result = k.poll(new int[] {fifo}, new short[1], new short[1], -1);
    }
    long reader = result < 0 ? result : e.store().openStartFifoForReading(id);
    if (reader < 0) {
      throw new Failure("cannot wait for the container: " + e.kernel().explain(reader));
    }
    Files.Read read = Files.read(k, (int) reader, MOST_MESSAGE_BYTES);
    Files.Content message = read.content();
    // EAGAIN: nobody wrote anything, and it is us who keep the FIFO open for writing.
    boolean nothing = read.errno() == -Errno.EAGAIN || read.errno() == 0;
    String unread = nothing ? null : "cannot read from the container: " + k.explain(read.errno());
    result = e.store().removeStartFifo(id);
    if (result < 0) {
      throw new Failure("cannot remove the start FIFO: " + e.kernel().explain(result));
    }
    return message == null || message.length() == 0 ? unread : message.text();
  }

  /** A poststart hook that fails ends the container (runtime.md, "Lifecycle", since 1.3). */
  private static void poststart(Environment e, ContainerState state) throws Failure {
    HookState hookState =
        new HookState(OciVersion.NEWEST, state.id(), state.bundle(), state.annotations());
    String problem = HookRunner.run(e.kernel(), state.hooks().poststart(), hookState, state.pid());
    if (problem != null) {
      String unsignalled = Signals.send(e, state, SIGKILL);
      throw new Failure(problem + (unsignalled == null ? "" : "\n" + unsignalled));
    }
  }
}
