package dev.coracle.cgroup;

import dev.coracle.spec.Resources.DeviceRule;
import java.util.ArrayList;
import java.util.List;

/**
 * Which devices a container may use: a policy, and rules in order, of which the last one that
 * covers a kind of access decides about it. Rules that change nothing are left out.
 *
 * <p>Before the first rule nothing is allowed, and after the last one stand {@link #DEFAULTS}:
 * every runtime adds them, for nothing works in a container without them. A rule of type {@code a}
 * that holds for every number and access is a new policy; a narrower one is a rule for both kinds
 * of devices.
 *
 * <p>OCI: config-linux.md, "Allowed Device List". Peers: runc denies without any rule too; crun
 * does nothing then.
 *
 * @param policy what holds for what no rule covers
 */
public record DeviceRules(Policy policy, List<Rule> rules) {
  /** What holds for a device. */
  public enum Policy {
    DENY,
    ALLOW
  }

  /** BPF_DEVCG_DEV_BLOCK (linux/bpf.h). */
  static final int BLOCK = 1;

  /** BPF_DEVCG_DEV_CHAR (linux/bpf.h). */
  static final int CHARACTER = 2;

  /** BPF_DEVCG_ACC_MKNOD (linux/bpf.h). */
  static final int MKNOD = 1;

  /** BPF_DEVCG_ACC_READ (linux/bpf.h). */
  static final int READ = 2;

  /** BPF_DEVCG_ACC_WRITE (linux/bpf.h). */
  static final int WRITE = 4;

  static final int ALL_ACCESS = MKNOD | READ | WRITE;

  /** Any major or minor number. */
  static final long ANY = -1;

  /** The highest major number of a device (linux/kdev_t.h). */
  public static final long MAJOR_MAX = 0xfff;

  /** The highest minor number of a device (linux/kdev_t.h). */
  public static final long MINOR_MAX = 0xfffff;

  /** The index of a rule that nobody wrote. */
  static final int BY_DEFAULT = -1;

  private static final long MAJOR_MEM = 1;
  private static final long MAJOR_TTY = 5;
  private static final long MAJOR_MISC = 10;
  private static final long MAJOR_PTS = 136;

  /** What is allowed after all rules. */
  static final List<Rule> DEFAULTS =
      List.of(
          new Rule(Policy.ALLOW, CHARACTER, ANY, ANY, MKNOD, BY_DEFAULT),
          new Rule(Policy.ALLOW, BLOCK, ANY, ANY, MKNOD, BY_DEFAULT),
          allowed(MAJOR_MEM, 3), // null
          allowed(MAJOR_MEM, 5), // zero
          allowed(MAJOR_MEM, 7), // full
          allowed(MAJOR_MEM, 8), // random
          allowed(MAJOR_MEM, 9), // urandom
          allowed(MAJOR_TTY, 0), // tty
          allowed(MAJOR_TTY, 1), // console
          allowed(MAJOR_TTY, 2), // ptmx
          allowed(MAJOR_PTS, ANY), // pts/*
          // net/tun: runc 1.2 and crun 1.5 left it out, and both had to put it back.
          allowed(MAJOR_MISC, 200));

  /**
   * One rule.
   *
   * @param type {@link #BLOCK} or {@link #CHARACTER}
   * @param major {@link #ANY} for all
   * @param minor {@link #ANY} for all
   * @param access bits
   * @param index where it stands in /linux/resources/devices, or {@link #BY_DEFAULT}
   */
  record Rule(Policy policy, int type, long major, long minor, int access, int index) {
    /** Whether this rule holds for every device for which the other one does. */
    boolean coversDevicesOf(Rule other) {
      return type == other.type
          && (major == ANY || major == other.major)
          && (minor == ANY || minor == other.minor);
    }

    /** Whether there is a device, and a kind of access, for which both hold. */
    boolean meets(Rule other) {
      return type == other.type
          && (access & other.access) != 0
          && (major == ANY || other.major == ANY || major == other.major)
          && (minor == ANY || other.minor == ANY || minor == other.minor);
    }

    /** As devices.allow and devices.deny take it: {@code c 1:3 rwm}. */
    String text() {
      StringBuilder out = new StringBuilder(16);
      out.append(type == BLOCK ? "b " : "c ");
      number(out, major).append(':');
      number(out, minor).append(' ');
      if ((access & READ) != 0) {
        out.append('r');
      }
      if ((access & WRITE) != 0) {
        out.append('w');
      }
      if ((access & MKNOD) != 0) {
        out.append('m');
      }
      return out.toString();
    }

    private static StringBuilder number(StringBuilder out, long number) {
      return number == ANY ? out.append('*') : out.append(number);
    }
  }

  private static Rule allowed(long major, long minor) {
    return new Rule(Policy.ALLOW, CHARACTER, major, minor, ALL_ACCESS, BY_DEFAULT);
  }

  /** What the rules of a bundle come to, with the default ones after them. */
  public static DeviceRules of(List<DeviceRule> listed) {
    Policy policy = Policy.DENY;
    List<Rule> all = new ArrayList<>(listed.size() + DEFAULTS.size());
    for (int i = 0; i < listed.size(); i++) {
      DeviceRule r = listed.get(i);
      Policy asked = r.allow() ? Policy.ALLOW : Policy.DENY;
      long major = r.major() == null ? ANY : r.major();
      long minor = r.minor() == null ? ANY : r.minor();
      int access = access(r.access());
      if (r.type() == 'a' && major == ANY && minor == ANY && access == ALL_ACCESS) {
        policy = asked;
        all.clear();
        continue;
      }
      if (major > MAJOR_MAX || minor > MINOR_MAX) {
        continue; // no device has it, and v1 would take 4294967295 for all of them
      }
      if (r.type() != 'b') {
        all.add(new Rule(asked, CHARACTER, major, minor, access, i));
      }
      if (r.type() != 'c') {
        all.add(new Rule(asked, BLOCK, major, minor, access, i));
      }
    }
    all.addAll(DEFAULTS);
    return new DeviceRules(policy, reduce(policy, all));
  }

  /** Whether everything is allowed. */
  public boolean allowAll() {
    return policy == Policy.ALLOW && rules.isEmpty();
  }

  private static int access(String letters) {
    int bits = 0;
    for (int i = 0; i < letters.length(); i++) {
      bits |=
          switch (letters.charAt(i)) {
            case 'r' -> READ;
            case 'w' -> WRITE;
            case 'm' -> MKNOD;
            default -> throw new IllegalArgumentException("unknown access " + letters);
          };
    }
    return bits;
  }

  private static List<Rule> reduce(Policy policy, List<Rule> all) {
    List<Rule> out = new ArrayList<>(all.size());
    for (int i = 0; i < all.size(); i++) {
      Rule rule = all.get(i);
      if (!overridden(all, i) && (rule.policy() != policy || changesOne(out, rule))) {
        out.add(rule);
      }
    }
    return out;
  }

  /** Whether a later rule decides whatever this one could. */
  private static boolean overridden(List<Rule> all, int index) {
    Rule rule = all.get(index);
    for (int i = index + 1; i < all.size(); i++) {
      Rule later = all.get(i);
      if ((rule.access() & ~later.access()) == 0 && later.coversDevicesOf(rule)) {
        return true;
      }
    }
    return false;
  }

  /** Whether a rule that says what the policy says takes something back from an earlier one. */
  private static boolean changesOne(List<Rule> earlier, Rule rule) {
    for (Rule e : earlier) {
      if (e.policy() != rule.policy() && e.meets(rule)) {
        return true;
      }
    }
    return false;
  }
}
