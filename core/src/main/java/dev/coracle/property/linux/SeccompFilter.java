package dev.coracle.property.linux;

import dev.coracle.json.Json;
import dev.coracle.json.Members;
import dev.coracle.json.Pointer;
import dev.coracle.plan.Action.InstallSeccomp;
import dev.coracle.plan.Action.Listener;
import dev.coracle.plan.Action.Program;
import dev.coracle.plan.Phase;
import dev.coracle.plan.PlanBuilder;
import dev.coracle.seccomp.Abi;
import dev.coracle.seccomp.Actions;
import dev.coracle.seccomp.SeccompCompiler;
import dev.coracle.seccomp.Words;
import dev.coracle.spec.CompiledSeccomp;
import dev.coracle.spec.Seccomp;
import dev.coracle.spec.Seccomp.Arg;
import dev.coracle.spec.Seccomp.Rule;
import dev.coracle.spec.SystemCallFilter;
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

  // seccomp(2)
  private static final long SECCOMP_FILTER_FLAG_TSYNC = 1;
  private static final long SECCOMP_FILTER_FLAG_NEW_LISTENER = 1 << 3;
  private static final long SECCOMP_FILTER_FLAG_TSYNC_ESRCH = 1 << 4;
  private static final long SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV = 1 << 5; // Linux 5.19

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
    String defaultAction = action(seccomp, "defaultAction");
    if (defaultAction.equals(Seccomp.NOTIFY)) {
      // The call that hands the listener to the agent would wait for the agent.
      seccomp.error("defaultAction", "must not be SCMP_ACT_NOTIFY, which is for single calls");
      defaultAction = NO_ACTION;
    }
    Seccomp out =
        new Seccomp(
            defaultAction,
            errno(seccomp, "defaultErrnoRet", defaultAction),
            architectures(seccomp),
            flags(seccomp),
            seccomp.string("listenerPath"),
            seccomp.string("listenerMetadata"),
            rules(seccomp));
    checkListener(seccomp, out);
    checkLength(seccomp, out);
    return out;
  }

  /**
   * Adds the step that loads the filter. It is the last one before execve(2) and the startContainer
   * hooks, so that the filter need not allow what the runtime does; but without no_new_privs the
   * kernel asks for CAP_SYS_ADMIN, so it must come before the capabilities are dropped, and a
   * filter with a listener while there is a runtime that hands the listener on.
   *
   * @param bundle the bundle's absolute path
   */
  public static void plan(SystemCallFilter filter, Phase phase, String bundle, PlanBuilder plan) {
    InstallSeccomp action =
        switch (filter) {
          case Seccomp s -> install(s, bundle);
          case CompiledSeccomp c -> new InstallSeccomp(program(c.program()), c.flags(), null);
        };
    plan.add(phase, action, POINTER);
  }

  private static InstallSeccomp install(Seccomp seccomp, String bundle) {
    long flags = flagBits(seccomp.flags());
    String path = seccomp.listenerPath();
    Listener listener = null;
    if (path != null && seccomp.notifies()) {
      String absolute = path.startsWith("/") ? path : bundle + "/" + path;
      listener = new Listener(absolute, seccomp.listenerMetadata());
      flags |= SECCOMP_FILTER_FLAG_NEW_LISTENER;
      if ((flags & SECCOMP_FILTER_FLAG_TSYNC) != 0) {
        // The descriptor is the result then, so the kernel wants another word for a failure.
        flags |= SECCOMP_FILTER_FLAG_TSYNC_ESRCH;
      }
    }
    return new InstallSeccomp(program(SeccompCompiler.compile(seccomp, NATIVE)), flags, listener);
  }

  private static Program program(byte[] filter) {
    return new Program(filter, SeccompCompiler.instructions(filter) + " instructions");
  }

  /** SECCOMP_FILTER_FLAG_*: the kernel's first bits have the order of the words. */
  static long flagBits(List<String> flags) {
    long bits = 0;
    for (String flag : flags) {
      int index = Words.indexOf(FLAGS, flag);
      bits |= index == WAIT_KILLABLE_RECV ? SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV : 1L << index;
    }
    return bits;
  }

  private static String action(Members in, String key) {
    String word = in.requiredString(key);
    if (!in.has(key) || !(in.raw(key) instanceof Json.Str)) {
      return NO_ACTION;
    }
    if (!Actions.isKnown(word)) {
      in.error(key, "unknown seccomp action \"" + word + "\"");
      return NO_ACTION;
    }
    return word;
  }

  private static @Nullable Long errno(Members in, String key, String action) {
    if (!in.has(key)) {
      return null;
    }
    int largest = Actions.largestErrno(action);
    if (largest == 0) {
      in.error(key, "must not be given with " + action + ", which returns no error number");
      return null;
    }
    return in.number(key, 0, largest);
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
      }
    }
    return words;
  }

  /** What has to do with system calls that are left to an agent. */
  private static void checkListener(Members seccomp, Seccomp out) {
    boolean notifies = out.notifies();
    String path = out.listenerPath();
    if (path != null && path.isEmpty()) {
      seccomp.error("listenerPath", "must not be empty");
    } else if (path == null && notifies && !seccomp.has("listenerPath")) {
      seccomp.error("listenerPath", "is required by SCMP_ACT_NOTIFY");
    }
    if (out.listenerMetadata() != null && !seccomp.has("listenerPath")) {
      seccomp.error("listenerMetadata", "must not be given without listenerPath");
    }
    for (int i = 0; i < out.flags().size(); i++) {
      if (!notifies && Words.indexOf(FLAGS, out.flags().get(i)) == WAIT_KILLABLE_RECV) {
        seccomp.error("flags", i, out.flags().get(i) + " needs a rule with SCMP_ACT_NOTIFY");
      }
    }
  }

  private static List<Rule> rules(Members seccomp) {
    List<Rule> out = new ArrayList<>();
    List<Members> rules = seccomp.objects("syscalls");
    for (int i = 0; i < rules.size(); i++) {
      Members rule = rules.get(i);
      List<String> names = names(rule);
      String action = action(rule, "action");
      int write = names.indexOf("write");
      if (write >= 0 && action.equals(Seccomp.NOTIFY)) {
        // By write(2) the runtime learns of the listener: nobody could answer yet.
        rule.error("names", write, "SCMP_ACT_NOTIFY cannot be used for the write syscall");
      }
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
