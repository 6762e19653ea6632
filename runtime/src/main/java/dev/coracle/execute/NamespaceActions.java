package dev.coracle.execute;

import static dev.coracle.abi.Fcntl.AT_FDCWD;
import static dev.coracle.abi.Fcntl.O_CLOEXEC;
import static dev.coracle.abi.Fcntl.O_RDONLY;
import static dev.coracle.abi.Process.AF_UNIX;
import static dev.coracle.abi.Process.CLONE_NEWTIME;
import static dev.coracle.abi.Process.IFF_RUNNING;
import static dev.coracle.abi.Process.IFF_UP;
import static dev.coracle.abi.Process.NS_GET_NSTYPE;
import static dev.coracle.abi.Process.PR_SET_DUMPABLE;
import static dev.coracle.abi.Process.SIOCSIFFLAGS;
import static dev.coracle.abi.Process.SOCK_CLOEXEC;
import static dev.coracle.abi.Process.SOCK_DGRAM;

import dev.coracle.abi.Bytes;
import dev.coracle.abi.Fcntl;
import dev.coracle.kernel.Errno;
import dev.coracle.kernel.Kernel;
import dev.coracle.plan.Action;
import dev.coracle.spec.Linux.Namespace;
import dev.coracle.spec.Linux.NamespaceType;
import org.jspecify.annotations.Nullable;

/** Namespaces, and what is set in them while the host's /proc is still in sight. */
final class NamespaceActions {
  private static final int IFREQ_BYTES = 40;
  private static final int IFREQ_FLAGS_AT = 16;

  private NamespaceActions() {}

  static long join(Context c, Namespace namespace) {
    Kernel k = c.kernel;
    String path = namespace.path();
    if (path == null) {
      throw new IllegalStateException("a new namespace is not joined");
    }
    if (namespace.type() == NamespaceType.MOUNT) {
      // The last look at the host's: steps that come later still need it.
      long proc = c.proc();
      if (proc < 0) {
        return proc;
      }
    }
    long fd = k.openat2(AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0, 0);
    if (fd < 0) {
      return fd;
    }
    long flag = namespace.type().cloneFlag();
    long type = k.ioctl((int) fd, NS_GET_NSTYPE, 0);
    long result;
    if (type < 0 && type != -Errno.ENOTTY) {
      result = type;
    } else if (type < 0) {
      result = c.fail(Errno.EINVAL, "\"" + path + "\" is no namespace");
    } else if (type != flag) {
      String is = "\"" + path + "\" is a namespace of another type";
      result = c.fail(Errno.EINVAL, is + " than " + namespace.type().specName());
    } else {
      result = ChildProcess.hide(c);
      if (result >= 0 && flag == CLONE_NEWTIME && c.isRuntime()) {
        result = keepTime(c);
      }
      if (result >= 0) {
        result = k.setns((int) fd, flag);
      }
    }
    c.close(fd);
    return result;
  }

  /** Others run in the namespaces of a container: before we can be seen there, we are hidden. */
  static long joinContainer(Context c, long flags) {
    long hidden = ChildProcess.hide(c);
    return hidden < 0 ? hidden : c.kernel.setns(c.containerPidfd, flags);
  }

  private static long keepTime(Context c) {
    long fd = c.kernel.openat2(AT_FDCWD, "/proc/self/ns/time", O_RDONLY | O_CLOEXEC, 0, 0);
    c.ownTime = (int) Math.max(fd, -1);
    return fd;
  }

  static long returnTo(Context c, NamespaceType type) {
    Kernel k = c.kernel;
    long fd = c.ownTime;
    if (type != NamespaceType.TIME) {
      // Only that of the children was changed (pid_namespaces(7)).
      fd = k.openat2(AT_FDCWD, "/proc/self/ns/pid", O_RDONLY | O_CLOEXEC, 0, 0);
    }
    if (fd < 0) {
      return fd;
    }
    long result = k.setns((int) fd, type.cloneFlag());
    c.close(fd);
    if (type == NamespaceType.TIME) {
      c.ownTime = -1;
    }
    return result;
  }

  /** The offsets can be set only while nobody is in the namespace (time_namespaces(7)). */
  static long makeTime(Context c, String offsets) {
    Kernel k = c.kernel;
    long result = c.isRuntime() ? keepTime(c) : 0;
    if (result >= 0) {
      result = k.unshare(CLONE_NEWTIME);
    }
    if (result < 0) {
      return result;
    }
    result = writeProc(c, "self/timens_offsets", offsets);
    if (result != -Errno.EACCES) {
      return result;
    }
    // Root of a user namespace that is not dumpable does not own its files in /proc. Nobody else
    // is in its namespaces yet.
    result = k.prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
    if (result >= 0) {
      long written = writeProc(c, "self/timens_offsets", offsets);
      result = k.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
      return written < 0 ? written : result;
    }
    return result;
  }

  static long bringUpLoopback(Context c) {
    Kernel k = c.kernel;
    // Any socket reaches the devices; a UNIX one needs no network protocol in the kernel.
    long socket = k.socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (socket < 0) {
      return socket;
    }
    byte[] ifreq = new byte[IFREQ_BYTES];
    ifreq[0] = 'l';
    ifreq[1] = 'o';
    Bytes.put16(ifreq, IFREQ_FLAGS_AT, IFF_UP | IFF_RUNNING);
    long result = k.ioctlStruct((int) socket, SIOCSIFFLAGS, ifreq);
    c.close(socket);
    return result;
  }

  static long setSysctl(Context c, Action.SetSysctl a) {
    return writeProc(c, "sys/" + a.key(), a.value());
  }

  static long setOomScoreAdj(Context c, int value) {
    String process = c.isRuntime() && c.hostPid > 0 ? Integer.toString(c.hostPid) : "self";
    return writeProc(c, process + "/oom_score_adj", Integer.toString(value));
  }

  /**
   * Writes a file of the host's procfs: the container's own may be anything (CVE-2025-52881), and
   * kernel parameters follow the namespaces of the process that writes, not the mount.
   */
  static long writeProc(Context c, String path, String value) {
    long proc = c.proc();
    long resolve = Fcntl.RESOLVE_BENEATH | Fcntl.RESOLVE_NO_MAGICLINKS | Fcntl.RESOLVE_NO_XDEV;
    return proc < 0 ? proc : Files.writeKernelFile(c.kernel, (int) proc, path, value, resolve);
  }

  /** What a file of procfs holds, or null. */
  static @Nullable String readProc(Context c, String path, int most) {
    long proc = c.proc();
    if (proc < 0) {
      return null;
    }
    Files.Content content = Files.read(c.kernel, (int) proc, path, most).content();
    return content == null ? null : content.text();
  }
}
