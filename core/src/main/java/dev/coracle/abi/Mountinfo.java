package dev.coracle.abi;

import java.util.ArrayList;
import java.util.List;

/**
 * What /proc/PID/mountinfo says (proc_pid_mountinfo(5)):
 *
 * <pre>
 * 36 35 98:0 / /proc rw,noatime master:1 - proc proc rw,errors=continue
 *            |  |                          |
 *            |  where it is mounted        type
 *            what of the filesystem is mounted there
 * </pre>
 */
public final class Mountinfo {
  private static final int ROOT = 3;
  private static final int MOUNT_POINT = 4;

  private Mountinfo() {}

  /** Where a whole procfs or sysfs is mounted, not a part of one; in the order of the lines. */
  public static List<String> wholePseudoFilesystems(String mountinfo) {
    List<String> out = new ArrayList<>();
    int line = 0;
    while (line < mountinfo.length()) {
      int end = mountinfo.indexOf('\n', line);
      if (end < 0) {
        end = mountinfo.length();
      }
      String text = mountinfo.substring(line, end);
      int type = text.indexOf(" - ") + 3;
      boolean pseudo = text.startsWith("proc ", type) || text.startsWith("sysfs ", type);
      if (type > 2 && pseudo && field(text, ROOT).equals("/")) {
        out.add(unescape(field(text, MOUNT_POINT)));
      }
      line = end + 1;
    }
    return out;
  }

  private static String field(String line, int nth) {
    int from = 0;
    for (int i = 0; i < nth; i++) {
      from = line.indexOf(' ', from) + 1;
    }
    int to = line.indexOf(' ', from);
    return line.substring(from, to < 0 ? line.length() : to);
  }

  /** Space, tab, newline and backslash stand as a backslash with three octal digits. */
  private static String unescape(String path) {
    StringBuilder out = new StringBuilder();
    int i = 0;
    while (i < path.length()) {
      char c = path.charAt(i);
      if (c == '\\' && i + 3 < path.length()) {
        int high = (path.charAt(i + 1) - '0') << 6;
        c = (char) (high | (path.charAt(i + 2) - '0') << 3 | (path.charAt(i + 3) - '0'));
        i += 3;
      }
      out.append(c);
      i++;
    }
    return out.toString();
  }
}
