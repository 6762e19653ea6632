package dev.coracle.execute;

import static dev.coracle.abi.Fcntl.AT_FDCWD;
import static dev.coracle.abi.Fcntl.AT_RECURSIVE;
import static dev.coracle.abi.Fcntl.O_CLOEXEC;
import static dev.coracle.abi.Fcntl.O_DIRECTORY;
import static dev.coracle.abi.Fcntl.O_PATH;
import static dev.coracle.abi.Fcntl.O_RDONLY;
import static dev.coracle.abi.Mount.OPEN_TREE_CLOEXEC;
import static dev.coracle.abi.Mount.OPEN_TREE_CLONE;
import static dev.coracle.abi.Process.CLONE_NEWNS;

import dev.coracle.kernel.Kernel;
import dev.coracle.plan.Action;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Mounts that the runtime opens for the container's process, whose user namespace's root may not
 * reach their paths.
 *
 * <p>They are opened in the container's mount namespace, where the host's mounts belong to its user
 * namespace and are locked: what the host has made read-only, or has covered by another mount, the
 * container cannot change (mount_namespaces(7), "Restrictions on mount namespaces"). A copy that
 * was opened in the runtime's own namespace would come without these locks.
 */
final class Trees {
  /** What was opened: for which step, and its descriptor. */
  private record Opened(Action.OpenTree of, int fd) {}

  private final List<Opened> opened = new ArrayList<>();

  /** What was opened in the runtime's own mount namespace, and is there for both processes. */
  private @Nullable Opened here;

  private int ownMounts = -1;
  private int ownRoot = -1;
  private int ownDirectory = -1;

  /** Opens one, from the runtime's process. */
  long open(Context c, Action.OpenTree a) {
    if (ownMounts < 0) {
      long entered = enter(c);
      if (entered < 0) {
        return entered;
      }
    }
    long flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (a.recursive() ? AT_RECURSIVE : 0);
    long tree = c.kernel.open_tree(AT_FDCWD, a.path(), flags);
    Action.IdMapped map = a.idMapped();
    if (tree >= 0 && map != null) {
      long mapped = c.idMaps.apply(c, (int) tree, map);
      if (mapped < 0) {
        c.close(tree);
        return mapped;
      }
    }
    if (tree >= 0) {
      opened.add(new Opened(a, (int) tree));
    }
    return tree;
  }

  /** Opens one in the runtime's own mount namespace. */
  long openHere(Context c, String path) {
    long flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE;
    long tree = c.kernel.open_tree(AT_FDCWD, path, flags);
    if (tree >= 0) {
      here = new Opened(new Action.OpenTree(path, true, null), (int) tree);
    }
    return tree;
  }

  /** Goes into the container's mount namespace; {@link #leave} comes back. */
  private long enter(Context c) {
    Kernel k = c.kernel;
    String process = "/proc/" + c.hostPid;
    long mounts = k.openat2(AT_FDCWD, process + "/ns/mnt", O_RDONLY | O_CLOEXEC, 0, 0);
    if (mounts < 0) {
      return mounts;
    }
    // Its root is our own, as its copy of the mounts has it: not that of the namespace, if we run
    // in a chroot.
    long root = directory(k, process + "/root");
    long result = root;
    if (result >= 0) {
      result = keepOwn(k);
    }
    if (result >= 0) {
      result = k.setns((int) mounts, CLONE_NEWNS);
    }
    if (result >= 0) {
      result = goTo(k, (int) root);
    }
    c.close(mounts);
    if (root >= 0) {
      c.close(root);
    }
    return result;
  }

  private long keepOwn(Kernel k) {
    long result = directory(k, "/");
    if (result >= 0) {
      ownRoot = (int) result;
      result = directory(k, ".");
    }
    if (result >= 0) {
      ownDirectory = (int) result;
      result = k.openat2(AT_FDCWD, "/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC, 0, 0);
    }
    if (result >= 0) {
      ownMounts = (int) result;
    }
    return result;
  }

  private static long directory(Kernel k, String path) {
    return k.openat2(AT_FDCWD, path, O_PATH | O_DIRECTORY | O_CLOEXEC, 0, 0);
  }

  private static long goTo(Kernel k, int root) {
    long result = k.fchdir(root);
    return result < 0 ? result : k.chroot(".");
  }

  /** Comes back to the runtime's own mounts, root and working directory. */
  long leave(Context c) {
    long result = 0;
    if (ownMounts >= 0) {
      result = c.kernel.setns(ownMounts, CLONE_NEWNS);
    }
    if (result >= 0 && ownMounts >= 0) {
      result = goTo(c.kernel, ownRoot);
    }
    if (result >= 0 && ownMounts >= 0) {
      result = c.kernel.fchdir(ownDirectory);
    }
    ownMounts = closed(c, ownMounts);
    ownRoot = closed(c, ownRoot);
    ownDirectory = closed(c, ownDirectory);
    return result;
  }

  private static int closed(Context c, int fd) {
    if (fd >= 0) {
      c.close(fd);
    }
    return -1;
  }

  /** Sends what was opened to the container's process, and keeps nothing. */
  long send(Context c, int socket) {
    long result = 0;
    for (int i = 0; i < opened.size() && result >= 0; i++) {
      result = c.kernel.sendDescriptor(socket, "tree", opened.get(i).fd());
    }
    closeAll(c);
    return result;
  }

  /** Takes what the runtime sends, in the container's process. */
  long receive(Context c, List<Action.OpenTree> trees) {
    for (int i = 0; i < trees.size(); i++) {
      long fd = c.kernel.receiveDescriptor(c.sync);
      if (fd < 0) {
        return fd;
      }
      opened.add(new Opened(trees.get(i), (int) fd));
    }
    return 0;
  }

  /** The mount of a path, which the caller closes; −1 where the runtime opened none. */
  long take(String path, boolean recursive, Action.@Nullable IdMapped idMapped) {
    Opened own = here;
    if (own != null && recursive && idMapped == null && own.of().path().equals(path)) {
      here = null;
      return own.fd();
    }
    for (int i = 0; i < opened.size(); i++) {
      Action.OpenTree of = opened.get(i).of();
      if (of.path().equals(path)
          && of.recursive() == recursive
          && Objects.equals(of.idMapped(), idMapped)) {
        return opened.remove(i).fd();
      }
    }
    return -1;
  }

  /** Closes what nobody took. */
  void closeAll(Context c) {
    for (int i = 0; i < opened.size(); i++) {
      c.close(opened.get(i).fd());
    }
    opened.clear();
    Opened own = here;
    if (own != null) {
      c.close(own.fd());
      here = null;
    }
  }
}
