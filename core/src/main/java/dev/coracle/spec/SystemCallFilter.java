package dev.coracle.spec;

/** The filter of /linux/seccomp: as its rules, or as the kernel's program where that is known. */
public sealed interface SystemCallFilter permits Seccomp, CompiledSeccomp {
  /** Whether some system call is left to an agent: then the filter has a listener. */
  boolean notifies();
}
