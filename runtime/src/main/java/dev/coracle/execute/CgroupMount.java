package dev.coracle.execute;

import static dev.coracle.abi.Fcntl.AT_FDCWD;
import static dev.coracle.abi.Mount.MOUNT_ATTR_RDONLY;
import static dev.coracle.abi.Mount.OPEN_TREE_CLOEXEC;
import static dev.coracle.abi.Mount.OPEN_TREE_CLONE;

import dev.coracle.kernel.Errno;
import dev.coracle.kernel.Kernel;
import dev.coracle.plan.Action;
import dev.coracle.spec.Mount.MountOptions;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The mount of type {@code cgroup}: on a pure v2 the hierarchy itself, elsewhere a tmpfs with one
 * directory for each hierarchy, as /sys/fs/cgroup is on such a host.
 */
final class CgroupMount {
  private static final long DIRECTORY_MODE = 0755;

  private CgroupMount() {}

  static long make(Context c, Action.MountCgroup a) {
    long root = c.root();
    if (root < 0) {
      return root;
    }
    List<Action.Hierarchy> all = a.hierarchies();
    if (all.isEmpty()) {
      return c.fail(Errno.ENODEV, "the host has no cgroup hierarchy");
    }
    if (all.size() == 1 && all.get(0).name().isEmpty()) {
      long tree = tree(c, all.get(0), a.options(), a.useNamespace());
      return tree < 0 ? tree : attachAndClose(c, (int) root, tree, a.destination());
    }
    return makeTree(c, (int) root, a);
  }

  private static long makeTree(Context c, int root, Action.MountCgroup a) {
    Kernel k = c.kernel;
    long attributes = a.options().attrSet() & ~MOUNT_ATTR_RDONLY;
    long tmpfs =
        MountActions.filesystem(c, "tmpfs", "tmpfs", List.of(), List.of("mode=755"), attributes);
    if (tmpfs < 0) {
      return tmpfs;
    }
    long result =
        MountActions.attach(c, root, (int) tmpfs, a.destination(), MountActions.Target.DIRECTORY);
    for (Action.Hierarchy h : a.hierarchies()) {
      if (result >= 0) {
        result = addHierarchy(c, root, (int) tmpfs, h, a);
      }
    }
    if (result >= 0) {
      result = MountActions.attributes(k, (int) tmpfs, a.options());
    }
    c.close(tmpfs);
    return result;
  }

  private static long addHierarchy(
      Context c, int root, int tmpfs, Action.Hierarchy h, Action.MountCgroup a) {
    Kernel k = c.kernel;
    long result = k.mkdirat(tmpfs, h.name(), DIRECTORY_MODE);
    if (result < 0) {
      return result;
    }
    long tree = tree(c, h, a.options(), a.useNamespace());
    if (tree < 0) {
      return tree;
    }
    result = attachAndClose(c, root, tree, a.destination() + "/" + h.name());
    // cpu and cpuacct on one hierarchy: each controller is found under its own name too.
    int from = 0;
    while (result >= 0 && h.name().indexOf(',') >= 0 && from < h.name().length()) {
      int to = h.name().indexOf(',', from);
      if (to < 0) {
        to = h.name().length();
      }
      result = k.symlinkat(h.name(), tmpfs, h.name().substring(from, to));
      from = to + 1;
    }
    return result;
  }

  /**
   * One hierarchy: a mount of its own, or a bind of the container's cgroup. On a pure cgroup v2 it
   * is a mount of its own without a cgroup namespace too, as under the peers: a program that reads
   * /proc/self/cgroup finds that path below the mount.
   */
  private static long tree(
      Context c, Action.Hierarchy h, MountOptions options, boolean useNamespace) {
    long tree = -Errno.EPERM;
    if (useNamespace || h.name().isEmpty()) {
      tree = filesystem(c, h.mountData(), options);
    }
    if (tree == -Errno.EPERM || tree == -Errno.EBUSY) {
      // A user namespace may mount only the cgroup namespace that is its own. The container's
      // cgroup, not the host's hierarchy, stands in (CVE-2023-25809).
      c.tolerate();
      tree = c.kernel.open_tree(AT_FDCWD, h.hostPath(), OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    }
    if (tree == -Errno.ENOENT && c.isRootless()) {
      // It could not be made, so the process is still in the caller's.
      c.tolerate();
      tree = c.kernel.open_tree(AT_FDCWD, h.callersPath(), OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    }
    if (tree < 0) {
      return tree;
    }
    long set = MountActions.attributes(c.kernel, (int) tree, options);
    if (set < 0) {
      c.close(tree);
      return set;
    }
    return tree;
  }

  private static long filesystem(Context c, @Nullable String v1, MountOptions o) {
    return v1 == null
        ? MountActions.filesystem(c, "cgroup2", "cgroup", List.of(), o.data(), o.attrSet())
        : MountActions.filesystem(c, "cgroup", "cgroup", List.of(), v1Options(v1), o.attrSet());
  }

  private static List<String> v1Options(String data) {
    List<String> out = new java.util.ArrayList<>();
    if (data.startsWith("name=")) {
      out.add("none");
    }
    int from = 0;
    while (from <= data.length()) {
      int to = data.indexOf(',', from);
      if (to < 0) {
        to = data.length();
      }
      out.add(data.substring(from, to));
      from = to + 1;
    }
    return out;
  }

  private static long attachAndClose(Context c, int root, long tree, String destination) {
    long result =
        MountActions.attach(c, root, (int) tree, destination, MountActions.Target.DIRECTORY);
    c.close(tree);
    return result;
  }
}
