package dev.coracle.execute;

import static dev.coracle.abi.Fcntl.AT_FDCWD;
import static dev.coracle.abi.Fcntl.AT_REMOVEDIR;

import dev.coracle.kernel.Errno;
import dev.coracle.kernel.Kernel;
import dev.coracle.plan.Action;
import dev.coracle.plan.Plan;
import dev.coracle.plan.Step;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Groups of resctrl, wherever it is mounted (Documentation/filesystems/resctrl.rst). */
public final class Resctrl {
  private static final int MOST_MOUNTINFO_BYTES = 64 << 20;
  private static final long MODE = 0755;

  private Resctrl() {}

  /**
   * The mount point of resctrl in the text of /proc/self/mountinfo, or null where there is none.
   */
  static @Nullable String mountPoint(String mountinfo) {
    int from = 0;
    while (from < mountinfo.length()) {
      int end = mountinfo.indexOf('\n', from);
      end = end < 0 ? mountinfo.length() : end;
      String line = mountinfo.substring(from, end);
      from = end + 1;
      int separator = line.indexOf(" - ");
      if (separator >= 0 && line.startsWith("resctrl ", separator + 3)) {
        int at = 0;
        for (int field = 0; field < 4; field++) {
          at = line.indexOf(' ', at) + 1;
        }
        return line.substring(at, line.indexOf(' ', at));
      }
    }
    return null;
  }

  /** The mount point; null where there is none, or where nobody can say. */
  public static @Nullable String find(Kernel k) {
    Files.Content content = Files.read(k, "/proc/self/mountinfo", MOST_MOUNTINFO_BYTES).content();
    return content == null ? null : mountPoint(content.text());
  }

  /** The directories that a plan will make, by paths of the host. */
  public static List<String> toBeMade(Kernel k, Plan plan) {
    List<String> out = new ArrayList<>();
    String root = null;
    for (Step step : plan.steps()) {
      if (step.action() instanceof Action.MakeResctrlGroup make && !make.expected()) {
        root = root == null ? find(k) : root;
        String path = root + make.group();
        if (root != null && k.faccessat2(AT_FDCWD, path, 0, 0) == -Errno.ENOENT) {
          out.add(path);
        }
      }
    }
    return out;
  }

  /** Removes directories, last one first; the text tells what could not be, or is null. */
  public static @Nullable String remove(Kernel k, List<String> directories) {
    String problem = null;
    for (int i = directories.size() - 1; i >= 0; i--) {
      long result = k.unlinkat(AT_FDCWD, directories.get(i), AT_REMOVEDIR);
      if (result < 0 && result != -Errno.ENOENT) {
        problem =
            "cannot remove resctrl group \"" + directories.get(i) + "\": " + Errno.text(-result);
      }
    }
    return problem;
  }

  static long make(Context c, Action.MakeResctrlGroup a, List<String> made) {
    String root = root(c);
    if (root == null) {
      return -Errno.ENODEV;
    }
    String path = root + a.group();
    if (a.expected() || a.group().isEmpty()) {
      long there = c.kernel.faccessat2(AT_FDCWD, path, 0, 0);
      return there == -Errno.ENOENT
          ? c.fail(Errno.ENOENT, "\"" + path + "\" must exist: no schemata are given for it")
          : there;
    }
    long result = c.kernel.mkdirat(AT_FDCWD, path, MODE);
    if (result >= 0) {
      made.add(path);
    }
    // The kernel has no more classes than the processor.
    return result == -Errno.ENOSPC
        ? c.fail(Errno.ENOSPC, "the processor has no class of service left")
        : result == -Errno.EEXIST ? 0 : result;
  }

  static long writeSchemata(Context c, Action.WriteSchemata a) {
    String root = root(c);
    if (root == null) {
      return -Errno.ENODEV;
    }
    String file = root + a.group() + "/schemata";
    long result = Files.writeKernelFile(c.kernel, AT_FDCWD, file, a.schemata(), 0);
    if (result < 0) {
      // The kernel says in words what it does not like.
      Files.Content why = Files.read(c.kernel, root + "/info/last_cmd_status", 4096).content();
      if (why != null && why.length() > 0) {
        return c.fail((int) -result, Errno.text(-result) + ": " + why.text().trim());
      }
    }
    return result;
  }

  static long join(Context c, Action.JoinResctrlGroup a) {
    String root = root(c);
    return root == null
        ? -Errno.ENODEV
        : Files.writeKernelFile(c.kernel, AT_FDCWD, root + a.group() + "/tasks", "0", 0);
  }

  private static @Nullable String root(Context c) {
    if (c.resctrl == null) {
      c.resctrl = find(c.kernel);
      if (c.resctrl == null) {
        long told = c.fail(Errno.ENODEV, "resctrl is not mounted on this host");
        return told < 0 ? null : c.resctrl;
      }
    }
    return c.resctrl;
  }
}
