package dev.coracle.execute;

import dev.coracle.kernel.Kernel;
import dev.coracle.vm.Frame;
import dev.coracle.vm.FrameReader;

/**
 * The connections between the guest and sockets of the host, by their numbers, at one of their ends
 * (docs/vm-protocol.md, "Sockets"). Allocates for each number when it is first used.
 */
public final class Connections {
  /** How many there may be at once; and how many descriptors are watched. */
  public static final int MOST = Frame.MOST_CONNECTIONS;

  private final Kernel k;
  private final Connection[] all = new Connection[MOST];

  /** Which one may speak first the next time. */
  private int turn;

  public Connections(Kernel k) {
    this.k = k;
  }

  /** A number that is not in use; −1 where there is none. */
  public int free() {
    for (int i = 0; i < MOST; i++) {
      if (!isUsed(i)) {
        return i;
      }
    }
    return -1;
  }

  /** Whether a connection has this number. */
  public boolean isUsed(int number) {
    Connection c = all[number];
    return c != null && c.isUsed();
  }

  /** Whether it is cut off, or was closed. */
  public boolean isOver(int number) {
    Connection c = all[number];
    return c == null || c.isOver();
  }

  /** Whether no number is in use. */
  public boolean areOver() {
    for (int i = 0; i < MOST; i++) {
      if (isUsed(i)) {
        return false;
      }
    }
    return true;
  }

  /**
   * Begins one, under a number that is free.
   *
   * @param socket what the other end is asked to connect to; −1 where it was the one that asked
   */
  public void open(int number, int socket) {
    Connection c = all[number];
    if (c == null) {
      c = new Connection(k, number);
      all[number] = c;
    }
    c.open(socket);
  }

  /** Gives it its descriptor, which does not block, and is closed with it. */
  public void join(int number, int fd) {
    Connection c = all[number];
    if (c != null) {
      c.join(fd);
    }
  }

  /** There is nobody whom it leads to. */
  public void fail(int number) {
    Connection c = all[number];
    if (c != null) {
      c.fail();
    }
  }

  /** Takes a frame of the other end; false where it breaks the protocol. */
  public boolean take(FrameReader frame) {
    int at = frame.type() == Frame.CREDIT ? Frame.DATA_HEADER_BYTES : 0;
    long number = frame.number(at);
    Connection c =
        frame.length() < at + Frame.DATA_HEADER_BYTES || number >= MOST ? null : all[(int) number];
    return c != null && c.take(frame);
  }

  /**
   * Puts what is watched, {@link #MOST} places from {@code at} on.
   *
   * @param room whether the other end can be told
   */
  public void watch(int[] fds, short[] events, int at, boolean room) {
    for (int i = 0; i < MOST; i++) {
      Connection c = all[i];
      fds[at + i] = c == null ? -1 : c.watched();
      events[at + i] = c == null ? 0 : c.events(room);
    }
  }

  /** Takes note of what has happened. */
  public void notice(short[] happened, int at) {
    for (int i = 0; i < MOST; i++) {
      Connection c = all[i];
      if (c != null) {
        c.notice(happened[at + i]);
      }
    }
  }

  /** Whether there is something to say. */
  public boolean hasMore() {
    for (int i = 0; i < MOST; i++) {
      Connection c = all[i];
      if (c != null && c.hasMore()) {
        return true;
      }
    }
    return false;
  }

  /**
   * Puts the next frame for the other end: each connection's in its turn.
   *
   * @param into has room for the largest frame from {@code at} on
   * @return its length; 0 where there is none
   */
  public int next(byte[] into, int at) {
    for (int i = 0; i < MOST; i++) {
      Connection c = all[(turn + i) % MOST];
      int length = c == null ? 0 : c.next(into, at);
      if (length > 0) {
        turn = (turn + i + 1) % MOST;
        return length;
      }
    }
    return 0;
  }
}
