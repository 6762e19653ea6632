package dev.coracle.property.process;

import dev.coracle.json.Members;
import dev.coracle.json.Pointer;
import dev.coracle.plan.Action;
import dev.coracle.plan.Phase;
import dev.coracle.plan.PlanBuilder;
import dev.coracle.problem.Origin;
import dev.coracle.problem.Problems;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The five capability sets (config.md; capabilities(7)). */
public final class Capabilities {
  /** Every capability that Linux has, as since 5.9. */
  public static final long ALL = (1L << 41) - 1;

  public static final Pointer POINTER = Pointer.of("/process/capabilities");

  // linux/capability.h, in the order of their numbers.
  private static final String NAMES =
      "CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE"
          + " NET_BIND_SERVICE NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE"
          + " SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE"
          + " SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE"
          + " MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE ";

  private Capabilities() {}

  /**
   * Reads them. A name that is unknown, or that the runtime cannot grant, is a warning and is left
   * out (config.md since 1.1).
   *
   * @param grantable the runtime's own bounding set
   */
  public static dev.coracle.spec.Process.@Nullable Capabilities read(
      Members process, long grantable, Problems problems) {
    Members sets = process.object("capabilities");
    if (sets == null) {
      return null;
    }
    long bounding = read(sets, "bounding", grantable, problems);
    long effective = read(sets, "effective", grantable, problems);
    long inheritable = read(sets, "inheritable", grantable, problems);
    long permitted = read(sets, "permitted", grantable, problems);
    long ambient = read(sets, "ambient", grantable, problems);
    return new dev.coracle.spec.Process.Capabilities(
        bounding,
        effective,
        inheritable,
        permitted,
        raisable(sets, ambient, inheritable & permitted, problems));
  }

  /** Those that the kernel lets be ambient: the others cannot be granted (capabilities(7)). */
  private static long raisable(Members sets, long ambient, long allowed, Problems problems) {
    List<String> names = (ambient & ~allowed) == 0 ? List.of() : sets.strings("ambient");
    for (int i = 0; i < names.size(); i++) {
      int number = number(names.get(i));
      if (number >= 0 && (ambient & ~allowed & 1L << number) != 0) {
        problems.warning(
            sets.pointer("ambient").child(i),
            "can't raise ambient capability "
                + names.get(i)
                + ": it is not both permitted and inheritable");
      }
    }
    return ambient & allowed;
  }

  private static long read(Members sets, String key, long grantable, Problems problems) {
    List<String> names = sets.strings(key);
    long out = 0;
    for (int i = 0; i < names.size(); i++) {
      String name = names.get(i);
      int number = number(name);
      if (number < 0) {
        Pointer at = sets.pointer(key).child(i);
        problems.warning(at, "unknown capability \"" + name + "\" is left out");
      } else if ((grantable & 1L << number) == 0) {
        Pointer at = sets.pointer(key).child(i);
        problems.warning(at, "\"" + name + "\" cannot be granted and is left out");
      } else {
        out |= 1L << number;
      }
    }
    return out;
  }

  /** The number of a capability, or −1: a switch, for a container names some fifty. */
  public static int number(String name) {
    return switch (name) {
      case "CAP_CHOWN" -> 0;
      case "CAP_DAC_OVERRIDE" -> 1;
      case "CAP_DAC_READ_SEARCH" -> 2;
      case "CAP_FOWNER" -> 3;
      case "CAP_FSETID" -> 4;
      case "CAP_KILL" -> 5;
      case "CAP_SETGID" -> 6;
      case "CAP_SETUID" -> 7;
      case "CAP_SETPCAP" -> 8;
      case "CAP_LINUX_IMMUTABLE" -> 9;
      case "CAP_NET_BIND_SERVICE" -> 10;
      case "CAP_NET_BROADCAST" -> 11;
      case "CAP_NET_ADMIN" -> 12;
      case "CAP_NET_RAW" -> 13;
      case "CAP_IPC_LOCK" -> 14;
      case "CAP_IPC_OWNER" -> 15;
      case "CAP_SYS_MODULE" -> 16;
      case "CAP_SYS_RAWIO" -> 17;
      case "CAP_SYS_CHROOT" -> 18;
      case "CAP_SYS_PTRACE" -> 19;
      case "CAP_SYS_PACCT" -> 20;
      case "CAP_SYS_ADMIN" -> 21;
      case "CAP_SYS_BOOT" -> 22;
      case "CAP_SYS_NICE" -> 23;
      case "CAP_SYS_RESOURCE" -> 24;
      case "CAP_SYS_TIME" -> 25;
      case "CAP_SYS_TTY_CONFIG" -> 26;
      case "CAP_MKNOD" -> 27;
      case "CAP_LEASE" -> 28;
      case "CAP_AUDIT_WRITE" -> 29;
      case "CAP_AUDIT_CONTROL" -> 30;
      case "CAP_SETFCAP" -> 31;
      case "CAP_MAC_OVERRIDE" -> 32;
      case "CAP_MAC_ADMIN" -> 33;
      case "CAP_SYSLOG" -> 34;
      case "CAP_WAKE_ALARM" -> 35;
      case "CAP_BLOCK_SUSPEND" -> 36;
      case "CAP_AUDIT_READ" -> 37;
      case "CAP_PERFMON" -> 38;
      case "CAP_BPF" -> 39;
      case "CAP_CHECKPOINT_RESTORE" -> 40;
      default -> -1;
    };
  }

  /** All names, in the order of their numbers, with {@code CAP_}. */
  public static List<String> names() {
    List<String> out = new java.util.ArrayList<>();
    int from = 0;
    while (from < NAMES.length()) {
      int to = NAMES.indexOf(' ', from);
      out.add("CAP_" + NAMES.substring(from, to));
      from = to + 1;
    }
    return out;
  }

  /** Takes what is not wanted out of the bounding set: while CAP_SETPCAP is still there. */
  public static void planBounding(
      dev.coracle.spec.Process.@Nullable Capabilities sets, Origin origin, PlanBuilder plan) {
    if (sets != null) {
      plan.add(Phase.CHILD_PROCESS, new Action.DropBoundingCapabilities(sets.bounding()), origin);
    }
  }

  /** Sets the other four: after User, which clears them. */
  public static void plan(
      dev.coracle.spec.Process.@Nullable Capabilities sets, Origin origin, PlanBuilder plan) {
    if (sets != null) {
      plan.add(Phase.CHILD_PROCESS, new Action.SetCapabilities(sets), origin);
    }
  }
}
