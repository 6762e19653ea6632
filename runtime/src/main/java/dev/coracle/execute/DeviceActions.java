package dev.coracle.execute;

import static dev.coracle.abi.Fcntl.AT_SYMLINK_NOFOLLOW;

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
