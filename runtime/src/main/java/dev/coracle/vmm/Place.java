package dev.coracle.vmm;

import static dev.coracle.abi.Fcntl.AT_EMPTY_PATH;
import static dev.coracle.abi.Fcntl.AT_FDCWD;
import static dev.coracle.abi.Fcntl.AT_REMOVEDIR;
import static dev.coracle.abi.Fcntl.AT_SYMLINK_NOFOLLOW;
import static dev.coracle.abi.Fcntl.O_CLOEXEC;
import static dev.coracle.abi.Fcntl.O_CREAT;
import static dev.coracle.abi.Fcntl.O_DIRECTORY;
import static dev.coracle.abi.Fcntl.O_NOFOLLOW;
import static dev.coracle.abi.Fcntl.O_NONBLOCK;
import static dev.coracle.abi.Fcntl.O_RDONLY;
import static dev.coracle.abi.Fcntl.O_TRUNC;
import static dev.coracle.abi.Fcntl.O_WRONLY;

import dev.coracle.abi.Dirent;
import dev.coracle.abi.Stat;
import dev.coracle.abi.Statx;
import dev.coracle.execute.Files;
import dev.coracle.execute.RootFiles;
import dev.coracle.kernel.Errno;
import dev.coracle.kernel.Kernel;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Files and directories of the host, or those in a root that nobody vouches for; a failure is told
 * and goes no further.
 */
final class Place {
  private static final int ENTRIES_BYTES = 32 * 1024;
  private static final int MOST_LEVELS = 64;

  private static final int BUFFER_BYTES = 1 << 20;

  /** What is read of a root that nobody vouches for: names in all of its directories. */
  static final int MOST_NAMES = 40_000;

  private final Kernel k;
  private final int root;
  private int names;
  private byte @Nullable [] buffer;

  Place(Kernel kernel) {
    this(kernel, AT_FDCWD);
  }

  private Place(Kernel kernel, int root) {
    this.k = kernel;
    this.root = root;
  }

  /**
   * What is in a root that nobody vouches for, to be read: no way leads out of it, and nothing is
   * opened but regular files and directories.
   *
   * @param root the root, opened with O_PATH
   */
  static Place in(Kernel k, int root) {
    return new Place(k, root);
  }

  private long open(String path, long flags) throws Refused {
    if (root == AT_FDCWD) {
      return k.openat2(AT_FDCWD, path, flags, 0, 0);
    }
    long at = RootFiles.open(k, root, path);
    if (at < 0) {
      return at;
    }
    byte[] statx = new byte[Statx.SIZE];
    long result = k.statx((int) at, "", AT_EMPTY_PATH, Statx.STATX_BASIC_STATS, statx);
    int wanted = (flags & O_DIRECTORY) == 0 ? Stat.S_IFREG : Stat.S_IFDIR;
    if (result >= 0 && Statx.type(statx) != wanted) {
      close((int) at);
      throw new Refused(
          path + (wanted == Stat.S_IFREG ? " is no regular file" : " is no directory"));
    }
    // This very file, whatever its name stands for by now. Somebody may hold a lease on it.
    String again = "/proc/self/fd/" + at;
    long fd = result < 0 ? result : k.openat2(AT_FDCWD, again, flags | O_NONBLOCK, 0, 0);
    close((int) at);
    return fd;
  }

  /** What may not fail, or is told with what it was about. */
  long must(String what, long result) throws Refused {
    if (result < 0) {
      throw new Refused(what + ": " + k.explain(result));
    }
    return result;
  }

  void close(int fd) throws Refused {
    must("close", k.close(fd));
  }

  int read(String path) throws Refused {
    return (int) must(path + " cannot be read", open(path, O_RDONLY | O_CLOEXEC));
  }

  int write(String path) throws Refused {
    long flags = O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC;
    return (int) must(path + " cannot be written", k.openat2(AT_FDCWD, path, flags, 0644, 0));
  }

  void put(int fd, byte[] bytes, int length, String path) throws Refused {
    must(path + " cannot be written", Files.writeAll(k, fd, bytes, 0, length));
  }

  /** Whether there is anything. */
  boolean exists(String path) throws Refused {
    if (root != AT_FDCWD) {
      long fd = RootFiles.open(k, root, path);
      if (fd >= 0) {
        close((int) fd);
      }
      return fd >= 0;
    }
    return k.faccessat2(AT_FDCWD, path, dev.coracle.abi.Fcntl.F_OK, AT_SYMLINK_NOFOLLOW) >= 0;
  }

  /** A whole file. */
  Files.Content content(String path, int most) throws Refused {
    Files.Read read;
    if (root == AT_FDCWD) {
      read = Files.read(k, path, most);
    } else {
      int fd = read(path);
      read = Files.read(k, fd, most);
      close(fd);
    }
    Files.Content content = read.content();
    if (content == null) {
      throw new Refused(path + " cannot be read: " + k.explain(read.errno()));
    }
    return content;
  }

  /** The first bytes of a file. */
  int head(String path, byte[] into) throws Refused {
    int fd = read(path);
    int length = fill(fd, into, into.length, path);
    close(fd);
    return length;
  }

  /** Reads until there are {@code count} bytes, or no more. */
  int fill(int fd, byte[] into, int count, String path) throws Refused {
    int at = 0;
    while (at < count) {
      long n = k.read(fd, into, at, count - at);
      if (n == -Errno.EINTR) {
        continue;
      }
      must(path + " cannot be read", n);
      if (n == 0) {
        return at;
      }
      at += (int) n;
    }
    return at;
  }

  /** What bytes go through: one for all, for nothing is freed. */
  byte[] buffer() {
    byte[] b = buffer;
    if (b == null) {
      b = new byte[BUFFER_BYTES];
      buffer = b;
    }
    return b;
  }

  /** The size of an open file, in bytes. */
  long size(int fd, String path) throws Refused {
    byte[] statx = new byte[Statx.SIZE];
    must(path + " cannot be read", k.statx(fd, "", AT_EMPTY_PATH, Statx.STATX_BASIC_STATS, statx));
    return Statx.size(statx);
  }

  /**
   * Copies what a descriptor still gives.
   *
   * @param most more is refused, in bytes
   * @return how many bytes there were
   */
  long copy(int in, int out, long most, String from, String to) throws Refused {
    byte[] bytes = buffer();
    long done = 0;
    int n = fill(in, bytes, bytes.length, from);
    while (n > 0) {
      done += n;
      if (done > most) {
        throw new Refused(from + " has more than " + most + " bytes");
      }
      put(out, bytes, n, to);
      n = fill(in, bytes, bytes.length, from);
    }
    return done;
  }

  /** The names in a directory, in no order; nothing where there is none. */
  List<String> names(String directory) throws Refused {
    List<String> out = new ArrayList<>();
    long fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd == -Errno.ENOENT) {
      return out;
    }
    must(directory + " cannot be read", fd);
    byte[] entries = new byte[ENTRIES_BYTES];
    long n = must(directory + " cannot be read", k.getdents64((int) fd, entries));
    while (n > 0) {
      for (int at = 0; at < n; at += Dirent.length(entries, at)) {
        String name = Dirent.name(entries, at);
        if (!name.equals(".") && !name.equals("..")) {
          out.add(name);
          names++;
        }
      }
      if (root != AT_FDCWD && names > MOST_NAMES) {
        throw new Refused("there are more than " + MOST_NAMES + " names up to " + directory);
      }
      n = must(directory + " cannot be read", k.getdents64((int) fd, entries));
    }
    close((int) fd);
    return out;
  }

  /** The type of what is there, a link not followed; 0 for nothing. */
  int type(String path) {
    byte[] statx = new byte[Statx.SIZE];
    long result = k.statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, Statx.STATX_BASIC_STATS, statx);
    return result < 0 ? 0 : Statx.type(statx);
  }

  /** Removes a file, or a directory with all that is in it; nothing is fine. */
  void remove(String path) throws Refused {
    remove(path, MOST_LEVELS);
  }

  private void remove(String path, int levels) throws Refused {
    int type = type(path);
    if (type == 0) {
      return;
    }
    if (type != Stat.S_IFDIR) {
      must(path + " cannot be removed", k.unlinkat(AT_FDCWD, path, 0));
      return;
    }
    if (levels == 0) {
      throw new Refused(path + " is nested too deep");
    }
    for (String name : names(path)) {
      remove(path + "/" + name, levels - 1);
    }
    must(path + " cannot be removed", k.unlinkat(AT_FDCWD, path, AT_REMOVEDIR));
  }

  void directory(String path) throws Refused {
    must(path + " cannot be made", Files.makeDirectories(k, path, 0755));
  }

  void move(String from, String to) throws Refused {
    must(from + " cannot become " + to, k.renameat2(AT_FDCWD, from, AT_FDCWD, to, 0));
  }
}
