package dev.coracle.seccomp;

import dev.coracle.spec.Seccomp;
import dev.coracle.spec.Seccomp.Arg;
import dev.coracle.spec.Seccomp.Rule;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What a profile means, told by reading its rules one after the other: slow, and as near to words
 * as can be. Where several conditional rules hold, any of their answers is one; which one it is has
 * tests of its own.
 */
final class ProfileReader {
  private static final int KILL_THREAD = 0;
  private static final int ENOSYS = 0x00050026;

  private final Seccomp profile;
  private final Abi nativeAbi;

  ProfileReader(Seccomp profile, Abi nativeAbi) {
    this.profile = profile;
    this.nativeAbi = nativeAbi;
  }

  /** The answers that are right. */
  Set<Integer> answers(int number, int arch, long[] args) {
    Abi abi = abi(number, arch);
    if (abi == null) {
      boolean skipped = arch == Abi.X86_64.auditArch() && arch == nativeAbi.auditArch();
      return Set.of(skipped && number == -1 ? defaultCode() : KILL_THREAD);
    }
    int largest = largest(abi);
    if (largest > 0 && Integer.compareUnsigned(number, largest) > 0 && denies()) {
      return Set.of(ENOSYS);
    }
    Set<Integer> out = new HashSet<>();
    for (Rule rule : profile.syscalls()) {
      int code = Actions.code(rule.action(), rule.errnoRet());
      for (String name : rule.names()) {
        if (code == defaultCode()) {
          continue;
        }
        for (List<Arg> all : alternatives(rule.args())) {
          Boolean unconditional = matches(name, abi, number, all, args, out, code);
          if (unconditional) {
            return Set.of(code);
          }
        }
      }
    }
    // A rule without conditions counts wherever it stands; without one, those that hold.
    return out.isEmpty() ? Set.of(defaultCode()) : out;
  }

  private boolean matches(
      String name, Abi abi, int number, List<Arg> all, long[] args, Set<Integer> out, int code) {
    List<Arg> telling = new ArrayList<>();
    for (Arg arg : all) {
      long mask = abi.wide() ? arg.value() : arg.value() & 0xffffffffL;
      if (!arg.op().equals("SCMP_CMP_MASKED_EQ") || mask != 0) {
        telling.add(arg);
      }
    }
    int multiplexer = Multiplexer.socketCall(name) > 0 ? 102 : 117;
    int call = Multiplexer.socketCall(name) + Multiplexer.ipcCall(name);
    if (abi == Abi.X86 && call > 0 && number == multiplexer && (int) args[0] == call) {
      telling.removeIf(arg -> arg.index() == 0);
      if (hold(telling, abi, args)) {
        out.add(code);
      }
    }
    if (Integer.toUnsignedLong(number) != number(name, abi)) {
      return false;
    }
    if (hold(telling, abi, args)) {
      out.add(code);
    }
    return telling.isEmpty();
  }

  private static boolean hold(List<Arg> all, Abi abi, long[] args) {
    for (Arg arg : all) {
      long width = abi.wide() ? -1 : 0xffffffffL;
      long actual = args[arg.index()] & width;
      long value = arg.value() & width;
      int order = Long.compareUnsigned(actual, value);
      boolean holds =
          switch (arg.op()) {
            case "SCMP_CMP_NE" -> order != 0;
            case "SCMP_CMP_LT" -> order < 0;
            case "SCMP_CMP_LE" -> order <= 0;
            case "SCMP_CMP_EQ" -> order == 0;
            case "SCMP_CMP_GE" -> order >= 0;
            case "SCMP_CMP_GT" -> order > 0;
            default -> (actual & value) == (arg.valueTwo() & value);
          };
      if (!holds) {
        return false;
      }
    }
    return true;
  }

  private static List<List<Arg>> alternatives(List<Arg> args) {
    Set<Integer> indexes = new HashSet<>();
    args.forEach(arg -> indexes.add(arg.index()));
    if (indexes.size() == args.size()) {
      return List.of(args);
    }
    List<List<Arg>> out = new ArrayList<>();
    args.forEach(arg -> out.add(List.of(arg)));
    return out;
  }

  private @Nullable Abi abi(int number, int arch) {
    if (nativeAbi == Abi.AARCH64) {
      return arch == Abi.AARCH64.auditArch() ? Abi.AARCH64 : null;
    }
    if (arch == Abi.X86.auditArch()) {
      return profile.architectures().contains("SCMP_ARCH_X86") ? Abi.X86 : null;
    }
    if (arch != Abi.X86_64.auditArch()) {
      return null;
    }
    if (Integer.compareUnsigned(number, 0x40000000) < 0) {
      return Abi.X86_64;
    }
    return profile.architectures().contains("SCMP_ARCH_X32") ? Abi.X32 : null;
  }

  private int largest(Abi abi) {
    int largest = 0;
    for (Rule rule : profile.syscalls()) {
      for (String name : rule.names()) {
        largest = Math.max(largest, (int) number(name, abi));
        boolean other = Actions.code(rule.action(), rule.errnoRet()) != defaultCode();
        if (abi == Abi.X86 && other && Multiplexer.socketCall(name) > 0) {
          largest = Math.max(largest, 102);
        }
        if (abi == Abi.X86 && other && Multiplexer.ipcCall(name) > 0) {
          largest = Math.max(largest, 117);
        }
      }
    }
    return largest;
  }

  /** The number as the kernel sees it; −1 for none. */
  static long number(String name, Abi abi) {
    int record = SyscallTable.find(name);
    int number = record < 0 ? -1 : SyscallTable.number(record, abi);
    return number < 0 ? -1 : number | abi.numberBit();
  }

  private int defaultCode() {
    return Actions.code(profile.defaultAction(), profile.defaultErrnoRet());
  }

  private boolean denies() {
    return !List.of("SCMP_ACT_ALLOW", "SCMP_ACT_LOG", "SCMP_ACT_TRACE")
        .contains(profile.defaultAction());
  }
}
