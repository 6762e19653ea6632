package dev.coracle.execute;

import static dev.coracle.abi.Fcntl.AT_FDCWD;
import static dev.coracle.abi.Fcntl.O_CLOEXEC;
import static dev.coracle.abi.Fcntl.O_DIRECTORY;
import static dev.coracle.abi.Fcntl.O_PATH;
import static dev.coracle.abi.Fcntl.O_RDONLY;

import dev.coracle.abi.Dirent;
import dev.coracle.cgroup.CgroupLayout;
import dev.coracle.cgroup.CgroupPaths;
import dev.coracle.kernel.Errno;
import dev.coracle.kernel.Kernel;
import java.util.ArrayList;
import java.util.List;

/** The processes of a container: those in its cgroup and in the cgroups below it. */
public final class CgroupProcesses {
  private static final int MOST_BYTES = 16 << 20;
  private static final int DIRENTS_BYTES = 16 * 1024;
  private static final int DIRECTORY = 4; // DT_DIR of readdir(3)

  private CgroupProcesses() {}

  /**
   * Adds their pids, as the host sees them; a cgroup that is gone has none.
   *
   * @return −errno where not all could be found
   */
  public static long of(Kernel k, CgroupPaths paths, List<Integer> pids) {
    String v2 = paths.v2Path();
    if (v2 != null) {
      return collect(k, v2, pids);
    }
    return paths.v1().isEmpty() ? 0 : collect(k, paths.v1().get(0).path(), pids);
  }

  /** Adds the pids in one cgroup and in those below it. */
  static long below(Kernel k, String cgroup, List<Integer> pids) {
    return collect(k, cgroup, pids);
  }

  private static long collect(Kernel k, String cgroup, List<Integer> pids) {
    Files.Read read = Files.read(k, cgroup + "/cgroup.procs", MOST_BYTES);
    Files.Content content = read.content();
    if (content == null) {
      return isGone(read.errno()) ? 0 : read.errno();
    }
    numbers(content, pids);
    List<String> children = new ArrayList<>();
    long result = children(k, cgroup, children);
    for (int i = 0; i < children.size() && result >= 0; i++) {
      result = collect(k, cgroup + "/" + children.get(i), pids);
    }
    return result;
  }

  /** ENODEV: it was removed between opening a file of it and reading. */
  private static boolean isGone(long errno) {
    return errno == -Errno.ENOENT || errno == -Errno.ENODEV;
  }

  private static void numbers(Files.Content content, List<Integer> pids) {
    int pid = 0;
    for (int i = 0; i < content.length(); i++) {
      byte b = content.bytes()[i];
      if (b >= '0' && b <= '9') {
        pid = pid * 10 + b - '0';
      } else {
        if (pid > 0) {
          pids.add(pid);
        }
        pid = 0;
      }
    }
  }

  /** Opens the v2 cgroup of a process as O_PATH. */
  static long openCgroupOf(Kernel k, int pid) {
    Files.Read read = Files.read(k, "/proc/" + pid + "/cgroup", MOST_BYTES);
    Files.Content content = read.content();
    if (content == null) {
      return read.errno();
    }
    String text = "\n" + content.text();
    int at = text.indexOf("\n0::/");
    int end = text.indexOf('\n', at + 1);
    if (at < 0 || end < 0) {
      return -Errno.ENOENT;
    }
    String path = CgroupLayout.MOUNT_POINT + text.substring(at + "\n0::".length(), end);
    return k.openat2(AT_FDCWD, path, O_PATH | O_DIRECTORY | O_CLOEXEC, 0, 0);
  }

  /** Adds the names of the cgroups directly below one; one that is gone has none. */
  static long children(Kernel k, String cgroup, List<String> out) {
    long fd = k.openat2(AT_FDCWD, cgroup, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0, 0);
    if (fd < 0) {
      return isGone(fd) ? 0 : fd;
    }
    byte[] entries = new byte[DIRENTS_BYTES];
    long n = k.getdents64((int) fd, entries);
    while (n > 0) {
      for (int at = 0; at < n; at += Dirent.length(entries, at)) {
        String name = Dirent.name(entries, at);
        if (entries[at + 18] == DIRECTORY && !name.equals(".") && !name.equals("..")) {
          out.add(name);
        }
      }
      n = k.getdents64((int) fd, entries);
    }
    long closed = k.close((int) fd);
    return n < 0 && !isGone(n) ? n : Math.min(closed, 0);
  }
}
