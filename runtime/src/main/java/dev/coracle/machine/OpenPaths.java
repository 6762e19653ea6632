package dev.coracle.machine;

import static dev.coracle.abi.Fcntl.AT_FDCWD;
import static dev.coracle.abi.Fcntl.O_CLOEXEC;
import static dev.coracle.abi.Fcntl.O_DIRECTORY;
import static dev.coracle.abi.Fcntl.O_RDONLY;

import dev.coracle.abi.Bytes;
import dev.coracle.abi.Dirent;
import dev.coracle.execute.Files;
import dev.coracle.kernel.Kernel;
import java.util.ArrayList;
import java.util.List;

/**
 * The paths of all that virtiofsd has open: it keeps a descriptor of each file that the guest
 * knows.
 */
final class OpenPaths {
  private static final String NAME = "virtiofsd\n";
  private static final int DIRENTS_BYTES = 32 * 1024;
  private static final int PATH_MAX = 4096;

  private final Kernel k;
  private final List<String> paths = new ArrayList<>();

  OpenPaths(Kernel k) {
    this.k = k;
  }

  /** Looks at those of these processes that are virtiofsd; 0, or −errno. */
  long look(List<Integer> processes) {
    long result = 0;
    for (int pid : processes) {
      Files.Content name = Files.read(k, "/proc/" + pid + "/comm", PATH_MAX).content();
      if (name != null && name.text().equals(NAME)) {
        result = Math.min(result, look(pid));
      }
    }
    return result;
  }

  private long look(int pid) {
    byte[] link = new byte[PATH_MAX];
    long n = k.readlinkat(AT_FDCWD, "/proc/" + pid + "/root", link);
    String root = n < 0 ? "" : Bytes.text(link, 0, (int) n);
    String prefix = root.equals("/") ? root : root + "/";
    long fd = n;
    if (n >= 0) {
      String directory = "/proc/" + pid + "/fd";
      fd = k.openat2(AT_FDCWD, directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0, 0);
    }
    if (fd < 0) {
      return fd;
    }
    byte[] entries = new byte[DIRENTS_BYTES];
    n = k.getdents64((int) fd, entries);
    while (n > 0) {
      for (int at = 0; at < n; at += Dirent.length(entries, at)) {
        long length = k.readlinkat((int) fd, Dirent.name(entries, at), link);
        String path = length < 0 ? "" : Bytes.text(link, 0, (int) length);
        if (path.startsWith(prefix) && path.length() > prefix.length()) {
          paths.add(path.substring(prefix.length()));
        }
      }
      n = k.getdents64((int) fd, entries);
    }
    return Math.min(n, k.close((int) fd));
  }

  /** Writes them, each once and with a NUL byte behind it, a directory before what is in it. */
  long write(int fd) {
    String[] sorted = paths.toArray(new String[0]);
    java.util.Arrays.sort(sorted);
    StringBuilder text = new StringBuilder();
    String last = "";
    for (String path : sorted) {
      if (!path.equals(last)) {
        text.append(path).append('\0');
      }
      last = path;
    }
    byte[] bytes = Bytes.utf8(text.toString());
    return Files.writeAll(k, fd, bytes, 0, bytes.length);
  }
}
