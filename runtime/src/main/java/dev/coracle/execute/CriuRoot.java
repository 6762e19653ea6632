package dev.coracle.execute;

import static dev.coracle.abi.Fcntl.AT_FDCWD;
import static dev.coracle.abi.Fcntl.AT_RECURSIVE;
import static dev.coracle.abi.Fcntl.O_CLOEXEC;
import static dev.coracle.abi.Fcntl.O_RDONLY;
import static dev.coracle.abi.Mount.MOVE_MOUNT_F_EMPTY_PATH;
import static dev.coracle.abi.Mount.MS_SLAVE;
import static dev.coracle.abi.Mount.OPEN_TREE_CLOEXEC;
import static dev.coracle.abi.Mount.OPEN_TREE_CLONE;

import dev.coracle.kernel.Kernel;

/** The mount namespace in which criu restores: the root is a mount there, as criu wants it. */
public final class CriuRoot {
  private static final long CLONE_NEWNS = 0x20000L;

  private CriuRoot() {}

  /** The root must be a mount, and only criu's: ours and the host's stay as they are. */
  private static long mountRoot(Kernel k, String rootfs) {
    long result = k.unshare(CLONE_NEWNS);
    if (result >= 0) {
      result = k.mount_setattr(AT_FDCWD, "/", AT_RECURSIVE, 0, 0, MS_SLAVE, -1);
    }
    if (result < 0) {
      return result;
    }
    long tree = k.open_tree(AT_FDCWD, rootfs, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
    if (tree < 0) {
      return tree;
    }
    result = k.move_mount((int) tree, "", AT_FDCWD, rootfs, MOVE_MOUNT_F_EMPTY_PATH);
    long closed = k.close((int) tree);
    return Math.min(result, closed);
  }

  /**
   * Goes to a mount namespace of our own in which the root is a mount: what is opened there for
   * criu, and criu itself, are there then.
   *
   * @return the way back for {@link #leave}, or −errno
   */
  public static long enter(Kernel k, String rootfs) {
    long back = k.openat2(AT_FDCWD, "/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC, 0, 0);
    if (back < 0) {
      return back;
    }
    long result = mountRoot(k, rootfs);
    if (result < 0) {
      long left = leave(k, (int) back);
      return left < 0 ? left : result;
    }
    return back;
  }

  /** Goes back to where the hooks run, and the host is as it was. */
  public static long leave(Kernel k, int back) {
    long result = k.setns(back, CLONE_NEWNS);
    long closed = k.close(back);
    return Math.min(result, closed);
  }
}
