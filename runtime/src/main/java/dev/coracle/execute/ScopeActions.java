package dev.coracle.execute;

import dev.coracle.bus.Systemd;
import dev.coracle.kernel.Errno;
import dev.coracle.plan.Action;
import dev.coracle.systemd.ScopeRequest;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The scope of a container: started while its process waits, and taken down again. */
final class ScopeActions {
  private static final int MOST_PIDS_BYTES = 4096;

  private ScopeActions() {}

  /**
   * Starts the scope, and makes the cgroups that systemd did not.
   *
   * @param made gets those
   */
  static long start(Context c, Action.StartScope a, List<String> made) {
    Systemd systemd = c.systemd;
    if (systemd == null) {
      throw new IllegalStateException("no connection to systemd");
    }
    String problem = systemd.start(a.scope(), a.properties(), c.hostPid);
    c.scopeStarted = systemd.hasStarted();
    c.closeSystemd();
    if (problem != null) {
      return c.fail(Errno.EIO, problem);
    }
    for (String path : a.others()) {
      long result = CgroupActions.makeWithParents(c, path, made);
      if (result < 0) {
        return result;
      }
    }
    String path = a.v2Path();
    return path == null || standsIn(c, path)
        ? 0
        : c.fail(Errno.ENOENT, "systemd put process " + c.hostPid + " not into \"" + path + "\"");
  }

  private static boolean standsIn(Context c, String path) {
    Files.Content pids = Files.read(c.kernel, path + "/cgroup.procs", MOST_PIDS_BYTES).content();
    return pids != null && ("\n" + pids.text()).contains("\n" + c.hostPid + "\n");
  }

  /** Takes the scope down; the text says why it could not be, or is null. */
  static @Nullable String stop(Context c) {
    ScopeRequest request = c.scope;
    if (request == null || !c.scopeStarted) {
      return null;
    }
    return Systemd.stop(c.kernel, c.variables, request.manager().user(), request.scope().unit());
  }
}
