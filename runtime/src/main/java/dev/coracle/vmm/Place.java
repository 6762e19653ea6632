package dev.coracle.vmm;

import static dev.coracle.abi.Fcntl.AT_FDCWD;
import static dev.coracle.abi.Fcntl.AT_REMOVEDIR;
import static dev.coracle.abi.Fcntl.AT_SYMLINK_NOFOLLOW;
import static dev.coracle.abi.Fcntl.O_CLOEXEC;
import static dev.coracle.abi.Fcntl.O_CREAT;
import static dev.coracle.abi.Fcntl.O_DIRECTORY;
import static dev.coracle.abi.Fcntl.O_NOFOLLOW;
import static dev.coracle.abi.Fcntl.O_RDONLY;
import static dev.coracle.abi.Fcntl.O_TRUNC;
import static dev.coracle.abi.Fcntl.O_WRONLY;

import dev.coracle.abi.Dirent;
import dev.coracle.abi.Stat;
import dev.coracle.abi.Statx;
import dev.coracle.execute.Files;
import dev.coracle.kernel.Errno;
import dev.coracle.kernel.Kernel;
import java.util.ArrayList;
import java.util.List;

/** Files and directories of the host, where a failure is told and goes no further. */
final class Place {
  private static final int ENTRIES_BYTES = 32 * 1024;
  private static final int MOST_LEVELS = 64;

  private final Kernel k;

  Place(Kernel kernel) {
    this.k = kernel;
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
    return (int)
        must(path + " cannot be read", k.openat2(AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0, 0));
  }

  int write(String path) throws Refused {
    long flags = O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC;
    return (int) must(path + " cannot be written", k.openat2(AT_FDCWD, path, flags, 0644, 0));
  }

  void put(int fd, byte[] bytes, int length, String path) throws Refused {
    must(path + " cannot be written", Files.writeAll(k, fd, bytes, 0, length));
  }

  /** Whether there is anything. */
  boolean exists(String path) {
    return k.faccessat2(AT_FDCWD, path, dev.coracle.abi.Fcntl.F_OK, AT_SYMLINK_NOFOLLOW) >= 0;
  }

  /** A whole file. */
  Files.Content content(String path, int most) throws Refused {
    Files.Read read = Files.read(k, path, most);
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

  /** The names in a directory, in no order; nothing where there is none. */
  List<String> names(String directory) throws Refused {
    List<String> out = new ArrayList<>();
    long fd = k.openat2(AT_FDCWD, directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0, 0);
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
        }
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
