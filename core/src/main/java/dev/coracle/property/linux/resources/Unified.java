package dev.coracle.property.linux.resources;

import dev.coracle.cgroup.CgroupFiles;
import dev.coracle.cgroup.CgroupLayout;
import dev.coracle.cgroup.CgroupSteps;
import dev.coracle.json.Members;
import dev.coracle.json.Pointer;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Files of a cgroup v2 and what is written into them (config-linux.md, "Unified").
 *
 * <p>The runtime need not know a file. Its controller, the word before the first dot, must be
 * offered; {@code cgroup} and {@code irq} are none. A value of several lines is written line by
 * line, for files such as io.max take one device at a time. Peers: runc has the same rules.
 */
public final class Unified {
  public static final Pointer POINTER = Pointer.of("/linux/resources/unified");

  /** Where processes are and whether they run: with these the process could not be started. */
  private static final String NO_LIMITS =
      " cgroup.procs cgroup.threads cgroup.freeze cgroup.kill cgroup.type cgroup.subtree_control ";

  private Unified() {}

  /** Reads it, in the order of the text. */
  public static Map<String, String> read(Members resources) {
    Members unified = resources.object("unified");
    if (unified == null || unified.keys().isEmpty()) {
      return Map.of();
    }
    Map<String, String> out = new LinkedHashMap<>();
    for (String file : unified.keys()) {
      String value = unified.string(file);
      String defect = defect(file);
      if (value != null && defect != null) {
        unified.error(file, defect);
      } else if (value != null) {
        out.put(file, value);
      }
    }
    return out;
  }

  private static @org.jspecify.annotations.Nullable String defect(String file) {
    if (file.indexOf('/') >= 0) {
      return "must name a file of the cgroup, without a slash";
    }
    if (file.indexOf('.') <= 0 || file.indexOf('\0') >= 0) {
      return "must be a controller, a dot, and the name of a parameter";
    }
    if (NO_LIMITS.contains(" " + file + " ")) {
      return "is no limit, and is the runtime's to write";
    }
    return null;
  }

  /** Writes it. */
  public static void plan(Map<String, String> unified, CgroupLayout layout, CgroupSteps steps) {
    if (unified.isEmpty()) {
      return;
    }
    if (layout.unified() == null) {
      steps.problems().error(POINTER, "needs cgroup v2, which is not mounted");
      return;
    }
    for (Map.Entry<String, String> e : unified.entrySet()) {
      write(e.getKey(), e.getValue(), steps);
    }
  }

  private static void write(String file, String value, CgroupSteps steps) {
    Pointer at = POINTER.child(file);
    String controller = file.substring(0, file.indexOf('.'));
    boolean core = controller.equals("cgroup") || controller.equals("irq");
    CgroupFiles files = core ? steps.unifiedFiles("") : steps.unifiedFiles(controller);
    List<String> lines = lines(value);
    if (lines.size() > 1) {
      files.writeLines(file, lines, at);
    } else {
      files.write(file, value, at);
    }
  }

  private static List<String> lines(String value) {
    List<String> out = new ArrayList<>();
    int from = 0;
    while (from <= value.length()) {
      int to = value.indexOf('\n', from);
      to = to < 0 ? value.length() : to;
      if (to > from) {
        out.add(value.substring(from, to));
      }
      from = to + 1;
    }
    return out;
  }
}
