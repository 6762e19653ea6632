package dev.coracle.execute;

import static dev.coracle.abi.Fcntl.AT_EMPTY_PATH;
import static dev.coracle.abi.Fcntl.AT_FDCWD;
import static dev.coracle.abi.Fcntl.AT_SYMLINK_NOFOLLOW;
import static dev.coracle.abi.Fcntl.O_CLOEXEC;
import static dev.coracle.abi.Fcntl.O_NOFOLLOW;
import static dev.coracle.abi.Fcntl.O_PATH;

import dev.coracle.abi.Stat;
import dev.coracle.abi.Statx;
import dev.coracle.kernel.Errno;
import dev.coracle.kernel.Kernel;
import dev.coracle.plan.Action;
import org.jspecify.annotations.Nullable;

/** Device nodes and links: made in a directory that is held open, never by a path. */
final class DeviceActions {
  private @Nullable String parentPath;
  private int parent = -1;

  long makeDevice(Context c, Action.MakeDevice a) {
    Kernel k = c.kernel;
    long directory = parent(c, a.path());
    if (directory < 0) {
      return directory;
    }
    String name = RootFiles.name(a.path());
    long dev = Stat.makedev(a.major(), a.minor());
    long made = k.mknodat((int) directory, name, a.type() | a.mode(), dev);
    if (made == -Errno.EEXIST) {
      return verify(c, (int) directory, name, a);
    }
    if (made == -Errno.EPERM && a.type() != Stat.S_IFIFO) {
      // The runtime is itself in a user namespace.
      return bindDevice(c, new Action.BindDevice(a.path(), a.type(), a.major(), a.minor()));
    }
    if (made < 0 || a.uid() == 0 && a.gid() == 0) {
      return made;
    }
    return k.fchownat((int) directory, name, a.uid(), a.gid(), AT_SYMLINK_NOFOLLOW);
  }

  /** What stands there must be what was asked for (config-linux.md, "Devices"). */
  private static long verify(Context c, int directory, String name, Action.MakeDevice a) {
    byte[] statx = new byte[Statx.SIZE];
    long result =
        c.kernel.statx(directory, name, AT_SYMLINK_NOFOLLOW, Statx.STATX_BASIC_STATS, statx);
    if (result < 0) {
      return result;
    }
    boolean fits =
        Statx.type(statx) == a.type()
            && (a.type() == Stat.S_IFIFO
                || Statx.rdevMajor(statx) == a.major() && Statx.rdevMinor(statx) == a.minor());
    return fits ? 0 : c.fail(Errno.EEXIST, "another file is there already");
  }

  /** Binds the node that the host has at the same path, or where udev lists it by its number. */
  long bindDevice(Context c, Action.BindDevice a) {
    Kernel k = c.kernel;
    long directory = parent(c, a.path());
    if (directory < 0) {
      return directory;
    }
    long node = openNode(k, a, a.path());
    if (isMissing(node)) {
      String kind = a.type() == Stat.S_IFBLK ? "block" : "char";
      String number = a.major() + ":" + a.minor();
      node = openNode(k, a, "/dev/" + kind + "/" + number);
      if (isMissing(node)) {
        return c.fail(
            Errno.ENODEV,
            "the host has no " + kind + " device " + number + " to bind: no such device");
      }
    }
    if (node < 0) {
      return node;
    }
    long target = placeFor(k, (int) directory, RootFiles.name(a.path()));
    long result = target;
    if (target >= 0) {
      result = RootActions.copyOver(c, (int) node, (int) target);
      c.close(target);
    }
    c.close(node);
    return result;
  }

  private static boolean isMissing(long result) {
    return result == -Errno.ENOENT || result == -Errno.ENOTDIR || result == -Errno.ENODEV;
  }

  private static long openNode(Kernel k, Action.BindDevice a, String path) {
    long fd = k.openat2(AT_FDCWD, path, O_PATH | O_CLOEXEC, 0, 0);
    if (fd < 0) {
      return fd;
    }
    byte[] statx = new byte[Statx.SIZE];
    long result = k.statx((int) fd, "", AT_EMPTY_PATH, Statx.STATX_BASIC_STATS, statx);
    boolean fits =
        result >= 0
            && Statx.type(statx) == a.type()
            && Statx.rdevMajor(statx) == a.major()
            && Statx.rdevMinor(statx) == a.minor();
    if (fits) {
      return fd;
    }
    long closed = k.close((int) fd);
    return result < 0 ? result : closed < 0 ? closed : -Errno.ENODEV;
  }

  /** An empty file to bind to; what stands there already is covered. */
  private static long placeFor(Kernel k, int directory, String name) {
    long made = k.mknodat(directory, name, Stat.S_IFREG | 0644, 0);
    if (made < 0 && made != -Errno.EEXIST) {
      return made;
    }
    return k.openat2(directory, name, O_PATH | O_NOFOLLOW | O_CLOEXEC, 0, 0);
  }

  long makeSymlink(Context c, Action.MakeSymlink a) {
    long directory = parent(c, a.path());
    return directory < 0
        ? directory
        : c.kernel.symlinkat(a.target(), (int) directory, RootFiles.name(a.path()));
  }

  /** Nearly all devices stand in /dev: the directory stays open from one to the next. */
  private long parent(Context c, String path) {
    String wanted = RootFiles.parent(path);
    if (wanted.equals(parentPath)) {
      return parent;
    }
    long root = c.root();
    if (root < 0) {
      return root;
    }
    done(c);
    long fd = RootFiles.openDirectory(c.kernel, (int) root, wanted);
    if (fd >= 0) {
      parent = (int) fd;
      parentPath = wanted;
    }
    return fd;
  }

  /** Closes what was held open. */
  void done(Context c) {
    if (parent >= 0) {
      c.close(parent);
      parent = -1;
      parentPath = null;
    }
  }
}
