package dev.coracle.spec;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What runs (config.md, "Process").
 *
 * @param terminal whether it gets a pseudo terminal
 * @param consoleSize the terminal's size; null where none was given
 * @param cwd its working directory, absolute
 * @param env {@code NAME=value} each
 * @param args the program and its arguments; at least one
 * @param user who runs it
 * @param rlimits resource limits
 * @param capabilities the five sets; null where the property is absent
 * @param noNewPrivileges whether execve may give privileges no more
 * @param oomScoreAdj null where it must not be touched
 * @param apparmorProfile null for none
 * @param selinuxLabel null for none
 * @param scheduler null where it stays as it is
 * @param ioPriority null where it stays as it is
 * @param execCpuAffinity for exec; null for none
 */
public record Process(
    boolean terminal,
    @Nullable ConsoleSize consoleSize,
    String cwd,
    List<String> env,
    List<String> args,
    User user,
    List<Rlimit> rlimits,
    @Nullable Capabilities capabilities,
    boolean noNewPrivileges,
    @Nullable Long oomScoreAdj,
    @Nullable String apparmorProfile,
    @Nullable String selinuxLabel,
    @Nullable Scheduler scheduler,
    @Nullable IoPriority ioPriority,
    @Nullable ExecCpuAffinity execCpuAffinity) {

  /** The same with another environment. */
  public Process withEnv(List<String> other) {
    return new Process(
        terminal,
        consoleSize,
        cwd,
        other,
        args,
        user,
        rlimits,
        capabilities,
        noNewPrivileges,
        oomScoreAdj,
        apparmorProfile,
        selinuxLabel,
        scheduler,
        ioPriority,
        execCpuAffinity);
  }

  /** The same with a terminal of another size. */
  public Process withConsoleSize(ConsoleSize size) {
    return new Process(
        terminal,
        size,
        cwd,
        env,
        args,
        user,
        rlimits,
        capabilities,
        noNewPrivileges,
        oomScoreAdj,
        apparmorProfile,
        selinuxLabel,
        scheduler,
        ioPriority,
        execCpuAffinity);
  }

  /** A terminal's size in characters. */
  public record ConsoleSize(int height, int width) {}

  /**
   * Who runs the process.
   *
   * @param umask null where it stays 022
   */
  public record User(long uid, long gid, @Nullable Integer umask, List<Long> additionalGids) {}

  /**
   * One resource limit (getrlimit(2)).
   *
   * @param resource the kernel's RLIMIT_* number
   * @param type the spec's name, such as {@code RLIMIT_NOFILE}
   * @param soft unsigned bits
   * @param hard unsigned bits
   * @param index where it stands in /process/rlimits
   */
  public record Rlimit(int resource, String type, long soft, long hard, int index) {}

  /** The five capability sets (capabilities(7)) as bit masks; bit n is capability n. */
  public record Capabilities(
      long bounding, long effective, long inheritable, long permitted, long ambient) {}

  /**
   * How the process is scheduled (sched_setattr(2)).
   *
   * @param policy SCHED_*
   * @param flags SCHED_FLAG_*
   */
  public record Scheduler(
      int policy,
      int nice,
      int priority,
      long flags,
      long runtimeNanos,
      long deadlineNanos,
      long periodNanos) {}

  /**
   * The priority of its input and output (ioprio_set(2)).
   *
   * @param ioClass IOPRIO_CLASS_*
   * @param priority 0 to 7, 0 being the highest
   */
  public record IoPriority(int ioClass, int priority) {}

  /**
   * The CPUs of a process that exec starts, as lists such as {@code 0-3,7}.
   *
   * @param initial before it is in the container's cgroup; null for none
   * @param last once it is there ({@code final} in the spec); null for none
   */
  public record ExecCpuAffinity(@Nullable String initial, @Nullable String last) {}
}
