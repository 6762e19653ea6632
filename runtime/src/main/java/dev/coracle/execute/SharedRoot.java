package dev.coracle.execute;

import static dev.coracle.abi.Fcntl.AT_EMPTY_PATH;
import static dev.coracle.abi.Fcntl.AT_FDCWD;
import static dev.coracle.abi.Fcntl.O_CLOEXEC;
import static dev.coracle.abi.Fcntl.O_DIRECTORY;
import static dev.coracle.abi.Fcntl.O_PATH;
import static dev.coracle.abi.Fcntl.O_RDONLY;
import static dev.coracle.abi.Mount.MNT_DETACH;
import static dev.coracle.abi.Process.CLONE_NEWNS;
import static dev.coracle.abi.Process.SIGCHLD;

import dev.coracle.abi.Process;
import dev.coracle.abi.Statx;
import dev.coracle.kernel.Errno;
import dev.coracle.kernel.Kernel;
import dev.coracle.plan.Action;
import dev.coracle.plan.ActionText;
import dev.coracle.plan.Plan;
import dev.coracle.plan.Step;
import org.jspecify.annotations.Nullable;

/**
 * The root's mount of a container that has no mount namespace of its own: it stands in one that
 * others use, and nothing takes it away with the container but we.
 *
 * <p>It is known again by the number that the kernel gives to one mount and never to another
 * (statx(2), STATX_MNT_ID_UNIQUE, Linux 6.8), and that is written down before it is attached. An
 * older kernel has none: there it stays, as under runc.
 */
public final class SharedRoot {
  private SharedRoot() {}

  /**
   * What {@link #open} opened.
   *
   * @param mount what the state says of it; empty for nothing
   * @param problem null where all is well
   */
  public record Opened(String mount, @Nullable String problem) {}

  /** Whether a plan has one. */
  public static boolean isIn(Plan plan) {
    for (Step step : plan.steps()) {
      if (step.action() instanceof Action.AttachRoot a && a.shared()) {
        return true;
      }
    }
    return false;
  }

  /**
   * Opens it, attached nowhere yet, for the step that attaches it, where the plan has one.
   *
   * @param namespace the path of the mount namespace in which it is to stand; null for our own
   */
  public static Opened open(Context c, Plan plan, @Nullable String namespace) {
    for (Step step : plan.steps()) {
      if (step.action() instanceof Action.AttachRoot a && a.shared()) {
        byte[] statx = new byte[Statx.SIZE];
        long result = c.trees.openHere(c, a.path());
        if (result >= 0) {
          long mask = Statx.STATX_MNT_ID_UNIQUE;
          result = c.kernel.statx((int) result, "", AT_EMPTY_PATH, mask, statx);
        }
        if (result < 0) {
          String what = step.origin() + ": cannot " + ActionText.of(a);
          return new Opened("", what + ": " + c.explain(result));
        }
        boolean known = (Statx.mask(statx) & Statx.STATX_MNT_ID_UNIQUE) != 0;
        String where = namespace == null ? "" : " " + namespace;
        return new Opened(known ? Statx.mountId(statx) + where : "", null);
      }
    }
    return new Opened("", null);
  }

  /** Closes the runtime's way to it. */
  public static void settle(Context c) {
    c.trees.closeAll(c);
    c.closeRoot();
  }

  /**
   * Takes it away with all that is mounted below it, where it is the uppermost mount at its path;
   * any other that stands there stays. The text tells why it cannot be, or is null.
   *
   * @param mount as the state has it
   * @param path the root's
   */
  public static @Nullable String remove(Kernel k, String mount, String path) {
    // A process of its own enters the namespace, and goes there: an unmount has no descriptors.
    long pid = k.clone3(0, new int[1], SIGCHLD, -1);
    if (pid == 0) {
      long result = removeFromThere(k, mount, path);
      long ended = k.exit_group((int) -Math.min(result, 0));
      throw new IllegalStateException("exit_group: " + Errno.text(-ended));
    }
    String problem = "cannot unmount \"" + path + "\": ";
    if (pid < 0) {
      return problem + k.explain(pid);
    }
    int[] status = new int[1];
    long result = k.wait4((int) pid, status, 0);
    while (result == -Errno.EINTR) {
      result = k.wait4((int) pid, status, 0);
    }
    if (result < 0) {
      return problem + k.explain(result);
    }
    int code = Process.exitCode(status[0]);
    return code == 0 ? null : problem + Errno.text(code);
  }

  private static long removeFromThere(Kernel k, String mount, String path) {
    int space = mount.indexOf(' ');
    String id = space < 0 ? mount : mount.substring(0, space);
    if (space >= 0) {
      String namespace = mount.substring(space + 1);
      long fd = k.openat2(AT_FDCWD, namespace, O_RDONLY | O_CLOEXEC, 0, 0);
      if (fd < 0) {
        return 0; // Its name is gone, and with it mostly the namespace.
      }
      long entered = k.setns((int) fd, CLONE_NEWNS);
      if (entered < 0) {
        return entered;
      }
    }
    long root = k.openat2(AT_FDCWD, path, O_PATH | O_DIRECTORY | O_CLOEXEC, 0, 0);
    if (root < 0) {
      return root == -Errno.ENOENT || root == -Errno.ENOTDIR ? 0 : root;
    }
    byte[] statx = new byte[Statx.SIZE];
    long result = k.statx((int) root, "", AT_EMPTY_PATH, Statx.STATX_MNT_ID_UNIQUE, statx);
    boolean ours = id.equals(Long.toString(Statx.mountId(statx)));
    if (result < 0 || !ours) {
      return result;
    }
    result = k.fchdir((int) root);
    return result < 0 ? result : k.umount2(".", MNT_DETACH);
  }
}
