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
 */
public record Seccomp(
    String defaultAction,
    @Nullable Integer defaultErrnoRet,
    List<String> architectures,
    List<String> flags,
    List<Rule> syscalls) {

  /**
   * One rule for several system calls.
   *
   * @param names system calls; unknown ones are passed over, as the spec's users expect
   * @param errnoRet null for EPERM
   * @param args all of them must match
   * @param index where it stands in /linux/seccomp/syscalls
   */
  public record Rule(
      List<String> names, String action, @Nullable Integer errnoRet, List<Arg> args, int index) {}

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
