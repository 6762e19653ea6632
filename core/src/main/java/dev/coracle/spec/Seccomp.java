package dev.coracle.spec;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A system call filter (config-linux.md, "Seccomp"), with the spec's words as they were given; the
 * words were checked when it was read.
 *
 * @param defaultAction {@code SCMP_ACT_*}
 * @param defaultErrnoRet null for EPERM
 * @param architectures {@code SCMP_ARCH_*}; empty for the native one
 * @param flags {@code SECCOMP_FILTER_FLAG_*}
 * @param listenerPath the socket of the agent that answers for {@code SCMP_ACT_NOTIFY}; a relative
 *     one starts from the bundle
 * @param listenerMetadata what the agent is told, which only it understands; null for nothing
 */
public record Seccomp(
    String defaultAction,
    @Nullable Long defaultErrnoRet,
    List<String> architectures,
    List<String> flags,
    @Nullable String listenerPath,
    @Nullable String listenerMetadata,
    List<Rule> syscalls)
    implements SystemCallFilter {

  /** The action that leaves a system call to an agent in user space. */
  public static final String NOTIFY = "SCMP_ACT_NOTIFY";

  @Override
  public boolean notifies() {
    for (Rule rule : syscalls) {
      if (rule.action().equals(NOTIFY)) {
        return true;
      }
    }
    return false;
  }

  /**
   * One rule for several system calls.
   *
   * @param names system calls; unknown ones are passed over, as the spec's users expect
   * @param errnoRet null for EPERM
   * @param args all of them must match
   * @param index where it stands in /linux/seccomp/syscalls
   */
  public record Rule(
      List<String> names, String action, @Nullable Long errnoRet, List<Arg> args, int index) {}

  /**
   * A comparison of one argument.
   *
   * @param index 0 to 5
   * @param value unsigned bits
   * @param valueTwo unsigned bits; the value to compare with for SCMP_CMP_MASKED_EQ
   * @param op {@code SCMP_CMP_*}
   */
  public record Arg(int index, long value, long valueTwo, String op) {}
}
