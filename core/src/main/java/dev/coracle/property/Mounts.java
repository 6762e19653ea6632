package dev.coracle.property;

import dev.coracle.json.Members;
import dev.coracle.json.Pointer;
import dev.coracle.plan.Action;
import dev.coracle.plan.Phase;
import dev.coracle.plan.PlanBuilder;
import dev.coracle.problem.Origin;
import dev.coracle.problem.Problems;
import dev.coracle.spec.Mount;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Mounts, made in the order in which they stand (config.md, "Mounts"). */
public final class Mounts {
  public static final Pointer POINTER = Pointer.of("/mounts");

  /** The options of the spec's tables that are supported, with a space after each. */
  public static final String OPTIONS =
      "async atime bind defaults dev diratime dirsync exec iversion lazytime loud mand noatime nodev"
          + " nodiratime noexec noiversion nolazytime nomand norelatime nostrictatime nosuid nosymfollow"
          + " private ratime rbind rdev rdiratime relatime remount rexec rnoatime rnodev"
          + " rnodiratime rnoexec rnorelatime rnostrictatime rnosuid rnosymfollow ro rprivate"
          + " rrelatime rro rrw rshared rslave rstrictatime rsuid rsymfollow"
          + " runbindable rw shared silent slave strictatime suid symfollow sync"
          + " tmpcopyup unbindable ";

  // The files of /proc that a mount may cover: peers allow the same ones, for lxcfs and criu.
  private static final String ALLOWED_IN_PROC =
      " /proc/cpuinfo /proc/diskstats /proc/meminfo /proc/stat /proc/swaps /proc/uptime"
          + " /proc/loadavg /proc/slabinfo /proc/sys/kernel/ns_last_pid"
          + " /proc/sys/crypto/fips_enabled ";

  private Mounts() {}

  /** Reads them. */
  public static List<Mount> read(Members config) {
    List<Mount> out = new ArrayList<>();
    for (Members mount : config.objects("mounts")) {
      out.add(readOne(mount));
    }
    return out;
  }

  private static Mount readOne(Members mount) {
    String destination = mount.requiredString("destination");
    if (destination.isEmpty() && mount.isString("destination")) {
      mount.error("destination", "must not be empty");
    }
    // Relative ones are deprecated since 1.2, and mean relative to the root.
    String absolute = destination.startsWith("/") ? destination : "/" + destination;
    String type = mount.string("type");
    String source = mount.string("source");
    unsupported(mount, "uidMappings");
    unsupported(mount, "gidMappings");
    List<String> options = mount.strings("options");
    MountOptionTable table = new MountOptionTable();
    List<Integer> rest = new ArrayList<>();
    for (int i = 0; i < options.size(); i++) {
      if (!table.take(options.get(i))) {
        rest.add(i);
      }
    }
    boolean bind = table.isBind() || "bind".equals(type) || "rbind".equals(type);
    for (int i : rest) {
      rest(mount, type, bind, options.get(i), i, table);
    }
    if (bind && (source == null ? !mount.has("source") : source.isEmpty())) {
      mount.error("source", "is required for a bind mount");
    }
    Mount.MountOptions sorted = table.build(bind);
    if (!bind && !sorted.remount() && (type == null ? !mount.has("type") : type.isEmpty())) {
      mount.error("type", "is required for a mount that is no bind mount");
    }
    checkProc(mount, absolute, type, bind);
    return new Mount(
        absolute,
        bind ? null : type,
        source == null ? "" : source,
        sorted,
        Origin.of(mount.pointer()));
  }

  private static void rest(
      Members mount,
      @Nullable String type,
      boolean bind,
      String option,
      int index,
      MountOptionTable table) {
    String key = option.indexOf('=') < 0 ? option : option.substring(0, option.indexOf('='));
    if (key.equals("idmap") || key.equals("ridmap")) {
      mount.error("options", index, "\"" + option + "\" is not yet supported");
      return;
    }
    boolean unknown = bind || option.indexOf('=') < 0 && takesNoSuchWord(type, option);
    if (unknown) {
      String similar = MountOptionTable.similar(option);
      String hint = similar.isEmpty() ? "" : "; did you mean \"" + similar + "\"?";
      String why =
          bind && similar.isEmpty() ? " (a bind mount takes no options of a filesystem)" : hint;
      mount.error("options", index, "unknown mount option \"" + option + "\"" + why);
      return;
    }
    table.data(option);
  }

  /** Whether a filesystem that we know takes no such option; any other is asked by the kernel. */
  private static boolean takesNoSuchWord(@Nullable String type, String option) {
    if (type == null) {
      return true;
    }
    return switch (type) {
      case "proc", "sysfs", "mqueue" -> true;
      case "devpts" -> !option.equals("newinstance");
      case "tmpfs" ->
          " inode32 inode64 noswap quota usrquota grpquota ".indexOf(" " + option + " ") < 0;
      default -> false;
    };
  }

  private static void unsupported(Members mount, String key) {
    if (!mount.items(key).isEmpty()) {
      mount.error(key, "is not yet supported");
    }
  }

  /** A mount over files of /proc would let a container lie to the runtime (CVE-2019-16884). */
  private static void checkProc(
      Members mount, String destination, @Nullable String type, boolean bind) {
    String clean = clean(destination);
    if (clean.equals("/proc")) {
      if (bind || !"proc".equals(type)) {
        String source = mount.string("source");
        if (!"/proc".equals(source)) {
          mount.error("destination", "\"/proc\" may be covered by a mount of type proc only");
        }
      }
    } else if (clean.startsWith("/proc/") && ALLOWED_IN_PROC.indexOf(" " + clean + " ") < 0) {
      mount.error("destination", "\"" + clean + "\" is inside /proc, which must not be covered");
    }
  }

  /** The path without doubled slashes and dots. */
  static String clean(String path) {
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

  /** Whether something of the host's is bound over /dev, so that no devices are made there. */
  public static boolean bindsDev(List<Mount> mounts) {
    for (Mount m : mounts) {
      if (m.options().bind() && clean(m.destination()).equals("/dev")) {
        return true;
      }
    }
    return false;
  }

  /**
   * Plans all mounts.
   *
   * @param bundle the bundle, to which relative sources of bind mounts are relative
   * @param cgroups what a mount of type cgroup shows
   */
  public static void plan(
      List<Mount> mounts,
      String bundle,
      List<Action.Hierarchy> cgroups,
      boolean cgroupNamespace,
      PlanBuilder plan,
      Problems problems) {
    for (Mount m : mounts) {
      String source = m.source();
      if (m.options().bind() && !source.startsWith("/")) {
        source = bundle + "/" + source;
      }
      Action action;
      if ("cgroup".equals(m.type())) {
        action = new Action.MountCgroup(m.destination(), m.options(), cgroups, cgroupNamespace);
      } else {
        action = new Action.MakeMount(m.destination(), m.type(), source, m.options());
      }
      plan.add(Phase.CHILD_SETUP, action, m.origin());
    }
  }

  /** Tells that there can be no mounts, for there is no mount namespace. */
  public static void refuse(List<Mount> mounts, Problems problems) {
    if (!mounts.isEmpty()) {
      problems.error(
          POINTER, "need a new mount namespace; add {\"type\":\"mount\"} to /linux/namespaces");
    }
  }
}
