package dev.coracle.seccomp;

import org.jspecify.annotations.Nullable;

/** What a filter answers: the spec's words and the kernel's SECCOMP_RET_* (seccomp(2)). */
public final class Actions {
  /** The words that are known. */
  public static final String WORDS =
      " SCMP_ACT_KILL SCMP_ACT_KILL_THREAD SCMP_ACT_KILL_PROCESS SCMP_ACT_TRAP SCMP_ACT_ERRNO"
          + " SCMP_ACT_TRACE SCMP_ACT_LOG SCMP_ACT_ALLOW SCMP_ACT_NOTIFY ";

  static final int SECCOMP_RET_KILL_THREAD = 0;
  static final int SECCOMP_RET_KILL_PROCESS = 0x80000000;
  static final int SECCOMP_RET_TRAP = 0x00030000;
  static final int SECCOMP_RET_ERRNO = 0x00050000;
  static final int SECCOMP_RET_USER_NOTIF = 0x7fc00000;
  static final int SECCOMP_RET_TRACE = 0x7ff00000;
  static final int SECCOMP_RET_LOG = 0x7ffc0000;
  static final int SECCOMP_RET_ALLOW = 0x7fff0000;

  /** An answer of its own for system calls that are newer than the profile. */
  static final int RET_ENOSYS = SECCOMP_RET_ERRNO | 38;

  private static final int EPERM = 1;
  private static final int MAX_ERRNO = 4095;
  private static final int DATA = 0xffff;

  private Actions() {}

  /** Whether the word is an action of the spec. */
  public static boolean isKnown(String word) {
    return Words.indexOf(WORDS, word) >= 0;
  }

  /** The largest errnoRet of an action: MAX_ERRNO of the kernel, any data for a tracer; 0: none. */
  public static int largestErrno(String word) {
    return switch (Words.indexOf(WORDS, word)) {
      case 4 -> MAX_ERRNO;
      case 5 -> DATA;
      default -> 0;
    };
  }

  /** The value that the program returns; {@code errnoRet} null stands for EPERM. */
  static int code(String word, @Nullable Long errnoRet) {
    int data = errnoRet == null ? EPERM : errnoRet.intValue() & DATA;
    return switch (Words.indexOf(WORDS, word)) {
      case 0, 1 -> SECCOMP_RET_KILL_THREAD;
      case 2 -> SECCOMP_RET_KILL_PROCESS;
      case 3 -> SECCOMP_RET_TRAP;
      case 4 -> SECCOMP_RET_ERRNO | data;
      case 5 -> SECCOMP_RET_TRACE | data;
      case 6 -> SECCOMP_RET_LOG;
      case 7 -> SECCOMP_RET_ALLOW;
      case 8 -> SECCOMP_RET_USER_NOTIF;
      default -> throw new IllegalArgumentException(word);
    };
  }

  /** Whether an answer lets the system call run, perhaps after a tracer was asked. */
  static boolean permits(int code) {
    int action = code & ~DATA;
    return action == SECCOMP_RET_ALLOW || action == SECCOMP_RET_LOG || action == SECCOMP_RET_TRACE;
  }
}
