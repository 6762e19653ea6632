package dev.coracle.execute;

import static dev.coracle.abi.Fcntl.AT_FDCWD;
import static dev.coracle.abi.Fcntl.O_CLOEXEC;
import static dev.coracle.abi.Fcntl.O_CREAT;
import static dev.coracle.abi.Fcntl.O_NONBLOCK;
import static dev.coracle.abi.Fcntl.O_RDONLY;
import static dev.coracle.abi.Fcntl.O_TRUNC;
import static dev.coracle.abi.Fcntl.O_WRONLY;

import dev.coracle.abi.Bytes;
import dev.coracle.kernel.Errno;
import dev.coracle.kernel.Kernel;
import org.jspecify.annotations.Nullable;

/** Whole files by few system calls. Paths are the host's; results are −errno where they fail. */
public final class Files {
  private static final int FIRST_READ = 16 * 1024;

  private Files() {}

  /** What a file holds: the bytes up to the length. */
  public record Content(byte[] bytes, int length) {
    /** As text. */
    public String text() {
      return Bytes.text(bytes, 0, length);
    }
  }

  /** The outcome of a read: the content, or −errno. */
  public record Read(@Nullable Content content, long errno) {}

  /**
   * Reads a file.
   *
   * @param most a larger file is refused with EFBIG, before it could fill the memory
   */
  public static Read read(Kernel k, int dirfd, String path, int most) {
    // A FIFO in the place of a file must not make us wait for ever.
    long fd = k.openat2(dirfd, path, O_RDONLY | O_NONBLOCK | O_CLOEXEC, 0, 0);
    if (fd < 0) {
      return new Read(null, fd);
    }
    Read read = read(k, (int) fd, most);
    long closed = k.close((int) fd);
    return closed < 0 ? new Read(null, closed) : read;
  }

  /** Reads a file of the host by its path. */
  public static Read read(Kernel k, String path, int most) {
    return read(k, AT_FDCWD, path, most);
  }

  /** Reads what a descriptor still gives. */
  public static Read read(Kernel k, int fd, int most) {
    byte[] buffer = new byte[Math.min(FIRST_READ, most + 1)];
    int length = 0;
    while (true) {
      long n = k.read(fd, buffer, length, buffer.length - length);
      if (n == -Errno.EINTR) {
        continue;
      }
      if (n < 0 && (n != -Errno.EAGAIN || length == 0)) {
        return new Read(null, n);
      }
      if (n <= 0) {
        return new Read(new Content(buffer, length), 0);
      }
      length += (int) n;
      if (length > most) {
        return new Read(null, -Errno.EFBIG);
      }
      if (length == buffer.length) {
        byte[] larger = new byte[(int) Math.min((long) length * 4, most + 1L)];
        System.arraycopy(buffer, 0, larger, 0, length);
        buffer = larger;
      }
    }
  }

  /** Writes a whole text to a descriptor. */
  public static long writeAll(Kernel k, int fd, byte[] bytes, int from, int to) {
    int at = from;
    while (at < to) {
      long n = k.write(fd, bytes, at, to - at);
      if (n == -Errno.EINTR) {
        continue;
      }
      if (n < 0) {
        return n;
      }
      at += (int) n;
    }
    return 0;
  }

  /** Writes a text to a file that is there, in one write(2): as kernel files want it. */
  public static long writeKernelFile(Kernel k, int dirfd, String path, String text, long resolve) {
    long fd = k.openat2(dirfd, path, O_WRONLY | O_CLOEXEC, 0, resolve);
    if (fd < 0) {
      return fd;
    }
    byte[] bytes = Bytes.utf8(text);
    long written = k.write((int) fd, bytes, 0, bytes.length);
    long closed = k.close((int) fd);
    return written < 0 ? written : Math.min(closed, 0);
  }

  /** Makes a file, or empties it, and writes a text. */
  public static long create(Kernel k, String path, String text, long mode) {
    long fd = k.openat2(AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode, 0);
    if (fd < 0) {
      return fd;
    }
    byte[] bytes = Bytes.utf8(text);
    long written = writeAll(k, (int) fd, bytes, 0, bytes.length);
    long closed = k.close((int) fd);
    return written < 0 ? written : Math.min(closed, 0);
  }

  /** Makes a directory of the host with its missing parents; an existing one is fine. */
  public static long makeDirectories(Kernel k, String path, long mode) {
    long made = k.mkdirat(AT_FDCWD, path, mode);
    if (made == -Errno.EEXIST) {
      return 0;
    }
    int slash = path.lastIndexOf('/');
    if (made == -Errno.ENOENT && slash > 0) {
      long parent = makeDirectories(k, path.substring(0, slash), mode);
      if (parent < 0) {
        return parent;
      }
      made = k.mkdirat(AT_FDCWD, path, mode);
    }
    return made == -Errno.EEXIST ? 0 : made;
  }
}
