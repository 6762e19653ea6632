package dev.coracle.guest;

import static dev.coracle.abi.Fcntl.O_NONBLOCK;
import static dev.coracle.abi.Process.AF_INET;
import static dev.coracle.abi.Process.POLLIN;
import static dev.coracle.abi.Process.POLLOUT;
import static dev.coracle.abi.Process.SOCK_CLOEXEC;
import static dev.coracle.abi.Process.SOCK_DGRAM;
import static dev.coracle.abi.Process.SOCK_STREAM;

import dev.coracle.kernel.Errno;
import dev.coracle.kernel.Kernel;
import dev.coracle.vm.Frame;
import dev.coracle.vm.FrameReader;

/**
 * Stands where the container's processes look for a DNS server that is the host's: what they ask
 * goes to the host, and what comes back to whoever has asked (docs/vm-protocol.md, "DNS").
 * Allocates once, and a connection's buffer when it is first used.
 */
final class Nameserver {
  /** How many descriptors it watches: of datagrams, of who connects, and the connections. */
  static final int FDS = 2 + Nameserver.CONNECTIONS;

  private static final int CONNECTIONS = 8;
  private static final int DATAGRAM = -1;
  private static final int NOBODY = -2;
  private static final int FREE = -3;
  private static final int ADDRESS_BYTES = 16;

  private final Kernel k;
  private final int datagrams;
  private final int listener;
  private final Connection[] connections = new Connection[CONNECTIONS];

  /** Who has asked the query of a number: a connection, or one of the values above. */
  private final int[] askers = new int[Frame.MOST_QUERIES];

  private final byte[][] addresses = new byte[Frame.MOST_QUERIES][ADDRESS_BYTES];
  private boolean asked;

  Nameserver(Kernel k, int datagrams, int listener) {
    this.k = k;
    this.datagrams = datagrams;
    this.listener = listener;
    java.util.Arrays.fill(askers, FREE);
    for (int i = 0; i < CONNECTIONS; i++) {
      connections[i] = new Connection(k);
    }
  }

  /**
   * Opens both sockets at an address.
   *
   * @param address a struct sockaddr_in
   * @param fds gets them
   * @return −errno where it cannot
   */
  static long open(Kernel k, byte[] address, int[] fds) {
    long type = SOCK_CLOEXEC | O_NONBLOCK;
    long result = k.socket(AF_INET, SOCK_DGRAM | type, 0);
    if (result >= 0) {
      fds[0] = (int) result;
      result = k.bind(fds[0], address);
    }
    if (result >= 0) {
      result = k.socket(AF_INET, SOCK_STREAM | type, 0);
    }
    if (result >= 0) {
      fds[1] = (int) result;
      result = k.bind(fds[1], address);
    }
    return result < 0 ? result : k.listen(fds[1], CONNECTIONS);
  }

  private int freeNumber() {
    for (int i = 0; i < askers.length; i++) {
      if (askers[i] == FREE) {
        return i;
      }
    }
    return -1;
  }

  /** Puts what is watched, {@link #FDS} places from {@code at} on. */
  void watch(int[] fds, short[] events, int at, boolean room) {
    boolean can = room && freeNumber() >= 0;
    fds[at] = can ? datagrams : -1;
    events[at] = POLLIN;
    fds[at + 1] = -1;
    events[at + 1] = POLLIN;
    for (int i = 0; i < CONNECTIONS; i++) {
      Connection c = connections[i];
      if (c.fd < 0) {
        fds[at + 1] = listener;
      }
      fds[at + 2 + i] = c.watched();
      events[at + 2 + i] = c.events();
    }
  }

  /** Takes note of what has happened. */
  void notice(short[] happened, int at) {
    asked |= happened[at] != 0;
    for (int i = 0; i < CONNECTIONS; i++) {
      short what = happened[at + 2 + i];
      if (what != 0 && !connections[i].go()) {
        close(i);
      }
    }
    if (happened[at + 1] != 0) {
      accept();
    }
  }

  private void accept() {
    for (int i = 0; i < CONNECTIONS; i++) {
      if (connections[i].fd < 0) {
        long fd = k.accept4(listener, SOCK_CLOEXEC | O_NONBLOCK);
        if (fd >= 0) {
          connections[i].begin((int) fd);
        }
        return;
      }
    }
  }

  /** What it has asked is still answered, to nobody. */
  private void close(int connection) {
    connections[connection].close();
    for (int i = 0; i < askers.length; i++) {
      if (askers[i] == connection) {
        askers[i] = NOBODY;
      }
    }
  }

  /** Puts the queries that there are, as far as the port has room for them. */
  void say(Port port) {
    for (int i = 0; i < CONNECTIONS; i++) {
      Connection c = connections[i];
      int number = c.hasQuery() && port.hasRoom() ? freeNumber() : -1;
      if (number >= 0) {
        askers[number] = i;
        put(port, number, 1, c.takeQuery(port.payload(), at(port)));
      }
    }
    while (asked && port.hasRoom()) {
      int number = freeNumber();
      if (number < 0) {
        asked = false;
        return;
      }
      long n =
          k.recvfrom(
              datagrams, port.payload(), at(port), Frame.MOST_QUERY_BYTES + 1, addresses[number]);
      if (n < 0) {
        asked = n == -Errno.EINTR;
      } else if (n >= Frame.LEAST_QUERY_BYTES && n <= Frame.MOST_QUERY_BYTES) {
        askers[number] = DATAGRAM;
        put(port, number, 0, (int) n);
      }
    }
  }

  /** Whether there is a query that can be put. */
  boolean hasMore() {
    boolean can = freeNumber() >= 0;
    for (int i = 0; i < CONNECTIONS && can; i++) {
      if (connections[i].hasQuery()) {
        return true;
      }
    }
    return false;
  }

  private static int at(Port port) {
    return port.payloadAt() + Frame.QUERY_HEADER_BYTES;
  }

  private static void put(Port port, int number, int stream, int count) {
    byte[] payload = port.payload();
    int at = port.payloadAt();
    payload[at] = (byte) number;
    payload[at + 1] = (byte) stream;
    payload[at + 2] = 0;
    payload[at + 3] = 0;
    port.put(Frame.QUERY, Frame.MACHINE, Frame.QUERY_HEADER_BYTES + count);
  }

  /** Takes a frame ANSWER of the host; false where it breaks the protocol. */
  boolean take(FrameReader reader) {
    int count = reader.length() - Frame.QUERY_HEADER_BYTES;
    if (count < 0) {
      return false;
    }
    byte[] bytes = reader.buffer();
    int at = reader.payloadAt();
    int number = bytes[at] & 0xff;
    if (number >= askers.length || askers[number] == FREE) {
      return false;
    }
    int asker = askers[number];
    boolean last = bytes[at + 1] == 1;
    if (last) {
      askers[number] = FREE;
    }
    int from = at + Frame.QUERY_HEADER_BYTES;
    if (asker == DATAGRAM && count > 0) {
      long sent = k.sendto(datagrams, bytes, from, count, addresses[number]);
      return sent <= count; // It may be lost, as a datagram may.
    }
    if (asker >= 0) {
      Connection c = connections[asker];
      if (!c.put(bytes, from, count)) {
        return false;
      }
      if (last && !c.answer()) {
        close(asker);
      }
    }
    return true;
  }

  /** A process that asks by TCP: one query at a time, and the next one after its answer. */
  private static final class Connection {
    private static final int PREFIX_BYTES = 2;
    private static final int BUFFER_BYTES = PREFIX_BYTES + 65535;

    private enum State {
      /** Its query is read. */
      READING,
      /** The query is whole. */
      WHOLE,
      /** The answer is waited for. */
      ASKED,
      /** The answer is written. */
      WRITING
    }

    private final Kernel k;
    private byte[] buffer = new byte[0];
    private State state = State.READING;
    private int fd = -1;
    private int from;
    private int to;

    Connection(Kernel k) {
      this.k = k;
    }

    void begin(int descriptor) {
      if (buffer.length == 0) {
        buffer = new byte[BUFFER_BYTES];
      }
      fd = descriptor;
      state = State.READING;
      from = 0;
      to = 0;
    }

    int watched() {
      return state == State.WHOLE ? -1 : fd;
    }

    short events() {
      return switch (state) {
        case READING, WHOLE -> POLLIN;
        case ASKED -> 0;
        case WRITING -> POLLOUT;
      };
    }

    /** Goes on with what poll(2) says; false where it is over. */
    boolean go() {
      return switch (state) {
        case READING -> read();
        case WHOLE -> true;
        case ASKED -> false; // Whoever asked is gone.
        case WRITING -> write();
      };
    }

    private boolean read() {
      int wanted = to < PREFIX_BYTES ? PREFIX_BYTES : PREFIX_BYTES + length();
      long n = k.read(fd, buffer, to, wanted - to);
      if (n == -Errno.EAGAIN || n == -Errno.EINTR) {
        return true;
      }
      if (n <= 0) {
        return false;
      }
      to += (int) n;
      if (to < PREFIX_BYTES) {
        return true;
      }
      int count = length();
      if (count < Frame.LEAST_QUERY_BYTES || count > Frame.MOST_QUERY_BYTES) {
        return false;
      }
      state = to == PREFIX_BYTES + count ? State.WHOLE : State.READING;
      return true;
    }

    private int length() {
      return (buffer[0] & 0xff) << 8 | buffer[1] & 0xff;
    }

    boolean hasQuery() {
      return fd >= 0 && state == State.WHOLE;
    }

    int takeQuery(byte[] into, int at) {
      int count = to - PREFIX_BYTES;
      System.arraycopy(buffer, PREFIX_BYTES, into, at, count);
      state = State.ASKED;
      from = 0;
      to = 0;
      return count;
    }

    /** Takes a piece of the answer; false where it is more than there can be. */
    boolean put(byte[] bytes, int at, int count) {
      if (count > buffer.length - to) {
        return false;
      }
      System.arraycopy(bytes, at, buffer, to, count);
      to += count;
      return true;
    }

    /** The answer has come; false where there is none. */
    boolean answer() {
      state = State.WRITING;
      return to > 0;
    }

    private boolean write() {
      long n = k.write(fd, buffer, from, to - from);
      if (n == -Errno.EAGAIN || n == -Errno.EINTR) {
        return true;
      }
      if (n < 0) {
        return false;
      }
      from += (int) n;
      if (from == to) {
        from = 0;
        to = 0;
        state = State.READING;
      }
      return true;
    }

    void close() {
      Session.close(k, fd);
      fd = -1;
      state = State.READING;
    }
  }
}
