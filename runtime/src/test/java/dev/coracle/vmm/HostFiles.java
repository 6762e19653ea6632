package dev.coracle.vmm;

import static dev.coracle.abi.Fcntl.AT_FDCWD;
import static dev.coracle.abi.Fcntl.O_CREAT;
import static dev.coracle.abi.Fcntl.O_TRUNC;
import static dev.coracle.abi.Fcntl.O_WRONLY;
import static dev.coracle.abi.Fcntl.RESOLVE_IN_ROOT;

import dev.coracle.abi.Bytes;
import dev.coracle.abi.Stat;
import dev.coracle.kernel.Errno;
import dev.coracle.kernel.Kernel;
import dev.coracle.kernel.RecordingKernel;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.lang.reflect.Proxy;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * A kernel whose files and directories are those of the host, so that they can be large and full of
 * holes; any other call goes to a {@link RecordingKernel}.
 */
final class HostFiles {
  final RecordingKernel recorded = new RecordingKernel();
  private final Map<Integer, Open> open = new HashMap<>();
  private int next = 1000;

  /** What is in a directory, in place of what the host has there; null for that. */
  Function<Path, @Nullable List<String>> listing = path -> null;

  /** Files that end with this are written to nowhere. */
  String discarded = "\0";

  /** What fork(2) returns. */
  long forked = 1;

  /** What wait4(2) tells of a process. */
  int waitStatus;

  /** How many bytes were written. */
  long written;

  private static final class Open {
    final Path path;
    @Nullable RandomAccessFile file;
    @Nullable List<String> names;

    Open(Path path) {
      this.path = path;
    }
  }

  Kernel kernel() {
    return (Kernel)
        Proxy.newProxyInstance(
            Kernel.class.getClassLoader(),
            new Class<?>[] {Kernel.class},
            (proxy, method, args) -> {
              try {
                return switch (method.getName()) {
                  case "openat2" ->
                      openat2((int) args[0], (String) args[1], (long) args[2], (long) args[4]);
                  case "close" -> close((int) args[0]);
                  case "read" ->
                      read((int) args[0], (byte[]) args[1], (int) args[2], (int) args[3]);
                  case "write" ->
                      write((int) args[0], (byte[]) args[1], (int) args[2], (int) args[3]);
                  case "statx" -> statx((int) args[0], (String) args[1], (byte[]) args[4]);
                  case "getdents64" -> getdents64((int) args[0], (byte[]) args[1]);
                  case "mkdirat" -> mkdirat((String) args[1]);
                  case "unlinkat" -> unlinkat((String) args[1]);
                  case "renameat2" -> rename((String) args[1], (String) args[3]);
                  case "faccessat2" -> exists(Path.of((String) args[1])) ? 0L : -Errno.ENOENT;
                  case "fork" -> forked;
                  case "wait4" -> {
                    ((int[]) args[1])[0] = waitStatus;
                    yield forked;
                  }
                  default -> method.invoke(recorded, args);
                };
              } catch (java.lang.reflect.InvocationTargetException e) {
                throw e.getCause();
              }
            });
  }

  private static boolean exists(Path path) {
    return Files.exists(path, LinkOption.NOFOLLOW_LINKS);
  }

  private Path path(int dirfd, String path) {
    return dirfd == AT_FDCWD ? Path.of(path) : Path.of(entry(dirfd).path + "/" + path);
  }

  private Open entry(int fd) {
    Open found = open.get(fd);
    if (found == null) {
      throw new IllegalStateException("nothing is open as " + fd);
    }
    return found;
  }

  private long openat2(int dirfd, String name, long flags, long resolve) throws IOException {
    String own = "/proc/self/fd/";
    Path path = path(dirfd, name);
    if (name.startsWith(own)) {
      path = entry(Integer.parseInt(name.substring(own.length()))).path;
    } else if (dirfd != AT_FDCWD && resolve != RESOLVE_IN_ROOT) {
      throw new IllegalStateException(name + " is opened without RESOLVE_IN_ROOT");
    }
    if ((flags & O_CREAT) == 0 && listing.apply(path) == null && !Files.exists(path)) {
      return -Errno.ENOENT;
    }
    Open made = new Open(path);
    if ((flags & O_WRONLY) != 0 || Files.isRegularFile(path)) {
      made.file = new RandomAccessFile(path.toFile(), (flags & O_WRONLY) != 0 ? "rw" : "r");
      if ((flags & O_TRUNC) != 0) {
        made.file.setLength(0);
      }
    }
    open.put(next, made);
    return next++;
  }

  private long close(int fd) throws IOException {
    Open closed = open.remove(fd);
    if (closed != null && closed.file != null) {
      closed.file.close();
    }
    return 0;
  }

  private long read(int fd, byte[] buffer, int offset, int count) throws IOException {
    RandomAccessFile file = entry(fd).file;
    return file == null ? -Errno.EISDIR : Math.max(0, file.read(buffer, offset, count));
  }

  private long write(int fd, byte[] buffer, int offset, int count) throws IOException {
    if (fd == 2) {
      return count;
    }
    Open to = entry(fd);
    RandomAccessFile file = to.file;
    written += count;
    if (file != null && !to.path.toString().endsWith(discarded)) {
      file.write(buffer, offset, count);
    }
    return count;
  }

  private long statx(int fd, String name, byte[] statx) throws IOException {
    Path path = name.isEmpty() ? entry(fd).path : path(fd, name);
    if (listing.apply(path) == null && !exists(path)) {
      return -Errno.ENOENT;
    }
    boolean file = Files.isRegularFile(path);
    boolean link = !name.isEmpty() && Files.isSymbolicLink(path);
    boolean directory = listing.apply(path) != null || Files.isDirectory(path);
    int type = link ? Stat.S_IFLNK : file ? Stat.S_IFREG : directory ? Stat.S_IFDIR : Stat.S_IFIFO;
    Bytes.put16(statx, 28, type | 0644);
    Bytes.put64(statx, 40, file ? Files.size(path) : 0);
    return 0;
  }

  /** As many as there is room for; a directory that has been read is empty. */
  private long getdents64(int fd, byte[] buffer) throws IOException {
    Open directory = entry(fd);
    List<String> names = directory.names;
    if (names == null) {
      List<String> told = listing.apply(directory.path);
      names = new ArrayList<>(told == null ? list(directory.path) : told);
      directory.names = names;
    }
    int at = 0;
    while (!names.isEmpty()) {
      byte[] name = Bytes.utf8(names.get(names.size() - 1));
      int length = 19 + name.length + 1;
      if (at + length > buffer.length) {
        return at;
      }
      names.remove(names.size() - 1);
      Bytes.put16(buffer, at + 16, length);
      System.arraycopy(name, 0, buffer, at + 19, name.length);
      buffer[at + length - 1] = 0;
      at += length;
    }
    return at;
  }

  private static List<String> list(Path directory) throws IOException {
    try (var files = Files.list(directory)) {
      return files.map(f -> f.getFileName().toString()).toList();
    }
  }

  private static long mkdirat(String path) throws IOException {
    if (exists(Path.of(path))) {
      return -Errno.EEXIST;
    }
    if (!exists(Path.of(path).resolveSibling(""))) {
      return -Errno.ENOENT;
    }
    Files.createDirectory(Path.of(path));
    return 0;
  }

  private static long unlinkat(String path) throws IOException {
    Files.delete(Path.of(path));
    return 0;
  }

  private static long rename(String from, String to) {
    try {
      Files.move(Path.of(from), Path.of(to), StandardCopyOption.REPLACE_EXISTING);
      return 0;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
