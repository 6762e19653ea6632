package dev.coracle.cgroup;

import dev.coracle.plan.Action;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * How a host's cgroup hierarchies are mounted, and where this process stands in each (cgroups(7)).
 *
 * @param version which kinds of hierarchies there are
 * @param v1 the mounted v1 hierarchies, in the order of /proc/self/cgroup; empty on a pure v2
 * @param unified the v2 hierarchy; null where it is not mounted
 */
public record CgroupLayout(Version version, List<Hierarchy> v1, @Nullable Unified unified) {
  /** Where systemd and everyone else mounts cgroups. */
  public static final String MOUNT_POINT = "/sys/fs/cgroup";

  /** No cgroup hierarchy at all. */
  public static final CgroupLayout NONE = new CgroupLayout(Version.NONE, List.of(), null);

  /** The kinds of hosts. */
  public enum Version {
    /** Nothing is mounted. */
    NONE,
    /** Only v1 hierarchies. */
    V1,
    /** v1 hierarchies, and a v2 one beside them. */
    HYBRID,
    /** Only the v2 hierarchy. */
    V2
  }

  /**
   * A v1 hierarchy.
   *
   * @param name its controllers with commas, as in {@code cpu,cpuacct}, or for a hierarchy without
   *     any its name, as in {@code name=systemd}
   * @param mountPoint where it is mounted
   * @param mountRoot the cgroup that shows at the mount point
   * @param ownPath the cgroup of this process, from the hierarchy's root
   */
  public record Hierarchy(String name, String mountPoint, String mountRoot, String ownPath) {
    /** The directory of this process's own cgroup. */
    public String ownDirectory() {
      return under(mountPoint, mountRoot, ownPath);
    }

    /** Whether it has this controller. */
    public boolean has(String controller) {
      return listed(controller, name);
    }
  }

  /**
   * The v2 hierarchy.
   *
   * @param mountPoint where it is mounted
   * @param mountRoot the cgroup that shows at the mount point
   * @param ownPath the cgroup of this process, from the hierarchy's root
   * @param controllers what cgroup.controllers at the mount point offers; null where nobody read it
   */
  public record Unified(
      String mountPoint, String mountRoot, String ownPath, @Nullable List<String> controllers) {
    /** The directory of this process's own cgroup. */
    public String ownDirectory() {
      return under(mountPoint, mountRoot, ownPath);
    }

    /**
     * The directory above this process's own cgroup. The own one has processes, so the kernel lets
     * it have no children with controllers; its parent can.
     */
    public String delegatedDirectory() {
      String own = ownDirectory();
      return own.equals(mountPoint) ? own : parent(own);
    }
  }

  /**
   * The layout of a host that is not a pure v2.
   *
   * @param mountinfo what /proc/self/mountinfo holds
   * @param selfCgroup what /proc/self/cgroup holds
   */
  public static CgroupLayout parse(byte[] mountinfo, byte[] selfCgroup) {
    return new LayoutParser(mountinfo, selfCgroup).layout();
  }

  /**
   * The layout of a pure v2 host: where {@link #MOUNT_POINT} itself is a cgroup2 filesystem,
   * nothing else needs to be known, and mountinfo with its thousands of lines stays unread.
   *
   * @param selfCgroup what /proc/self/cgroup holds
   */
  public static CgroupLayout unified(byte[] selfCgroup) {
    String own = LayoutParser.unifiedPath(selfCgroup);
    return new CgroupLayout(Version.V2, List.of(), new Unified(MOUNT_POINT, "/", own, null));
  }

  /**
   * This layout with the controllers that the v2 hierarchy offers, so that a missing one is told
   * before anything is done.
   *
   * @param controllers what cgroup.controllers at the mount point holds
   */
  public CgroupLayout withControllers(byte[] controllers) {
    Unified u = unified;
    if (u == null) {
      return this;
    }
    List<String> names = LayoutParser.words(controllers);
    return new CgroupLayout(
        version, v1, new Unified(u.mountPoint(), u.mountRoot(), u.ownPath(), names));
  }

  /** The v1 hierarchy with this controller, or null where none has it. */
  public @Nullable Hierarchy v1(String controller) {
    for (Hierarchy h : v1) {
      if (h.has(controller)) {
        return h;
      }
    }
    return null;
  }

  /**
   * What a mount of type {@code cgroup} shows of the container's cgroups: one entry for each v1
   * hierarchy, and on a hybrid host one for the unified one. Empty on a pure v2, where the mount is
   * the hierarchy itself.
   */
  public List<Action.Hierarchy> mounts(CgroupPaths paths) {
    List<Action.Hierarchy> out = new ArrayList<>();
    for (int i = 0; i < v1.size(); i++) {
      Hierarchy h = v1.get(i);
      String path = paths.v1().get(i).path();
      out.add(new Action.Hierarchy(base(h.mountPoint()), h.name(), path, h.ownDirectory()));
    }
    Unified u = unified;
    String v2 = paths.v2Path();
    if (!out.isEmpty() && u != null && v2 != null) {
      out.add(new Action.Hierarchy(base(u.mountPoint()), null, v2, u.ownDirectory()));
    }
    return out;
  }

  private static String base(String path) {
    return path.substring(path.lastIndexOf('/') + 1);
  }

  /** Whether a word is one of those between commas. */
  static boolean listed(String word, String list) {
    int at = list.indexOf(word);
    while (at >= 0) {
      int end = at + word.length();
      if ((at == 0 || list.charAt(at - 1) == ',')
          && (end == list.length() || list.charAt(end) == ',')) {
        return true;
      }
      at = list.indexOf(word, at + 1);
    }
    return false;
  }

  /** The directory above. */
  static String parent(String path) {
    return path.substring(0, Math.max(1, path.lastIndexOf('/')));
  }

  /**
   * Where a cgroup shows below a mount. A cgroup outside of what is mounted, as in a container that
   * shares the host's cgroup namespace, shows nowhere: then the mount point stands for it.
   */
  private static String under(String mountPoint, String mountRoot, String path) {
    if (path.equals(mountRoot) || path.startsWith("/..")) {
      return mountPoint;
    }
    if (mountRoot.equals("/")) {
      return path.equals("/") ? mountPoint : mountPoint + path;
    }
    boolean below = path.startsWith(mountRoot) && path.charAt(mountRoot.length()) == '/';
    return below ? mountPoint + path.substring(mountRoot.length()) : mountPoint;
  }
}
