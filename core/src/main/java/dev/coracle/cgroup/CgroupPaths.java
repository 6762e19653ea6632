package dev.coracle.cgroup;

import dev.coracle.cgroup.CgroupLayout.Hierarchy;
import dev.coracle.cgroup.CgroupLayout.Unified;
import dev.coracle.cgroup.CgroupLayout.Version;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The container's cgroups as directories of the host: one in every v1 hierarchy, and one in the
 * unified hierarchy.
 *
 * <p>A hybrid host has both, and the container is in all of them, as it is with runc and crun: an
 * engine that reads any of the hierarchies finds it, and the unified one gives cgroup.kill and a
 * clone straight into the cgroup, which no v1 hierarchy has.
 *
 * <p>An absolute {@code /linux/cgroupsPath} is below the mount points. A relative one is below the
 * runtime's own cgroup on v1, and below that one's parent on v2, because a v2 cgroup that has
 * processes cannot have children with controllers. Without any, the container's id is taken as a
 * relative path: so a container stays in the subtree, and under the limits, that its caller was
 * given.
 *
 * <p>OCI: config-linux.md, "Cgroups Path". Peers: runc has the same rules; crun puts relative paths
 * below the mount point.
 *
 * @param v1 the v1 cgroups, in the layout's order
 * @param v2Path the v2 cgroup, into which the child is cloned; null where there is no v2
 */
public record CgroupPaths(List<Directory> v1, @Nullable String v2Path) {
  /**
   * One v1 cgroup.
   *
   * @param name the hierarchy: controllers with commas, or {@code name=systemd}
   * @param path the directory on the host
   */
  public record Directory(String name, String path) {
    /** Whether this hierarchy has the controller. */
    boolean has(String controller) {
      return CgroupLayout.listed(controller, name);
    }
  }

  /**
   * Finds the directories.
   *
   * @param cgroupsPath the property, in which {@link #defect} finds nothing; null for none
   */
  public static CgroupPaths of(CgroupLayout layout, @Nullable String cgroupsPath, String id) {
    String wanted = cgroupsPath == null ? id : cgroupsPath;
    String defect = defect(wanted);
    if (defect != null) {
      throw new IllegalArgumentException("cgroup path \"" + wanted + "\": " + defect);
    }
    boolean absolute = wanted.startsWith("/");
    String below = clean(wanted);
    List<Directory> v1 = new ArrayList<>(layout.v1().size());
    for (Hierarchy h : layout.v1()) {
      String base = absolute ? h.mountPoint() : h.ownDirectory();
      v1.add(new Directory(h.name(), base + below));
    }
    Unified u = layout.unified();
    if (u == null) {
      return new CgroupPaths(v1, null);
    }
    String base = absolute ? u.mountPoint() : relativeBase(layout.version(), u);
    return new CgroupPaths(v1, base + below);
  }

  // Beside v1 hierarchies the unified one has no controllers to hand down: the own cgroup will do.
  private static String relativeBase(Version version, Unified unified) {
    return version == Version.V2 ? unified.delegatedDirectory() : unified.ownDirectory();
  }

  /** What is wrong with a path, or null where nothing is. */
  public static @Nullable String defect(String path) {
    if (path.indexOf('\0') >= 0 || path.indexOf('\n') >= 0) {
      return "must not hold a NUL or newline character";
    }
    boolean names = false;
    int from = 0;
    while (from <= path.length()) {
      int to = end(path, from);
      if (to - from == 2 && path.startsWith("..", from)) {
        return "must not hold \"..\"";
      }
      names |= to > from && !(to - from == 1 && path.charAt(from) == '.');
      from = to + 1;
    }
    return names ? null : "must name a cgroup below the root";
  }

  /** The path with one slash before each name. */
  private static String clean(String path) {
    StringBuilder out = new StringBuilder(path.length() + 1);
    int from = 0;
    while (from < path.length()) {
      int to = end(path, from);
      if (to > from && !(to - from == 1 && path.charAt(from) == '.')) {
        out.append('/').append(path, from, to);
      }
      from = to + 1;
    }
    return out.toString();
  }

  private static int end(String path, int from) {
    int to = path.indexOf('/', from);
    return to < 0 ? path.length() : to;
  }

  /** The container's directory in the v1 hierarchy with this controller, or null. */
  public @Nullable String v1(String controller) {
    for (Directory d : v1) {
      if (d.has(controller)) {
        return d.path();
      }
    }
    return null;
  }

  /** All directories, the v2 one last. */
  public List<String> directories() {
    List<String> out = new ArrayList<>(v1.size() + 1);
    for (Directory d : v1) {
      out.add(d.path());
    }
    if (v2Path != null) {
      out.add(v2Path);
    }
    return out;
  }

  /**
   * A text form, for the state on disk: a line for each cgroup with the hierarchy before a colon,
   * nothing before it for v2, like /proc/self/cgroup. No path holds a newline; the kernel refuses
   * one.
   */
  public String text() {
    StringBuilder out = new StringBuilder();
    for (Directory d : v1) {
      out.append(d.name()).append(':').append(d.path()).append('\n');
    }
    if (v2Path != null) {
      out.append(':').append(v2Path).append('\n');
    }
    return out.toString();
  }

  /** The directories of which {@code text} is the text form. */
  public static CgroupPaths parse(String text) {
    List<Directory> v1 = new ArrayList<>();
    String v2 = null;
    int from = 0;
    while (from < text.length()) {
      int to = text.indexOf('\n', from);
      if (to < 0) {
        to = text.length();
      }
      int colon = text.indexOf(':', from);
      if (colon < 0 || colon + 1 >= to || text.charAt(colon + 1) != '/') {
        throw new IllegalArgumentException("not a cgroup: " + text.substring(from, to));
      }
      String path = text.substring(colon + 1, to);
      if (colon == from) {
        v2 = path;
      } else {
        v1.add(new Directory(text.substring(from, colon), path));
      }
      from = to + 1;
    }
    return new CgroupPaths(v1, v2);
  }
}
