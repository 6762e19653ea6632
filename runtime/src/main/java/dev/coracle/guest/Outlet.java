package dev.coracle.guest;

import static dev.coracle.abi.Process.FIONREAD;

import dev.coracle.abi.Bytes;
import dev.coracle.kernel.Errno;
import dev.coracle.kernel.Kernel;
import dev.coracle.vm.Frame;

/**
 * What a process writes, on its way to the host: from a pipe or a terminal, and never more than the
 * host has given credit for. Used again for other processes, and allocates once.
 */
final class Outlet {
  /** More than a terminal holds back (linux v6.1 drivers/tty/tty_buffer.c). */
  private static final int TERMINAL_BYTES = 1 << 20;

  private static final int NO_END = Integer.MAX_VALUE;

  private final Kernel k;
  private final int type;
  private final byte[] number = new byte[4];
  private int fd = -1;
  private boolean owned;
  private int credit;
  private int left;
  private boolean ready;

  /**
   * A stream.
   *
   * @param type of its frames
   */
  Outlet(Kernel k, int type) {
    this.k = k;
    this.type = type;
  }

  /**
   * Begins with a descriptor that does not block.
   *
   * @param own whether it is this one's to close
   */
  void open(int descriptor, boolean own) {
    fd = descriptor;
    owned = own;
    credit = Frame.WINDOW_BYTES;
    left = NO_END;
    ready = false;
  }

  boolean isOpen() {
    return fd >= 0;
  }

  /** What is to be watched; −1 while nothing is. */
  int watched() {
    return credit > 0 && !ready ? fd : -1;
  }

  /** There is something to read, or the end. */
  void isReady() {
    ready = true;
  }

  /** Whether there is something to do, if the port has room. */
  boolean wants() {
    return fd >= 0 && ready && (credit > 0 || left == 0);
  }

  /** Takes credit of the host; false where it is more than there ever was. */
  boolean credit(long bytes) {
    if (bytes > Frame.WINDOW_BYTES - credit) {
      return false;
    }
    credit += (int) bytes;
    return true;
  }

  /**
   * The process has ended: what is there by now is its own, and what others write from here on is
   * not waited for.
   */
  void end(boolean terminal) {
    if (fd < 0) {
      return;
    }
    ready = true;
    boolean known = !terminal && k.ioctlStruct(fd, FIONREAD, number) >= 0;
    left = known ? (int) Bytes.u32(number, 0) : TERMINAL_BYTES;
  }

  /** Puts a frame of what there is, or closes at the end. */
  void pump(Port port, int session) {
    int most = Math.min(Math.min(credit, left), Frame.MOST_PAYLOAD_BYTES);
    long n = most == 0 ? 0 : k.read(fd, port.payload(), port.payloadAt(), most);
    if (n > 0) {
      port.put(type, session, (int) n);
      credit -= (int) n;
      left -= left == NO_END ? 0 : (int) n;
      // A pipe that gave less than was asked for is empty, but the next read must say so.
      ready = n == most || left != NO_END;
    } else if (n == -Errno.EAGAIN && left == NO_END || n == -Errno.EINTR) {
      ready = n == -Errno.EINTR;
    } else {
      // The end: EIO is a terminal's, EAGAIN that of a process that has ended.
      close();
    }
  }

  void close() {
    if (fd >= 0 && owned) {
      Session.close(k, fd);
    }
    fd = -1;
  }
}
