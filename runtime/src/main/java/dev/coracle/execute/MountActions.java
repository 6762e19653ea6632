package dev.coracle.execute;

import static dev.coracle.abi.Fcntl.AT_EMPTY_PATH;
import static dev.coracle.abi.Fcntl.AT_FDCWD;
import static dev.coracle.abi.Fcntl.AT_RECURSIVE;
import static dev.coracle.abi.Fcntl.O_CLOEXEC;
import static dev.coracle.abi.Fcntl.O_DIRECTORY;
import static dev.coracle.abi.Fcntl.O_PATH;
import static dev.coracle.abi.Fcntl.RESOLVE_IN_ROOT;
import static dev.coracle.abi.Fcntl.RESOLVE_NO_SYMLINKS;
import static dev.coracle.abi.Mount.FSCONFIG_CMD_CREATE;
import static dev.coracle.abi.Mount.FSCONFIG_CMD_RECONFIGURE;
import static dev.coracle.abi.Mount.FSCONFIG_SET_FLAG;
import static dev.coracle.abi.Mount.FSCONFIG_SET_STRING;
import static dev.coracle.abi.Mount.FSMOUNT_CLOEXEC;
import static dev.coracle.abi.Mount.FSOPEN_CLOEXEC;
import static dev.coracle.abi.Mount.FSPICK_CLOEXEC;
import static dev.coracle.abi.Mount.FSPICK_EMPTY_PATH;
import static dev.coracle.abi.Mount.MOUNT_ATTR_NOSYMFOLLOW;
import static dev.coracle.abi.Mount.MOUNT_ATTR__ATIME;
import static dev.coracle.abi.Mount.MOVE_MOUNT_F_EMPTY_PATH;
import static dev.coracle.abi.Mount.MOVE_MOUNT_T_EMPTY_PATH;
import static dev.coracle.abi.Mount.OPEN_TREE_CLOEXEC;
import static dev.coracle.abi.Mount.OPEN_TREE_CLONE;
import static dev.coracle.abi.Mount.PROC_SUPER_MAGIC;

import dev.coracle.abi.Bytes;
import dev.coracle.abi.Stat;
import dev.coracle.abi.Statx;
import dev.coracle.kernel.Errno;
import dev.coracle.kernel.Kernel;
import dev.coracle.plan.Action;
import dev.coracle.spec.Mount.MountOptions;
import java.util.List;

/** Makes mounts by the descriptor-based interface: a mount is whole before anyone can see it. */
final class MountActions {
  private static final int MESSAGE_BYTES = 512;

  private MountActions() {}

  static long make(Context c, Action.MakeMount mount) {
    MountOptions options = mount.options();
    long root = c.root();
    if (root < 0) {
      return root;
    }
    if (options.remount()) {
      return remount(c, (int) root, mount.destination(), options);
    }
    long tree =
        options.bind()
            ? bindTree(c, mount)
            : newFilesystem(c, type(mount), mount.source(), withMode(c, (int) root, mount));
    if (tree == -Errno.EPERM && !options.bind() && c.inUserNamespace) {
      tree = hostsOwn(c, type(mount), options, tree);
    }
    if (tree < 0) {
      return tree;
    }
    long result = checkProc(c, (int) tree, mount);
    if (result >= 0 && options.tmpcopyup()) {
      result = TreeCopy.copy(c, (int) root, mount.destination(), (int) tree);
    }
    if (result >= 0) {
      result = attach(c, (int) root, (int) tree, mount.destination(), target(mount));
    }
    if (result >= 0 && mount.destination().equals("/")) {
      // It lies over the root: what comes next is inside of it.
      c.close(root);
      c.root = (int) tree;
      return result;
    }
    c.close(tree);
    return result;
  }

  /** A tmpfs without a mode has that of the directory that it covers, as under runc. */
  private static MountOptions withMode(Context c, int root, Action.MakeMount mount) {
    MountOptions options = mount.options();
    boolean given = !type(mount).equals("tmpfs");
    for (int i = 0; i < options.data().size() && !given; i++) {
      given = options.data().get(i).startsWith("mode=");
    }
    if (given) {
      return options;
    }
    byte[] statx = new byte[Statx.SIZE];
    long target = RootFiles.open(c.kernel, root, mount.destination());
    if (target < 0) {
      return options; // There will be a new directory, or an error when it is made.
    }
    long result = c.kernel.statx((int) target, "", AT_EMPTY_PATH, Statx.STATX_BASIC_STATS, statx);
    c.close(target);
    return result < 0
        ? options
        : options.withData("mode=" + Integer.toOctalString(Statx.mode(statx) & 07777));
  }

  /**
   * What the host has mounted of a filesystem that belongs to a namespace which is not ours: sysfs
   * shows the host's network, and mqueue the host's IPC, all the same.
   */
  private static long hostsOwn(Context c, String type, MountOptions o, long refused) {
    String path = type.equals("sysfs") ? "/sys" : type.equals("mqueue") ? "/dev/mqueue" : "";
    if (path.isEmpty()) {
      return refused;
    }
    Kernel k = c.kernel;
    long flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE;
    long tree = k.open_tree(AT_FDCWD, path, flags);
    if (tree >= 0 && o.attrSet() != 0) {
      long set = k.mount_setattr((int) tree, "", AT_EMPTY_PATH, o.attrSet(), 0, 0, -1);
      if (set < 0) {
        c.close(tree);
        return set;
      }
    }
    return tree;
  }

  /** What kind of place a mount is attached to. */
  enum Target {
    /** A directory, or a link to one. */
    DIRECTORY,
    /** A directory on a way without links: what is mounted there is trusted to be there. */
    PLAIN_DIRECTORY,
    /** A directory or a file, as the source is. */
    LIKE_SOURCE
  }

  private static Target target(Action.MakeMount mount) {
    if (mount.destination().equals("/proc")) {
      return Target.PLAIN_DIRECTORY;
    }
    if (mount.options().bind()) {
      return Target.LIKE_SOURCE;
    }
    // A /proc that is a link would put the container's procfs elsewhere (CVE-2019-19921).
    boolean trusted = type(mount).equals("proc") || type(mount).equals("sysfs");
    return trusted ? Target.PLAIN_DIRECTORY : Target.DIRECTORY;
  }

  private static String type(Action.MakeMount mount) {
    String type = mount.type();
    return type == null ? "" : type;
  }

  /** A private copy of a path's mount, with the options that are to hold for it. */
  private static long bindTree(Context c, Action.MakeMount mount) {
    Kernel k = c.kernel;
    MountOptions options = mount.options();
    Action.IdMapped map = mount.idMapped();
    long tree = c.trees.take(mount.source(), options.recursive(), map);
    boolean mapped = tree >= 0;
    if (tree < 0) {
      long flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (options.recursive() ? AT_RECURSIVE : 0);
      String inRoot = mount.inRoot();
      tree =
          inRoot == null
              ? k.open_tree(AT_FDCWD, mount.source(), flags)
              : treeInRoot(c, inRoot, flags);
    }
    if (tree < 0) {
      return tree;
    }
    long set = map == null || mapped ? 0 : map(c, (int) tree, map);
    if (set >= 0) {
      set = attributes(k, (int) tree, options);
      if (set == -Errno.EPERM && c.inUserNamespace) {
        String locked = "; the host has locked the flags of its mounts for user namespaces";
        set = c.fail(Errno.EPERM, c.explain(set) + locked);
      }
    }
    if (set < 0) {
      c.close(tree);
      return set;
    }
    return tree;
  }

  private static long map(Context c, int tree, Action.IdMapped map) {
    return c.inUserNamespace ? IdMaps.ask(c, tree, map) : c.idMaps.apply(c, tree, map);
  }

  /** A copy of what the root shows by now at a path, where no link leads out. */
  private static long treeInRoot(Context c, String path, long flags) {
    long source = RootFiles.open(c.kernel, c.root, path);
    if (source < 0) {
      return source;
    }
    long tree = c.kernel.open_tree((int) source, "", flags | AT_EMPTY_PATH);
    c.close(source);
    return tree;
  }

  /** What is bound to /proc must be one: programs, and later steps, trust what they read there. */
  private static long checkProc(Context c, int tree, Action.MakeMount mount) {
    if (!mount.options().bind() || !mount.destination().equals("/proc")) {
      return 0;
    }
    long type = c.kernel.fstatfsType(tree);
    return type < 0 || type == PROC_SUPER_MAGIC
        ? type
        : c.fail(Errno.EINVAL, "what is bound to /proc is no proc filesystem");
  }

  /** Sets what options say of a mount itself, in the order from the one to all below it. */
  static long attributes(Kernel k, int mount, MountOptions o) {
    long result = 0;
    long implied = o.impliedClear();
    if (o.attrSet() != 0 || o.attrClear() != 0 || implied != 0) {
      long clear = o.attrClear() | implied;
      result = k.mount_setattr(mount, "", AT_EMPTY_PATH, o.attrSet(), clear, 0, -1);
      if (result == -Errno.EPERM && (implied & ~MOUNT_ATTR_NOSYMFOLLOW) != 0) {
        // In a user namespace the host's flags are locked, all but one: they stay where nobody
        // asked for the opposite.
        clear = o.attrClear() | implied & MOUNT_ATTR_NOSYMFOLLOW;
        result = k.mount_setattr(mount, "", AT_EMPTY_PATH, o.attrSet(), clear, 0, -1);
      } else if (result == -Errno.EPERM && !o.bind() && (clear & MOUNT_ATTR__ATIME) != 0) {
        // What stands in for a filesystem that a user namespace may not mount (the host's cgroups)
        // keeps the host's access times.
        long set = o.attrSet() & ~MOUNT_ATTR__ATIME;
        clear = clear & ~MOUNT_ATTR__ATIME;
        result =
            set == 0 && clear == 0
                ? 0
                : k.mount_setattr(mount, "", AT_EMPTY_PATH, set, clear, 0, -1);
      }
    }
    if (result >= 0 && (o.recursiveSet() != 0 || o.recursiveClear() != 0)) {
      long all = AT_EMPTY_PATH | AT_RECURSIVE;
      result = k.mount_setattr(mount, "", all, o.recursiveSet(), o.recursiveClear(), 0, -1);
    }
    if (result >= 0 && o.propagation() != 0) {
      long flags = AT_EMPTY_PATH | (o.propagationRecursive() ? AT_RECURSIVE : 0);
      result = k.mount_setattr(mount, "", flags, 0, 0, o.propagation(), -1);
    }
    return result;
  }

  private static long newFilesystem(Context c, String type, String source, MountOptions o) {
    Kernel k = c.kernel;
    long tree = filesystem(c, type, source, o.superFlags(), o.data(), o.attrSet());
    boolean more = o.propagation() != 0 || o.recursiveSet() != 0 || o.recursiveClear() != 0;
    if (tree < 0 || !more) {
      return tree;
    }
    long set = attributes(k, (int) tree, o);
    if (set < 0) {
      c.close(tree);
      return set;
    }
    return tree;
  }

  /** A new filesystem's mount, attached nowhere yet. */
  static long filesystem(
      Context c,
      String type,
      String source,
      List<String> flags,
      List<String> data,
      long attributes) {
    Kernel k = c.kernel;
    long fs = k.fsopen(type, FSOPEN_CLOEXEC);
    if (fs == -Errno.ENODEV) {
      return c.fail(
          Errno.ENODEV, "the kernel has no filesystem type \"" + type + "\": no such device");
    }
    if (fs < 0) {
      return fs;
    }
    long result =
        source.isEmpty() ? 0 : k.fsconfig((int) fs, FSCONFIG_SET_STRING, "source", source, 0);
    if (result >= 0) {
      result = options(k, (int) fs, flags, data);
    }
    if (result >= 0) {
      result = k.fsconfig((int) fs, FSCONFIG_CMD_CREATE, null, null, 0);
    }
    if (result >= 0) {
      result = k.fsmount((int) fs, FSMOUNT_CLOEXEC, attributes);
    }
    if (result < 0) {
      explain(c, (int) fs, result);
    }
    c.close(fs);
    return result;
  }

  private static long options(Kernel k, int fs, List<String> flags, List<String> data) {
    for (int i = 0; i < flags.size(); i++) {
      long result = k.fsconfig(fs, FSCONFIG_SET_FLAG, flags.get(i), null, 0);
      if (result < 0) {
        return result;
      }
    }
    for (int i = 0; i < data.size(); i++) {
      String option = data.get(i);
      int equals = option.indexOf('=');
      long result =
          equals < 0
              ? k.fsconfig(fs, FSCONFIG_SET_FLAG, option, null, 0)
              : k.fsconfig(
                  fs,
                  FSCONFIG_SET_STRING,
                  option.substring(0, equals),
                  option.substring(equals + 1),
                  0);
      if (result < 0) {
        return result;
      }
    }
    return 0;
  }

  /** The kernel says in words what it did not like; they are worth more than EINVAL. */
  private static void explain(Context c, int fs, long result) {
    String call = c.explain(result);
    byte[] message = new byte[MESSAGE_BYTES];
    long n = c.kernel.read(fs, message, 0, message.length);
    if (n > 2) {
      // "e tmpfs: Bad value for 'size'\n": a letter for the level comes first.
      int end = message[(int) n - 1] == '\n' ? (int) n - 1 : (int) n;
      c.fail((int) -result, call + ": " + Bytes.text(message, 2, end));
    } else {
      c.fail((int) -result, call);
    }
  }

  /** Attaches a mount at a path in the root, which is made where it is missing. */
  static long attach(Context c, int root, int tree, String destination, Target kind) {
    Kernel k = c.kernel;
    boolean directory = true;
    if (kind == Target.LIKE_SOURCE) {
      byte[] statx = new byte[Statx.SIZE];
      long result = k.statx(tree, "", AT_EMPTY_PATH, Statx.STATX_TYPE, statx);
      if (result < 0) {
        return result;
      }
      directory = Statx.type(statx) == Stat.S_IFDIR;
    }
    long target = RootFiles.openTarget(c, root, destination, directory);
    if (target < 0) {
      return target;
    }
    if (kind == Target.PLAIN_DIRECTORY) {
      long resolve = RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS;
      long plain = k.openat2(root, destination, O_PATH | O_DIRECTORY | O_CLOEXEC, 0, resolve);
      c.close(target);
      if (plain < 0) {
        return plain == -Errno.ELOOP
            ? c.fail(Errno.ELOOP, "it must be mounted on ordinary directory, not on a link")
            : plain;
      }
      target = plain;
    }
    long moved = move(k, tree, (int) target);
    c.close(target);
    return moved;
  }

  /** Puts a mount on top of what a descriptor names. */
  static long move(Kernel k, int tree, int target) {
    return k.move_mount(tree, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
  }

  private static long remount(Context c, int root, String destination, MountOptions o) {
    Kernel k = c.kernel;
    long target = RootFiles.open(k, root, destination);
    if (target < 0) {
      return target;
    }
    long result = 0;
    if (!o.bind() && (!o.superFlags().isEmpty() || !o.data().isEmpty())) {
      result = reconfigure(c, (int) target, o);
    }
    if (result >= 0) {
      result = attributes(k, (int) target, o);
    }
    c.close(target);
    return result;
  }

  private static long reconfigure(Context c, int target, MountOptions o) {
    Kernel k = c.kernel;
    long fs = k.fspick(target, "", FSPICK_CLOEXEC | FSPICK_EMPTY_PATH);
    if (fs < 0) {
      return fs;
    }
    long result = options(k, (int) fs, o.superFlags(), o.data());
    if (result >= 0) {
      result = k.fsconfig((int) fs, FSCONFIG_CMD_RECONFIGURE, null, null, 0);
    }
    if (result < 0) {
      explain(c, (int) fs, result);
    }
    c.close(fs);
    return result;
  }
}
