package dev.coracle.property;

import dev.coracle.problem.Problems;
import dev.coracle.spec.Mount;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Where a mount stands (config.md, "Mounts", destination): a path in the container.
 *
 * <p>A path that begins with the host's path of the root filesystem is taken for one below it, as
 * by runc: {@code /bundle/rootfs/data} of a container whose root is /bundle/rootfs is /data. Texts
 * are compared, cleaned of dots and doubled slashes; no link is followed for it.
 */
final class MountDestination {
  // The files of /proc that a mount may cover: peers allow the same ones, for lxcfs and criu.
  private static final String ALLOWED_IN_PROC =
      " /proc/cpuinfo /proc/diskstats /proc/meminfo /proc/stat /proc/swaps /proc/uptime"
          + " /proc/loadavg /proc/slabinfo /proc/sys/kernel/ns_last_pid"
          + " /proc/sys/crypto/fips_enabled ";

  private MountDestination() {}

  /**
   * The mounts, with destinations that are paths in the container.
   *
   * @param root the host's path of the root filesystem, absolute
   */
  static List<Mount> inContainer(List<Mount> mounts, String root, Problems problems) {
    String clean = clean(root);
    List<Mount> changed = null;
    for (int i = 0; i < mounts.size(); i++) {
      Mount m = mounts.get(i);
      String below = below(clean, m.destination());
      if (below == null) {
        continue;
      }
      if (changed == null) {
        changed = new ArrayList<>(mounts);
      }
      changed.set(i, m.at(below));
      String problem = problemInProc(below, m.type(), m.options().bind());
      if (problem != null) {
        problems.error(m.origin(), problem);
      }
    }
    return changed == null ? mounts : changed;
  }

  /**
   * What is left of a path below the root; null where it is not below.
   *
   * @param root clean
   */
  static @Nullable String below(String root, String path) {
    // Nearly no path begins like this: only one that does is looked at.
    if (!path.startsWith("/") || root.equals("/") || path.indexOf(name(root)) < 0) {
      return null;
    }
    String clean = clean(path);
    if (clean.equals(root)) {
      return "/";
    }
    boolean below = clean.startsWith(root) && clean.charAt(root.length()) == '/';
    return below ? clean.substring(root.length()) : null;
  }

  private static String name(String path) {
    return path.substring(path.lastIndexOf('/'));
  }

  /**
   * Why a mount may not stand where it would cover files of /proc, and let a container lie to the
   * runtime (CVE-2019-16884); null where it may.
   */
  static @Nullable String problemInProc(String destination, @Nullable String type, boolean bind) {
    String clean = clean(destination);
    if (clean.equals("/proc")) {
      // Whether a bind's source is a procfs is seen when it is bound.
      return bind || "proc".equals(type)
          ? null
          : "\"/proc\" may be covered by a mount of type proc only";
    }
    return clean.startsWith("/proc/") && ALLOWED_IN_PROC.indexOf(" " + clean + " ") < 0
        ? "\"" + clean + "\" is inside /proc, which must not be covered"
        : null;
  }

  /** The path without doubled slashes and dots. */
  static String clean(String path) {
    if (isClean(path)) {
      return path;
    }
    List<String> parts = new ArrayList<>();
    int from = 0;
    while (from <= path.length()) {
      int to = path.indexOf('/', from);
      if (to < 0) {
        to = path.length();
      }
      String part = path.substring(from, to);
      if (part.equals("..")) {
        if (!parts.isEmpty()) {
          parts.remove(parts.size() - 1);
        }
      } else if (!part.isEmpty() && !part.equals(".")) {
        parts.add(part);
      }
      from = to + 1;
    }
    StringBuilder out = new StringBuilder();
    for (String part : parts) {
      out.append('/').append(part);
    }
    return out.length() == 0 ? "/" : out.toString();
  }

  /** Whether a path is absolute and without doubled slashes and dots, as nearly all are. */
  private static boolean isClean(String path) {
    int slash = -1;
    for (int i = 0; i < path.length(); i++) {
      char c = path.charAt(i);
      // A part that begins with a dot is looked at closely.
      if (c == '/' && slash == i - 1 && i > 0 || c == '.' && slash == i - 1) {
        return false;
      }
      slash = c == '/' ? i : slash;
    }
    return path.equals("/") || path.startsWith("/") && slash < path.length() - 1;
  }
}
