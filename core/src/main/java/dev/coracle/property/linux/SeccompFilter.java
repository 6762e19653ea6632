package dev.coracle.property.linux;

import dev.coracle.json.Json;
import dev.coracle.json.Members;
import dev.coracle.json.Pointer;
import dev.coracle.plan.Action.InstallSeccomp;
import dev.coracle.plan.Action.Program;
import dev.coracle.plan.Phase;
import dev.coracle.plan.PlanBuilder;
import dev.coracle.seccomp.Abi;
import dev.coracle.seccomp.Actions;
import dev.coracle.seccomp.SeccompCompiler;
import dev.coracle.seccomp.Words;
import dev.coracle.spec.Seccomp;
import dev.coracle.spec.Seccomp.Arg;
import dev.coracle.spec.Seccomp.Rule;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The system call filter of the container's process.
 *
 * <p>OCI: config-linux.md, "Seccomp". Kernel: seccomp(2). Peers: runc libcontainer/specconv. The
 * name is not the property's, for that is the record's.
 */
public final class SeccompFilter {
  static final Pointer POINTER = Pointer.of("/linux/seccomp");

  /** The architectures of the spec; a filter for one that cannot run here is empty. */
  public static final String ARCHITECTURES =
      " SCMP_ARCH_X86 SCMP_ARCH_X86_64 SCMP_ARCH_X32 SCMP_ARCH_ARM SCMP_ARCH_AARCH64"
          + " SCMP_ARCH_MIPS SCMP_ARCH_MIPS64 SCMP_ARCH_MIPS64N32 SCMP_ARCH_MIPSEL"
          + " SCMP_ARCH_MIPSEL64 SCMP_ARCH_MIPSEL64N32 SCMP_ARCH_PPC SCMP_ARCH_PPC64"
          + " SCMP_ARCH_PPC64LE SCMP_ARCH_S390 SCMP_ARCH_S390X SCMP_ARCH_PARISC"
          + " SCMP_ARCH_PARISC64 SCMP_ARCH_RISCV64 SCMP_ARCH_LOONGARCH64 SCMP_ARCH_M68K"
          + " SCMP_ARCH_SH SCMP_ARCH_SHEB ";

  /** The flags of the spec, in the order of the kernel's bits; without NEW_LISTENER. */
  public static final String FLAGS =
      " SECCOMP_FILTER_FLAG_TSYNC SECCOMP_FILTER_FLAG_LOG SECCOMP_FILTER_FLAG_SPEC_ALLOW"
          + " SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV ";

  private static final String SPEC_ALLOW = "SECCOMP_FILTER_FLAG_SPEC_ALLOW";
  private static final int WAIT_KILLABLE_RECV = 3;

  /**
   * What stands for an action that was wrong, once that was told, so that the record stays
   * well-formed. It takes an errnoRet: whether the wrong one would is not known.
   */
  private static final String NO_ACTION = "SCMP_ACT_TRACE";

  /** The machine that the filter is for. Coracle is built for no other one yet. */
  private static final Abi NATIVE = Abi.X86_64;

  private SeccompFilter() {}

  /** Reads the filter; null where there is none. */
  public static @Nullable Seccomp read(Members linux) {
    Members seccomp = linux.object("seccomp");
    if (seccomp == null) {
      return null;
    }
    notSupported(seccomp, "listenerPath");
    notSupported(seccomp, "listenerMetadata");
    String defaultAction = action(seccomp, "defaultAction");
    Seccomp out =
        new Seccomp(
            defaultAction,
            errno(seccomp, "defaultErrnoRet", defaultAction),
            architectures(seccomp),
            flags(seccomp),
            rules(seccomp));
    checkLength(seccomp, out);
    return out;
  }

  /**
   * Adds the step that loads the filter. It is the last one before execve(2), so that the filter
   * need not allow what the runtime does; but without no_new_privs the kernel asks for
   * CAP_SYS_ADMIN, so it must come before the capabilities are dropped.
   */
  public static void plan(Seccomp seccomp, boolean noNewPrivileges, PlanBuilder plan) {
    byte[] filter = SeccompCompiler.compile(seccomp, NATIVE);
    String summary = SeccompCompiler.instructions(filter) + " instructions";
    plan.add(
        noNewPrivileges ? Phase.CHILD_START : Phase.CHILD_PROCESS,
        new InstallSeccomp(new Program(filter, summary), flagBits(seccomp.flags())),
        POINTER);
  }

  /** SECCOMP_FILTER_FLAG_*: the kernel's bits have the order of the words. */
  static long flagBits(List<String> flags) {
    long bits = 0;
    for (String flag : flags) {
      int index = Words.indexOf(FLAGS, flag);
      if (index >= 0 && index != WAIT_KILLABLE_RECV) {
        bits |= 1L << index;
      }
    }
    return bits;
  }

  private static String action(Members in, String key) {
    String word = in.requiredString(key);
    if (!in.has(key) || !(in.raw(key) instanceof Json.Str)) {
      return NO_ACTION;
    }
    if (Actions.isNotify(word)) {
      in.error(key, "SCMP_ACT_NOTIFY is not yet supported");
      return NO_ACTION;
    }
    if (!Actions.isKnown(word)) {
      in.error(key, "unknown seccomp action \"" + word + "\"");
      return NO_ACTION;
    }
    return word;
  }

  private static @Nullable Integer errno(Members in, String key, String action) {
    if (!in.has(key)) {
      return null;
    }
    int largest = Actions.largestErrno(action);
    if (largest == 0) {
      in.error(key, "must not be given with " + action + ", which returns no error number");
      return null;
    }
    Long value = in.number(key, 0, largest);
    return value == null ? null : value.intValue();
  }

  private static List<String> architectures(Members seccomp) {
    List<String> words = seccomp.strings("architectures");
    for (int i = 0; i < words.size(); i++) {
      if (Words.indexOf(ARCHITECTURES, words.get(i)) < 0) {
        seccomp.error("architectures", i, "unknown seccomp architecture \"" + words.get(i) + "\"");
      }
    }
    return words;
  }

  /**
   * The flags. Where none are given, not even an empty list, speculation is left alone, as in runc:
   * the kernel's mitigation for filtered processes makes some programs half as fast.
   */
  private static List<String> flags(Members seccomp) {
    if (!seccomp.has("flags")) {
      return List.of(SPEC_ALLOW);
    }
    List<String> words = seccomp.strings("flags");
    for (int i = 0; i < words.size(); i++) {
      int index = Words.indexOf(FLAGS, words.get(i));
      if (index < 0) {
        seccomp.error("flags", i, "unknown seccomp flag \"" + words.get(i) + "\"");
      } else if (index == WAIT_KILLABLE_RECV) {
        seccomp.error(
            "flags", i, words.get(i) + " needs SCMP_ACT_NOTIFY, which is not yet supported");
      }
    }
    return words;
  }

  private static List<Rule> rules(Members seccomp) {
    List<Rule> out = new ArrayList<>();
    List<Members> rules = seccomp.objects("syscalls");
    for (int i = 0; i < rules.size(); i++) {
      Members rule = rules.get(i);
      List<String> names = names(rule);
      String action = action(rule, "action");
      out.add(new Rule(names, action, errno(rule, "errnoRet", action), args(rule), i));
    }
    return out;
  }

  private static List<String> names(Members rule) {
    List<String> names = rule.strings("names");
    if (names.isEmpty() && rule.items("names").isEmpty()) {
      rule.error("names", "must name at least one system call");
    }
    for (int i = 0; i < names.size(); i++) {
      if (names.get(i).isEmpty()) {
        rule.error("names", i, "must not be empty");
      }
    }
    return names;
  }

  private static List<Arg> args(Members rule) {
    List<Arg> out = new ArrayList<>();
    for (Members arg : rule.objects("args")) {
      Long index = arg.number("index", 0, 5);
      Long value = arg.uint64("value");
      Long valueTwo = arg.uint64("valueTwo");
      String op = arg.requiredString("op");
      required(arg, "index");
      required(arg, "value");
      boolean known = SeccompCompiler.isOperator(op);
      if (!known && arg.raw("op") instanceof Json.Str) {
        arg.error("op", "unknown seccomp operator \"" + op + "\"");
      }
      if (known && index != null && value != null) {
        out.add(new Arg(index.intValue(), value, valueTwo == null ? 0 : valueTwo, op));
      }
    }
    return out;
  }

  private static void required(Members in, String key) {
    if (!in.has(key)) {
      in.error(key, "is required");
    }
  }

  private static void notSupported(Members in, String key) {
    if (in.has(key)) {
      in.error(key, "is not yet supported");
    }
  }

  private static void checkLength(Members seccomp, Seccomp out) {
    if (SeccompCompiler.atMost(out, NATIVE) <= SeccompCompiler.MAX_INSTRUCTIONS) {
      return;
    }
    int length = SeccompCompiler.instructions(SeccompCompiler.compile(out, NATIVE));
    if (length > SeccompCompiler.MAX_INSTRUCTIONS) {
      seccomp.error(
          "the filter needs "
              + length
              + " instructions, more than the "
              + SeccompCompiler.MAX_INSTRUCTIONS
              + " that the kernel takes");
    }
  }
}
