package dev.coracle.execute;

import static dev.coracle.abi.Fcntl.AT_EMPTY_PATH;
import static dev.coracle.abi.Fcntl.AT_SYMLINK_NOFOLLOW;
import static dev.coracle.abi.Fcntl.O_CLOEXEC;
import static dev.coracle.abi.Fcntl.O_CREAT;
import static dev.coracle.abi.Fcntl.O_DIRECTORY;
import static dev.coracle.abi.Fcntl.O_EXCL;
import static dev.coracle.abi.Fcntl.O_NOFOLLOW;
import static dev.coracle.abi.Fcntl.O_NONBLOCK;
import static dev.coracle.abi.Fcntl.O_RDONLY;
import static dev.coracle.abi.Fcntl.O_WRONLY;
import static dev.coracle.abi.Fcntl.RESOLVE_IN_ROOT;

import dev.coracle.abi.Bytes;
import dev.coracle.abi.Dirent;
import dev.coracle.abi.Stat;
import dev.coracle.abi.Statx;
import dev.coracle.kernel.Errno;
import dev.coracle.kernel.Kernel;

/**
 * Copies a directory of the image into a new tmpfs, for the mount option {@code tmpcopyup}: files,
 * directories, links and nodes with their owners and modes. No link is followed.
 */
final class TreeCopy {
  private static final int BUFFER_BYTES = 64 * 1024;
  private static final int PATH_MAX = 4096;
  private static final int SET_ID_BITS = 06000;

  /** Each level holds two descriptors and a buffer: no image needs more levels than this. */
  private static final int MOST_LEVELS = 256;

  private final Context c;
  private final Kernel k;
  private final byte[] buffer = new byte[BUFFER_BYTES];
  private int levels;

  private TreeCopy(Context context) {
    this.c = context;
    this.k = context.kernel;
  }

  /** Copies what stands at {@code path} in the root, if anything does. */
  static long copy(Context c, int root, String path, int to) {
    long from =
        c.kernel.openat2(root, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0, RESOLVE_IN_ROOT);
    if (from == -Errno.ENOENT) {
      return 0;
    }
    if (from < 0) {
      return from;
    }
    TreeCopy copy = new TreeCopy(c);
    long result = copy.attributes((int) from, "", to, "", AT_EMPTY_PATH);
    if (result >= 0) {
      result = copy.directory((int) from, to);
    }
    c.close(from);
    return result;
  }

  private long directory(int from, int to) {
    if (levels == MOST_LEVELS) {
      return c.fail(Errno.ELOOP, "directories are nested more than " + MOST_LEVELS + " deep");
    }
    levels++;
    byte[] entries = new byte[BUFFER_BYTES];
    while (true) {
      long n = k.getdents64(from, entries);
      if (n <= 0) {
        levels--;
        return n;
      }
      for (int at = 0; at < n; at += Dirent.length(entries, at)) {
        String name = Dirent.name(entries, at);
        long result = name.equals(".") || name.equals("..") ? 0 : entry(from, name, to);
        if (result < 0) {
          return result;
        }
      }
    }
  }

  private long entry(int from, String name, int to) {
    byte[] statx = new byte[Statx.SIZE];
    long result = k.statx(from, name, AT_SYMLINK_NOFOLLOW, Statx.STATX_BASIC_STATS, statx);
    if (result < 0) {
      return result;
    }
    int mode = Statx.mode(statx);
    switch (Statx.type(statx)) {
      case Stat.S_IFDIR -> result = subdirectory(from, name, to, mode);
      case Stat.S_IFREG -> result = file(from, name, to, mode);
      case Stat.S_IFLNK -> {
        byte[] target = new byte[PATH_MAX];
        result = k.readlinkat(from, name, target);
        if (result >= 0) {
          result = k.symlinkat(Bytes.text(target, 0, (int) result), to, name);
        }
      }
      default -> {
        long dev = Stat.makedev(Statx.rdevMajor(statx), Statx.rdevMinor(statx));
        result = k.mknodat(to, name, mode, dev);
      }
    }
    long uid = Statx.uid(statx);
    long gid = Statx.gid(statx);
    if (result >= 0) {
      result = k.fchownat(to, name, uid, gid, AT_SYMLINK_NOFOLLOW);
    }
    // chown(2) takes the set-user-ID and set-group-ID bits away: they come last.
    boolean regular = Statx.type(statx) == Stat.S_IFREG;
    return result >= 0 && regular && (mode & SET_ID_BITS) != 0 ? setMode(to, name, mode) : result;
  }

  private long setMode(int directory, String name, int mode) {
    long fd = k.openat2(directory, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC, 0, 0);
    if (fd < 0) {
      return fd;
    }
    long result = k.fchmod((int) fd, mode & 07777);
    long closed = k.close((int) fd);
    return result < 0 ? result : closed;
  }

  private long subdirectory(int from, String name, int to, int mode) {
    long result = k.mkdirat(to, name, mode & 07777);
    if (result < 0) {
      return result;
    }
    long flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    long source = k.openat2(from, name, flags, 0, 0);
    if (source < 0) {
      return source;
    }
    long target = k.openat2(to, name, flags, 0, 0);
    result = target < 0 ? target : directory((int) source, (int) target);
    return closeBoth(source, target, result);
  }

  private long file(int from, String name, int to, int mode) {
    // It may have become a FIFO since it was looked at: that must not make us wait.
    long source = k.openat2(from, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0, 0);
    if (source < 0) {
      return source;
    }
    long flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
    long target = k.openat2(to, name, flags, mode & 07777, 0);
    long n = target;
    while (n >= 0) {
      n = k.read((int) source, buffer, 0, buffer.length);
      if (n <= 0) {
        break;
      }
      n = Files.writeAll(k, (int) target, buffer, 0, (int) n);
    }
    return closeBoth(source, target, n);
  }

  private long closeBoth(long source, long target, long result) {
    long closed = k.close((int) source);
    if (target >= 0) {
      closed = Math.min(closed, k.close((int) target));
    }
    return result < 0 ? result : Math.min(closed, 0);
  }

  private long attributes(int from, String name, int to, String toName, long flags) {
    byte[] statx = new byte[Statx.SIZE];
    long result = k.statx(from, name, flags, Statx.STATX_BASIC_STATS, statx);
    if (result >= 0) {
      result = k.fchownat(to, toName, Statx.uid(statx), Statx.gid(statx), flags);
    }
    return result;
  }
}
