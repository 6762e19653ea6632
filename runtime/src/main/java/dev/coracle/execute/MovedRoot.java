package dev.coracle.execute;

import static dev.coracle.abi.Fcntl.AT_FDCWD;
import static dev.coracle.abi.Mount.MNT_DETACH;
import static dev.coracle.abi.Mount.MOVE_MOUNT_F_EMPTY_PATH;
import static dev.coracle.abi.Mount.MS_SLAVE;

import dev.coracle.abi.Bytes;
import dev.coracle.abi.Mountinfo;
import dev.coracle.kernel.Errno;
import dev.coracle.kernel.Kernel;

/**
 * A root that lies over the old one ({@code --no-pivot}): for hosts whose own root, an initramfs or
 * a directory, cannot be pivoted away.
 *
 * <p>The old root's mounts stay in the mount namespace. The kernel lets a user namespace mount a
 * new procfs or sysfs only where a whole one is in sight (linux v6.12 fs/namespace.c,
 * mount_too_revealing), hidden below the new root or not: so those of the host go first, or what
 * /linux/maskedPaths hides could be had again by mounting.
 */
final class MovedRoot {
  private static final int MOST_MOUNTINFO_BYTES = 64 << 20;
  private static final int PATH_MAX = 4096;

  private MovedRoot() {}

  static long enter(Context c) {
    Kernel k = c.kernel;
    Files.Read read = Files.read(k, "/proc/self/mountinfo", MOST_MOUNTINFO_BYTES);
    Files.Content mounts = read.content();
    if (mounts == null) {
      return read.errno();
    }
    byte[] root = new byte[PATH_MAX];
    long length = k.readlinkat(AT_FDCWD, "/proc/self/fd/" + c.root, root);
    if (length < 0) {
      return length;
    }
    // The new root on top of the old must not reach the host.
    long result = c.sharedOldRoot ? slave(k, "/") : 0;
    if (result >= 0) {
      result = hide(c, mounts.text(), Bytes.text(root, 0, (int) length));
    }
    if (result >= 0) {
      result = k.move_mount(c.root, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH);
    }
    if (result >= 0) {
      result = k.fchdir(c.root);
    }
    if (result >= 0) {
      result = k.chroot(".");
    }
    return result < 0 ? result : k.chdir("/");
  }

  private static long hide(Context c, String mounts, String root) {
    for (String at : Mountinfo.wholePseudoFilesystems(mounts)) {
      boolean own = at.startsWith(root) && at.startsWith("/", root.length());
      long result = own ? 0 : takeAway(c, at);
      if (result < 0) {
        return result;
      }
    }
    return 0;
  }

  private static long slave(Kernel k, String at) {
    return k.mount_setattr(AT_FDCWD, at, 0, 0, 0, MS_SLAVE, -1);
  }

  private static long takeAway(Context c, String at) {
    Kernel k = c.kernel;
    if (c.sharedOldRoot) {
      // Where the mount above it is shared, an unmount would reach the host: it is covered.
      long result = slave(k, at);
      return result < 0 ? result : k.mount("tmpfs", at, "tmpfs", 0, null);
    }
    long result = k.umount2(at, MNT_DETACH);
    if (result == -Errno.ENOENT || result == -Errno.ENOTDIR) {
      return 0; // It went with a mount above it.
    }
    if (result == -Errno.EINVAL || result == -Errno.EPERM) {
      // Locked, or not the uppermost there: then it is covered.
      result = k.mount("tmpfs", at, "tmpfs", 0, null);
    }
    return result;
  }
}
