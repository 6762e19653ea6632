package dev.coracle.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;

/** What processes and all below them have used by now: proc(5). */
final class Processes {
  /** Hertz of the times in /proc/PID/stat: USER_HZ is 100 wherever Linux runs. */
  private static final double MILLIS_PER_TICK = 10;

  private static final int UTIME = 13;
  private static final int STIME = 14;

  private Processes() {}

  static double cpuMillis(Process... roots) throws IOException {
    double ticks = 0;
    for (long pid : trees(roots)) {
      List<String> fields = fields(pid);
      ticks += Long.parseLong(fields.get(UTIME - 2)) + Long.parseLong(fields.get(STIME - 2));
    }
    return ticks * MILLIS_PER_TICK;
  }

  /** The proportional set size, in MiB: smaps_rollup. */
  static double pssMib(Process... roots) throws IOException {
    double kib = 0;
    for (long pid : trees(roots)) {
      for (String line : Files.readAllLines(Path.of("/proc/" + pid + "/smaps_rollup"))) {
        if (line.startsWith("Pss:")) {
          kib += Long.parseLong(line.replaceAll("[^0-9]", ""));
        }
      }
    }
    return kib / 1024;
  }

  /** Those that run: of one that has ended and was not waited for there is no memory. */
  private static List<Long> trees(Process... roots) throws IOException {
    List<Long> out = new ArrayList<>();
    for (Process root : roots) {
      for (ProcessHandle handle :
          Stream.concat(Stream.of(root.toHandle()), root.descendants()).toList()) {
        if (!fields(handle.pid()).get(0).equals("Z")) {
          out.add(handle.pid());
        }
      }
    }
    return out;
  }

  /** Of /proc/PID/stat, from the third one, the state, on. */
  private static List<String> fields(long pid) throws IOException {
    String stat = Files.readString(Path.of("/proc/" + pid + "/stat"));
    // The name, the second field, may have blanks in it.
    return Arrays.asList(stat.substring(stat.lastIndexOf(')') + 2).split(" ", -1));
  }
}
