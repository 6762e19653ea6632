package dev.coracle.cgroup;

import dev.coracle.abi.Bytes;
import dev.coracle.cgroup.DeviceRules.Policy;
import dev.coracle.cgroup.DeviceRules.Rule;
import dev.coracle.plan.Action.Program;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A compiler from device rules to a BPF_PROG_TYPE_CGROUP_DEVICE program (bpf(2)), which the kernel
 * runs for every open(2) and mknod(2) of a device on cgroup v2.
 *
 * <pre>
 * struct bpf_insn                     struct bpf_cgroup_dev_ctx
 * 0      1         2        4    8    0                    4       8      12
 * | code | src dst | offset | imm |   | access &lt;&lt; 16 | type | major | minor |
 * </pre>
 *
 * <p>The program goes from the last rule to the first. r3 holds the kinds of access that no rule
 * has decided about yet: an allowing rule takes its own out of it and ends the program when none is
 * left; a denying rule ends it when one of its own is left. So {@code r} and {@code w} of one open
 * may come from two rules, which peers do not allow.
 */
public final class DeviceProgram {
  private static final int INSTRUCTION_BYTES = 8;

  /** BPF_MAXINSNS (linux/bpf_common.h): what kernels before 5.2 take; later ones take a million. */
  private static final int MAX_INSTRUCTIONS = 4096;

  // dev_t in the kernel has 12 and 20 bits (linux/kdev_t.h): a rule above that matches no device,
  // and its number would be sign-extended by the comparison.
  private static final long MAJOR_MAX = 0xfff;
  private static final long MINOR_MAX = 0xfffff;

  // linux/bpf_common.h, linux/bpf.h
  private static final int LDX_MEM_W = 0x61;
  private static final int MOV64_K = 0xb7;
  private static final int MOV64_X = 0xbf;
  private static final int RSH32_K = 0x74;
  private static final int AND32_K = 0x54;
  private static final int JA = 0x05;
  private static final int JEQ_K = 0x15;
  private static final int JSET_K = 0x45;
  private static final int JNE_K = 0x55;
  private static final int EXIT = 0x95;

  private static final int R0 = 0;
  private static final int CONTEXT = 1;
  private static final int TYPE = 2;
  private static final int ACCESS = 3;
  private static final int MAJOR = 4;
  private static final int MINOR = 5;

  private static final int PROLOGUE = 6;
  private static final int VERDICT = 2;

  private final byte[] code;
  private int at;
  private final int allow;
  private final int deny;

  private DeviceProgram(DeviceRules rules, int size) {
    this.code = new byte[size * INSTRUCTION_BYTES];
    // The policy's verdict stands right after the rules, the other one behind it.
    int other = size - VERDICT;
    this.allow = rules.policy() == Policy.ALLOW ? other - VERDICT : other;
    this.deny = rules.policy() == Policy.ALLOW ? other : other - VERDICT;
  }

  /** The program, or null where there are too many rules. */
  public static @Nullable Program compile(DeviceRules rules) {
    int size = PROLOGUE + VERDICT + VERDICT;
    int used = 0;
    for (Rule r : rules.rules()) {
      if (matchable(r)) {
        size += length(r);
        used++;
      }
    }
    if (size > MAX_INSTRUCTIONS) {
      return null;
    }
    byte[] code = new DeviceProgram(rules, size).emit(rules);
    if (used == 0) {
      // Nothing leads to the other verdict, and the verifier refuses what nothing leads to.
      code = Arrays.copyOf(code, code.length - VERDICT * INSTRUCTION_BYTES);
    }
    String policy = rules.policy() == Policy.ALLOW ? "allow" : "deny";
    return new Program(code, policy + " all, " + used + " rules");
  }

  private static boolean matchable(Rule r) {
    return r.major() <= MAJOR_MAX && r.minor() <= MINOR_MAX;
  }

  private static int length(Rule r) {
    int verdict = r.policy() == Policy.ALLOW && r.access() != DeviceRules.ALL_ACCESS ? 2 : 1;
    return 1 + (r.major() >= 0 ? 1 : 0) + (r.minor() >= 0 ? 1 : 0) + verdict;
  }

  private byte[] emit(DeviceRules rules) {
    put(LDX_MEM_W, TYPE, CONTEXT, 0, 0);
    put(MOV64_X, ACCESS, TYPE, 0, 0);
    put(RSH32_K, ACCESS, 0, 0, 16);
    put(AND32_K, TYPE, 0, 0, 0xffff);
    put(LDX_MEM_W, MAJOR, CONTEXT, 4, 0);
    put(LDX_MEM_W, MINOR, CONTEXT, 8, 0);
    List<Rule> all = rules.rules();
    for (int i = all.size() - 1; i >= 0; i--) {
      if (matchable(all.get(i))) {
        rule(all.get(i));
      }
    }
    verdict(rules.policy());
    verdict(rules.policy() == Policy.ALLOW ? Policy.DENY : Policy.ALLOW);
    return code;
  }

  private void rule(Rule r) {
    int next = at + length(r);
    jump(JNE_K, TYPE, r.type(), next);
    if (r.major() >= 0) {
      jump(JNE_K, MAJOR, (int) r.major(), next);
    }
    if (r.minor() >= 0) {
      jump(JNE_K, MINOR, (int) r.minor(), next);
    }
    boolean whole = r.access() == DeviceRules.ALL_ACCESS;
    if (whole) {
      jump(JA, 0, 0, r.policy() == Policy.ALLOW ? allow : deny);
    } else if (r.policy() == Policy.ALLOW) {
      put(AND32_K, ACCESS, 0, 0, DeviceRules.ALL_ACCESS & ~r.access());
      jump(JEQ_K, ACCESS, 0, allow);
    } else {
      jump(JSET_K, ACCESS, r.access(), deny);
    }
  }

  private void verdict(Policy policy) {
    put(MOV64_K, R0, 0, 0, policy == Policy.ALLOW ? 1 : 0);
    put(EXIT, 0, 0, 0, 0);
  }

  private void jump(int op, int register, int value, int target) {
    put(op, register, 0, target - at - 1, value);
  }

  private void put(int op, int dst, int src, int offset, int imm) {
    int i = at * INSTRUCTION_BYTES;
    code[i] = (byte) op;
    code[i + 1] = (byte) (src << 4 | dst);
    Bytes.put16(code, i + 2, offset);
    Bytes.put32(code, i + 4, imm);
    at++;
  }
}
