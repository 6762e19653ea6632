package dev.coracle.cgroup;

import dev.coracle.abi.Bytes;
import dev.coracle.cgroup.CgroupLayout.Hierarchy;
import dev.coracle.cgroup.CgroupLayout.Unified;
import dev.coracle.cgroup.CgroupLayout.Version;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A reader of /proc/self/mountinfo and /proc/self/cgroup (proc(5), cgroups(7)) that makes strings
 * of the lines it needs and of no others.
 *
 * <pre>
 * 36 31 0:33 / /sys/fs/cgroup/memory rw,relatime shared:9 - cgroup cgroup rw,memory
 *            |  mount point                               |             controllers
 *            root                                         filesystem type
 *
 * 4:memory:/user.slice        of a v1 hierarchy
 * 0::/user.slice              of the v2 hierarchy
 * </pre>
 */
final class LayoutParser {
  /** One line of /proc/self/cgroup, with the mount that was found for it. */
  private static final class Own {
    final int from;
    final int to;
    final String path;
    @Nullable String mountPoint;
    String mountRoot = "/";

    Own(int from, int to, String path) {
      this.from = from;
      this.to = to;
      this.path = path;
    }
  }

  private final byte[] mounts;
  private final byte[] self;
  private final List<Own> v1 = new ArrayList<>();
  private Own v2 = new Own(0, 0, "/");

  LayoutParser(byte[] mountinfo, byte[] selfCgroup) {
    this.mounts = mountinfo;
    this.self = selfCgroup;
  }

  /** The path of the line {@code 0::}; the root where there is none. */
  static String unifiedPath(byte[] selfCgroup) {
    LayoutParser parser = new LayoutParser(new byte[0], selfCgroup);
    parser.readOwn();
    return parser.v2.path;
  }

  /** The words of a line. */
  static List<String> words(byte[] text) {
    List<String> out = new ArrayList<>();
    int from = 0;
    for (int i = 0; i <= text.length; i++) {
      if (i == text.length || text[i] == ' ' || text[i] == '\n') {
        if (i > from) {
          out.add(Bytes.text(text, from, i));
        }
        from = i + 1;
      }
    }
    return out;
  }

  CgroupLayout layout() {
    readOwn();
    readMounts();
    List<Hierarchy> hierarchies = new ArrayList<>();
    for (Own own : v1) {
      String at = own.mountPoint;
      if (at != null) {
        hierarchies.add(
            new Hierarchy(Bytes.text(self, own.from, own.to), at, own.mountRoot, own.path));
      }
    }
    String at = v2.mountPoint;
    Unified unified = at == null ? null : new Unified(at, v2.mountRoot, v2.path, null);
    if (unified != null && at != null && at.equals(CgroupLayout.MOUNT_POINT)) {
      // It covers the place where v1 hierarchies stand: those in mountinfo are hidden below it.
      return new CgroupLayout(Version.V2, List.of(), unified);
    }
    if (hierarchies.isEmpty()) {
      return unified == null
          ? CgroupLayout.NONE
          : new CgroupLayout(Version.V2, hierarchies, unified);
    }
    return new CgroupLayout(unified == null ? Version.V1 : Version.HYBRID, hierarchies, unified);
  }

  private void readOwn() {
    int line = 0;
    while (line < self.length) {
      int end = find(self, '\n', line, self.length);
      int controllers = find(self, ':', line, end) + 1;
      int path = find(self, ':', Math.min(controllers, end), end) + 1;
      if (path < end) {
        Own own = new Own(controllers, path - 1, Bytes.text(self, path, end));
        if (own.from == own.to) {
          v2 = own;
        } else {
          v1.add(own);
        }
      }
      line = end + 1;
    }
  }

  /** One pass over all bytes: a host with thousands of mounts has a lot of them. */
  private void readMounts() {
    int line = 0;
    int type = 0; // what stands behind the line's first " - "; 0 before it
    int length = mounts.length;
    for (int i = 0; i < length; i++) {
      byte b = mounts[i];
      if (b == '\n') {
        readMount(line, type, i);
        line = i + 1;
        type = 0;
      } else if (b == '-'
          && type == 0
          && i > line
          && mounts[i - 1] == ' '
          && i + 1 < length
          && mounts[i + 1] == ' ') {
        type = i + 2;
      }
    }
    readMount(line, type, length);
  }

  private void readMount(int line, int type, int end) {
    if (type == 0 || !startsWith(type, end, "cgroup")) {
      return;
    }
    int typeEnd = find(mounts, ' ', type, end);
    boolean second = typeEnd == type + 7 && mounts[type + 6] == '2';
    if (!second && typeEnd != type + 6) {
      return;
    }
    int fields = type - 3;
    int root = line;
    for (int i = 0; i < 3; i++) {
      root = Math.min(find(mounts, ' ', root, fields) + 1, fields);
    }
    int point = find(mounts, ' ', root, fields) + 1;
    int pointEnd = find(mounts, ' ', point, fields);
    if (pointEnd == fields) {
      return; // the mount's own options are missing
    }
    if (second) {
      take(v2, point, pointEnd, root);
      return;
    }
    int options = find(mounts, ' ', typeEnd + 1, end) + 1;
    for (Own own : v1) {
      if (hasOption(options, end, own.from, find(self, ',', own.from, own.to))) {
        take(own, point, pointEnd, root);
        return;
      }
    }
  }

  /** The first mount of a hierarchy is its own, but one in the usual place is better. */
  private void take(Own own, int point, int pointEnd, int root) {
    String old = own.mountPoint;
    if (old == null
        || (!old.startsWith(CgroupLayout.MOUNT_POINT)
            && startsWith(point, pointEnd, CgroupLayout.MOUNT_POINT))) {
      own.mountPoint = unescape(point, pointEnd);
      own.mountRoot = unescape(root, point - 1);
    }
  }

  private boolean hasOption(int from, int end, int nameFrom, int nameTo) {
    int at = from;
    while (at < end) {
      int to = find(mounts, ',', at, end);
      if (to - at == nameTo - nameFrom) {
        int i = 0;
        while (at + i < to && mounts[at + i] == self[nameFrom + i]) {
          i++;
        }
        if (at + i == to) {
          return true;
        }
      }
      at = to + 1;
    }
    return false;
  }

  private boolean startsWith(int at, int end, String word) {
    if (end - at < word.length()) {
      return false;
    }
    for (int i = 0; i < word.length(); i++) {
      if (mounts[at + i] != word.charAt(i)) {
        return false;
      }
    }
    return true;
  }

  /** Space, tab, newline and backslash stand as a backslash with three octal digits. */
  private String unescape(int from, int to) {
    if (find(mounts, '\\', from, to) == to) {
      return Bytes.text(mounts, from, to);
    }
    byte[] out = new byte[to - from];
    int n = 0;
    int i = from;
    while (i < to) {
      if (mounts[i] == '\\' && i + 3 < to) {
        int octal = (mounts[i + 1] - '0') << 6 | (mounts[i + 2] - '0') << 3 | (mounts[i + 3] - '0');
        out[n++] = (byte) octal;
        i += 4;
      } else {
        out[n++] = mounts[i++];
      }
    }
    return Bytes.text(out, 0, n);
  }

  /** Where a byte stands, or {@code end}. */
  private static int find(byte[] in, char wanted, int from, int end) {
    int i = from;
    while (i < end && in[i] != wanted) {
      i++;
    }
    return Math.min(i, end);
  }
}
