package dev.coracle.execute;

import static dev.coracle.abi.Fcntl.O_CLOEXEC;
import static dev.coracle.abi.Process.CLONE_PIDFD;
import static dev.coracle.abi.Process.POLLIN;
import static dev.coracle.abi.Process.SIGCHLD;
import static dev.coracle.abi.Process.SIGKILL;

import dev.coracle.abi.Bytes;
import dev.coracle.abi.Process;
import dev.coracle.kernel.Errno;
import dev.coracle.kernel.Kernel;
import dev.coracle.spec.Hooks.Hook;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Runs hooks: the state on stdin, the hook's own arguments and environment, a time limit. */
public final class HookRunner {
  private static final int NOT_EXECUTED = 127;
  private static final int SIGSYS = 31;
  private static final int MILLIS = 1000;

  private HookRunner() {}

  /**
   * Runs hooks in order up to the first that fails; the text says which and why, or is null.
   *
   * @param env of hooks that have none of their own
   */
  static @Nullable String run(Kernel k, List<Hook> hooks, List<String> env, String state) {
    for (Hook hook : hooks) {
      String problem = run(k, hook, env, state);
      if (problem != null) {
        return hook.origin() + ": " + name(hook) + ": \"" + hook.path() + "\" " + problem;
      }
    }
    return null;
  }

  /** The words of runc, by its place in config.json: the kind of the hook, and which it is. */
  private static String name(Hook hook) {
    String origin = hook.origin().toString();
    int index = origin.lastIndexOf('/');
    String kind = origin.substring(origin.lastIndexOf('/', index - 1) + 1, index);
    return "error running " + kind + " hook #" + origin.substring(index + 1);
  }

  /** Runs the hooks of a container that runs, or has run. */
  public static @Nullable String run(Kernel k, List<Hook> hooks, HookState state, int pid) {
    return run(k, hooks, List.of(), state.text(pid > 0 ? "running" : "stopped", pid));
  }

  private static @Nullable String run(Kernel k, Hook hook, List<String> env, String state) {
    int[] stdin = new int[2];
    long result = k.pipe2(stdin, O_CLOEXEC);
    if (result < 0) {
      return "cannot be run: " + k.explain(result);
    }
    int[] pidfd = new int[1];
    long pid = k.clone3(CLONE_PIDFD, pidfd, SIGCHLD, -1);
    if (pid == -Errno.ENOSYS || pid == -Errno.EPERM) {
      // Behind the container's filter: many refuse clone3(2), whose flags they cannot see.
      pid = k.fork(pidfd);
    }
    if (pid == 0) {
      becomeHook(k, hook, env, stdin[0]);
      return "cannot be run";
    }
    closeQuietly(k, stdin[0]);
    if (pid < 0) {
      closeQuietly(k, stdin[1]);
      return "cannot be run: " + k.explain(pid);
    }
    byte[] text = Bytes.utf8(state);
    // A hook need not read its state, and may be gone: EPIPE is no failure (SIGPIPE is ignored).
    long written = Files.writeAll(k, stdin[1], text, 0, text.length);
    closeQuietly(k, stdin[1]);
    String problem = written < 0 && written != -Errno.EPIPE ? k.explain(written) : null;
    String ended = await(k, (int) pid, pidfd[0], hook);
    closeQuietly(k, pidfd[0]);
    return problem == null ? ended : "cannot be told the state: " + problem;
  }

  private static void becomeHook(Kernel k, Hook hook, List<String> inherited, int stdin) {
    long result = k.dup3(stdin, 0, 0);
    if (result >= 0) {
      result = k.resetSignals(Kernel.ALL_SIGNALS);
    }
    if (result >= 0) {
      List<String> args = hook.args().isEmpty() ? List.of(hook.path()) : hook.args();
      List<String> env = hook.env();
      result = k.execve(hook.path(), args, env == null ? inherited : env);
    }
    byte[] message = Bytes.utf8("hook " + hook.path() + ": " + k.explain(result) + "\n");
    Files.writeAll(k, 2, message, 0, message.length);
    exit(k, NOT_EXECUTED);
  }

  private static void exit(Kernel k, int status) {
    long result = k.exit_group(status);
    if (result < 0) {
      throw new IllegalStateException("exit_group: " + Errno.text(-result));
    }
  }

  private static @Nullable String await(Kernel k, int pid, int pidfd, Hook hook) {
    Integer limit = hook.timeoutSeconds();
    String problem = null;
    long ended = limit == null ? 1 : ended(k, pidfd, limit * MILLIS);
    if (ended <= 0) {
      problem =
          ended < 0
              ? "cannot be timed and was killed: " + k.explain(ended)
              : "did not end within " + limit + " s and was killed";
      long killed = k.pidfd_send_signal(pidfd, SIGKILL);
      if (killed < 0 && killed != -Errno.ESRCH) {
        return problem + ": " + k.explain(killed);
      }
    }
    int[] status = new int[1];
    long result = k.wait4(pid, status, 0);
    while (result == -Errno.EINTR) {
      result = k.wait4(pid, status, 0);
    }
    if (problem != null) {
      return problem;
    }
    if (result < 0) {
      return "cannot be waited for: " + k.explain(result);
    }
    int code = Process.exitCode(status[0]);
    return code == 0
        ? null
        : Process.exited(status[0])
            ? "failed with exit status " + code
            : "was killed by signal " + signal(code - 128);
  }

  private static String signal(int number) {
    return number == SIGSYS ? number + " (bad system call)" : Integer.toString(number);
  }

  /** 1 where it ended, 0 where the time ran out. */
  private static long ended(Kernel k, int pidfd, int timeoutMillis) {
    short[] events = {POLLIN};
    long result = k.poll(new int[] {pidfd}, events, new short[1], timeoutMillis);
    while (result == -Errno.EINTR) {
      result = k.poll(new int[] {pidfd}, events, new short[1], timeoutMillis);
    }
    return result;
  }

  private static void closeQuietly(Kernel k, int fd) {
    long result = k.close(fd);
    if (result < 0) {
      throw new IllegalStateException("close: " + Errno.text(-result));
    }
  }
}
