package dev.coracle.guest;

import dev.coracle.execute.Ring;
import dev.coracle.kernel.Errno;
import dev.coracle.kernel.Kernel;
import dev.coracle.vm.Frame;
import org.jspecify.annotations.Nullable;

/**
 * What the host sends for a process to read: it waits here until the process takes it. Used again
 * for other processes; the memory is taken when it is first needed.
 */
final class Inlet {
  private final Kernel k;
  private @Nullable Ring waiting;
  private int fd = -1;
  private boolean terminal;
  private boolean over;
  private boolean open;
  private int passed;

  Inlet(Kernel k) {
    this.k = k;
  }

  /** Begins without a descriptor: there may be one later. */
  void begin() {
    Ring ring = waiting;
    if (ring != null) {
      ring.clear();
    }
    fd = -1;
    terminal = false;
    over = false;
    open = true;
    passed = 0;
  }

  /** Takes the descriptor of a pipe, which does not block. */
  void open(int descriptor) {
    fd = descriptor;
  }

  /** Takes a terminal in place of the pipe, which does not block and is not this one's to close. */
  void change(int descriptor) {
    if (fd >= 0) {
      Session.close(k, fd);
    }
    fd = descriptor;
    terminal = true;
  }

  /** What is to be watched; −1 while nothing waits. */
  int watched() {
    Ring ring = waiting;
    return ring != null && !ring.isEmpty() ? fd : -1;
  }

  /** Takes bytes of the host; false where it had no credit for them. */
  boolean put(byte[] bytes, int at, int length) {
    if (!open) {
      passed += length; // Nobody reads any more, as of a pipe that was closed.
      return true;
    }
    Ring ring = waiting;
    if (ring == null) {
      ring = new Ring();
      waiting = ring;
    }
    return ring.put(bytes, at, length);
  }

  /** There is no more to come. */
  void end() {
    over = true;
  }

  /** Writes what the process takes by now. */
  void pump() {
    Ring ring = waiting;
    while (fd >= 0 && ring != null && !ring.isEmpty()) {
      long n = ring.writeAllTo(k, fd);
      if (n == -Errno.EAGAIN) {
        return;
      }
      if (n < 0 && n != -Errno.EINTR) {
        close();
        return;
      }
      passed += (int) Math.max(n, 0);
    }
    // A terminal has no end but what is typed.
    if (fd >= 0 && over && !terminal) {
      close();
    }
  }

  /** What may be given back by now; 0 where it is too little to be worth a frame. */
  int owed() {
    return passed >= Frame.CREDIT_BYTES ? passed : 0;
  }

  /** It was given back. */
  void gave() {
    passed = 0;
  }

  /** Nobody reads any more: what waits is thrown away. */
  void close() {
    Ring ring = waiting;
    if (ring != null && open) {
      passed += ring.count();
      ring.clear();
    }
    if (fd >= 0 && !terminal) {
      Session.close(k, fd);
    }
    fd = -1;
    open = false;
  }
}
