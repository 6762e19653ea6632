package dev.coracle.guest;

import static dev.coracle.abi.Fcntl.AT_FDCWD;
import static dev.coracle.abi.Fcntl.O_CLOEXEC;
import static dev.coracle.abi.Fcntl.O_RDONLY;
import static dev.coracle.abi.Fcntl.O_RDWR;
import static dev.coracle.abi.Mount.MS_MOVE;
import static dev.coracle.abi.Mount.MS_NODEV;
import static dev.coracle.abi.Mount.MS_NOEXEC;
import static dev.coracle.abi.Mount.MS_NOSUID;

import dev.coracle.abi.Bytes;
import dev.coracle.execute.Files;
import dev.coracle.kernel.Errno;
import dev.coracle.kernel.Kernel;
import org.jspecify.annotations.Nullable;

/**
 * The first and the last things that a guest does.
 *
 * <p>The kernel starts us in its initramfs, which can be no container's old root: pivot_root(2)
 * refuses that one. So we go to a tmpfs of our own, as switch_root(8) does.
 */
final class Boot {
  /** The modules in the initramfs, a path in each line, in the order in which they are loaded. */
  private static final String MODULES = "/modules";

  private static final String SYSTEM = "/system";
  private static final int MODULES_MOST = 64 * 1024;
  private static final int RELEASE_MOST = 256;
  private static final int LAST_OF_STDIO = 2;
  private static final long POWER_OFF = 0x4321fedcL; // reboot(2), LINUX_REBOOT_CMD_POWER_OFF

  private Boot() {}

  /**
   * Mounts what the kernel shows of itself, and loads its modules.
   *
   * @param warnings gets what failed and may be of no matter
   * @return why the guest cannot go on; null where it can
   */
  static @Nullable String boot(Kernel k, StringBuilder warnings) {
    long plain = MS_NOSUID | MS_NODEV | MS_NOEXEC;
    String problem = mount(k, SYSTEM, "tmpfs", MS_NOSUID | MS_NODEV, "mode=755");
    if (problem == null) {
      problem = mount(k, SYSTEM + "/dev", "devtmpfs", MS_NOSUID, "mode=755");
    }
    if (problem == null) {
      problem = openStdio(k);
    }
    if (problem == null) {
      problem = mount(k, SYSTEM + "/proc", "proc", plain, null);
    }
    if (problem == null) {
      problem = mount(k, SYSTEM + "/sys", "sysfs", plain, null);
    }
    if (problem == null) {
      problem = mount(k, SYSTEM + "/run", "tmpfs", MS_NOSUID | MS_NODEV, "mode=755");
    }
    if (problem == null) {
      String cgroups = mount(k, SYSTEM + "/sys/fs/cgroup", "cgroup2", plain, null);
      // A kernel without cgroups runs a container all the same.
      warn(warnings, cgroups);
      load(k, warnings);
      problem = enterSystem(k);
    }
    return problem;
  }

  private static void warn(StringBuilder warnings, @Nullable String text) {
    if (text != null) {
      warnings.append(warnings.length() == 0 ? "" : "\n").append(text);
    }
  }

  private static @Nullable String mount(
      Kernel k, String at, String type, long flags, @Nullable String data) {
    long made = k.mkdirat(AT_FDCWD, at, 0755);
    // Directories of sysfs are there, and none can be made.
    boolean failed = made < 0 && made != -Errno.EEXIST && made != -Errno.EPERM;
    long result = failed ? made : k.mount(type, at, type, flags, data);
    return result < 0 ? "cannot mount " + type + " for the guest: " + k.explain(result) : null;
  }

  /** Where the initramfs has no console, what is opened next would be our standard output. */
  private static @Nullable String openStdio(Kernel k) {
    long fd;
    do {
      fd = k.openat2(AT_FDCWD, SYSTEM + "/dev/console", O_RDWR, 0, 0);
      if (fd < 0) {
        fd = k.openat2(AT_FDCWD, SYSTEM + "/dev/null", O_RDWR, 0, 0);
      }
    } while (fd >= 0 && fd <= LAST_OF_STDIO);
    long result = fd < 0 ? fd : k.close((int) fd);
    return result < 0 ? "cannot open the guest's console: " + k.explain(result) : null;
  }

  private static void load(Kernel k, StringBuilder warnings) {
    Files.Content list = Files.read(k, MODULES, MODULES_MOST).content();
    String text = list == null ? "" : list.text();
    int from = 0;
    while (from < text.length()) {
      int end = text.indexOf('\n', from);
      end = end < 0 ? text.length() : end;
      if (end > from) {
        warn(warnings, loadOne(k, text.substring(from, end)));
      }
      from = end + 1;
    }
  }

  private static @Nullable String loadOne(Kernel k, String path) {
    long fd = k.openat2(AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0, 0);
    long result = fd < 0 ? fd : k.finit_module((int) fd, "");
    // A module may be for another processor, as one of the two of KVM always is.
    boolean foreign = result == -Errno.ENODEV || result == -Errno.EOPNOTSUPP;
    String problem =
        result < 0 && result != -Errno.EEXIST && !foreign
            ? "cannot load the guest's kernel module " + path + ": " + k.explain(result)
            : null;
    if (fd >= 0) {
      long closed = k.close((int) fd);
      // The file is memory of the guest's.
      long removed = closed < 0 ? closed : k.unlinkat(AT_FDCWD, path, 0);
      return removed < 0 && problem == null ? path + ": " + k.explain(removed) : problem;
    }
    return problem;
  }

  private static @Nullable String enterSystem(Kernel k) {
    long result = k.chdir(SYSTEM);
    if (result >= 0) {
      result = k.mount(".", "/", null, MS_MOVE, null);
    }
    if (result >= 0) {
      result = k.chroot(".");
    }
    if (result >= 0) {
      result = k.chdir("/");
    }
    return result < 0 ? "cannot leave the initramfs: " + k.explain(result) : null;
  }

  /** The kernel's release. */
  static String release(Kernel k) {
    Files.Content release = Files.read(k, "/proc/sys/kernel/osrelease", RELEASE_MOST).content();
    return release == null ? "" : release.text().strip();
  }

  /** Says on the console why the guest ends. */
  static void lastWords(Kernel k, String problem) {
    byte[] text = Bytes.utf8("coracle: the guest cannot go on: " + problem + "\n");
    long said = Files.writeAll(k, LAST_OF_STDIO, text, 0, text.length);
    if (said < 0) {
      return; // There is not even a console: the host sees that the machine ends.
    }
  }

  /** Ends the machine. Returns only where that is refused. */
  static int powerOff(Kernel k) {
    long result = k.reboot(POWER_OFF);
    return result < 0 ? (int) -result : 0;
  }
}
