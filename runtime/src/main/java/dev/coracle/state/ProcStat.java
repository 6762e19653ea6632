package dev.coracle.state;

import dev.coracle.execute.Files;
import dev.coracle.kernel.Errno;
import dev.coracle.kernel.Kernel;
import org.jspecify.annotations.Nullable;

/**
 * What /proc/PID/stat says of a process (proc_pid_stat(5)).
 *
 * @param state a letter: R, S, D, Z, T, X and others
 * @param startTicks when it started, in clock ticks after boot
 */
public record ProcStat(char state, long startTicks) {
  private static final int MOST_BYTES = 4096;
  private static final int FIELDS_FROM_STATE_TO_START = 19;

  /**
   * What was found.
   *
   * @param stat null where there is no such process
   * @param errno −errno where it cannot be asked: then nobody knows
   */
  public record Found(@Nullable ProcStat stat, long errno) {}

  /** Asks for one process. */
  public static Found of(Kernel k, int pid) {
    Files.Read read = Files.read(k, "/proc/" + pid + "/stat", MOST_BYTES);
    Files.Content content = read.content();
    if (content != null) {
      return new Found(parse(content.text()), 0);
    }
    // ESRCH: it ended between the two calls.
    boolean gone = read.errno() == -Errno.ENOENT || read.errno() == -Errno.ESRCH;
    return new Found(null, gone ? 0 : read.errno());
  }

  /** Reads the line. The name in parentheses may hold anything, parentheses too. */
  static @Nullable ProcStat parse(String line) {
    int at = line.lastIndexOf(')') + 2;
    if (at < 2 || at >= line.length()) {
      return null;
    }
    char state = line.charAt(at);
    for (int i = 0; i < FIELDS_FROM_STATE_TO_START; i++) {
      at = line.indexOf(' ', at) + 1;
      if (at == 0) {
        return null;
      }
    }
    long start = 0;
    while (at < line.length() && line.charAt(at) >= '0' && line.charAt(at) <= '9') {
      start = start * 10 + line.charAt(at++) - '0';
    }
    return new ProcStat(state, start);
  }

  /** Whether the process has ended, though its parent has not yet taken note. */
  public boolean ended() {
    return state == 'Z' || state == 'X' || state == 'x';
  }
}
