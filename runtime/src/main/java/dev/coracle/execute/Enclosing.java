package dev.coracle.execute;

import static dev.coracle.abi.Fcntl.AT_EMPTY_PATH;
import static dev.coracle.abi.Fcntl.AT_RECURSIVE;
import static dev.coracle.abi.Mount.MOUNT_ATTR_NODEV;
import static dev.coracle.abi.Mount.MOUNT_ATTR_NOSUID;
import static dev.coracle.abi.Mount.OPEN_TREE_CLOEXEC;
import static dev.coracle.abi.Mount.OPEN_TREE_CLONE;

import dev.coracle.kernel.Kernel;
import dev.coracle.plan.Action;
import java.util.List;

/** The step {@code EncloseRoot}. */
final class Enclosing {
  private static final List<String> DATA = List.of("mode=755", "size=1m");

  private Enclosing() {}

  /**
   * Lays a tmpfs over the root and a copy of the root's mounts into it. The mounts below stay what
   * they were; they go with the old root.
   */
  static long enclose(Context c, Action.EncloseRoot a) {
    Kernel k = c.kernel;
    long flags = AT_EMPTY_PATH | AT_RECURSIVE | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC;
    long tree = k.open_tree(c.root, "", flags);
    if (tree < 0) {
      return tree;
    }
    long attributes = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;
    long around = MountActions.filesystem(c, "tmpfs", "tmpfs", List.of(), DATA, attributes);
    long result = around < 0 ? around : MountActions.move(k, (int) around, c.root);
    if (result >= 0) {
      long at = RootFiles.openTarget(c, (int) around, a.path(), true);
      result = at < 0 ? at : MountActions.move(k, (int) tree, (int) at);
      if (at >= 0) {
        c.close(at);
      }
    }
    c.close(tree);
    if (result < 0) {
      if (around >= 0) {
        c.close(around);
      }
      return result;
    }
    c.close(c.root);
    c.root = (int) around;
    return 0;
  }
}
