package dev.coracle.vm;

import dev.coracle.problem.Problems;
import dev.coracle.spec.Linux.Device;
import dev.coracle.spec.Resources;
import dev.coracle.spec.Resources.DeviceRule;
import dev.coracle.spec.Spec;
import dev.coracle.vm.GuestModules.Need;
import java.util.ArrayList;
import java.util.List;

/**
 * Which devices of a container a machine can give it (config-linux.md, "Devices"): block devices of
 * the host become its disks, and what every kernel has by itself is the guest's own. Host and guest
 * read the same configuration, and so number the disks alike.
 */
public final class GuestDevices {
  private static final long MEM_MAJOR = 1;
  private static final long TTY_MAJOR = 5;
  private static final long MISC_MAJOR = 10;
  private static final long TUN_MINOR = 200;
  private static final long FUSE_MINOR = 229;
  private static final long KVM_MINOR = 232;

  private GuestDevices() {}

  /** Tells of those that cannot be given. */
  public static void check(Spec spec, Problems problems) {
    for (Device d : isPrivileged(spec) ? List.<Device>of() : spec.linux().devices()) {
      if (d.type() != 'b' && d.type() != 'p' && !isGuests(d)) {
        problems.error(
            d.origin(),
            "a virtual machine cannot be given \""
                + d.path()
                + "\": it gets block devices, /dev/fuse, /dev/net/tun and /dev/kvm");
      }
    }
  }

  /** The block devices of the host that become disks, the first one's number is 0. */
  public static List<Device> disks(Spec spec) {
    List<Device> out = new ArrayList<>();
    for (Device d : isPrivileged(spec) ? List.<Device>of() : spec.linux().devices()) {
      if (d.type() == 'b') {
        out.add(d);
      }
    }
    return out;
  }

  /** By what the guest knows a disk. */
  public static String serial(int number) {
    return "device" + number;
  }

  /** The modules that the guest's own devices take. */
  public static List<Need> needs(Spec spec) {
    List<Need> out = new ArrayList<>();
    if (has(spec, TUN_MINOR)) {
      out.add(Need.TUN);
    }
    if (has(spec, FUSE_MINOR)) {
      out.add(Need.FUSE);
    }
    if (has(spec, KVM_MINOR)) {
      out.add(Need.KVM);
    }
    return out;
  }

  private static boolean has(Spec spec, long minor) {
    for (Device d : spec.linux().devices()) {
      if (isMisc(d, minor)) {
        return true;
      }
    }
    return false;
  }

  private static boolean isMisc(Device d, long minor) {
    return d.type() != 'b' && d.major() == MISC_MAJOR && d.minor() == minor;
  }

  private static boolean isGuests(Device d) {
    return d.major() == MEM_MAJOR
        || d.major() == TTY_MAJOR
        || isMisc(d, TUN_MINOR)
        || isMisc(d, FUSE_MINOR)
        || isMisc(d, KVM_MINOR);
  }

  /**
   * Whether all devices are allowed. Engines list each of the host's for a privileged container;
   * nobody has asked for one of them, and a guest with all disks of the host would be none.
   */
  static boolean isPrivileged(Spec spec) {
    Resources r = spec.linux().resources();
    boolean all = false;
    for (DeviceRule rule : r == null ? List.<DeviceRule>of() : r.devices()) {
      if (rule.type() == 'a' && rule.major() == null && rule.minor() == null) {
        all = rule.allow();
      }
    }
    return all;
  }
}
