package dev.coracle.lifecycle;

import static dev.coracle.abi.Process.CLOCK_BOOTTIME;
import static dev.coracle.abi.Process.CLOCK_REALTIME;

import dev.coracle.execute.Files;
import dev.coracle.kernel.Kernel;
import java.util.List;

/**
 * A table of processes as {@code ps -ef} prints it, read from /proc: a host need not have ps(1).
 * Times of day are in UTC.
 *
 * <p>Kernel: proc_pid_stat(5), proc_pid_cmdline(5), proc_pid_status(5).
 */
final class ProcessTable {
  private static final int MOST_BYTES = 1 << 20;
  private static final long NANOS = 1_000_000_000;
  private static final long TICKS = 100; // USER_HZ
  private static final long DAY = 86_400;

  // Of /proc/PID/stat, counted from the state, which follows the name in parentheses.
  private static final int PPID = 1;
  private static final int TTY = 4;
  private static final int UTIME = 11;
  private static final int STIME = 12;
  private static final int START = 19;

  private final Kernel k;
  private final String passwd;
  private final long nowSeconds;
  private final long bootSeconds;
  private final StringBuilder out = new StringBuilder();

  private ProcessTable(Kernel k) {
    this.k = k;
    this.passwd = text("/etc/passwd");
    this.nowSeconds = Math.max(0, k.clock_gettime(CLOCK_REALTIME)) / NANOS;
    this.bootSeconds = nowSeconds - Math.max(0, k.clock_gettime(CLOCK_BOOTTIME)) / NANOS;
  }

  /** The table of some processes; those that ended meanwhile are left out. */
  static String of(Kernel k, List<Integer> pids) {
    ProcessTable table = new ProcessTable(k);
    table.out.append("UID          PID    PPID  C STIME TTY          TIME CMD\n");
    for (int pid : pids) {
      table.row(pid);
    }
    return table.out.toString();
  }

  private String text(String path) {
    Files.Content content = Files.read(k, path, MOST_BYTES).content();
    return content == null ? "" : content.text();
  }

  private void row(int pid) {
    String stat = text("/proc/" + pid + "/stat");
    int name = stat.indexOf('(');
    int end = stat.lastIndexOf(')');
    if (name < 0 || end < name) {
      return;
    }
    String fields = stat.substring(end + 2);
    long ticks = field(fields, UTIME) + field(fields, STIME);
    long started = bootSeconds + field(fields, START) / TICKS;
    long age = Math.max(1, nowSeconds - started);
    left(owner(pid), 8);
    right(Integer.toString(pid), 8);
    right(Long.toString(field(fields, PPID)), 8);
    right(Long.toString(Math.min(99, ticks / age)), 3); // 100 ticks a second: per cent
    out.append(' ');
    left(startTime(started), 5);
    out.append(' ');
    left(terminal(field(fields, TTY)), 8);
    right(duration(ticks / TICKS), 9);
    out.append(' ').append(command(pid, stat.substring(name + 1, end))).append('\n');
  }

  private String owner(int pid) {
    String status = text("/proc/" + pid + "/status");
    // The second of them is the effective one, which ps(1) shows.
    int at = status.indexOf("\nUid:");
    String ids = at < 0 ? "" : status.substring(at + 1);
    String uid = Ps.word(ids, 2);
    if (uid.isEmpty()) {
      return "?";
    }
    String owner = StateReport.owner(passwd, Long.parseLong(uid));
    return owner.startsWith("#") ? uid : owner;
  }

  private static long field(String fields, int n) {
    String word = Ps.word(fields, n);
    return word.isEmpty() ? 0 : Long.parseLong(word);
  }

  /** The time of day, or the day where it was another one. */
  private String startTime(long seconds) {
    String stamp = Timestamp.rfc3339(seconds * NANOS); // 2026-11-24T22:50:00Z
    if (seconds / DAY == nowSeconds / DAY) {
      return stamp.substring(11, 16);
    }
    int month = (stamp.charAt(5) - '0') * 10 + stamp.charAt(6) - '0';
    String names = "JanFebMarAprMayJunJulAugSepOctNovDec";
    return names.substring(3 * month - 3, 3 * month) + stamp.substring(8, 10);
  }

  /** By the device's number: its minor one is in two parts. */
  private static String terminal(long device) {
    long major = device >> 8 & 0xfff;
    long minor = device & 0xff | device >> 12 & 0xfff00;
    if (major >= 136 && major < 144) {
      return "pts/" + ((major - 136) * 256 + minor);
    }
    if (major == 4) {
      return minor < 64 ? "tty" + minor : "ttyS" + (minor - 64);
    }
    return device == 0 ? "?" : major == 5 && minor == 1 ? "console" : major + ":" + minor;
  }

  private static String duration(long seconds) {
    return two(seconds / 3600) + ":" + two(seconds / 60 % 60) + ":" + two(seconds % 60);
  }

  private static String two(long number) {
    return (number < 10 ? "0" : "") + number;
  }

  /** The arguments with spaces; of a process without any, its name. */
  private String command(int pid, String name) {
    Files.Content content = Files.read(k, "/proc/" + pid + "/cmdline", MOST_BYTES).content();
    if (content == null || content.length() == 0) {
      return "[" + name + "]";
    }
    byte[] bytes = content.bytes();
    int end = content.length();
    while (end > 0 && bytes[end - 1] == 0) {
      end--;
    }
    for (int i = 0; i < end; i++) {
      // What a process calls itself must not write into the reader's terminal.
      if (bytes[i] == 0) {
        bytes[i] = ' ';
      } else if (bytes[i] > 0 && bytes[i] < ' ' || bytes[i] == 0x7f) {
        bytes[i] = '?';
      }
    }
    return new Files.Content(bytes, end).text();
  }

  private void left(String text, int width) {
    out.append(text);
    for (int i = text.length(); i < width; i++) {
      out.append(' ');
    }
  }

  private void right(String text, int width) {
    out.append(text.length() < width ? "" : " ");
    for (int i = text.length(); i < width; i++) {
      out.append(' ');
    }
    out.append(text);
  }
}
