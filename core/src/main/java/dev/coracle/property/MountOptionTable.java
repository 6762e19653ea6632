package dev.coracle.property;

import dev.coracle.abi.Mount;
import dev.coracle.spec.Mount.MountOptions;
import java.util.ArrayList;
import java.util.List;

/**
 * Sorts mount option strings (config.md, "Linux mount options"). Last one wins.
 *
 * <p>A bind mount has its source's flags where no option speaks of flags, and otherwise those that
 * the options ask for and no others, as under runc: {@code ro} alone makes a mount of a nosuid one
 * that is read-only, and not nosuid. Times of access stay the source's until a word sets them; the
 * words that only take one away (atime, norelatime, nostrictatime, diratime) do not, as with
 * mount(8).
 */
final class MountOptionTable {
  /** The flags that a bind mount loses where they are not asked for. */
  private static final long OF_A_BIND =
      Mount.MOUNT_ATTR_RDONLY
          | Mount.MOUNT_ATTR_NOSUID
          | Mount.MOUNT_ATTR_NODEV
          | Mount.MOUNT_ATTR_NOEXEC
          | Mount.MOUNT_ATTR_NOSYMFOLLOW;

  private static final long TIMES = Mount.MOUNT_ATTR__ATIME | Mount.MOUNT_ATTR_NODIRATIME;

  private boolean bind;
  private boolean recursive;
  private boolean remount;
  private long attrSet;
  private long attrClear;
  private long recursiveSet;
  private long recursiveClear;
  private long propagation;
  private boolean propagationRecursive;
  private boolean tmpcopyup;
  private boolean idMap;
  private boolean idMapRecursive;

  /** Whether an option speaks of flags of the mount itself. */
  private boolean flagged;

  /** MOUNT_ATTR_* of whichever of noatime, relatime and strictatime is asked for; −1 for none. */
  private long atime = -1;

  private final List<String> superFlags = new ArrayList<>();
  private final List<String> data = new ArrayList<>();

  /** Takes one option; false where it is none of the table's, and so belongs to the filesystem. */
  boolean take(String option) {
    if (attribute(option, false)) {
      flagged = true;
      return true;
    }
    if (option.startsWith("r") && attribute(option.substring(1), true)) {
      return true;
    }
    switch (option) {
      // Printing less or more to the kernel's log is not a property of a mount.
      // Since Linux 5.19 each filesystem keeps its inode versions by itself, or has none.
      case "defaults", "" -> {}
      case "silent", "loud", "iversion", "noiversion" -> flagged = true;
      case "bind" -> bind = true;
      case "rbind" -> {
        bind = true;
        recursive = true;
      }
      case "remount" -> remount = true;
      case "sync", "async", "dirsync", "lazytime", "nolazytime", "mand", "nomand" -> {
        flagged = true;
        superFlags.add(option);
      }
      case "tmpcopyup" -> tmpcopyup = true;
      case "idmap" -> idMap(false);
      case "ridmap" -> idMap(true);
      case "shared" -> propagate(Mount.MS_SHARED, false);
      case "rshared" -> propagate(Mount.MS_SHARED, true);
      case "slave" -> propagate(Mount.MS_SLAVE, false);
      case "rslave" -> propagate(Mount.MS_SLAVE, true);
      case "private" -> propagate(Mount.MS_PRIVATE, false);
      case "rprivate" -> propagate(Mount.MS_PRIVATE, true);
      case "unbindable" -> propagate(Mount.MS_UNBINDABLE, false);
      case "runbindable" -> propagate(Mount.MS_UNBINDABLE, true);
      default -> {
        return false;
      }
    }
    return true;
  }

  /** Keeps an option for the filesystem. */
  void data(String option) {
    data.add(option);
  }

  MountOptions build(boolean isBind) {
    boolean binds = bind || isBind;
    if (!binds) {
      // As mount(2) has it: what is mounted read-only has a read-only superblock too.
      if ((attrSet & Mount.MOUNT_ATTR_RDONLY) != 0) {
        superFlags.add("ro");
      } else if (remount && (attrClear & Mount.MOUNT_ATTR_RDONLY) != 0) {
        superFlags.add("rw");
      }
    }
    long set = attrSet;
    long clear = attrClear;
    if (binds) {
      boolean times = atime >= 0 || (attrSet & Mount.MOUNT_ATTR_NODIRATIME) != 0;
      set = attrSet & ~Mount.MOUNT_ATTR__ATIME | Math.max(atime, Mount.MOUNT_ATTR_RELATIME);
      clear = times ? attrClear | TIMES : attrClear & ~TIMES;
    }
    return new MountOptions(
        binds,
        recursive,
        remount,
        set,
        clear,
        binds && flagged ? OF_A_BIND & ~clear : 0,
        recursiveSet,
        recursiveClear,
        superFlags,
        propagation,
        propagationRecursive,
        tmpcopyup,
        data);
  }

  boolean isBind() {
    return bind;
  }

  /** Takes {@code idmap} or {@code ridmap}, or their form with mappings. */
  void idMap(boolean recursive) {
    idMap = true;
    idMapRecursive = recursive;
  }

  boolean isIdMapped() {
    return idMap;
  }

  boolean isIdMappedRecursively() {
    return idMapRecursive;
  }

  private void propagate(long kind, boolean all) {
    propagation = kind;
    propagationRecursive = all;
  }

  private boolean attribute(String option, boolean all) {
    return switch (option) {
      case "ro" -> set(Mount.MOUNT_ATTR_RDONLY, Mount.MOUNT_ATTR_RDONLY, all);
      case "rw" -> set(0, Mount.MOUNT_ATTR_RDONLY, all);
      case "nosuid" -> set(Mount.MOUNT_ATTR_NOSUID, Mount.MOUNT_ATTR_NOSUID, all);
      case "suid" -> set(0, Mount.MOUNT_ATTR_NOSUID, all);
      case "nodev" -> set(Mount.MOUNT_ATTR_NODEV, Mount.MOUNT_ATTR_NODEV, all);
      case "dev" -> set(0, Mount.MOUNT_ATTR_NODEV, all);
      case "noexec" -> set(Mount.MOUNT_ATTR_NOEXEC, Mount.MOUNT_ATTR_NOEXEC, all);
      case "exec" -> set(0, Mount.MOUNT_ATTR_NOEXEC, all);
      case "nodiratime" -> set(Mount.MOUNT_ATTR_NODIRATIME, Mount.MOUNT_ATTR_NODIRATIME, all);
      case "diratime" -> set(0, Mount.MOUNT_ATTR_NODIRATIME, all);
      case "nosymfollow" -> set(Mount.MOUNT_ATTR_NOSYMFOLLOW, Mount.MOUNT_ATTR_NOSYMFOLLOW, all);
      case "symfollow" -> set(0, Mount.MOUNT_ATTR_NOSYMFOLLOW, all);
      case "noatime" -> atime(Mount.MOUNT_ATTR_NOATIME, all);
      case "strictatime" -> atime(Mount.MOUNT_ATTR_STRICTATIME, all);
      case "relatime" -> atime(Mount.MOUNT_ATTR_RELATIME, all);
      case "atime" -> noAtime(Mount.MOUNT_ATTR_NOATIME, all);
      case "norelatime" -> noAtime(Mount.MOUNT_ATTR_RELATIME, all);
      case "nostrictatime" -> noAtime(Mount.MOUNT_ATTR_STRICTATIME, all);
      default -> false;
    };
  }

  private boolean atime(long value, boolean all) {
    if (!all) {
      atime = value;
    }
    return set(value, Mount.MOUNT_ATTR__ATIME, all);
  }

  /** Takes one of the three back: what is left is the default. */
  private boolean noAtime(long value, boolean all) {
    if (!all && atime == value) {
      atime = -1;
    }
    return set(Mount.MOUNT_ATTR_RELATIME, Mount.MOUNT_ATTR__ATIME, all);
  }

  private boolean set(long value, long mask, boolean all) {
    if (all) {
      recursiveSet = recursiveSet & ~mask | value;
      recursiveClear |= mask;
    } else {
      attrSet = attrSet & ~mask | value;
      attrClear |= mask;
    }
    return true;
  }

  /** A word of the table that is one slip of a finger away, or an empty text. */
  static String similar(String option) {
    String all = Mounts.OPTIONS;
    int from = 0;
    while (from < all.length()) {
      int to = all.indexOf(' ', from);
      if (oneEditApart(option, all.substring(from, to))) {
        return all.substring(from, to);
      }
      from = to + 1;
    }
    return "";
  }

  private static boolean oneEditApart(String a, String b) {
    if (a.length() > b.length()) {
      return oneEditApart(b, a);
    }
    if (b.length() - a.length() > 1 || a.length() < 3) {
      return false;
    }
    int i = 0;
    while (i < a.length() && a.charAt(i) == b.charAt(i)) {
      i++;
    }
    int restOfA = a.length() == b.length() ? i + 1 : i;
    return restOfA > a.length() || a.substring(restOfA).equals(b.substring(i + 1));
  }
}
