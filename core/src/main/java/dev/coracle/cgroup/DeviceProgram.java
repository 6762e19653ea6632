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
 * <p>There is a chain for each type of device, and a chain goes from the last rule to the first. r3
 * holds the kinds of access that no rule has decided about yet: an allowing rule takes its own out
 * of it and ends the program when none is left; a denying rule ends it when one of its own is left.
 * So {@code r} and {@code w} of one open may come from two rules, which peers do not allow.
 *
 * <p>Rules next to each other that decide the same for every access are compared without a branch
 * for each: branches are what the kernel's verifier takes its time for. With one for every number
 * the default rules took 96 µs to load, and they take 27 µs so (median of 300, Linux 6.18).
 */
public final class DeviceProgram {
  private static final int INSTRUCTION_BYTES = 8;

  /** BPF_MAXINSNS (linux/bpf_common.h): what kernels before 5.2 take; later ones take a million. */
  private static final int MAX_INSTRUCTIONS = 4096;

  /** MINORBITS (linux/kdev_t.h): major and minor fill 32 bits. */
  private static final int MINOR_BITS = 20;

  // linux/bpf_common.h, linux/bpf.h: BPF_ALU has 32 bits and clears the upper ones, BPF_ALU64 has
  // 64
  private static final int LDX_MEM_W = 0x61;
  private static final int MOV64_K = 0xb7;
  private static final int MOV64_X = 0xbf;
  private static final int ADD64_K = 0x07;
  private static final int RSH64_K = 0x77;
  private static final int OR64_X = 0x4f;
  private static final int LSH32_K = 0x64;
  private static final int RSH32_K = 0x74;
  private static final int AND32_K = 0x54;
  private static final int XOR32_K = 0xa4;
  private static final int OR32_X = 0x4c;
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
  private static final int BOTH = 6;
  private static final int MATCHED = 7;

  /** A rule takes no more than this: five to compare, two to begin and to end a run of rules. */
  private static final int RULE_MAX = 7;

  private static final int FRAME_MAX = 18;

  // Where a jump to a verdict goes is known only at the end; no real offset is below 0.
  private static final int TO_ALLOW = -1;
  private static final int TO_DENY = -2;

  private final List<Rule> rules;
  private final Policy policy;
  private final byte[] code;
  private int at;

  private DeviceProgram(DeviceRules rules) {
    this.rules = rules.rules();
    this.policy = rules.policy();
    this.code = new byte[(this.rules.size() * RULE_MAX + FRAME_MAX) * INSTRUCTION_BYTES];
  }

  /** The program, or null where there are too many rules. */
  public static @Nullable Program compile(DeviceRules rules) {
    DeviceProgram program = new DeviceProgram(rules);
    program.emit();
    if (program.at > MAX_INSTRUCTIONS) {
      return null;
    }
    String policy = rules.policy() == Policy.ALLOW ? "allow all, " : "deny all, ";
    byte[] code = Arrays.copyOf(program.code, program.at * INSTRUCTION_BYTES);
    return new Program(code, policy + rules.rules().size() + " rules");
  }

  private void emit() {
    put(LDX_MEM_W, TYPE, CONTEXT, 0, 0);
    put(MOV64_X, ACCESS, TYPE, 0, 0);
    put(RSH32_K, ACCESS, 0, 0, 16);
    put(AND32_K, TYPE, 0, 0, 0xffff);
    put(LDX_MEM_W, MAJOR, CONTEXT, 4, 0);
    put(LDX_MEM_W, MINOR, CONTEXT, 8, 0);
    put(MOV64_X, BOTH, MAJOR, 0, 0);
    put(LSH32_K, BOTH, 0, 0, MINOR_BITS);
    put(OR32_X, BOTH, MINOR, 0, 0);
    int other = at;
    put(JNE_K, TYPE, 0, 0, DeviceRules.CHARACTER);
    chain(DeviceRules.CHARACTER);
    Bytes.put16(code, other * INSTRUCTION_BYTES + 2, at - other - 1);
    chain(DeviceRules.BLOCK);
    verdict(TO_ALLOW, 1);
    verdict(TO_DENY, 0);
  }

  private void chain(int type) {
    int run = 0; // the verdict of the run of rules that is being compared
    for (int i = rules.size() - 1; i >= 0; i--) {
      Rule r = rules.get(i);
      if (r.type() != type) {
        continue;
      }
      int verdict = target(r.policy());
      boolean whole = r.access() == DeviceRules.ALL_ACCESS;
      if (run != 0 && (run != verdict || !whole)) {
        put(JNE_K, MATCHED, 0, run, 0);
        run = 0;
      }
      if (!whole) {
        partial(r);
      } else if (r.major() < 0 && r.minor() < 0) {
        // It holds for everything, so that no rule was left before it.
        end(run, verdict);
        return;
      } else {
        compare(r, run == 0 ? MATCHED : R0);
        run = verdict;
      }
    }
    end(run, target(policy));
  }

  private void end(int run, int verdict) {
    if (run != 0 && run != verdict) {
      put(JNE_K, MATCHED, 0, run, 0);
    }
    put(JA, 0, 0, verdict, 0);
  }

  private static int target(Policy policy) {
    return policy == Policy.ALLOW ? TO_ALLOW : TO_DENY;
  }

  /** Puts 1 where the rule's numbers match, or else 0: only 0 has a borrow when 1 is taken off. */
  private void compare(Rule r, int into) {
    boolean both = r.major() >= 0 && r.minor() >= 0;
    put(MOV64_X, into, both ? BOTH : r.major() >= 0 ? MAJOR : MINOR, 0, 0);
    long number = both ? r.major() << MINOR_BITS | r.minor() : Math.max(r.major(), r.minor());
    put(XOR32_K, into, 0, 0, (int) number);
    put(ADD64_K, into, 0, 0, -1);
    put(RSH64_K, into, 0, 0, 63);
    if (into != MATCHED) {
      put(OR64_X, MATCHED, into, 0, 0);
    }
  }

  /** A rule for some kinds of access only. */
  private void partial(Rule r) {
    int length = r.policy() == Policy.ALLOW ? 2 : 1;
    if (r.major() >= 0) {
      put(JNE_K, MAJOR, 0, length + (r.minor() >= 0 ? 1 : 0), (int) r.major());
    }
    if (r.minor() >= 0) {
      put(JNE_K, MINOR, 0, length, (int) r.minor());
    }
    if (r.policy() == Policy.ALLOW) {
      put(AND32_K, ACCESS, 0, 0, DeviceRules.ALL_ACCESS & ~r.access());
      put(JEQ_K, ACCESS, 0, TO_ALLOW, 0);
    } else {
      put(JSET_K, ACCESS, 0, TO_DENY, r.access());
    }
  }

  /** Ends the program, where anything leads here: the verifier refuses what nothing leads to. */
  private void verdict(int target, int value) {
    boolean used = false;
    for (int i = 0; i < at; i++) {
      int offset = i * INSTRUCTION_BYTES + 2;
      if ((short) Bytes.u16(code, offset) == target) {
        Bytes.put16(code, offset, at - i - 1);
        used = true;
      }
    }
    if (used) {
      put(MOV64_K, R0, 0, 0, value);
      put(EXIT, 0, 0, 0, 0);
    }
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
