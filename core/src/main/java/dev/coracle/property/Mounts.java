package dev.coracle.property;

import static dev.coracle.abi.Mount.MOUNT_ATTR_RDONLY;

import dev.coracle.idmap.IdMappings;
import dev.coracle.idmap.MountIdMaps;
import dev.coracle.json.Members;
import dev.coracle.json.Pointer;
import dev.coracle.plan.Action;
import dev.coracle.plan.Phase;
import dev.coracle.plan.PlanBuilder;
import dev.coracle.problem.Origin;
import dev.coracle.problem.Problems;
import dev.coracle.spec.Linux.IdMapping;
import dev.coracle.spec.Mount;
import dev.coracle.spec.Mount.MountOptions;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Mounts, made in the order in which they stand (config.md, "Mounts"). */
public final class Mounts {
  public static final Pointer POINTER = Pointer.of("/mounts");

  /** The options of the spec's tables that are supported, with a space after each. */
  public static final String OPTIONS =
      "async atime bind defaults dev diratime dirsync exec idmap iversion lazytime loud mand noatime nodev"
          + " nodiratime noexec noiversion nolazytime nomand norelatime nostrictatime nosuid nosymfollow"
          + " private ratime rbind rdev rdiratime relatime remount rexec ridmap rnoatime rnodev"
          + " rnodiratime rnoexec rnorelatime rnostrictatime rnosuid rnosymfollow ro rprivate"
          + " rrelatime rro rrw rshared rslave rstrictatime rsuid rsymfollow"
          + " runbindable rw shared silent slave strictatime suid symfollow sync"
          + " tmpcopyup unbindable ";

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
    List<String> options = mount.strings("options");
    MountOptionTable table = new MountOptionTable();
    boolean[] taken = new boolean[options.size()];
    for (int i = 0; i < taken.length; i++) {
      taken[i] = table.take(options.get(i));
    }
    boolean bind = table.isBind() || "bind".equals(type) || "rbind".equals(type);
    for (int i = 0; i < taken.length; i++) {
      if (!taken[i]) {
        rest(mount, type, bind, options.get(i), i, table);
      }
    }
    if (bind && (source == null ? !mount.has("source") : source.isEmpty())) {
      mount.error("source", "is required for a bind mount");
    }
    MountOptions sorted = table.build(bind);
    if (sorted.tmpcopyup() && (bind || !"tmpfs".equals(type))) {
      mount.error("options", options.indexOf("tmpcopyup"), "\"tmpcopyup\" is for a tmpfs only");
    }
    if (!bind && !sorted.remount() && (type == null ? !mount.has("type") : type.isEmpty())) {
      mount.error("type", "is required for a mount that is no bind mount");
    }
    String problem = MountDestination.problemInProc(absolute, type, bind);
    if (problem != null) {
      mount.error("destination", problem);
    }
    return new Mount(
        absolute,
        bind ? null : type,
        source == null ? "" : source,
        sorted,
        idMap(mount, table, bind),
        Origin.of(mount.pointer()));
  }

  /** Mappings ask for an id-mapped mount as the options do (config.md, "Mounts"). */
  private static Mount.@Nullable IdMap idMap(Members mount, MountOptionTable table, boolean bind) {
    List<IdMapping> uids = IdMappings.read(mount, "uidMappings");
    List<IdMapping> gids = IdMappings.read(mount, "gidMappings");
    boolean some = mount.has("uidMappings") && !mount.items("uidMappings").isEmpty();
    boolean others = mount.has("gidMappings") && !mount.items("gidMappings").isEmpty();
    if (some != others) {
      mount.error(
          some ? "gidMappings" : "uidMappings",
          "is required beside " + (some ? "uidMappings" : "gidMappings"));
    }
    if (!some && !others && !table.isIdMapped()) {
      return null;
    }
    if (!bind) {
      mount.error("only a bind mount can be id-mapped");
    }
    if (!bind || some && uids.isEmpty() || others && gids.isEmpty() || some != others) {
      return null; // What is wrong with it was told.
    }
    return new Mount.IdMap(table.isIdMappedRecursively(), uids, gids);
  }

  private static void rest(
      Members mount,
      @Nullable String type,
      boolean bind,
      String option,
      int index,
      MountOptionTable table) {
    if (option.startsWith("idmap=") || option.startsWith("ridmap=")) {
      mount.error(
          "options",
          index,
          "\"" + option + "\" is not supported; write uidMappings and gidMappings for the mount");
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
    addData(option, table);
  }

  /**
   * Keeps options of the filesystem one by one: mount(2) takes them as one text with commas, so
   * that some write several into one string. A comma in quotes or after a backslash is part of a
   * value.
   */
  private static void addData(String text, MountOptionTable table) {
    int from = 0;
    boolean quoted = false;
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c == '\\') {
        i++;
      } else if (c == '"') {
        quoted = !quoted;
      } else if (c == ',' && !quoted) {
        addOne(text.substring(from, i), table);
        from = i + 1;
      }
    }
    addOne(text.substring(from), table);
  }

  private static void addOne(String option, MountOptionTable table) {
    int equals = option.indexOf('=');
    boolean context = equals >= 0 && option.substring(0, equals).endsWith("context");
    if (context && option.length() > equals + 2 && option.charAt(equals + 1) == '"') {
      // The quotes of an SELinux context are there for mount(2), which would split at its commas.
      int end = option.endsWith("\"") ? option.length() - 1 : option.length();
      table.data(option.substring(0, equals + 1) + option.substring(equals + 2, end));
    } else if (!option.isEmpty()) {
      table.data(option);
    }
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

  /**
   * The mounts with destinations that are paths in the container.
   *
   * @param root the host's path of the root filesystem, absolute
   */
  public static List<Mount> inContainer(List<Mount> mounts, String root, Problems problems) {
    return MountDestination.inContainer(mounts, root, problems);
  }

  /** Whether something of the host's is bound over /dev, so that no devices are made there. */
  public static boolean bindsDev(List<Mount> mounts) {
    for (Mount m : mounts) {
      if (m.options().bind() && MountDestination.clean(m.destination()).equals("/dev")) {
        return true;
      }
    }
    return false;
  }

  /** Whether the container may write to its cgroup. */
  public static boolean hasWritableCgroup(List<Mount> mounts) {
    for (Mount m : mounts) {
      boolean cgroup = "cgroup".equals(m.type()) || "cgroup2".equals(m.type());
      if (cgroup && (m.options().attrSet() & dev.coracle.abi.Mount.MOUNT_ATTR_RDONLY) == 0) {
        return true;
      }
    }
    return false;
  }

  /** Opens what bind mounts show of the host, in their order. */
  public static void planTrees(
      List<Mount> mounts, Sources sources, MountIdMaps idMaps, PlanBuilder plan) {
    for (Mount m : mounts) {
      // What is in the root shows the mounts made before: it is opened when its turn comes.
      boolean ready = sources.inRoot(m) == null;
      if (m.options().bind() && !m.options().remount() && ready) {
        Action tree = new Action.OpenTree(sources.of(m), m.options().recursive(), idMaps.of(m));
        plan.add(Phase.PARENT_AFTER_CLONE, tree, m.origin());
      }
    }
  }

  /**
   * Where sources of bind mounts are looked for.
   *
   * @param bundle to which relative ones are relative
   * @param root the host's path of the root filesystem, absolute
   */
  public record Sources(String bundle, String root) {
    /** The host's path of a source, or the name of what is no bind mount. */
    String of(Mount mount) {
      boolean relative = mount.options().bind() && !mount.source().startsWith("/");
      return relative ? bundle + "/" + mount.source() : mount.source();
    }

    /** The path in the container of a source that lies in the root; null for others. */
    @Nullable String inRoot(Mount mount) {
      return mount.options().bind()
          ? MountDestination.below(MountDestination.clean(root), of(mount))
          : null;
    }
  }

  /**
   * What mounts depend on.
   *
   * @param sources where bind mounts come from
   * @param cgroups what a mount of type cgroup shows
   * @param cgroupNamespace whether the container has a cgroup namespace
   * @param label the SELinux context of new filesystems; null for none
   * @param idMaps the mappings of id-mapped mounts
   */
  public record Setting(
      Sources sources,
      List<Action.Hierarchy> cgroups,
      boolean cgroupNamespace,
      @Nullable String label,
      MountIdMaps idMaps) {}

  /** Plans all mounts. */
  public static void plan(
      List<Mount> mounts, Setting setting, PlanBuilder plan, Problems problems) {
    for (Mount m : mounts) {
      MountOptions options = m.options();
      if ("cgroup".equals(m.type()) && !options.remount()) {
        planCgroup(m, setting, plan, problems);
        continue;
      }
      String source = setting.sources().of(m);
      boolean later = readonlyLater(m);
      if (later) {
        options = options.writable();
      }
      String label = setting.label();
      if (label != null && takesLabel(m)) {
        options = options.withData("context=" + label);
      }
      String destination = plain(m.destination());
      Action.IdMapped idMapped = setting.idMaps().of(m);
      String inRoot = setting.sources().inRoot(m);
      Action action =
          new Action.MakeMount(destination, m.type(), source, inRoot, options, idMapped);
      plan.add(Phase.CHILD_SETUP, action, m.origin());
      if (later) {
        MountOptions readonly = MountOptions.readonlyRemount();
        plan.add(
            Phase.CHILD_AFTER_PIVOT,
            new Action.MakeMount(m.destination(), null, "", null, readonly, null),
            m.origin());
      }
    }
  }

  /** The two destinations that are special, however they are written; any other as it is. */
  private static String plain(String destination) {
    String clean = MountDestination.clean(destination);
    return clean.equals("/") || clean.equals("/proc") ? clean : destination;
  }

  private static void planCgroup(Mount m, Setting setting, PlanBuilder plan, Problems problems) {
    List<Action.Hierarchy> all = setting.cgroups();
    boolean unified = all.size() == 1 && all.get(0).name().isEmpty();
    if (!unified && !m.options().data().isEmpty()) {
      String option = m.options().data().get(0);
      problems.error(
          m.origin(),
          "\"" + option + "\": the mount of cgroup v1 takes no options of a filesystem");
    }
    plan.add(
        Phase.CHILD_SETUP,
        new Action.MountCgroup(m.destination(), m.options(), all, setting.cgroupNamespace()),
        m.origin());
  }

  /**
   * Whether a mount becomes read-only when the others are made: a tmpfs is empty, so that their
   * targets, and the devices of /dev, are yet to be made in it.
   */
  private static boolean readonlyLater(Mount m) {
    MountOptions o = m.options();
    boolean readonly = (o.attrSet() & MOUNT_ATTR_RDONLY) != 0;
    boolean filled =
        "tmpfs".equals(m.type()) || MountDestination.clean(m.destination()).equals("/dev");
    return readonly && filled && !o.bind() && !o.remount();
  }

  /** Whether a filesystem's inodes get the context of /linux/mountLabel by a mount option. */
  private static boolean takesLabel(Mount m) {
    String type = m.type();
    return type != null
        && !m.options().bind()
        && !m.options().remount()
        && !type.equals("proc")
        && !type.equals("sysfs")
        && !type.equals("mqueue");
  }
}
