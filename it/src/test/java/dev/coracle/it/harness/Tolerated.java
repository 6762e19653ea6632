package dev.coracle.it.harness;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** The system calls whose failure is no failure of the verb, each with the reason. */
final class Tolerated {
  /**
   * A call that may fail.
   *
   * @param verb a regular expression, as the others are
   * @param process the first of the command's processes of which it holds
   */
  private record Call(String verb, int process, String name, String path, String reason) {
    boolean is(String ofVerb, Fault fault) {
      return ofVerb.matches(verb)
          && fault.process() >= process
          && fault.name().matches(name)
          && fault.path().matches(path);
    }
  }

  private static final String ANY = ".*";

  private static final List<Call> CALLS =
      List.of(
          new Call(
              ANY, 0, "rt_sigaction", ANY, "fails only for SIGKILL and SIGSTOP, of which it must"),
          new Call(ANY, 1, "statx", ".*bin/.*", "the program is looked for in the next directory"),
          new Call(ANY, 1, "openat2|read", "/etc/passwd", "HOME is / where nobody tells another"),
          new Call(
              "delete.*",
              1,
              ANY,
              ANY,
              "of a poststop hook, whose failure is told and no more (runtime.md, Lifecycle)"),
          new Call("delete.*", 0, "pipe2|clone3|wait4|ppoll", ANY, "as before: to run the hook"),
          new Call("delete.*", 0, "write", "pipe:.*", "as before: what the hook reads"),
          new Call(
              "create|run.*|start", 0, "clone3", ANY, "EPERM: then a hook is made by clone(2)"),
          new Call("run.*", 0, "ioctl", ANY, "our own stdin need not be a terminal"),
          new Call("run.*", 0, "read", ".*signalfd.", "the signal is still there to be read"),
          new Call("run.*", 0, "read", "/dev/null", "taken for the end of our own stdin"),
          new Call("run.*", 0, "read", "/ptmx", "EIO says that nobody has the terminal any more"),
          new Call("list", 0, "openat2|read", "/etc/passwd", "the owner is shown as a number"),
          new Call(ANY, 0, "open_tree", "/proc/self/exe", "sealed by a copy in memory instead"),
          new Call("create|run.*|exec", 0, "mount_setattr", "", "as before"),
          new Call("create|run.*|exec", 0, "execveat", ANY, "as before"),
          new Call("create|run.*|exec", 0, "openat|brk|mmap", ANY, "sealed by execveat instead"),
          new Call("create|run.*|exec", 0, "prctl", "35", "as before: PR_SET_MM"),
          new Call(ANY, 0, "openat2|read", ".*/.seccomp/.*", "the filter is compiled again"),
          new Call("create", 0, "statx", "", "as before: whose the kept filter is"),
          new Call("create", 1, "fsopen|fsconfig|fsmount", "(cgroup.*)?", "EPERM: it is bound"),
          new Call("create|run.*", 1, "mknodat", ANY, "EPERM: the host's device is bound"),
          new Call("create", 1, "mount_setattr", "", "EPERM: some options of a bind are locked"),
          new Call(ANY, 1, "sched_setaffinity", ANY, "not every kernel lets us have all CPUs"),
          new Call(ANY, 1, "fchownat", "", "not every stdio may be given to the user"),
          new Call(ANY, 1, "faccessat2", ".*bin/.*", "the program is looked for further on"),
          new Call("create", 1, "read", ".*/exec.fifo", "it is parked: start tells"),
          new Call(
              "kill|delete.*",
              0,
              "openat2|read",
              "/proc/[0-9]+/status",
              "then all processes of the container are killed"),
          new Call("kill.*", 0, "openat2|write", ".*/cgroup.kill", "each is signalled instead"),
          new Call(
              "kill.*",
              0,
              "openat2|write|getdents64",
              ".*/freezer/.*",
              "frozen cgroups below are thawed as far as possible; delete does it again"),
          new Call(
              "create|run.*",
              0,
              "openat2|write",
              "/sys/fs/cgroup/cgroup.subtree_control",
              "of controllers that are for statistics only"),
          new Call("update", 0, "openat2|write", ANY, "tried again in the other order"));

  private Tolerated() {}

  /** Why a verb succeeds though this call fails, or null where it must not. */
  static @Nullable String reason(String verb, Fault fault) {
    for (Call call : CALLS) {
      if (call.is(verb, fault)) {
        return call.reason;
      }
    }
    return null;
  }

  /** What cannot fail in life: an injected error would test nothing but itself. */
  static boolean pointless(Fault fault) {
    return fault.what() != Fault.KILL
        && switch (fault.name()) {
          // The descriptor is gone whatever it returns (close(2), NOTES); of files with a
          // write-back
          // error to tell, none is written here.
          case "close" -> true;
          // These have no error; the clock has none for an id that the kernel knows.
          case "exit_group", "umask", "geteuid", "getpid", "clock_gettime" -> true;
          default -> false;
        };
  }

  /** Why a failure is told without its call, or null where it must be. */
  static @Nullable String untold(Fault fault) {
    boolean program = fault.name().equals("statx") || fault.name().equals("faccessat2");
    if (program && fault.path().contains("bin/")) {
      return "engines look for the words of runc";
    }
    if (fault.name().equals("read") && fault.path().endsWith("/exec.fifo")) {
      return "it may have ended before start comes, which finds a container that has stopped";
    }
    boolean ours = fault.name().equals("rt_sigprocmask") && fault.process() == 0;
    return ours ? "told as signalfd4, which it makes ready for" : null;
  }

  /** The name of a call as it stands in messages. */
  static String spelling(String name) {
    return switch (name) {
      case "ppoll" -> "poll";
      default -> name;
    };
  }
}
