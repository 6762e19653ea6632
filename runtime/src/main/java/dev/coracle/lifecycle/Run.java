package dev.coracle.lifecycle;

import static dev.coracle.abi.Process.AF_UNIX;
import static dev.coracle.abi.Process.SOCK_CLOEXEC;
import static dev.coracle.abi.Process.SOCK_STREAM;

import dev.coracle.execute.Launcher;
import dev.coracle.kernel.Errno;
import dev.coracle.kernel.Kernel;
import org.jspecify.annotations.Nullable;

/** {@code run}: create, start, wait, delete; and the foreground of {@code exec}. */
public final class Run {
  private Run() {}

  /**
   * Runs a container.
   *
   * @param detach whether to return once it has started
   * @param keep whether it stays when it has ended
   */
  public static int run(Environment e, Create.Request request, boolean detach, boolean keep)
      throws Failure {
    if (detach) {
      Create.createToStart(e, request);
      startOrDelete(e, request);
      return 0;
    }
    Kernel k = e.kernel();
    Foreground foreground = Foreground.begin(k);
    int[] sockets = wayToTerminal(k, request.consoleSocket());
    Create.Created created = Create.createToStart(e, withConsole(request, sockets[1]));
    int code = startAndAwait(e, request, foreground, sockets, created);
    if (!keep) {
      Delete.delete(e, request.id(), true);
    }
    return code;
  }

  private static void startOrDelete(Environment e, Create.Request request) throws Failure {
    // Not in the try: what is found out about `request` there would be lost in the catch.
    String id = request.id();
    String pidFile = request.pidFile();
    try {
      Start.start(e, id);
    } catch (Failure failure) {
      throw deleted(e, id, pidFile, failure);
    }
  }

  private static int startAndAwait(
      Environment e,
      Create.Request request,
      Foreground foreground,
      int[] sockets,
      Create.Created created)
      throws Failure {
    String id = request.id();
    String pidFile = request.pidFile();
    Launcher launcher = created.launcher();
    boolean terminal = created.terminal();
    try {
      takeTerminal(e.kernel(), foreground, sockets, terminal);
      return startAndAwait(e, id, foreground, launcher);
    } catch (Failure failure) {
      throw deleted(e, id, pidFile, with(failure, foreground.end()));
    }
  }

  private static int startAndAwait(
      Environment e, String id, Foreground foreground, Launcher launcher) throws Failure {
    Notify notify = Notify.open(e, id);
    Start.begin(e, id);
    return foreground.await(launcher, notify);
  }

  /**
   * Restores a container.
   *
   * @param detach whether to return once it runs; otherwise it is waited for and deleted
   */
  public static int restore(Environment e, Create.Request request, CriuFlags flags, boolean detach)
      throws Failure {
    if (detach) {
      Create.restore(e, request, flags);
      return 0;
    }
    Kernel k = e.kernel();
    Foreground foreground = Foreground.begin(k);
    int[] sockets = wayToTerminal(k, request.consoleSocket());
    Create.Created created = Create.restore(e, withConsole(request, sockets[1]), flags);
    int code = awaitRestored(e, request, foreground, sockets, created);
    Delete.delete(e, request.id(), true);
    return code;
  }

  private static int awaitRestored(
      Environment e,
      Create.Request request,
      Foreground foreground,
      int[] sockets,
      Create.Created created)
      throws Failure {
    String id = request.id();
    String pidFile = request.pidFile();
    Launcher launcher = created.launcher();
    boolean terminal = created.terminal();
    try {
      takeTerminal(e.kernel(), foreground, sockets, terminal);
      return foreground.await(launcher, null);
    } catch (Failure failure) {
      throw deleted(e, id, pidFile, with(failure, foreground.end()));
    }
  }

  /** The socket is made for every process, since nobody knows yet whether it has a terminal. */
  private static void takeTerminal(Kernel k, Foreground foreground, int[] sockets, boolean terminal)
      throws Failure {
    if (sockets[0] >= 0) {
      close(k, sockets[1]);
      if (terminal) {
        foreground.takeTerminal(sockets[0]);
      }
      close(k, sockets[0]);
    }
  }

  /** Runs a process in a container that runs. */
  public static int exec(Environment e, Exec.Request request, boolean detach) throws Failure {
    if (detach) {
      Exec.exec(e, request);
      return 0;
    }
    Kernel k = e.kernel();
    Foreground foreground = Foreground.begin(k);
    int[] sockets = wayToTerminal(k, request.consoleSocket());
    Exec.Executed executed = Exec.exec(e, request.withConsole(sockets[1]));
    Launcher launcher = executed.launcher();
    boolean terminal = executed.terminal();
    try {
      takeTerminal(k, foreground, sockets, terminal);
      return foreground.await(launcher, null);
    } catch (Failure failure) {
      throw with(with(failure, foreground.end()), launcher.undo());
    }
  }

  /** What failed, once the container is gone; with what could not be removed, if anything. */
  static Failure deleted(Environment e, String id, @Nullable String pidFile, Failure failure) {
    String stale = PidFile.remove(e.kernel(), pidFile);
    return with(with(failure, undeleted(e, id)), stale);
  }

  private static Failure with(Failure failure, @Nullable String more) {
    return more == null ? failure : failure.with(more);
  }

  private static @Nullable String undeleted(Environment e, String id) {
    try {
      Delete.delete(e, id, true);
      return null;
    } catch (Failure left) {
      return left.getMessage();
    }
  }

  private static Create.Request withConsole(Create.Request r, int descriptor) {
    return new Create.Request(
        r.id(),
        r.bundle(),
        r.pidFile(),
        r.consoleSocket(),
        descriptor,
        r.pidfdSocket(),
        r.kept(),
        r.noPivot(),
        r.newKeyring(),
        r.systemd(),
        r.sandbox(),
        r.calledAs());
  }

  /** A pair of sockets for the terminal, or −1 twice where the caller named its own. */
  private static int[] wayToTerminal(Kernel k, @Nullable String consoleSocket) throws Failure {
    int[] sockets = {-1, -1};
    long result =
        consoleSocket == null ? k.socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, sockets) : 0;
    if (result < 0) {
      throw new Failure("cannot make a way to the terminal: " + k.explain(result));
    }
    return sockets;
  }

  /** The process's step closed its copy, and maybe, in our own process, this one too. */
  private static void close(Kernel k, int fd) {
    long result = k.close(fd);
    if (result < 0) {
      throw new IllegalStateException("close: " + Errno.text(-result));
    }
  }
}
