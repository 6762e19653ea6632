package dev.coracle.systemd;

import org.jspecify.annotations.Nullable;

/**
 * The systemd unit that holds a container (systemd.scope(5)).
 *
 * @param slice the slice that it is in, such as {@code machine.slice}
 * @param unit its own name, such as {@code docker-ID.scope}
 */
public record Scope(String slice, String unit) {
  private static final int MOST_NAME_BYTES = 255; // UNIT_NAME_MAX of systemd, without the NUL
  private static final String SLICE = ".slice";
  private static final String DEFAULT_PREFIX = "coracle";

  /** The names of cgroup files, with which systemd lets no cgroup's name begin. */
  private static final String[] FILES = {
    "cgroup", "cpu", "cpuacct", "cpuset", "io", "blkio", "memory", "devices", "pids"
  };

  /**
   * Whether a {@code /linux/cgroupsPath} names a unit: {@code slice:prefix:name}. A path with an
   * odd name in it has no two colons before its first slash.
   */
  public static boolean isNamedBy(String cgroupsPath) {
    int first = cgroupsPath.indexOf(':');
    return !cgroupsPath.startsWith("/")
        && first >= 0
        && cgroupsPath.indexOf(':', first + 1) > first;
  }

  /**
   * What is wrong with a {@code /linux/cgroupsPath} that must name a unit, or null.
   *
   * @param cgroupsPath null for none, which is right
   */
  public static @Nullable String defect(@Nullable String cgroupsPath) {
    if (cgroupsPath == null) {
      return null;
    }
    int first = cgroupsPath.indexOf(':');
    int second = cgroupsPath.indexOf(':', first + 1);
    if (first < 0 || second < 0 || cgroupsPath.indexOf(':', second + 1) >= 0) {
      return "must be slice:prefix:name, as --systemd-cgroup asks for";
    }
    String slice = cgroupsPath.substring(0, first);
    String name = cgroupsPath.substring(second + 1);
    if (name.isEmpty()) {
      return "must have a name after the second colon";
    }
    if (name.endsWith(SLICE)) {
      return "names a slice, which holds no processes; the name of a scope is needed";
    }
    String bad = slice.isEmpty() ? null : sliceDefect(slice);
    return bad == null ? unitDefect(of(cgroupsPath, "", false).unit()) : bad;
  }

  private static @Nullable String sliceDefect(String slice) {
    String stem = slice.endsWith(SLICE) ? slice.substring(0, slice.length() - 6) : "";
    boolean dashes =
        !stem.equals("-") && (stem.startsWith("-") || stem.endsWith("-") || stem.contains("--"));
    if (stem.isEmpty() || dashes) {
      return "must begin with a slice such as \"a-b.slice\"";
    }
    return unitDefect(slice);
  }

  private static @Nullable String unitDefect(String unit) {
    for (int i = 0; i < unit.length(); i++) {
      if (!isPlain(unit.charAt(i))) {
        return "may hold letters, digits and : - _ . \\ only, as the names of units";
      }
    }
    return unit.length() <= MOST_NAME_BYTES
        ? null
        : "makes a unit's name of more than " + MOST_NAME_BYTES + " characters";
  }

  private static boolean isPlain(char c) {
    return c >= 'a' && c <= 'z'
        || c >= 'A' && c <= 'Z'
        || c >= '0' && c <= '9'
        || ":-_.\\".indexOf(c) >= 0;
  }

  /**
   * The unit of a container.
   *
   * @param cgroupsPath a {@code slice:prefix:name} in which {@link #defect} finds nothing; null for
   *     {@code :coracle:id}
   * @param user whether a user's systemd will hold it
   */
  public static Scope of(@Nullable String cgroupsPath, String id, boolean user) {
    String path = cgroupsPath == null ? ":" + DEFAULT_PREFIX + ":" + escape(id) : cgroupsPath;
    int first = path.indexOf(':');
    int second = path.indexOf(':', first + 1);
    String slice = path.substring(0, first);
    String prefix = path.substring(first + 1, second);
    String name = path.substring(second + 1);
    String unit = (prefix.isEmpty() ? name : prefix + "-" + name) + ".scope";
    return new Scope(slice.isEmpty() ? user ? "user.slice" : "system.slice" : slice, unit);
  }

  /** As systemd-escape(1): what may not be in a unit's name stands as {@code \xNN}. */
  private static String escape(String id) {
    StringBuilder out = new StringBuilder();
    for (int i = 0; i < id.length(); i++) {
      char c = id.charAt(i);
      if (isPlain(c)) {
        out.append(c);
      } else {
        out.append("\\x").append(Integer.toHexString(c));
      }
    }
    return out.toString();
  }

  /**
   * The cgroup that systemd makes for it: {@code /a.slice/a-b.slice/x.scope} for x.scope in
   * a-b.slice.
   *
   * <p>Peers: ExpandSlice of runc; cg_slice_to_path and cg_escape of systemd v252
   * src/basic/cgroup-util.c.
   */
  public String cgroup(Manager manager) {
    StringBuilder out = new StringBuilder(manager.controlGroup());
    int dash = slice.equals("-.slice") ? -1 : slice.indexOf('-');
    while (dash >= 0) {
      append(out, slice.substring(0, dash) + SLICE);
      dash = slice.indexOf('-', dash + 1);
    }
    if (!slice.equals("-.slice")) {
      append(out, slice);
    }
    append(out, unit);
    return out.toString();
  }

  private static void append(StringBuilder out, String name) {
    boolean escaped = name.startsWith("_") || name.startsWith(".");
    for (String file : FILES) {
      escaped |= name.startsWith(file + ".");
    }
    out.append(escaped ? "/_" : "/").append(name);
  }
}
