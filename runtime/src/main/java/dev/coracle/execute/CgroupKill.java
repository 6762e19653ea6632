package dev.coracle.execute;

import static dev.coracle.abi.Process.SIGKILL;

import dev.coracle.cgroup.CgroupPaths;
import dev.coracle.kernel.Errno;
import dev.coracle.kernel.Kernel;
import java.util.ArrayList;
import java.util.List;

/**
 * Signals to all processes of a container, those that fork meanwhile too: a list of pids is old
 * when it has been read, and a fork bomb makes more processes than a list can name.
 */
public final class CgroupKill {
  private static final int FREEZE_MILLIS = 500;

  private CgroupKill() {}

  /** Kills them: by cgroup.kill where there is one (Linux 5.14), which leaves none out. */
  public static long kill(Kernel k, CgroupPaths paths) {
    String v2 = paths.v2Path();
    if (v2 != null && CgroupActions.write(k, v2 + "/cgroup.kill", "1") >= 0) {
      new Freezer(k, paths).thawBelow(); // on a hybrid host
      return 0;
    }
    long result = signal(k, paths, SIGKILL);
    // A v1 freezer lets not even SIGKILL through, and the container may have frozen some itself.
    new Freezer(k, paths).thawBelow();
    return result;
  }

  /**
   * Signals them while they stand still, so that none forks away from the list; without a freezer
   * the list must do. One that was paused stays so, unless it is to die.
   */
  public static long signal(Kernel k, CgroupPaths paths, int signal) {
    Freezer freezer = new Freezer(k, paths);
    List<Integer> pids = new ArrayList<>();
    long found = CgroupProcesses.of(k, paths, pids);
    if (found < 0 || pids.isEmpty()) {
      return found;
    }
    long state = freezer.isFrozen();
    if (state < 0) {
      return state;
    }
    boolean paused = state > 0;
    boolean frozen = paused || (pids.size() > 1 && freezer.freeze(FREEZE_MILLIS) >= 0);
    long result = 0;
    if (frozen && !paused) {
      pids.clear();
      result = CgroupProcesses.of(k, paths, pids);
    }
    for (int pid : pids) {
      long sent = k.kill(pid, signal);
      if (sent < 0 && sent != -Errno.ESRCH) {
        result = sent;
      }
    }
    if (frozen && (!paused || signal == SIGKILL)) {
      long thawed = freezer.thaw();
      // A cgroup that is gone holds nobody.
      result = thawed < 0 && thawed != -Errno.ENOENT ? thawed : result;
    }
    return result;
  }
}
