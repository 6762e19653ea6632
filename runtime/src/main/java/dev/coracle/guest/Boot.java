package dev.coracle.guest;

import static dev.coracle.abi.Fcntl.AT_FDCWD;
import static dev.coracle.abi.Fcntl.O_CLOEXEC;
import static dev.coracle.abi.Mount.MS_BIND;
import static dev.coracle.abi.Mount.MS_MOVE;
import static dev.coracle.abi.Mount.MS_NODEV;
import static dev.coracle.abi.Mount.MS_NOEXEC;
import static dev.coracle.abi.Mount.MS_NOSUID;

import dev.coracle.execute.Files;
import dev.coracle.kernel.Errno;
import dev.coracle.kernel.Kernel;
import org.jspecify.annotations.Nullable;

/** The first and the last things that a guest does. */
final class Boot {
  /** The modules in the initramfs, a path in each line, in the order in which they are loaded. */
  private static final String MODULES = "/modules";

  private static final int MODULES_MOST = 64 * 1024;
  private static final int RELEASE_MOST = 256;
  private static final long POWER_OFF = 0x4321fedcL;

  private Boot() {}

  /** Mounts what the kernel shows of itself, and loads its modules; the text is an error. */
  static @Nullable String boot(Kernel k) {
    long plain = MS_NOSUID | MS_NODEV | MS_NOEXEC;
    long result = leaveInitramfs(k);
    if (result >= 0) {
      result = mount(k, "/proc", "proc", plain, null);
    }
    if (result >= 0) {
      result = mount(k, "/sys", "sysfs", plain, null);
    }
    if (result >= 0) {
      result = mount(k, "/dev", "devtmpfs", MS_NOSUID, "mode=755");
    }
    if (result >= 0) {
      result = mount(k, "/run", "tmpfs", MS_NOSUID | MS_NODEV, "mode=755");
    }
    if (result >= 0) {
      result = mount(k, "/sys/fs/cgroup", "cgroup2", plain, null);
    }
    return result < 0 ? "cannot mount the guest's own filesystems: " + k.explain(result) : load(k);
  }

  /**
   * Goes on in a mount of the same files: the initramfs's own has nothing above it, and so cannot
   * be pivoted away (pivot_root(2), NOTES).
   */
  private static long leaveInitramfs(Kernel k) {
    long result = k.mkdirat(AT_FDCWD, "/same", 0755);
    if (result >= 0) {
      result = k.mount("/", "/same", null, MS_BIND, null);
    }
    if (result >= 0) {
      result = k.chdir("/same");
    }
    if (result >= 0) {
      result = k.mount(".", "/", null, MS_MOVE, null);
    }
    return result < 0 ? result : k.chroot(".");
  }

  private static long mount(Kernel k, String at, String type, long flags, @Nullable String data) {
    long made = k.mkdirat(AT_FDCWD, at, 0755);
    return made < 0 && made != -Errno.EEXIST ? made : k.mount(type, at, type, flags, data);
  }

  private static @Nullable String load(Kernel k) {
    Files.Content list = Files.read(k, MODULES, MODULES_MOST).content();
    String text = list == null ? "" : list.text();
    int from = 0;
    while (from < text.length()) {
      int end = text.indexOf('\n', from);
      end = end < 0 ? text.length() : end;
      String path = text.substring(from, end);
      long fd = k.openat2(AT_FDCWD, path, O_CLOEXEC, 0, 0);
      long result = fd < 0 ? fd : k.finit_module((int) fd, "");
      if (fd >= 0 && k.close((int) fd) < 0) {
        return "cannot close " + path;
      }
      if (result < 0 && result != -Errno.EEXIST) {
        return "cannot load " + path + ": " + k.explain(result);
      }
      from = end + 1;
    }
    return null;
  }

  /** The kernel's release. */
  static String release(Kernel k) {
    Files.Content release = Files.read(k, "/proc/sys/kernel/osrelease", RELEASE_MOST).content();
    return release == null ? "" : release.text().strip();
  }

  /** Ends the machine. Returns only where that is refused. */
  static int powerOff(Kernel k) {
    long result = k.reboot(POWER_OFF);
    return result < 0 ? (int) -result : 0;
  }
}
