package dev.coracle.execute;

import static dev.coracle.abi.Fcntl.AT_EMPTY_PATH;
import static dev.coracle.abi.Fcntl.AT_FDCWD;
import static dev.coracle.abi.Fcntl.AT_RECURSIVE;
import static dev.coracle.abi.Fcntl.O_CLOEXEC;
import static dev.coracle.abi.Fcntl.O_PATH;
import static dev.coracle.abi.Fcntl.RESOLVE_IN_ROOT;
import static dev.coracle.abi.Mount.MNT_DETACH;
import static dev.coracle.abi.Mount.MOUNT_ATTR_RDONLY;
import static dev.coracle.abi.Mount.MOVE_MOUNT_F_EMPTY_PATH;
import static dev.coracle.abi.Mount.MS_PRIVATE;
import static dev.coracle.abi.Mount.MS_SHARED;
import static dev.coracle.abi.Mount.MS_SLAVE;
import static dev.coracle.abi.Mount.OPEN_TREE_CLOEXEC;
import static dev.coracle.abi.Mount.OPEN_TREE_CLONE;

import dev.coracle.abi.Stat;
import dev.coracle.abi.Statx;
import dev.coracle.kernel.Errno;
import dev.coracle.kernel.Kernel;
import dev.coracle.plan.Action;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The root filesystem: attached, entered, and hidden or made read-only in parts. */
final class RootActions {
  private static final long NULL_MAJOR = 1;
  private static final long NULL_MINOR = 3;

  /** One empty tmpfs hides all directories; −1 until the first one. */
  private int emptyDirectory = -1;

  /** The container's /dev/null, verified; −1 until it is needed. */
  private int devNull = -1;

  long isolate(Context c, Action.IsolateMounts a) {
    c.ownMounts = true;
    c.sharedOldRoot = a.propagation() == MS_SHARED;
    long flags = a.recursive() ? AT_RECURSIVE : 0;
    return c.kernel.mount_setattr(AT_FDCWD, "/", flags, 0, 0, a.propagation(), -1);
  }

  long attach(Context c, Action.AttachRoot a) {
    Kernel k = c.kernel;
    long tree = c.trees.take(a.path(), true, null);
    if (tree < 0) {
      long flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE;
      tree = k.open_tree(AT_FDCWD, a.path(), flags);
    }
    if (tree < 0) {
      return tree;
    }
    if (a.shared()) {
      c.root = (int) tree;
      return attachShared(c, (int) tree, a.path());
    }
    long moved = attachAt(c, (int) tree, a.path());
    if (moved == -Errno.EACCES) {
      // Root of a user namespace may not reach the path, and needs none: over the old root is
      // as good, for our paths go on to start below it.
      moved = attachAt(c, (int) tree, "/");
    }
    if (moved < 0) {
      return moved;
    }
    c.root = (int) tree;
    return 0;
  }

  /** What is mounted and unmounted below it is of this container alone. */
  private static long attachShared(Context c, int tree, String path) {
    Kernel k = c.kernel;
    long all = AT_EMPTY_PATH | AT_RECURSIVE;
    long result = k.mount_setattr(tree, "", all, 0, 0, MS_PRIVATE, -1);
    if (result >= 0) {
      result = k.move_mount(tree, "", AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH);
    }
    if (result >= 0) {
      // Where the mount above it is shared, it has become so, too.
      result = k.mount_setattr(tree, "", all, 0, 0, MS_PRIVATE, -1);
    }
    c.ownMounts = true;
    return result;
  }

  private static long attachAt(Context c, int tree, String path) {
    Kernel k = c.kernel;
    if (c.sharedOldRoot) {
      // What is attached below a shared mount would show up on the host.
      long result = makeParentPrivate(k, path);
      if (result < 0) {
        return result;
      }
      result = k.mount_setattr(tree, "", AT_EMPTY_PATH, 0, 0, MS_PRIVATE, -1);
      if (result < 0) {
        return result;
      }
    }
    return k.move_mount(tree, "", AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH);
  }

  /** The mount in which a path lies is found by going up: only a mount's root takes attributes. */
  private static long makeParentPrivate(Kernel k, String path) {
    String at = path;
    while (true) {
      long result = k.mount_setattr(AT_FDCWD, at, 0, 0, 0, MS_PRIVATE, -1);
      if (result != -Errno.EINVAL || at.equals("/")) {
        return result;
      }
      at = RootFiles.parent(at);
    }
  }

  long pivot(Context c) {
    Kernel k = c.kernel;
    long oldRoot = -1;
    if (c.sharedOldRoot) {
      oldRoot = k.openat2(AT_FDCWD, "/", O_PATH | O_CLOEXEC, 0, 0);
      if (oldRoot < 0) {
        return oldRoot;
      }
    }
    long result = k.fchdir(c.root);
    if (result >= 0) {
      // Old and new root on one directory (pivot_root(2), NOTES): no directory in the image is
      // needed, and the old root lies on top, where "." still is.
      result = k.pivot_root(".", ".");
    }
    if (oldRoot >= 0) {
      if (result >= 0) {
        // The unmount must not reach the host. By its descriptor: "." would be the new root, and
        // what is mounted below that one too.
        long all = AT_EMPTY_PATH | AT_RECURSIVE;
        result = k.mount_setattr((int) oldRoot, "", all, 0, 0, MS_SLAVE, -1);
      }
      c.close(oldRoot);
    }
    if (result >= 0) {
      result = k.umount2(".", MNT_DETACH);
    }
    return result < 0 ? result : k.chdir("/");
  }

  long chroot(Context c, Action.ChangeRoot a) {
    Kernel k = c.kernel;
    long result = a.attached() ? k.fchdir(c.root) : k.chdir(a.path());
    if (result >= 0) {
      result = k.chroot(".");
    }
    if (result >= 0 && !a.attached() && c.root >= 0) {
      c.close(c.root);
      c.root = -1;
    }
    return result < 0 ? result : k.chdir("/");
  }

  long setPropagation(Context c, Action.SetRootPropagation a) {
    long flags = AT_EMPTY_PATH | (a.recursive() ? AT_RECURSIVE : 0);
    return c.kernel.mount_setattr(c.root, "", flags, 0, 0, a.propagation(), -1);
  }

  long makeReadonly(Context c) {
    return c.kernel.mount_setattr(c.root, "", AT_EMPTY_PATH, MOUNT_ATTR_RDONLY, 0, 0, -1);
  }

  long makePathReadonly(Context c, Action.MakePathReadonly a) {
    Kernel k = c.kernel;
    long target = RootFiles.open(k, c.root, a.path());
    if (target == -Errno.ENOENT) {
      return 0;
    }
    if (target < 0) {
      return target;
    }
    long flags = AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE;
    long tree = k.open_tree((int) target, "", flags);
    long result = tree;
    if (tree >= 0) {
      long all = AT_EMPTY_PATH | AT_RECURSIVE;
      result = k.mount_setattr((int) tree, "", all, MOUNT_ATTR_RDONLY, 0, 0, -1);
      if (result >= 0) {
        result = MountActions.move(k, (int) tree, (int) target);
      }
      c.close(tree);
    }
    c.close(target);
    return result;
  }

  long mask(Context c, Action.MaskPath a) {
    Kernel k = c.kernel;
    long target = RootFiles.open(k, c.root, a.path());
    if (target == -Errno.ENOENT || target == -Errno.ENOTDIR) {
      return 0;
    }
    if (target < 0) {
      return target;
    }
    byte[] statx = new byte[Statx.SIZE];
    long result = k.statx((int) target, "", AT_EMPTY_PATH, Statx.STATX_TYPE, statx);
    if (result >= 0) {
      boolean directory = Statx.type(statx) == Stat.S_IFDIR;
      result = directory ? maskDirectory(c, (int) target, a.label()) : maskFile(c, (int) target);
    }
    c.close(target);
    return result;
  }

  private long maskDirectory(Context c, int target, @Nullable String label) {
    Kernel k = c.kernel;
    if (emptyDirectory < 0) {
      List<String> data = new ArrayList<>();
      data.add("nr_blocks=1");
      data.add("nr_inodes=1");
      if (label != null) {
        data.add("context=" + label);
      }
      long made =
          MountActions.filesystem(c, "tmpfs", "tmpfs", List.of("ro"), data, MOUNT_ATTR_RDONLY);
      if (made < 0) {
        return made;
      }
      emptyDirectory = (int) made;
      return MountActions.move(k, emptyDirectory, target);
    }
    return copyOver(c, emptyDirectory, target);
  }

  private long maskFile(Context c, int target) {
    if (devNull < 0) {
      long opened = openDevNull(c);
      if (opened < 0) {
        return opened;
      }
      devNull = (int) opened;
    }
    return copyOver(c, devNull, target);
  }

  /** The image can put anything at /dev/null (CVE-2025-31133): only the device itself is used. */
  private static long openDevNull(Context c) {
    long flags = O_PATH | O_CLOEXEC | dev.coracle.abi.Fcntl.O_NOFOLLOW;
    long fd = c.kernel.openat2(c.root, "/dev/null", flags, 0, RESOLVE_IN_ROOT);
    if (fd < 0) {
      return fd;
    }
    byte[] statx = new byte[Statx.SIZE];
    long result = c.kernel.statx((int) fd, "", AT_EMPTY_PATH, Statx.STATX_BASIC_STATS, statx);
    boolean isNull =
        result >= 0
            && Statx.type(statx) == Stat.S_IFCHR
            && Statx.rdevMajor(statx) == NULL_MAJOR
            && Statx.rdevMinor(statx) == NULL_MINOR;
    if (isNull) {
      return fd;
    }
    c.close(fd);
    return result < 0
        ? result
        : c.fail(Errno.EINVAL, "the container's /dev/null is not the null device");
  }

  static long copyOver(Context c, int source, int target) {
    Kernel k = c.kernel;
    long tree = k.open_tree(source, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    if (tree < 0) {
      return tree;
    }
    long moved = MountActions.move(k, (int) tree, target);
    c.close(tree);
    return moved;
  }

  /** Closes what hides paths: the mounts themselves stay. */
  void done(Context c) {
    if (emptyDirectory >= 0) {
      c.close(emptyDirectory);
      emptyDirectory = -1;
    }
    if (devNull >= 0) {
      c.close(devNull);
      devNull = -1;
    }
  }
}
