package dev.coracle.execute;

import dev.coracle.abi.Fcntl;
import dev.coracle.kernel.Errno;
import dev.coracle.kernel.Kernel;
import dev.coracle.plan.Action;

/**
 * Security modules and keys. What /proc/self/attr takes is written through the host's procfs: the
 * container's own may be anything, also another file of procfs (CVE-2025-52881).
 */
final class SecurityActions {
  private static final String SELINUX_MOUNT_POINT = "/sys/fs/selinux";
  private static final long SELINUX_MAGIC = 0xf97cff8cL; // linux/magic.h
  private static final long KEYCTL_SETPERM = 5;
  private static final long RESOLVE =
      Fcntl.RESOLVE_BENEATH | Fcntl.RESOLVE_NO_MAGICLINKS | Fcntl.RESOLVE_NO_XDEV;

  private SecurityActions() {}

  static long setApparmorProfile(Context c, Action.SetApparmorProfile a) {
    // Where several security modules are stacked, attr/exec belongs to one of them (Linux 5.8).
    String own = "self/attr/apparmor/exec";
    long result = write(c, own, "exec " + a.profile());
    if (result == -Errno.ENOENT && !isThere(c, own)) {
      String shared = "self/attr/exec";
      return explained(c, shared, write(c, shared, "exec " + a.profile()), "AppArmor");
    }
    return explained(c, own, result, "AppArmor");
  }

  static long setSelinuxLabel(Context c, Action.SetSelinuxLabel a) {
    if (!hasSelinux(c)) {
      return c.fail(Errno.EOPNOTSUPP, "SELinux is disabled or not supported on this host");
    }
    String file = "self/attr/exec";
    return explained(c, file, write(c, file, a.label()), "SELinux");
  }

  private static boolean hasSelinux(Context c) {
    if (c.selinux == null) {
      c.selinux = c.kernel.statfsType(SELINUX_MOUNT_POINT) == SELINUX_MAGIC;
    }
    return c.selinux;
  }

  static long joinSessionKeyring(Context c, Action.JoinSessionKeyring a) {
    String file = "self/attr/keycreate";
    // Without SELinux the step of the label itself tells.
    String label = a.selinuxLabel() == null || !hasSelinux(c) ? null : a.selinuxLabel();
    if (label != null) {
      // Only for this one keyring: keys that the process makes later are labelled by the policy.
      long result = write(c, file, label);
      if (result < 0 && result != -Errno.ENOENT) {
        return explained(c, file, result, "SELinux");
      }
    }
    long result = join(c.kernel, a);
    if (label != null && result >= 0) {
      long cleared = write(c, file, "");
      result = cleared == -Errno.ENOENT ? 0 : explained(c, file, cleared, "SELinux");
    }
    return result;
  }

  /** Without keyrings in the kernel there are no keys of the caller's to be kept from. */
  private static long join(Kernel k, Action.JoinSessionKeyring a) {
    long keyring = k.keyctlJoinSessionKeyring(a.name());
    if (keyring == -Errno.ENOSYS) {
      return 0;
    }
    return keyring < 0 || a.permissions() == 0
        ? keyring
        : k.keyctl(KEYCTL_SETPERM, keyring, a.permissions());
  }

  private static boolean isThere(Context c, String file) {
    long proc = c.proc();
    return proc >= 0 && c.kernel.faccessat2((int) proc, file, 0, 0) >= 0;
  }

  private static long write(Context c, String file, String text) {
    long proc = c.proc();
    return proc < 0 ? proc : Files.writeKernelFile(c.kernel, (int) proc, file, text, RESOLVE);
  }

  /** Engines look for the file between back-ticks. */
  private static long explained(Context c, String file, long result, String module) {
    if (result >= 0) {
      return result;
    }
    boolean unheard = result == -Errno.EINVAL || result == -Errno.ENOENT;
    String hint = unheard ? "; is " + module + " enabled, and is that loaded?" : "";
    return c.fail((int) -result, "write to `/proc/" + file + "`: " + Errno.text(-result) + hint);
  }
}
