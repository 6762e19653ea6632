package dev.coracle.execute;

import static dev.coracle.abi.Fcntl.AT_EMPTY_PATH;
import static dev.coracle.abi.Fcntl.O_CLOEXEC;
import static dev.coracle.abi.Fcntl.O_NOCTTY;
import static dev.coracle.abi.Fcntl.O_NOFOLLOW;
import static dev.coracle.abi.Fcntl.O_PATH;
import static dev.coracle.abi.Fcntl.O_RDWR;
import static dev.coracle.abi.Fcntl.RESOLVE_IN_ROOT;
import static dev.coracle.abi.Mount.DEVPTS_SUPER_MAGIC;
import static dev.coracle.abi.Mount.OPEN_TREE_CLOEXEC;
import static dev.coracle.abi.Mount.OPEN_TREE_CLONE;
import static dev.coracle.abi.Process.TIOCGPTN;
import static dev.coracle.abi.Process.TIOCGPTPEER;
import static dev.coracle.abi.Process.TIOCSCTTY;
import static dev.coracle.abi.Process.TIOCSPTLCK;
import static dev.coracle.abi.Process.TIOCSWINSZ;

import dev.coracle.abi.Bytes;
import dev.coracle.abi.Stat;
import dev.coracle.kernel.Errno;
import dev.coracle.kernel.Kernel;
import dev.coracle.plan.Action;
import dev.coracle.spec.Process.ConsoleSize;
import org.jspecify.annotations.Nullable;

/** A pseudo terminal of the container's own devpts (pty(7)). */
final class ConsoleActions {
  private ConsoleActions() {}

  static long open(Context c, Action.OpenConsole a) {
    Kernel k = c.kernel;
    long root = c.root();
    if (root < 0) {
      return root;
    }
    long flags = O_RDWR | O_NOCTTY | O_CLOEXEC;
    long master = k.openat2((int) root, "/dev/pts/ptmx", flags, 0, RESOLVE_IN_ROOT);
    if (master < 0) {
      return master;
    }
    // Anything else there would be the image's, and could be any file (CVE-2025-52565).
    long type = k.fstatfsType((int) master);
    if (type != DEVPTS_SUPER_MAGIC) {
      return type < 0 ? type : c.fail(Errno.EINVAL, "/dev/pts is no devpts filesystem");
    }
    long peer = unlockAndOpenPeer(k, (int) master);
    if (peer < 0) {
      return peer;
    }
    long result = resize(k, (int) master, a.size());
    if (result >= 0 && c.ownMounts) {
      result = bindConsole(c, (int) root, (int) peer);
    }
    if (result >= 0) {
      result = send(c, (int) master);
    }
    c.close(master);
    return result < 0 ? result : takeAsStdio(c, (int) peer);
  }

  private static long unlockAndOpenPeer(Kernel k, int master) {
    long result = k.ioctlStruct(master, TIOCSPTLCK, new byte[4]);
    return result < 0 ? result : k.ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
  }

  private static long resize(Kernel k, int master, @Nullable ConsoleSize size) {
    if (size == null || size.height() == 0 && size.width() == 0) {
      return 0;
    }
    return resize(k, master, size.height(), size.width());
  }

  /** Sets a terminal's size in characters. */
  static long resize(Kernel k, int master, int height, int width) {
    byte[] winsize = new byte[8];
    Bytes.put16(winsize, 0, height);
    Bytes.put16(winsize, 2, width);
    return k.ioctlStruct(master, TIOCSWINSZ, winsize);
  }

  /** Puts the terminal at /dev/console, by descriptors from end to end. */
  private static long bindConsole(Context c, int root, int peer) {
    Kernel k = c.kernel;
    long dev = RootFiles.openDirectory(k, root, "/dev");
    if (dev < 0) {
      return dev;
    }
    long flags = O_PATH | O_NOFOLLOW | O_CLOEXEC;
    long target = k.openat2((int) dev, "console", flags, 0, 0);
    if (target == -Errno.ENOENT) {
      long made = k.mknodat((int) dev, "console", Stat.S_IFREG | 0600, 0);
      target = made < 0 ? made : k.openat2((int) dev, "console", flags, 0, 0);
    }
    c.close(dev);
    if (target < 0) {
      return target;
    }
    long tree = k.open_tree(peer, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    long result = tree;
    if (tree >= 0) {
      result = MountActions.move(k, (int) tree, (int) target);
      c.close(tree);
    }
    c.close(target);
    return result;
  }

  static long send(Context c, int master) {
    if (c.consoleSocket < 0) {
      return c.fail(Errno.ENOTTY, "there is no console socket to send the terminal to");
    }
    byte[] number = new byte[4];
    long result = c.kernel.ioctlStruct(master, TIOCGPTN, number);
    if (result < 0) {
      return result;
    }
    result = c.kernel.sendDescriptor(c.consoleSocket, "/dev/pts/" + Bytes.u32(number, 0), master);
    c.close(c.consoleSocket);
    c.consoleSocket = -1;
    return result;
  }

  private static long takeAsStdio(Context c, int peer) {
    Kernel k = c.kernel;
    long result = k.ioctl(peer, TIOCSCTTY, 0);
    for (int fd = 0; fd <= 2 && result >= 0; fd++) {
      result = k.dup3(peer, fd, 0);
    }
    if (result >= 0 && peer > 2) {
      c.close(peer);
    }
    return result;
  }
}
