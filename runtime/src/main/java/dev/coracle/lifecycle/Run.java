package dev.coracle.lifecycle;

import static dev.coracle.abi.Process.AF_UNIX;
import static dev.coracle.abi.Process.SOCK_CLOEXEC;
import static dev.coracle.abi.Process.SOCK_STREAM;

import dev.coracle.kernel.Errno;
import dev.coracle.kernel.Kernel;

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
      Create.create(e, request);
      startOrDelete(e, request.id());
      return 0;
    }
    Kernel k = e.kernel();
    Foreground foreground = Foreground.begin(k);
    int[] sockets = {-1, -1};
    if (request.consoleSocket() == null) {
      pair(k, sockets);
    }
    Create.Created created = Create.create(e, withConsole(request, sockets[1]));
    if (sockets[0] >= 0) {
      close(k, sockets[1]);
      if (created.terminal()) {
        foreground.takeTerminal(sockets[0]);
      }
      close(k, sockets[0]);
    }
    startOrEnd(e, request.id(), foreground);
    int code = foreground.await(created.launcher());
    if (!keep) {
      Delete.delete(e, request.id(), true);
    }
    return code;
  }

  /** Runs a process in a container that runs. */
  public static int exec(Environment e, Exec.Request request, boolean detach) throws Failure {
    if (detach) {
      Exec.exec(e, request);
      return 0;
    }
    Kernel k = e.kernel();
    Foreground foreground = Foreground.begin(k);
    int[] sockets = {-1, -1};
    if (request.consoleSocket() == null) {
      pair(k, sockets);
    }
    Exec.Executed executed = Exec.exec(e, request.withConsole(sockets[1]));
    if (sockets[0] >= 0) {
      close(k, sockets[1]);
      if (executed.terminal()) {
        foreground.takeTerminal(sockets[0]);
      }
      close(k, sockets[0]);
    }
    return foreground.await(executed.launcher());
  }

  private static void startOrEnd(Environment e, String id, Foreground foreground) throws Failure {
    try {
      startOrDelete(e, id);
    } catch (Failure failure) {
      foreground.end();
      throw failure;
    }
  }

  private static void startOrDelete(Environment e, String id) throws Failure {
    try {
      Start.start(e, id);
    } catch (Failure failure) {
      Delete.delete(e, id, true);
      throw failure;
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
        r.runproc());
  }

  private static void pair(Kernel k, int[] sockets) throws Failure {
    long result = k.socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, sockets);
    if (result < 0) {
      throw new Failure("socketpair: " + Errno.text(-result));
    }
  }

  /** The process's step closed its copy, and maybe, in our own process, this one too. */
  private static void close(Kernel k, int fd) {
    long result = k.close(fd);
    if (result < 0) {
      throw new IllegalStateException("close: " + Errno.text(-result));
    }
  }
}
