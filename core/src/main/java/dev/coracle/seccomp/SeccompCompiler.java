package dev.coracle.seccomp;

import dev.coracle.spec.Seccomp;
import dev.coracle.spec.Seccomp.Arg;
import dev.coracle.spec.Seccomp.Rule;
import java.util.ArrayList;
import java.util.List;

/**
 * Compiles a filter to the kernel's classic BPF, to answer as libseccomp does under runc.
 *
 * <p>The order of checks: the architecture, where one that the filter has no rules for is killed;
 * then a binary search for the number; then, for some numbers, the arguments. Where the default
 * denies, numbers above the largest one that the profile names answer ENOSYS, so that a C library
 * falls back to the calls of older kernels. Where x32 is not listed, its calls are killed.
 *
 * <p>Where libseccomp 2.5.4 does not do what its rules say (several inequalities for one call; x32
 * beside x86-64), this does what they say.
 *
 * <p>OCI: config-linux.md, "Seccomp". Kernel: seccomp(2), linux v6.12 kernel/seccomp.c. Peers: runc
 * 76d9cf5 libcontainer/seccomp, libseccomp src/db.c and src/gen_bpf.c.
 */
public final class SeccompCompiler {
  /** BPF_MAXINSNS: a longer program is refused by the kernel. */
  public static final int MAX_INSTRUCTIONS = 4096;

  private static final int OFFSET_ARCH = 4;

  /** A tracer skips a system call by making it number −1: that is no x32 call. */
  private static final int SKIPPED = -1;

  private final int defaultCode;
  private final int newer;
  private final Rules[] abis;

  private SeccompCompiler(Seccomp seccomp, Abi nativeAbi) {
    defaultCode = Actions.code(seccomp.defaultAction(), seccomp.defaultErrnoRet());
    newer = Actions.permits(defaultCode) ? defaultCode : Actions.RET_ENOSYS;
    List<Abi> wanted = abis(seccomp, nativeAbi);
    abis = new Rules[wanted.size()];
    for (int i = 0; i < abis.length; i++) {
      abis[i] = new Rules(wanted.get(i), defaultCode);
    }
    for (Rule rule : seccomp.syscalls()) {
      add(rule);
    }
  }

  /**
   * The program: an array of struct sock_filter, little-endian. The words of {@code seccomp} must
   * be known ones.
   *
   * @param nativeAbi that of the machine on which the filter will run
   */
  public static byte[] compile(Seccomp seccomp, Abi nativeAbi) {
    return new SeccompCompiler(seccomp, nativeAbi).write();
  }

  /** Whether the word is an operator of the spec, {@code SCMP_CMP_*}. */
  public static boolean isOperator(String word) {
    return Condition.isOperator(word);
  }

  /** How many instructions the program has. */
  public static int instructions(byte[] program) {
    return program.length / ProgramWriter.INSTRUCTION_BYTES;
  }

  /**
   * A number of instructions that the program does not exceed, cheap to tell: whether a filter is
   * too long needs an exact answer only where this is above {@link #MAX_INSTRUCTIONS}.
   */
  public static int atMost(Seccomp seccomp, Abi nativeAbi) {
    int perAbi = 100;
    for (Rule rule : seccomp.syscalls()) {
      // At most two bounds of ranges a name; five instructions a condition, of which an argument
      // of a multiplexed call makes up to seven.
      int args = rule.args().size();
      perAbi += rule.names().size() * (args == 0 ? 2 : 3 + 7 * args);
    }
    int all = perAbi * abis(seccomp, nativeAbi).size();
    // Stepping stones: at most one in 250 instructions for every answer that there is.
    return all + all / 100 * (seccomp.syscalls().size() + 4) / 2;
  }

  /** The native ABI, which is always there, then the listed ones that can run on it. */
  private static List<Abi> abis(Seccomp seccomp, Abi nativeAbi) {
    List<Abi> out = new ArrayList<>();
    out.add(nativeAbi);
    if (nativeAbi == Abi.X86_64) {
      // After x86-64: its numbers are larger, and Ranges wants them in order.
      if (seccomp.architectures().contains(Abi.X32.word())) {
        out.add(Abi.X32);
      }
      if (seccomp.architectures().contains(Abi.X86.word())) {
        out.add(Abi.X86);
      }
    }
    return out;
  }

  private void add(Rule rule) {
    int code = Actions.code(rule.action(), rule.errnoRet());
    List<List<Condition>> wide = alternatives(rule.args(), true);
    List<List<Condition>> narrow = alternatives(rule.args(), false);
    List<String> names = rule.names();
    // Loops by index, here and below: an iterator for each of a thousand names shows.
    for (int i = 0; i < names.size(); i++) {
      String name = names.get(i);
      int record = SyscallTable.find(name);
      for (Rules rules : abis) {
        add(rules, name, record, code, rules.abi.wide() ? wide : narrow);
      }
    }
  }

  private void add(
      Rules rules, String name, int record, int code, List<List<Condition>> alternatives) {
    int number = record < 0 ? -1 : SyscallTable.number(record, rules.abi);
    rules.name(number);
    // Such a rule says nothing, not even against another rule for the same call.
    if (code == defaultCode) {
      return;
    }
    for (int i = 0; i < alternatives.size(); i++) {
      List<Condition> conditions = alternatives.get(i);
      if (rules.abi == Abi.X86 && Multiplexer.mayHave(number)) {
        addMultiplexed(rules, name, code, conditions);
      }
      if (number >= 0) {
        rules.add(number, conditions, code);
      }
    }
  }

  private static void addMultiplexed(
      Rules rules, String name, int code, List<Condition> conditions) {
    int call = Multiplexer.socketCall(name);
    if (call > 0) {
      rules.addMultiplexed(Multiplexer.SOCKETCALL, call, conditions, code);
    }
    call = Multiplexer.ipcCall(name);
    if (call > 0) {
      rules.addMultiplexed(Multiplexer.IPC, call, conditions, code);
    }
  }

  /**
   * The sets of conditions of which one must hold: a single set, or, where an argument stands
   * twice, a set for each condition, as runc has always read that.
   */
  private static List<List<Condition>> alternatives(List<Arg> args, boolean wide) {
    int seen = 0;
    boolean twice = false;
    for (Arg arg : args) {
      int bit = 1 << arg.index();
      twice |= (seen & bit) != 0;
      seen |= bit;
    }
    List<List<Condition>> out = new ArrayList<>(Math.max(1, args.size()));
    if (!twice) {
      out.add(Condition.all(args, wide));
      return out;
    }
    for (Arg arg : args) {
      out.add(Condition.all(List.of(arg), wide));
    }
    return out;
  }

  private byte[] write() {
    ProgramWriter out = new ProgramWriter();
    int otherArch = out.answer(Actions.SECCOMP_RET_KILL_THREAD);
    int place = otherArch;
    // From the last instruction to the first: the native architecture is asked for first.
    for (int i = abis.length - 1; i >= 0; i--) {
      if (abis[i].abi != Abi.X32) {
        int search = ranges(out, i).write();
        place = out.ifEqual(abis[i].abi.auditArch(), search, place);
      }
    }
    out.follow(place);
    out.load(OFFSET_ARCH);
    return out.program();
  }

  private Ranges ranges(ProgramWriter out, int index) {
    Ranges ranges = new Ranges(out);
    Abi abi = abis[index].abi;
    addRanges(ranges, abis[index]);
    if (abi != Abi.X86_64) {
      return ranges;
    }
    if (index + 1 < abis.length && abis[index + 1].abi == Abi.X32) {
      addRanges(ranges, abis[index + 1]);
    } else {
      ranges.add(Abi.X32.numberBit(), Actions.SECCOMP_RET_KILL_THREAD, null);
      ranges.add(SKIPPED, defaultCode, null);
    }
    return ranges;
  }

  private void addRanges(Ranges ranges, Rules rules) {
    int base = rules.abi.numberBit();
    for (int number = 0; number <= rules.largest; number++) {
      ranges.add(base + number, rules.code(number), rules.branch(number));
    }
    ranges.add(base + rules.largest + 1, rules.hasLargest() ? newer : defaultCode, null);
  }
}
