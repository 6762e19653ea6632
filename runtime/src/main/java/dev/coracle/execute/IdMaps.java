package dev.coracle.execute;

import static dev.coracle.abi.Fcntl.AT_EMPTY_PATH;
import static dev.coracle.abi.Fcntl.AT_FDCWD;
import static dev.coracle.abi.Fcntl.AT_RECURSIVE;
import static dev.coracle.abi.Fcntl.O_CLOEXEC;
import static dev.coracle.abi.Fcntl.O_RDONLY;
import static dev.coracle.abi.Mount.MOUNT_ATTR_IDMAP;
import static dev.coracle.abi.Process.SIGCHLD;

import dev.coracle.kernel.Errno;
import dev.coracle.kernel.Kernel;
import dev.coracle.plan.Action;
import dev.coracle.plan.ActionText;
import dev.coracle.plan.Plan;
import dev.coracle.plan.Step;
import dev.coracle.spec.Linux.NamespaceType;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The user namespaces of id-mapped mounts (mount_setattr(2), "ID-mapped mounts"). One is made by a
 * child that does nothing in it, and lasts by its descriptor when the child is gone.
 */
final class IdMaps {
  private final List<Integer> namespaces = new ArrayList<>();

  /** Makes one; the first is number 0, and so on. */
  long make(Context c, Action.MakeIdMapping a) {
    Kernel k = c.kernel;
    int[] pipe = {-1, -1};
    long result = k.pipe2(pipe, O_CLOEXEC);
    if (result < 0) {
      return result;
    }
    long pid = k.clone3(NamespaceType.USER.cloneFlag(), new int[1], SIGCHLD, -1);
    if (pid == 0) {
      lastAsLongAs(k, pipe);
      return -Errno.EIO;
    }
    result = pid < 0 ? pid : open(c, (int) pid, a);
    c.close(pipe[0]);
    c.close(pipe[1]);
    if (pid > 0) {
      long ended = await(k, (int) pid);
      result = result < 0 ? result : ended;
    }
    return result;
  }

  /** In the child: waits until the runtime closes its end, or dies. */
  private static void lastAsLongAs(Kernel k, int[] pipe) {
    byte[] none = new byte[1];
    long result = k.close(pipe[1]);
    if (result >= 0) {
      result = k.read(pipe[0], none, 0, 1);
    }
    while (result == -Errno.EINTR) {
      result = k.read(pipe[0], none, 0, 1);
    }
    long ended = k.exit_group(0);
    if (ended < 0) {
      throw new IllegalStateException("exit_group: " + Errno.text(-ended));
    }
  }

  private long open(Context c, int pid, Action.MakeIdMapping a) {
    long result = NamespaceActions.writeProc(c, pid + "/uid_map", a.uids());
    if (result >= 0) {
      result = NamespaceActions.writeProc(c, pid + "/gid_map", a.gids());
    }
    if (result >= 0) {
      result = open(c.kernel, pid);
    }
    if (result >= 0) {
      namespaces.add((int) result);
    }
    return result;
  }

  private static long open(Kernel k, int pid) {
    return k.openat2(AT_FDCWD, "/proc/" + pid + "/ns/user", O_RDONLY | O_CLOEXEC, 0, 0);
  }

  private static long await(Kernel k, int pid) {
    long result = k.wait4(pid, new int[1], 0);
    while (result == -Errno.EINTR) {
      result = k.wait4(pid, new int[1], 0);
    }
    return Math.min(result, 0);
  }

  /** Maps a mount that is attached nowhere yet. */
  long apply(Context c, int tree, Action.IdMapped map) {
    Kernel k = c.kernel;
    long namespace = map.number() < 0 ? open(k, c.hostPid) : namespaces.get(map.number());
    if (namespace < 0) {
      return namespace;
    }
    long flags = AT_EMPTY_PATH | (map.recursive() ? AT_RECURSIVE : 0);
    long result = k.mount_setattr(tree, "", flags, MOUNT_ATTR_IDMAP, 0, 0, (int) namespace);
    String call = result == -Errno.EINVAL ? c.explain(result) : "";
    if (map.number() < 0) {
      c.close(namespace);
    }
    return result == -Errno.EINVAL
        ? c.fail(Errno.EINVAL, call + ": its filesystem cannot be id-mapped on this kernel")
        : result;
  }

  /**
   * Lets the runtime map a mount: root of a user namespace may not do that with a filesystem of the
   * host's.
   */
  static long ask(Context c, int tree, Action.IdMapped map) {
    String what = tree + " " + map.number() + (map.recursive() ? " r" : "");
    long result = ChildProcess.ask(c, ChildProcess.MAPPING, what);
    return result == 0 ? c.fail(Errno.EPIPE, "the runtime ended before it mapped the ids") : result;
  }

  /** In the runtime: does what the process asks for. The text is the error, or null. */
  @Nullable String applyFor(Context c, Plan plan, int pidfd, String what) {
    int first = what.indexOf(' ');
    int second = what.indexOf(' ', first + 1);
    int end = second < 0 ? what.length() : second;
    int number = Integer.parseInt(what.substring(first + 1, end));
    Action.IdMapped map = new Action.IdMapped(number, second >= 0);
    long fd = c.kernel.pidfd_getfd(pidfd, Integer.parseInt(what.substring(0, first)), 0);
    long result = fd;
    if (fd >= 0) {
      result = apply(c, (int) fd, map);
      c.close(fd);
    }
    if (result >= 0) {
      return null;
    }
    for (Step step : plan.steps()) {
      if (step.action() instanceof Action.MakeMount m && map.equals(m.idMapped())) {
        return step.origin() + ": cannot " + ActionText.of(m) + ": " + c.explain(result);
      }
    }
    throw new IllegalStateException("a mapping that nobody asked for");
  }

  /** Closes them: the mounts keep their mappings. */
  void closeAll(Context c) {
    for (int i = 0; i < namespaces.size(); i++) {
      c.close(namespaces.get(i));
    }
    namespaces.clear();
  }
}
