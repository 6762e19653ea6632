package dev.coracle.execute;

import static dev.coracle.abi.Process.POLLERR;
import static dev.coracle.abi.Process.POLLHUP;
import static dev.coracle.abi.Process.POLLIN;
import static dev.coracle.abi.Process.POLLOUT;
import static dev.coracle.abi.Process.SHUT_WR;

import dev.coracle.abi.Bytes;
import dev.coracle.kernel.Errno;
import dev.coracle.kernel.Kernel;
import dev.coracle.vm.Frame;
import dev.coracle.vm.FrameReader;

/**
 * One end of a connection between a process in the guest and a socket of the host: carries bytes
 * between a descriptor here and the frames of the other end (docs/vm-protocol.md, "Sockets").
 * Nothing here waits. Used again for other connections; allocates once.
 */
final class Connection {
  private static final int NONE = -1;

  private final Kernel k;
  private final int number;

  /** What the other end has sent, and the descriptor has not taken. */
  private final Ring waiting = new Ring();

  private int fd = NONE;

  /** Whether the number is in use: until both ends have said CLOSED. */
  private boolean used;

  /** The socket that the other end is still to be told; −1 for none. */
  private int target;

  /** How many bytes may be sent. */
  private int credit;

  /** How many bytes were passed on, and not given back. */
  private int owed;

  /** Whether there is something to read of the descriptor, as far as is known. */
  private boolean ready;

  /** Whether all was read, and whether the other end was told. */
  private boolean ended;

  private boolean saidEnd;

  /** Whether the other end sends no more, and whether it has said its last word. */
  private boolean heardEnd;

  private boolean heardLast;

  /** Whether who has the other side of the descriptor reads no more, or knows that all was read. */
  private boolean deaf;

  /** Whether it is gone. */
  private boolean hungUp;

  /** Whether nothing is left to do but to say so. */
  private boolean over;

  private boolean saidLast;

  Connection(Kernel k, int number) {
    this.k = k;
    this.number = number;
  }

  boolean isUsed() {
    return used;
  }

  boolean isOver() {
    return over;
  }

  /**
   * Begins.
   *
   * @param socket what the other end is asked to connect to; −1 where it was the one that asked
   */
  void open(int socket) {
    waiting.clear();
    fd = NONE;
    used = true;
    target = socket;
    credit = Frame.WINDOW_BYTES;
    owed = 0;
    ready = false;
    ended = false;
    saidEnd = false;
    heardEnd = false;
    heardLast = false;
    deaf = false;
    hungUp = false;
    over = false;
    saidLast = false;
  }

  /** Takes the descriptor, which does not block. */
  void join(int descriptor) {
    fd = descriptor;
    pump();
  }

  /** There is nobody to connect to. */
  void fail() {
    waiting.clear();
    over = true;
  }

  /** Takes a frame of the other end; false where it breaks the protocol. */
  boolean take(FrameReader frame) {
    if (!used || heardLast) {
      return false;
    }
    int length = frame.length();
    return switch (frame.type()) {
      case Frame.DATA -> length > Frame.DATA_HEADER_BYTES && !heardEnd && put(frame);
      case Frame.CREDIT -> length == 2 * Frame.DATA_HEADER_BYTES && take(frame.number(0));
      case Frame.SHUTDOWN -> {
        boolean good = length == Frame.DATA_HEADER_BYTES && !heardEnd;
        heardEnd = true;
        pump();
        yield good;
      }
      case Frame.CLOSED -> {
        heardLast = true;
        if (!heardEnd) {
          // It was cut off: what has not been passed on by now is worth nothing.
          waiting.clear();
        }
        pump();
        used = !saidLast;
        yield length == Frame.DATA_HEADER_BYTES;
      }
      default -> false;
    };
  }

  private boolean put(FrameReader frame) {
    int count = frame.length() - Frame.DATA_HEADER_BYTES;
    if (over) {
      return true; // It was sent before the other end knew.
    }
    if (count > Frame.WINDOW_BYTES - owed - waiting.count()) {
      return false;
    }
    if (deaf) {
      owed += count;
      return true;
    }
    boolean fits = waiting.put(frame.buffer(), frame.payloadAt() + Frame.DATA_HEADER_BYTES, count);
    pump();
    return fits;
  }

  private boolean take(long bytes) {
    if (bytes > Frame.WINDOW_BYTES - credit) {
      return false;
    }
    credit += (int) bytes;
    return true;
  }

  /** Passes on what the descriptor takes by now. */
  private void pump() {
    while (fd >= 0 && !waiting.isEmpty()) {
      long n = waiting.writeAllTo(k, fd);
      if (n == -Errno.EAGAIN) {
        return;
      }
      if (n < 0 && n != -Errno.EINTR) {
        turnDeaf();
      }
      owed += (int) Math.max(n, 0);
    }
    if (fd >= 0 && heardEnd && !deaf) {
      deaf = true;
      if (k.shutdown(fd, SHUT_WR) < 0) {
        hungUp = true;
        ready = !ended;
      }
    }
    settle();
  }

  private void turnDeaf() {
    deaf = true;
    owed += waiting.count();
    waiting.clear();
  }

  /** Closes the descriptor once nobody needs it any more. */
  private void settle() {
    boolean cut = heardLast && !heardEnd;
    boolean done = ended && (hungUp || heardEnd) || heardLast;
    if (!over && (cut || fd >= 0 && done && waiting.isEmpty())) {
      over = true;
      close();
    }
  }

  private void close() {
    if (fd >= 0) {
      long closed = k.close(fd);
      if (closed < 0) {
        throw new IllegalStateException("close(" + fd + "): " + Errno.text(-closed));
      }
      fd = NONE;
    }
  }

  /** The descriptor, where something of it is to be watched; else −1. */
  int watched() {
    return hungUp ? NONE : fd;
  }

  /**
   * What is to be watched; whether it hangs up is always told.
   *
   * @param room whether the other end can be told
   */
  short events(boolean room) {
    boolean reads = room && !ended && !ready && credit > 0;
    return (short) ((reads ? POLLIN : 0) | (waiting.isEmpty() ? 0 : POLLOUT));
  }

  /** Takes note of what has happened. */
  void notice(short happened) {
    if (fd < 0 || happened == 0) {
      return;
    }
    ready |= (happened & ~POLLOUT) != 0 && !ended;
    if ((happened & (POLLHUP | POLLERR)) != 0) {
      hungUp = true;
      turnDeaf();
    }
    pump();
  }

  /** Whether there is something to say. */
  boolean hasMore() {
    if (!used || over) {
      return used && !saidLast;
    }
    boolean reads = ready && credit > 0;
    return target >= 0 || reads || ended && !saidEnd || owesMuch();
  }

  private boolean owesMuch() {
    return owed >= Frame.CREDIT_BYTES && !heardEnd;
  }

  /**
   * Puts the next frame for the other end.
   *
   * @param into has room for the largest frame from {@code at} on
   * @return its length; 0 where there is none
   */
  int next(byte[] into, int at) {
    if (!used) {
      return 0;
    }
    int payload = at + Frame.HEADER_BYTES;
    Bytes.put32(into, payload, number);
    if (target >= 0) {
      Bytes.put32(into, payload + Frame.DATA_HEADER_BYTES, target);
      target = NONE;
      return put(into, at, Frame.CONNECT, Frame.DATA_HEADER_BYTES);
    }
    if (!over && owesMuch()) {
      Bytes.put32(into, payload, owed);
      Bytes.put32(into, payload + Frame.DATA_HEADER_BYTES, number);
      owed = 0;
      return put(into, at, Frame.CREDIT, Frame.DATA_HEADER_BYTES);
    }
    int count = over ? 0 : read(into, payload + Frame.DATA_HEADER_BYTES);
    if (count > 0) {
      return put(into, at, Frame.DATA, count);
    }
    if (ended && !saidEnd) {
      saidEnd = true;
      return put(into, at, Frame.SHUTDOWN, 0);
    }
    if (over && !saidLast) {
      saidLast = true;
      used = !heardLast;
      return put(into, at, Frame.CLOSED, 0);
    }
    return 0;
  }

  private static int put(byte[] into, int at, int type, int count) {
    int length = Frame.DATA_HEADER_BYTES + count;
    Frame.putHeader(into, at, type, Frame.MACHINE, length);
    return Frame.HEADER_BYTES + length;
  }

  private int read(byte[] into, int at) {
    int most = Math.min(credit, Frame.MOST_PAYLOAD_BYTES - Frame.DATA_HEADER_BYTES);
    if (!ready || most == 0) {
      return 0;
    }
    long n = k.read(fd, into, at, most);
    if (n == -Errno.EAGAIN || n == -Errno.EINTR) {
      ready = n == -Errno.EINTR || hungUp;
      return 0;
    }
    // An error is an end too (ECONNRESET, where it left something unread).
    ended = n <= 0;
    // One that has hung up is not watched: it is read to its end.
    ready = n == most || hungUp && !ended;
    credit -= (int) Math.max(n, 0);
    settle();
    return (int) Math.max(n, 0);
  }
}
