package dev.coracle.execute;

import static dev.coracle.abi.Fcntl.AT_FDCWD;
import static dev.coracle.abi.Fcntl.O_CLOEXEC;
import static dev.coracle.abi.Fcntl.O_RDONLY;
import static dev.coracle.abi.Process.AF_UNIX;
import static dev.coracle.abi.Process.IFF_RUNNING;
import static dev.coracle.abi.Process.IFF_UP;
import static dev.coracle.abi.Process.NS_GET_NSTYPE;
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
    return writeProc(c, "self/oom_score_adj", Integer.toString(value));
  }

  /**
   * Writes a file of the host's procfs: the container's own may be anything (CVE-2025-52881), and
   * kernel parameters follow the namespaces of the process that writes, not the mount.
   */
  private static long writeProc(Context c, String path, String value) {
    long proc = c.proc();
    long resolve = Fcntl.RESOLVE_BENEATH | Fcntl.RESOLVE_NO_MAGICLINKS | Fcntl.RESOLVE_NO_XDEV;
    return proc < 0 ? proc : Files.writeKernelFile(c.kernel, (int) proc, path, value, resolve);
  }
}
