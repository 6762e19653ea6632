package dev.coracle.execute;

import static dev.coracle.abi.Fcntl.O_CLOEXEC;
import static dev.coracle.abi.Fcntl.O_DIRECTORY;
import static dev.coracle.abi.Fcntl.O_NOFOLLOW;
import static dev.coracle.abi.Fcntl.O_PATH;
import static dev.coracle.abi.Fcntl.RESOLVE_IN_ROOT;
import static dev.coracle.abi.Fcntl.RESOLVE_NO_SYMLINKS;
import static dev.coracle.abi.Mount.PROC_SUPER_MAGIC;

import dev.coracle.abi.Bytes;
import dev.coracle.abi.Stat;
import dev.coracle.kernel.Errno;
import dev.coracle.kernel.Kernel;

/**
 * Files inside a root that nobody vouches for: every way there is walked by the kernel with
 * RESOLVE_IN_ROOT, so that no link in it leads out, and what is made is made in a directory that is
 * held open.
 */
public final class RootFiles {
  private static final int MOST_LINKS = 40;
  private static final int MOST_RETRIES = 128;
  private static final int PATH_MAX = 4096;
  private static final long DIRECTORY_MODE = 0755;
  private static final long FILE_MODE = 0644;

  private RootFiles() {}

  /** Opens a path as O_PATH. */
  public static long open(Kernel k, int root, String path) {
    return openat2(k, root, path, O_PATH | O_CLOEXEC);
  }

  /**
   * openat2(2) in the root. While others rename and mount, the kernel cannot tell whether a ".." in
   * a link led out, and says EAGAIN: then it is asked again, but not for ever.
   */
  private static long openat2(Kernel k, int root, String path, long flags) {
    long fd = k.openat2(root, path, flags, 0, RESOLVE_IN_ROOT);
    for (int i = 0; i < MOST_RETRIES && fd == -Errno.EAGAIN; i++) {
      fd = k.openat2(root, path, flags, 0, RESOLVE_IN_ROOT);
    }
    return fd;
  }

  /** Opens a directory as O_PATH, making it and its parents where they are missing. */
  public static long openDirectory(Kernel k, int root, String path) {
    return target(k, root, path, Stat.S_IFDIR, 0);
  }

  /**
   * Opens the target of a mount as O_PATH, making a directory or an empty file where it is missing.
   * A way through links must not end in a procfs: what may be covered there is checked by its plain
   * path (CVE-2019-16884, CVE-2023-28642).
   */
  static long openTarget(Context c, int root, String path, boolean directory) {
    Kernel k = c.kernel;
    long flags = O_PATH | O_CLOEXEC | (directory ? O_DIRECTORY : 0);
    long fd = k.openat2(root, path, flags, 0, RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS);
    if (fd != -Errno.ELOOP && fd != -Errno.ENOENT && fd != -Errno.EAGAIN) {
      return fd;
    }
    int type = directory ? Stat.S_IFDIR : Stat.S_IFREG;
    fd = fd == -Errno.ENOENT ? missing(k, root, path, type, 0) : target(k, root, path, type, 0);
    if (fd < 0) {
      return fd;
    }
    long filesystem = k.fstatfsType((int) fd);
    if (filesystem != PROC_SUPER_MAGIC && filesystem >= 0) {
      return fd;
    }
    c.close(fd);
    return filesystem < 0
        ? filesystem
        : c.fail(Errno.EPERM, "a link leads into /proc, which must not be covered");
  }

  private static long target(Kernel k, int root, String path, int type, int links) {
    long flags = O_PATH | O_CLOEXEC | (type == Stat.S_IFDIR ? O_DIRECTORY : 0);
    long fd = openat2(k, root, path, flags);
    return fd == -Errno.ENOENT ? missing(k, root, path, type, links) : fd;
  }

  /** Makes what is not there, and opens it. */
  private static long missing(Kernel k, int root, String path, int type, int links) {
    String clean = trimmed(path);
    String name = name(clean);
    if (links > MOST_LINKS || name.isEmpty() || name.equals(".") || name.equals("..")) {
      return -Errno.ENOENT;
    }
    String parentPath = parent(clean);
    long parent = target(k, root, parentPath, Stat.S_IFDIR, links);
    if (parent < 0) {
      return parent;
    }
    long result = makeIn(k, root, (int) parent, parentPath, name, type, links);
    long closed = k.close((int) parent);
    return closed < 0 ? closed : result;
  }

  private static long makeIn(
      Kernel k, int root, int parent, String parentPath, String name, int type, int links) {
    long made =
        type == Stat.S_IFDIR
            ? k.mkdirat(parent, name, DIRECTORY_MODE)
            : k.mknodat(parent, name, Stat.S_IFREG | FILE_MODE, 0);
    if (made == -Errno.EEXIST) {
      // A link to nothing: what it names is made, inside the root.
      byte[] buffer = new byte[PATH_MAX];
      long n = k.readlinkat(parent, name, buffer);
      if (n < 0) {
        return -Errno.EEXIST;
      }
      String target = Bytes.text(buffer, 0, (int) n);
      String path = target.startsWith("/") ? target : parentPath + "/" + target;
      return target(k, root, path, type, links + 1);
    }
    if (made < 0) {
      return made;
    }
    long flags = O_PATH | O_CLOEXEC | O_NOFOLLOW | (type == Stat.S_IFDIR ? O_DIRECTORY : 0);
    return k.openat2(parent, name, flags, 0, RESOLVE_IN_ROOT);
  }

  private static String trimmed(String path) {
    int end = path.length();
    while (end > 1 && path.charAt(end - 1) == '/') {
      end--;
    }
    return path.substring(0, end);
  }

  /** The last name of a path. */
  static String name(String path) {
    return path.substring(path.lastIndexOf('/') + 1);
  }

  /** The path without its last name. */
  static String parent(String path) {
    int slash = path.lastIndexOf('/');
    return slash <= 0 ? "/" : path.substring(0, slash);
  }
}
