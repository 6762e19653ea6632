package dev.coracle.execute;

import static dev.coracle.abi.Fcntl.AT_FDCWD;
import static dev.coracle.abi.Fcntl.O_CLOEXEC;
import static dev.coracle.abi.Fcntl.O_RDONLY;

import dev.coracle.cgroup.CgroupPaths;
import dev.coracle.kernel.Errno;
import dev.coracle.kernel.Kernel;
import org.jspecify.annotations.Nullable;

/**
 * Tells when the kernel killed in a container for want of memory: on cgroup v1 by an eventfd that
 * memory.oom_control signals, on v2 by an inotify watch of memory.events.
 *
 * <p>It lives as long as the container, so that asking it allocates nothing.
 *
 * <p>Kernel: linux v6.12 Documentation/admin-guide/cgroup-v1/memory.rst, section 9; cgroup-v2.rst.
 */
public final class OomWatch {
  private static final long EFD_CLOEXEC = 0x80000;
  private static final long EFD_NONBLOCK = 0x800;
  private static final long IN_MODIFY = 2;
  private static final String KEY = "oom_kill ";
  private static final int BUFFER_BYTES = 4096;

  private final Kernel k;
  private final int fd;
  private final boolean counts;
  private final String file;
  private final byte[] buffer = new byte[BUFFER_BYTES];
  private long seen;

  private OomWatch(Kernel kernel, int fd, boolean counts, String file) {
    this.k = kernel;
    this.fd = fd;
    this.counts = counts;
    this.file = file;
  }

  /** Watches these cgroups; null where nothing counts their memory. */
  public static @Nullable OomWatch open(Kernel k, CgroupPaths paths) {
    String v1 = paths.v1("memory");
    if (v1 != null) {
      return openV1(k, v1);
    }
    String v2 = paths.v2Path();
    if (v2 == null || k.faccessat2(AT_FDCWD, v2 + "/memory.events", 0, 0) < 0) {
      return null;
    }
    long fd = k.inotify_init1(O_CLOEXEC | EFD_NONBLOCK);
    if (fd < 0 || k.inotify_add_watch((int) fd, v2 + "/memory.events", IN_MODIFY) < 0) {
      return null;
    }
    OomWatch out = new OomWatch(k, (int) fd, true, v2 + "/memory.events");
    out.seen = Math.max(0, out.count());
    return out;
  }

  private static @Nullable OomWatch openV1(Kernel k, String cgroup) {
    String file = cgroup + "/memory.oom_control";
    long control = k.openat2(AT_FDCWD, file, O_RDONLY | O_CLOEXEC, 0, 0);
    long event = control < 0 ? control : k.eventfd2(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (event < 0) {
      return null;
    }
    // The descriptor of oom_control stays open: with it the kernel would forget the event.
    long result = CgroupActions.write(k, cgroup + "/cgroup.event_control", event + " " + control);
    return result < 0 ? null : new OomWatch(k, (int) event, false, file);
  }

  /** The descriptor that can be read when something happened. */
  public int fd() {
    return fd;
  }

  /** How often the kernel killed since it was asked last. Takes what the descriptor has. */
  public long take() {
    long n = k.read(fd, buffer, 0, buffer.length);
    while (counts && n > 0) {
      n = k.read(fd, buffer, 0, buffer.length); // what exactly was modified does not matter
    }
    if (!counts) {
      // An eventfd gives its sum, which is also raised when the cgroup is removed.
      boolean signalled = n == 8 && k.faccessat2(AT_FDCWD, file, 0, 0) >= 0;
      return signalled ? buffer[0] & 0xff : 0;
    }
    long now = count();
    long more = Math.max(0, now - seen);
    seen = Math.max(seen, now);
    return more;
  }

  /** The number behind oom_kill in memory.events, or −errno. */
  private long count() {
    long opened = k.openat2(AT_FDCWD, file, O_RDONLY | O_CLOEXEC, 0, 0);
    if (opened < 0) {
      return opened;
    }
    long n = k.read((int) opened, buffer, 0, buffer.length);
    long closed = k.close((int) opened);
    if (n < 0 || closed < 0) {
      return Math.min(n, closed);
    }
    for (int line = 0; line < n; line++) {
      if ((line == 0 || buffer[line - 1] == '\n') && isKey(line, (int) n)) {
        long value = 0;
        for (int i = line + KEY.length(); i < n && buffer[i] >= '0' && buffer[i] <= '9'; i++) {
          value = value * 10 + buffer[i] - '0';
        }
        return value;
      }
    }
    return -Errno.ENOENT;
  }

  private boolean isKey(int at, int end) {
    for (int i = 0; i < KEY.length(); i++) {
      if (at + i >= end || buffer[at + i] != KEY.charAt(i)) {
        return false;
      }
    }
    return true;
  }
}
