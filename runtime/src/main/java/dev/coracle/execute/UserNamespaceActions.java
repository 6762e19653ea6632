package dev.coracle.execute;

import static dev.coracle.abi.Fcntl.O_CLOEXEC;
import static dev.coracle.abi.Process.CLONE_PARENT;
import static dev.coracle.abi.Process.PR_SET_PDEATHSIG;
import static dev.coracle.abi.Process.SIGKILL;

import dev.coracle.kernel.Errno;
import dev.coracle.kernel.Kernel;
import dev.coracle.plan.Action;
import dev.coracle.spec.Linux.MapWriter;

/** A user namespace and its maps (user_namespaces(7)), from outside and from inside. */
final class UserNamespaceActions {
  private static final int SETGROUPS_MOST = 16;
  private static final int MAP_MOST = 16 * 1024;

  private UserNamespaceActions() {}

  static long writeUidMap(Context c, Action.WriteUidMap a) {
    return a.writer() == MapWriter.HELPER
        ? IdMapHelper.run(c, "newuidmap", a.lines())
        : write(c, "uid_map", a.lines());
  }

  static long writeGidMap(Context c, Action.WriteGidMap a) {
    if (a.writer() == MapWriter.HELPER) {
      return IdMapHelper.run(c, "newgidmap", a.lines());
    }
    if (a.writer() == MapWriter.RUNTIME_WITHOUT_GROUPS) {
      // Else a user could give up a group that is there to keep them out (CVE-2014-8989).
      long denied = write(c, "setgroups", "deny");
      if (denied < 0) {
        return denied;
      }
    }
    return write(c, "gid_map", a.lines());
  }

  private static long write(Context c, String file, String text) {
    return NamespaceActions.writeProc(c, c.hostPid + "/" + file, text);
  }

  static long becomeRoot(Context c) {
    Kernel k = c.kernel;
    long result = k.setgroups(new int[0]);
    if (result == -Errno.EPERM && groupsAreDenied(c)) {
      result = 0;
    }
    if (result >= 0) {
      result = k.setresgid(0);
    }
    if (result >= 0) {
      result = k.setresuid(0);
    }
    c.inUserNamespace = true;
    // A change of ids undoes both (prctl(2)).
    if (result >= 0) {
      result = k.prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    }
    c.hidden = false;
    return result < 0 ? result : ChildProcess.hide(c);
  }

  /** Whether the user namespace is one that may not change groups (user_namespaces(7)). */
  static boolean groupsAreDenied(Context c) {
    String text = NamespaceActions.readProc(c, "self/setgroups", SETGROUPS_MOST);
    return text != null && text.trim().equals("deny");
  }

  /** The kernel shows a map as it is seen from the parent namespace, which is the runtime's. */
  static long verifyMaps(Context c, Action.VerifyMaps a) {
    String uids = NamespaceActions.readProc(c, "self/uid_map", MAP_MOST);
    String gids = NamespaceActions.readProc(c, "self/gid_map", MAP_MOST);
    if (uids == null || gids == null) {
      return c.fail(Errno.EIO, "the maps of the user namespace cannot be read");
    }
    if (!same(uids, a.uids()) || !same(gids, a.gids())) {
      return c.fail(
          Errno.EINVAL, "the user namespace at the path has other maps than the bundle states");
    }
    return 0;
  }

  /** Whether two maps have the same numbers: the kernel pads them with spaces. */
  private static boolean same(String one, String other) {
    int i = 0;
    int j = 0;
    while (true) {
      i = next(one, i);
      j = next(other, j);
      if (i == one.length() || j == other.length()) {
        return i == one.length() && j == other.length();
      }
      while (i < one.length() && one.charAt(i) > ' ') {
        if (j == other.length() || one.charAt(i) != other.charAt(j)) {
          return false;
        }
        i++;
        j++;
      }
      if (j < other.length() && other.charAt(j) > ' ') {
        return false;
      }
    }
  }

  private static int next(String text, int from) {
    int at = from;
    while (at < text.length() && text.charAt(at) <= ' ') {
      at++;
    }
    return at;
  }

  static long raiseRlimit(Context c, Action.RaiseRlimit a) {
    long[] now = new long[2];
    long result = c.kernel.prlimit64Get(c.hostPid, a.resource(), now);
    if (result < 0 || Long.compareUnsigned(now[1], a.hard()) >= 0) {
      return result;
    }
    return c.kernel.prlimit64(c.hostPid, a.resource(), now[0], a.hard());
  }

  /**
   * Goes on in a new process, a child of the runtime as this one is, and tells the runtime of it.
   * Whoever called goes on in the new one.
   */
  static long cloneAgain(Context c, long flags) {
    Kernel k = c.kernel;
    // Closed by the end of this process: what the new one says must come after what we say of it.
    int[] gate = {-1, -1};
    long result = k.pipe2(gate, O_CLOEXEC);
    if (result < 0) {
      return result;
    }
    // With CLONE_PARENT the signal at the end is that of this process.
    long pid = k.clone3(flags | CLONE_PARENT, new int[1], 0, -1);
    if (pid < 0) {
      return pid;
    }
    if (pid == 0) {
      c.close(gate[1]);
      result = k.read(gate[0], new byte[1], 0, 1);
      c.close(gate[0]);
      return result < 0 ? result : ChildProcess.becomeOther(c);
    }
    result = ChildProcess.tellOther(c, (int) pid);
    long ended = k.exit_group(result < 0 ? 1 : 0);
    if (ended < 0) {
      throw new IllegalStateException("exit_group: " + Errno.text(-ended));
    }
    return result;
  }
}
