package dev.coracle.guest;

import static dev.coracle.abi.Fcntl.O_NONBLOCK;
import static dev.coracle.abi.Process.CLOCK_MONOTONIC;
import static dev.coracle.abi.Process.POLLIN;
import static dev.coracle.abi.Process.SOCK_CLOEXEC;

import dev.coracle.execute.Connections;
import dev.coracle.kernel.Kernel;
import dev.coracle.vm.Frame;
import dev.coracle.vm.FrameReader;
import org.jspecify.annotations.Nullable;

/**
 * Stands for sockets of the host: who connects to one of the agent's is connected to the host's
 * (docs/vm-protocol.md, "Sockets"). Costs nothing where there are none.
 */
final class SocketProxy {
  private static final int LISTENERS = Frame.MOST_SOCKETS;

  /** How long the end of the container waits for what is on its way. */
  private static final long PATIENCE_NANOS = 5_000_000_000L;

  private static final int PAUSE_MILLIS = 10;

  private final Kernel k;
  private final int[] listeners = new int[LISTENERS];
  private int count;
  private @Nullable Connections connections;
  private long deadline;

  SocketProxy(Kernel k) {
    this.k = k;
  }

  /** Takes a socket that listens and does not block: the next one of the host's. */
  boolean add(int listener) {
    if (count == LISTENERS) {
      return false;
    }
    listeners[count++] = listener;
    if (connections == null) {
      connections = new Connections(k);
    }
    return true;
  }

  /** How many descriptors it watches. */
  int places() {
    return connections == null ? 0 : LISTENERS + Connections.MOST;
  }

  /** Puts what is watched, {@link #places} from {@code at} on. */
  void watch(int[] fds, short[] events, int at, boolean room) {
    Connections c = connections;
    if (c == null) {
      return;
    }
    // Who finds no room waits in the queue of connect(2).
    boolean free = c.free() >= 0;
    for (int i = 0; i < LISTENERS; i++) {
      fds[at + i] = free && i < count ? listeners[i] : -1;
      events[at + i] = POLLIN;
    }
    c.watch(fds, events, at + LISTENERS, room);
  }

  /** Takes note of what has happened. */
  void notice(short[] happened, int at) {
    Connections c = connections;
    if (c == null) {
      return;
    }
    c.notice(happened, at + LISTENERS);
    for (int i = 0; i < count; i++) {
      if (happened[at + i] != 0) {
        accept(c, i);
      }
    }
  }

  /** Takes whoever waits at a listener, as far as there is room. */
  private void accept(Connections c, int listener) {
    int number = c.free();
    while (number >= 0) {
      long fd = k.accept4(listeners[listener], SOCK_CLOEXEC | O_NONBLOCK);
      if (fd < 0) {
        return;
      }
      c.open(number, listener);
      c.join(number, (int) fd);
      number = c.free();
    }
  }

  /** Puts what there is to say, as far as the port has room for it. */
  void say(Port port) {
    Connections c = connections;
    int length = c == null ? 0 : 1;
    while (c != null && length > 0 && port.hasRoom()) {
      length = c.next(port.payload(), port.at());
      port.took(length);
    }
  }

  /** Whether there is something to say. */
  boolean hasMore() {
    Connections c = connections;
    return c != null && c.hasMore();
  }

  /** Takes a frame of the host; false where it breaks the protocol. */
  boolean take(FrameReader frame) {
    Connections c = connections;
    return c != null && c.take(frame);
  }

  /**
   * Whether something of processes that have ended is still on its way to the host: the end of the
   * container waits for that, but not for ever.
   */
  boolean isCarrying() {
    Connections c = connections;
    if (c == null) {
      return false;
    }
    for (int i = 0; i < count; i++) {
      accept(c, i);
    }
    if (c.areOver()) {
      return false;
    }
    long now = k.clock_gettime(CLOCK_MONOTONIC);
    deadline = deadline == 0 ? now + PATIENCE_NANOS : deadline;
    return now < deadline;
  }

  /** How long that is looked for again. */
  static int pauseMillis() {
    return PAUSE_MILLIS;
  }
}
