package dev.coracle.execute;

import static dev.coracle.abi.Fcntl.AT_FDCWD;
import static dev.coracle.abi.Fcntl.AT_REMOVEDIR;
import static dev.coracle.abi.Fcntl.O_CLOEXEC;
import static dev.coracle.abi.Fcntl.O_DIRECTORY;
import static dev.coracle.abi.Fcntl.O_RDONLY;
import static dev.coracle.abi.Fcntl.O_WRONLY;

import dev.coracle.abi.Bytes;
import dev.coracle.kernel.Errno;
import dev.coracle.kernel.Kernel;
import dev.coracle.plan.Action;
import java.util.ArrayList;
import java.util.List;

/** Cgroups, by the host's paths: nothing of the container's can reach them. */
public final class CgroupActions {
  private static final long MODE = 0755;

  /**
   * With it, systemd's program for the same cgroup and those of cgroups below can stand beside it:
   * all must allow (bpf(2), linux v6.12 kernel/bpf/cgroup.c).
   */
  private static final long BPF_F_ALLOW_MULTI = 2;

  private static final int FILE_MOST = 4096;
  private static final int RETRY_MILLIS = 1;
  private static final int MOST_RETRIES = 100;
  private static final long KEEP_GROUP = 0xffffffffL;
  private static final String DELEGATED = "cgroup.procs\ncgroup.subtree_control\ncgroup.threads\n";

  private CgroupActions() {}

  /**
   * Makes a cgroup and its parents.
   *
   * @param made gets the directories that were not there before, parents first
   */
  static long make(Context c, String path, List<String> made) {
    int before = made.size();
    long result = makeWithParents(c, path, made);
    boolean existed = result >= 0 && made.size() == before;
    return existed ? checkIdle(c, path) : result;
  }

  /** One that was there already must be empty, those below it too, and must let processes run. */
  private static long checkIdle(Context c, String path) {
    List<Integer> pids = new ArrayList<>();
    long result = CgroupProcesses.below(c.kernel, path, pids);
    if (result == -Errno.EOPNOTSUPP) {
      return c.fail(Errno.EOPNOTSUPP, "the cgroup, or one below it, is threaded");
    }
    if (result < 0) {
      return result;
    }
    if (!pids.isEmpty()) {
      return c.fail(Errno.EBUSY, "container's cgroup is not empty: other processes are in it");
    }
    // A process that is made in a frozen one would stand still, and we would wait for it for ever.
    long frozen = isFrozen(c.kernel, path);
    return frozen > 0 ? c.fail(Errno.EBUSY, "container's cgroup unexpectedly frozen") : frozen;
  }

  /**
   * Whether a cgroup without processes is stopped, by itself or by one above it: 1, 0, or −errno
   * where nobody knows.
   */
  private static long isFrozen(Kernel k, String path) {
    Files.Read read = Files.read(k, path + "/cgroup.events", FILE_MOST);
    Files.Content v2 = read.content();
    if (v2 != null) {
      return v2.text().contains("frozen 1") ? 1 : 0;
    }
    if (read.errno() != -Errno.ENOENT) {
      return read.errno();
    }
    read = Files.read(k, path + "/freezer.state", FILE_MOST);
    Files.Content v1 = read.content();
    if (v1 != null) {
      return v1.text().startsWith("THAWED") ? 0 : 1;
    }
    return read.errno() == -Errno.ENOENT ? 0 : read.errno();
  }

  static long makeWithParents(Context c, String path, List<String> made) {
    long result = c.kernel.mkdirat(AT_FDCWD, path, MODE);
    if (result == -Errno.ENOENT && path.lastIndexOf('/') > 0) {
      long parent = makeWithParents(c, RootFiles.parent(path), made);
      if (parent < 0) {
        return parent;
      }
      result = c.kernel.mkdirat(AT_FDCWD, path, MODE);
    }
    if (result == -Errno.EEXIST) {
      return 0;
    }
    if (result >= 0) {
      made.add(path);
    }
    return result;
  }

  /**
   * Removes a cgroup. Processes that were killed leave it a moment later, so EBUSY is worth some
   * patience, within bounds.
   */
  public static long remove(Kernel k, String path) {
    for (int i = 0; ; i++) {
      long result = k.unlinkat(AT_FDCWD, path, AT_REMOVEDIR);
      if (result == -Errno.ENOENT) {
        return 0;
      }
      if (result != -Errno.EBUSY || i == MOST_RETRIES) {
        return result;
      }
      long slept = k.poll(new int[0], new short[0], new short[0], RETRY_MILLIS);
      if (slept < 0 && slept != -Errno.EINTR) {
        return slept;
      }
    }
  }

  /** Removes a cgroup that has no processes and no cgroups below it; one that is gone is fine. */
  public static long removeOnce(Kernel k, String path) {
    long result = k.unlinkat(AT_FDCWD, path, AT_REMOVEDIR);
    return result == -Errno.ENOENT ? 0 : result;
  }

  /** Removes a cgroup and those below it: the container may have made some. */
  public static long removeTree(Kernel k, String path) {
    List<String> children = new ArrayList<>();
    long result = CgroupProcesses.children(k, path, children);
    for (int i = 0; i < children.size() && result >= 0; i++) {
      result = removeTree(k, path + "/" + children.get(i));
    }
    return result < 0 ? result : removeOnce(k, path);
  }

  static long enableControllers(Context c, Action.EnableControllers a) {
    StringBuilder line = new StringBuilder();
    for (String controller : a.controllers()) {
      line.append(line.length() == 0 ? "+" : " +").append(controller);
    }
    return write(c.kernel, a.path() + "/cgroup.subtree_control", line.toString());
  }

  static long inheritCpuset(Context c, Action.InheritCpuset a) {
    long result = inherit(c, a.mountPoint(), a.path(), "cpuset.cpus");
    return result < 0 ? result : inherit(c, a.mountPoint(), a.path(), "cpuset.mems");
  }

  private static long inherit(Context c, String mountPoint, String path, String file) {
    Kernel k = c.kernel;
    Files.Read own = Files.read(k, path + "/" + file, FILE_MOST);
    Files.Content content = own.content();
    if (content == null) {
      return own.errno();
    }
    if (!content.text().trim().isEmpty() || path.length() <= mountPoint.length()) {
      return 0;
    }
    String parent = RootFiles.parent(path);
    long result = inherit(c, mountPoint, parent, file);
    if (result < 0) {
      return result;
    }
    Files.Read above = Files.read(k, parent + "/" + file, FILE_MOST);
    Files.Content value = above.content();
    return value == null ? above.errno() : write(k, path + "/" + file, value.text().trim());
  }

  static long write(Kernel k, String path, String value) {
    return Files.writeKernelFile(k, AT_FDCWD, path, value, 0);
  }

  static long writeLimit(Context c, String path, String value) {
    long result = write(c.kernel, path, value);
    if (result >= 0) {
      c.limited = true;
    }
    return result;
  }

  static long join(Context c, String file) {
    long result = write(c.kernel, file, "0");
    // A limit that was set must not be passed over by not being in the cgroup that has it.
    boolean lost = result < 0 && c.limited && c.isRootless();
    return lost ? c.fail(Errno.EBUSY, c.explain(result) + ": so its limits cannot hold") : result;
  }

  static long writeLines(Context c, Action.WriteCgroupLines a) {
    Kernel k = c.kernel;
    long fd = k.openat2(AT_FDCWD, a.path(), O_WRONLY | O_CLOEXEC, 0, 0);
    long result = fd;
    for (int i = 0; i < a.values().size() && result >= 0; i++) {
      byte[] bytes = Bytes.utf8(a.values().get(i));
      result = k.write((int) fd, bytes, 0, bytes.length);
    }
    if (fd >= 0) {
      c.close(fd);
    }
    return result;
  }

  /**
   * Gives a cgroup's directory and the files that the kernel lists as safe to give away
   * (cgroups(7), "Cgroup delegation").
   */
  static long delegate(Context c, Action.DelegateCgroup a) {
    Kernel k = c.kernel;
    long result = k.fchownat(AT_FDCWD, a.path(), a.uid(), KEEP_GROUP, 0);
    Files.Read read = Files.read(k, "/sys/kernel/cgroup/delegate", FILE_MOST);
    Files.Content list = read.content();
    if (list == null && read.errno() != -Errno.ENOENT) {
      return read.errno();
    }
    String names = list == null ? DELEGATED : list.text();
    int from = 0;
    while (from < names.length() && result >= 0) {
      int to = names.indexOf('\n', from);
      to = to < 0 ? names.length() : to;
      if (to > from) {
        String file = a.path() + "/" + names.substring(from, to);
        result = k.fchownat(AT_FDCWD, file, a.uid(), KEEP_GROUP, 0);
        // Not every kernel and every cgroup has all of them.
        result = result == -Errno.ENOENT ? 0 : result;
      }
      from = to + 1;
    }
    return result;
  }

  static long attachDeviceProgram(Context c, Action.AttachDeviceProgram a) {
    Kernel k = c.kernel;
    long program = k.bpfLoadCgroupDevice(a.program().bytes());
    if (program < 0) {
      return program;
    }
    long cgroup = k.openat2(AT_FDCWD, a.path(), O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0, 0);
    long result = cgroup;
    if (cgroup >= 0) {
      // Cgroups that the container makes may add programs of their own, as systemd does in it; all
      // of them must allow.
      result = k.bpfAttachCgroupDevice((int) cgroup, (int) program, BPF_F_ALLOW_MULTI);
      c.close(cgroup);
    }
    c.close(program);
    return result;
  }
}
