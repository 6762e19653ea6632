package dev.coracle.execute;

import static dev.coracle.abi.Fcntl.AT_EMPTY_PATH;
import static dev.coracle.abi.Fcntl.AT_FDCWD;
import static dev.coracle.abi.Fcntl.O_CLOEXEC;
import static dev.coracle.abi.Fcntl.O_DIRECTORY;
import static dev.coracle.abi.Fcntl.O_PATH;

import dev.coracle.abi.Stat;
import dev.coracle.abi.Statx;
import dev.coracle.criu.CriuRequest;
import dev.coracle.kernel.Errno;
import dev.coracle.kernel.Kernel;
import dev.coracle.plan.Action;
import dev.coracle.plan.Plan;
import dev.coracle.plan.Step;
import java.util.ArrayList;
import java.util.List;

/** The mounts of a container that are not its own: for criu they come from outside. */
public final class CriuMounts {
  private static final String NULL = "/dev/null";

  private CriuMounts() {}

  /** Names them for a dump: −errno where the container cannot be looked into. */
  public static long forDump(Kernel k, Plan plan, int pid, CriuRequest request) {
    long root =
        k.openat2(AT_FDCWD, "/proc/" + pid + "/root", O_PATH | O_DIRECTORY | O_CLOEXEC, 0, 0);
    if (root < 0) {
      return root;
    }
    long result = 0;
    for (Step step : plan.steps()) {
      if (step.action() instanceof Action.MakeMount m && m.options().bind()) {
        request.externalMount(m.destination(), m.destination());
      } else if (step.action() instanceof Action.MountCgroup m) {
        for (Action.Hierarchy h : bound(m)) {
          request.externalMount(m.destination() + "/" + h.name(), m.destination() + "/" + h.name());
        }
      } else if (step.action() instanceof Action.MaskPath m && result >= 0) {
        result = mask(k, (int) root, m.path(), request);
      }
    }
    long closed = k.close((int) root);
    return Math.min(result, closed);
  }

  /** A file is hidden by the null device, a directory by a tmpfs, which criu restores. */
  private static long mask(Kernel k, int root, String path, CriuRequest request) {
    long fd = RootFiles.open(k, root, path);
    if (fd == -Errno.ENOENT || fd == -Errno.ENOTDIR) {
      return 0;
    }
    if (fd < 0) {
      return fd;
    }
    byte[] statx = new byte[Statx.SIZE];
    long result = k.statx((int) fd, "", AT_EMPTY_PATH, Statx.STATX_TYPE, statx);
    if (result >= 0 && Statx.type(statx) != Stat.S_IFDIR) {
      request.externalMount(path, NULL);
    }
    long closed = k.close((int) fd);
    return Math.min(result, closed);
  }

  /** Tells what they are at a restore, and makes the places in the root that are missing. */
  public static long forRestore(Context c, Plan plan, String rootfs, CriuRequest request) {
    long root = c.kernel.openat2(AT_FDCWD, rootfs, O_PATH | O_DIRECTORY | O_CLOEXEC, 0, 0);
    if (root < 0) {
      return root;
    }
    long result = 0;
    List<String> mounted = new ArrayList<>();
    boolean masked = false;
    for (Step step : plan.steps()) {
      if (step.action() instanceof Action.MakeMount m) {
        if (m.options().bind()) {
          request.externalMount(m.destination(), m.source());
        }
        if (result >= 0 && !isBelow(m.destination(), mounted)) {
          result = makeTarget(c, (int) root, m);
        }
        mounted.add(m.destination());
      } else if (step.action() instanceof Action.MountCgroup m) {
        for (Action.Hierarchy h : bound(m)) {
          request.externalMount(m.destination() + "/" + h.name(), h.hostPath());
        }
      } else if (step.action() instanceof Action.MaskPath) {
        masked = true;
      }
    }
    if (masked) {
      request.externalMount(NULL, NULL);
    }
    c.close(root);
    return result;
  }

  /** What is mounted on brings what lies below it. */
  private static boolean isBelow(String path, List<String> mounted) {
    for (String above : mounted) {
      if (path.startsWith(above + "/")) {
        return true;
      }
    }
    return false;
  }

  private static long makeTarget(Context c, int root, Action.MakeMount m) {
    boolean directory = true;
    if (m.options().bind()) {
      byte[] statx = new byte[Statx.SIZE];
      long result = c.kernel.statx(AT_FDCWD, m.source(), 0, Statx.STATX_TYPE, statx);
      if (result < 0) {
        return result;
      }
      directory = Statx.type(statx) == Stat.S_IFDIR;
    }
    long target = RootFiles.openTarget(c, root, m.destination(), directory);
    if (target >= 0) {
      c.close(target);
    }
    return target;
  }

  /** The hierarchies of cgroup v1 that are bound from the host: without a cgroup namespace. */
  private static List<Action.Hierarchy> bound(Action.MountCgroup m) {
    return m.useNamespace() ? List.of() : m.hierarchies();
  }
}
