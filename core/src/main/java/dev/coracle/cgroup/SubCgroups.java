package dev.coracle.cgroup;

import dev.coracle.cgroup.CgroupPaths.Directory;
import dev.coracle.problem.Origin;
import dev.coracle.problem.Problems;
import java.util.ArrayList;
import java.util.List;

/**
 * Cgroups below those of a container, for {@code exec --cgroup}: a path for all hierarchies, or
 * {@code CONTROLLER[,CONTROLLER...]:PATH} for some of cgroup v1. They are not made.
 */
public final class SubCgroups {
  private static final Origin ORIGIN = new Origin.Flag("--cgroup");

  private SubCgroups() {}

  /** The cgroups for exec; those of the container where nothing is asked for. */
  public static CgroupPaths of(CgroupPaths container, List<String> asked, Problems problems) {
    List<Directory> v1 = new ArrayList<>(container.v1());
    String v2 = container.v2Path();
    boolean[] taken = new boolean[v1.size()];
    for (String one : asked) {
      int colon = one.indexOf(':');
      String path = one.substring(colon + 1);
      if (climbs(path)) {
        problems.error(ORIGIN, one + " is not a sub cgroup path: it must not hold \"..\"");
      } else if (colon < 0 && asked.size() > 1) {
        problems.error(ORIGIN, "needs CONTROLLER: before the path if given twice: \"" + one + "\"");
      } else if (colon < 0) {
        for (int i = 0; i < v1.size(); i++) {
          v1.set(i, below(v1.get(i), path));
        }
        v2 = v2 == null ? null : join(v2, path);
      } else {
        descend(one.substring(0, colon), path, v1, taken, problems);
      }
    }
    return new CgroupPaths(v1, v2);
  }

  private static void descend(
      String controllers, String path, List<Directory> v1, boolean[] taken, Problems problems) {
    int from = 0;
    while (from <= controllers.length()) {
      int to = controllers.indexOf(',', from);
      to = to < 0 ? controllers.length() : to;
      String controller = controllers.substring(from, to);
      from = to + 1;
      int at = find(v1, controller);
      if (at < 0) {
        problems.error(ORIGIN, "there is no cgroup v1 hierarchy of \"" + controller + "\"");
      } else if (taken[at] && !v1.get(at).path().endsWith(join("", path))) {
        problems.error(ORIGIN, "two paths for the hierarchy of \"" + controller + "\"");
      } else if (!taken[at]) {
        taken[at] = true;
        v1.set(at, below(v1.get(at), path));
      }
    }
  }

  private static int find(List<Directory> v1, String controller) {
    for (int i = 0; i < v1.size(); i++) {
      if (!controller.isEmpty()
          && (v1.get(i).has(controller) || v1.get(i).name().equals(controller))) {
        return i;
      }
    }
    return -1;
  }

  private static Directory below(Directory directory, String path) {
    return new Directory(directory.name(), join(directory.path(), path));
  }

  private static String join(String base, String path) {
    int from = 0;
    int to = path.length();
    while (from < to && path.charAt(from) == '/') {
      from++;
    }
    while (to > from && path.charAt(to - 1) == '/') {
      to--;
    }
    return from == to ? base : base + "/" + path.substring(from, to);
  }

  private static boolean climbs(String path) {
    return ("/" + path + "/").contains("/../") || path.indexOf('\0') >= 0;
  }
}
