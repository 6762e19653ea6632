package dev.coracle.execute;

import static dev.coracle.abi.Process.AF_UNIX;
import static dev.coracle.abi.Process.SOCK_CLOEXEC;
import static dev.coracle.abi.Process.SOCK_STREAM;

import dev.coracle.json.JsonWriter;
import dev.coracle.kernel.Errno;
import dev.coracle.kernel.Kernel;
import dev.coracle.plan.Action.InstallSeccomp;
import dev.coracle.plan.Action.Listener;
import dev.coracle.plan.Plan;
import dev.coracle.plan.Step;
import dev.coracle.property.OciVersion;
import org.jspecify.annotations.Nullable;

/**
 * The way of a filter's listening descriptor (seccomp_unotify(2)) from the process that loaded the
 * filter to the agent that answers for it.
 *
 * <p>The process tells its number, and the runtime takes a copy by pidfd_getfd(2): of the calls
 * that come after the filter only write(2) must not wait for the agent. OCI: config-linux.md,
 * "Seccomp", "The Container Process State".
 */
final class SeccompListener {
  private SeccompListener() {}

  /** In the container's process: loads the filter, and waits until the agent has the listener. */
  static long install(Context c, InstallSeccomp a) {
    long fd = c.kernel.seccompSetFilter(a.flags(), a.filter().bytes());
    if (fd < 0 || a.listener() == null) {
      return fd;
    }
    long result = ChildProcess.ask(c, ChildProcess.LISTENER, Long.toString(fd));
    if (result == 0) {
      return c.fail(Errno.EPIPE, "the runtime ended before it handed on the listener");
    }
    if (result >= 0) {
      // Were it left open here, nobody would notice that the agent has ended.
      result = c.kernel.close((int) fd);
    }
    return result;
  }

  /**
   * In the runtime: sends the listener of the process to the agent. The text is the error, or null.
   *
   * @param fd its number in the process
   */
  static @Nullable String handOn(Context c, Plan plan, int pidfd, String fd) {
    for (Step step : plan.steps()) {
      if (step.action() instanceof InstallSeccomp a && a.listener() != null) {
        long result = handOn(c, a.listener(), pidfd, Integer.parseInt(fd));
        return result < 0
            ? step.origin()
                + ": cannot hand on the listener: failed to connect with seccomp agent at \""
                + a.listener().path()
                + "\": "
                + c.explain(result)
            : null;
      }
    }
    throw new IllegalStateException("a listener that nobody asked for");
  }

  private static long handOn(Context c, Listener listener, int pidfd, int number) {
    Kernel k = c.kernel;
    long fd = k.pidfd_getfd(pidfd, number, 0);
    if (fd < 0) {
      return fd;
    }
    long socket = k.socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    long result = socket;
    if (socket >= 0) {
      result = k.connectUnix((int) socket, listener.path());
      if (result >= 0) {
        result = k.sendDescriptor((int) socket, state(c, listener), (int) fd);
      }
      c.close(socket);
    }
    c.close(fd);
    return result;
  }

  /**
   * The container process state: of {@code create} while it is made, of {@code exec} afterwards.
   */
  private static String state(Context c, Listener listener) {
    JsonWriter out = JsonWriter.compact();
    out.object().field("ociVersion", OciVersion.NEWEST);
    out.key("fds").array().value("seccompFd").endArray();
    out.field("pid", c.hostPid);
    if (listener.metadata() != null) {
      out.field("metadata", listener.metadata());
    }
    out.key("state");
    if (c.containerPid == 0) {
      c.hookState.write(out, "creating", c.hostPid);
    } else {
      c.hookState.write(out, "running", c.containerPid);
    }
    return out.endObject().toString();
  }
}
