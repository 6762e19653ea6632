package dev.coracle.machine;

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
import java.util.ArrayList;
import java.util.List;

/**
 * What the guest's processes ask a DNS server of the container's network namespace, and what it
 * answers (docs/vm-protocol.md, "DNS"). Each query has a socket of its own, so that no answer can
 * be taken for that of another one. Messages are passed on as they are, up to their bounds; for the
 * server they are a container's, as without a machine. Allocates once.
 */
final class Queries {
  static final int MOST = Frame.MOST_QUERIES;

  private static final long PATIENCE_NANOS = 10_000_000_000L;
  private static final long NANOS_PER_MILLI = 1_000_000;
  private static final int PREFIX_BYTES = 2;
  private static final int PIECE_BYTES = Frame.MOST_PAYLOAD_BYTES - Frame.QUERY_HEADER_BYTES;

  /** A flag in the third byte of a message: it was cut, and is to be asked for by TCP. */
  private static final byte TRUNCATED = 2;

  /** A query that cannot be asked, which the guest is still to be told. */
  private static final int FAILED = -2;

  private static final int FREE = -1;

  private final Kernel k;
  private final byte[] server;
  private final int[] fds = new int[MOST];
  private final long[] deadlines = new long[MOST];

  /** Over TCP: the query and its length before it; how far it is sent, and how long it is. */
  private final byte[][] out = new byte[MOST][];

  private final int[] from = new int[MOST];
  private final int[] to = new int[MOST];

  /** Over TCP: how many bytes of the answer have come, its length before it too; else −1. */
  private final int[] got = new int[MOST];

  private final int[] length = new int[MOST];

  /**
   * Nothing is asked yet.
   *
   * @param server a struct sockaddr
   */
  Queries(Kernel k, byte[] server) {
    this.k = k;
    this.server = server;
    java.util.Arrays.fill(fds, FREE);
  }

  /** The numbers of those that wait for an answer. */
  List<Integer> open() {
    List<Integer> out = new ArrayList<>();
    for (int i = 0; i < MOST; i++) {
      if (fds[i] != FREE) {
        out.add(i);
      }
    }
    return out;
  }

  /** Takes a frame QUERY of the guest; false where it breaks the protocol. */
  boolean ask(FrameReader reader, long now) {
    int at = reader.payloadAt();
    byte[] bytes = reader.buffer();
    int count = reader.length() - Frame.QUERY_HEADER_BYTES;
    if (count < Frame.LEAST_QUERY_BYTES || count > Frame.MOST_QUERY_BYTES) {
      return false;
    }
    int number = bytes[at] & 0xff;
    boolean stream = bytes[at + 1] == 1;
    boolean known = (stream || bytes[at + 1] == 0) && bytes[at + 2] == 0 && bytes[at + 3] == 0;
    if (!known || number >= MOST || fds[number] != FREE) {
      return false;
    }
    deadlines[number] = now + PATIENCE_NANOS;
    long type = (stream ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC | O_NONBLOCK;
    long fd = k.socket(AF_INET, type, 0);
    long result = fd < 0 ? fd : k.connect((int) fd, server);
    fds[number] = fd < 0 ? FAILED : (int) fd;
    boolean good = result >= 0 || stream && result == -Errno.EINPROGRESS;
    if (good && stream) {
      keep(number, bytes, at + Frame.QUERY_HEADER_BYTES, count);
    } else if (good) {
      got[number] = -1;
      to[number] = 0;
      from[number] = 0;
      good = k.write((int) fd, bytes, at + Frame.QUERY_HEADER_BYTES, count) == count;
    }
    if (!good) {
      fail(number);
    }
    return true;
  }

  private void keep(int number, byte[] bytes, int at, int count) {
    byte[] kept = out[number];
    if (kept == null) {
      kept = new byte[PREFIX_BYTES + Frame.MOST_QUERY_BYTES];
      out[number] = kept;
    }
    kept[0] = (byte) (count >> 8);
    kept[1] = (byte) count;
    System.arraycopy(bytes, at, kept, PREFIX_BYTES, count);
    from[number] = 0;
    to[number] = PREFIX_BYTES + count;
    got[number] = 0;
    length[number] = 0;
  }

  private void fail(int number) {
    close(number);
    fds[number] = FAILED;
  }

  private void close(int number) {
    if (fds[number] >= 0) {
      long closed = k.close(fds[number]);
      if (closed < 0) {
        throw new IllegalStateException("close(" + fds[number] + "): " + Errno.text(-closed));
      }
    }
    fds[number] = FREE;
  }

  /**
   * Puts what is watched.
   *
   * @param room whether the guest can be told
   */
  void watch(int[] all, short[] events, int at, boolean room) {
    for (int i = 0; i < MOST; i++) {
      boolean more = fds[i] >= 0 && from[i] < to[i];
      all[at + i] = fds[i] >= 0 && (room || more) ? fds[i] : -1;
      events[at + i] = more ? POLLOUT : POLLIN;
    }
  }

  /** How long nothing need be done; −1 for ever. */
  int timeoutMillis(long now) {
    long least = Long.MAX_VALUE;
    for (int i = 0; i < MOST; i++) {
      if (fds[i] != FREE) {
        least = Math.min(least, fds[i] == FAILED ? now : deadlines[i]);
      }
    }
    return least == Long.MAX_VALUE ? -1 : (int) Math.max(0, (least - now) / NANOS_PER_MILLI + 1);
  }

  /**
   * Puts the next piece of an answer into a frame, if there is one by now.
   *
   * @param happened whether poll(2) says something of it
   * @param into has room for the largest frame from {@code at} on
   * @return the frame's length; 0 where there is none
   */
  int answer(int number, boolean happened, byte[] into, int at, long now) {
    if (fds[number] == FREE) {
      return 0;
    }
    if (fds[number] >= 0 && now >= deadlines[number]) {
      fail(number);
    }
    int payload = at + Frame.HEADER_BYTES + Frame.QUERY_HEADER_BYTES;
    int count = 0;
    if (fds[number] >= 0) {
      if (!happened) {
        return 0;
      }
      if (from[number] < to[number]) {
        send(number);
      } else {
        count = got[number] < 0 ? datagram(number, into, payload) : piece(number, into, payload);
      }
    }
    boolean last = fds[number] < 0;
    if (count == 0 && !last) {
      return 0;
    }
    into[payload - 4] = (byte) number;
    into[payload - 3] = (byte) (last ? 1 : 0);
    into[payload - 2] = 0;
    into[payload - 1] = 0;
    if (last) {
      fds[number] = FREE;
    }
    Frame.putHeader(into, at, Frame.ANSWER, Frame.MACHINE, Frame.QUERY_HEADER_BYTES + count);
    return Frame.HEADER_BYTES + Frame.QUERY_HEADER_BYTES + count;
  }

  private void send(int number) {
    byte[] kept = out[number];
    long n =
        kept == null ? -1 : k.write(fds[number], kept, from[number], to[number] - from[number]);
    if (n > 0) {
      from[number] += (int) n;
    } else if (n != -Errno.EAGAIN && n != -Errno.EINTR) {
      fail(number);
    }
  }

  /** The whole answer, which may be cut; with it the query is over. */
  private int datagram(int number, byte[] into, int at) {
    long n = k.read(fds[number], into, at, Frame.MOST_QUERY_BYTES + 1);
    if (n == -Errno.EAGAIN || n == -Errno.EINTR) {
      return 0;
    }
    fail(number);
    if (n < Frame.LEAST_QUERY_BYTES) {
      return 0;
    }
    if (n > Frame.MOST_QUERY_BYTES) {
      into[at + 2] |= TRUNCATED;
    }
    return (int) Math.min(n, Frame.MOST_QUERY_BYTES);
  }

  /** What has come of an answer; with its last byte the query is over. */
  private int piece(int number, byte[] into, int at) {
    long n = k.read(fds[number], into, at, PIECE_BYTES);
    if (n == -Errno.EAGAIN || n == -Errno.EINTR) {
      return 0;
    }
    if (n <= 0) {
      fail(number);
      return 0;
    }
    int count = (int) n;
    for (int i = 0; i < count && got[number] + i < PREFIX_BYTES; i++) {
      length[number] = length[number] << 8 | into[at + i] & 0xff;
    }
    int whole = PREFIX_BYTES + length[number];
    if (got[number] + count >= PREFIX_BYTES) {
      count = Math.min(count, whole - got[number]);
    }
    got[number] += count;
    if (got[number] >= PREFIX_BYTES && got[number] == whole) {
      fail(number); // It is over: nothing more is wanted of the server.
    }
    return count;
  }
}
