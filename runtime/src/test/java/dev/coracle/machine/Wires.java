package dev.coracle.machine;

import static dev.coracle.abi.Process.POLLHUP;
import static dev.coracle.abi.Process.POLLIN;
import static dev.coracle.abi.Process.POLLOUT;

import dev.coracle.abi.Bytes;
import dev.coracle.kernel.Errno;
import dev.coracle.kernel.Kernel;
import dev.coracle.vm.Frame;
import dev.coracle.vm.FrameReader;
import java.io.ByteArrayOutputStream;
import java.lang.reflect.Proxy;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * A kernel of descriptors and nothing else: tests put in what is read, and see what was written.
 * When all wait, the next part of the test's script runs; after the last one poll(2) fails.
 */
final class Wires {
  private static final class Wire {
    private final Deque<byte[]> in = new ArrayDeque<>();
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private boolean ended;
    private boolean saidAll;
    private boolean shut;
    private boolean full;
    private boolean closed;
  }

  private final Map<Integer, Wire> wires = new HashMap<>();
  private final Deque<Integer> waiting = new ArrayDeque<>();
  private final Deque<Runnable> script = new ArrayDeque<>();
  private int listener = -1;
  private boolean late;
  private final Map<Integer, byte[]> connected = new HashMap<>();
  private int nextSocket = FIRST_SOCKET;
  private long nanos;
  private boolean timePassed;
  private long answer;
  private int unread;
  private final List<Integer> passed = new ArrayList<>();
  private final List<String> paths = new ArrayList<>();
  private final byte[] stat = new byte[256];
  private int nextFile = FIRST_FILE;

  /** The files that are opened have the numbers from here on. */
  static final int FIRST_FILE = 30;

  /** The sockets that are made have the numbers from here on. */
  static final int FIRST_SOCKET = 50;

  /** The descriptor by which signals are taken. */
  static final int SIGNALS = 49;

  private Wire wire(int fd) {
    return wires.computeIfAbsent(fd, n -> new Wire());
  }

  /** What happens when nothing else does. */
  Wires then(Runnable part) {
    script.add(part);
    return this;
  }

  void give(int fd, byte[] bytes) {
    wire(fd).in.add(bytes);
  }

  void end(int fd) {
    wire(fd).ended = true;
  }

  /** There is no more to read; what is written is heard. */
  void saysNoMore(int fd) {
    wire(fd).saidAll = true;
  }

  /** Whether its reader was told that there is no more. */
  boolean isShut(int fd) {
    return wire(fd).shut;
  }

  /** What connect(2) to a path says from now on: 0, or −errno. */
  void answers(long result) {
    answer = result;
  }

  /** The paths that were connected to, in order. */
  List<String> paths() {
    return paths;
  }

  /** How much of what was written nobody has read. */
  void isUnread(int bytes) {
    unread = bytes;
  }

  /** The descriptors that were passed on. */
  List<Integer> passed() {
    return passed;
  }

  /** What statx(2) says of what is opened from now on. */
  void isThere(int mode, int uid, int gid, long attributes) {
    Bytes.put16(stat, 28, mode);
    Bytes.put32(stat, 20, uid);
    Bytes.put32(stat, 24, gid);
    Bytes.put32(stat, 8, attributes);
  }

  /** Nobody hears what is written from now on; what was said before can be read. */
  void deafen(int fd) {
    wire(fd).closed = true;
  }

  void fill(int fd) {
    wire(fd).full = true;
  }

  void drain(int fd) {
    wire(fd).full = false;
  }

  boolean isClosed(int fd) {
    return wire(fd).closed;
  }

  /** All that was written, byte by byte. */
  String text(int fd) {
    return wire(fd).out.toString(java.nio.charset.StandardCharsets.ISO_8859_1);
  }

  /** What a socket was connected to. */
  byte @org.jspecify.annotations.Nullable [] connected(int fd) {
    return connected.get(fd);
  }

  /** Time passes, and whoever waits for no longer is woken. */
  void passes(long millis) {
    timePassed = true;
    nanos += millis * 1_000_000;
  }

  /** Somebody connects. */
  void connect(int fd) {
    waiting.add(fd);
  }

  /** From now on time runs out. */
  void late() {
    late = true;
  }

  void listensAt(int fd) {
    listener = fd;
  }

  /** The frames that were written, as {@code type/session payload}. */
  List<String> frames(int fd) {
    byte[] all = wire(fd).out.toByteArray();
    List<String> out = new ArrayList<>();
    FrameReader reader = new FrameReader();
    int at = 0;
    while (at < all.length) {
      int n = Math.min(reader.room(), all.length - at);
      System.arraycopy(all, at, reader.buffer(), reader.end(), n);
      reader.took(n);
      at += n;
      while (reader.next()) {
        out.add(reader.type() + "/" + reader.session() + " " + payload(reader));
      }
    }
    return out;
  }

  private static String payload(FrameReader reader) {
    if (reader.length() > 100) {
      return reader.length() + " bytes";
    }
    boolean numbers =
        reader.type() == Frame.EXIT
            || reader.type() == Frame.CREDIT
            || reader.type() == Frame.SIGNAL;
    return numbers ? Long.toString(reader.number(0)) : reader.text(0);
  }

  static byte[] frame(int type, int session, byte[] payload) {
    byte[] out = new byte[Frame.HEADER_BYTES + payload.length];
    Frame.putHeader(out, 0, type, session, payload.length);
    System.arraycopy(payload, 0, out, Frame.HEADER_BYTES, payload.length);
    return out;
  }

  static byte[] frame(int type, int session, String payload) {
    return frame(type, session, Bytes.utf8(payload));
  }

  static byte[] frame(int type, int session, int number) {
    byte[] payload = new byte[4];
    Bytes.put32(payload, 0, number);
    return frame(type, session, payload);
  }

  Kernel kernel() {
    return (Kernel)
        Proxy.newProxyInstance(
            Kernel.class.getClassLoader(),
            new Class<?>[] {Kernel.class},
            (proxy, method, args) ->
                switch (method.getName()) {
                  case "read" ->
                      read((int) args[0], (byte[]) args[1], (int) args[2], (int) args[3]);
                  case "write" ->
                      write((int) args[0], (byte[]) args[1], (int) args[2], (int) args[3]);
                  case "poll" ->
                      poll((int[]) args[0], (short[]) args[1], (short[]) args[2], (int) args[3]);
                  case "accept4" -> accept();
                  case "close" -> close((int) args[0]);
                  case "fcntl" -> blocking((int) args[0]);
                  case "clock_gettime" -> nanos;
                  case "signalfdAll" -> (long) SIGNALS;
                  case "ioctlStruct" -> ioctl((long) args[1], (byte[]) args[2]);
                  case "sendMessage" -> {
                    byte[] bytes = (byte[]) args[1];
                    passed.add((int) args[2]);
                    yield write((int) args[0], bytes, 0, bytes.length);
                  }
                  case "socket" -> (long) nextSocket++;
                  case "connect" -> {
                    connected.put((int) args[0], (byte[]) args[1]);
                    yield 0L;
                  }
                  case "connectUnix" -> {
                    paths.add((String) args[1]);
                    yield answer;
                  }
                  case "shutdown" -> {
                    wire((int) args[0]).shut = true;
                    yield 0L;
                  }
                  case "openat2" -> (long) nextFile++;
                  case "statx" -> {
                    System.arraycopy(stat, 0, (byte[]) args[4], 0, stat.length);
                    yield 0L;
                  }
                  case "explain" -> Errno.text(-(long) args[0]);
                  default -> throw new UnsupportedOperationException(method.getName());
                });
  }

  private long ioctl(long request, byte[] argument) {
    if (request != dev.coracle.abi.Process.SIOCOUTQ) {
      return -Errno.ENOTTY;
    }
    Bytes.put32(argument, 0, unread);
    return 0;
  }

  private long read(int fd, byte[] buffer, int at, int most) {
    Wire wire = wire(fd);
    byte[] next = wire.in.poll();
    if (next == null) {
      return wire.ended || wire.saidAll ? 0 : -Errno.EAGAIN;
    }
    int n = Math.min(most, next.length);
    System.arraycopy(next, 0, buffer, at, n);
    if (n < next.length) {
      wire.in.addFirst(java.util.Arrays.copyOfRange(next, n, next.length));
    }
    return n;
  }

  private long write(int fd, byte[] bytes, int at, int count) {
    Wire wire = wire(fd);
    if (wire.closed || wire.ended) {
      return -Errno.EPIPE;
    }
    if (wire.full) {
      return -Errno.EAGAIN;
    }
    wire.out.write(bytes, at, count);
    return count;
  }

  private long blocking(int fd) {
    wire(fd).full = false; // Whoever waits is read at last.
    return 0;
  }

  private long accept() {
    Integer fd = waiting.poll();
    return fd == null ? -Errno.EAGAIN : fd;
  }

  private long close(int fd) {
    wire(fd).closed = true;
    return 0;
  }

  private long poll(int[] fds, short[] events, short[] happened, int timeout) {
    int ready = ready(fds, events, happened);
    if (ready > 0) {
      return ready;
    }
    if (timeout == 0 || (late || timePassed) && timeout > 0) {
      timePassed = false;
      return 0;
    }
    timePassed = false;
    Runnable part = script.poll();
    if (part == null) {
      return -Errno.EIO;
    }
    part.run();
    return -Errno.EINTR;
  }

  private int ready(int[] fds, short[] events, short[] happened) {
    int ready = 0;
    for (int i = 0; i < fds.length; i++) {
      happened[i] = 0;
      if (fds[i] < 0) {
        continue;
      }
      Wire wire = wire(fds[i]);
      int what = 0;
      boolean readable =
          fds[i] == listener ? !waiting.isEmpty() : !wire.in.isEmpty() || wire.saidAll;
      what |= readable && (events[i] & POLLIN) != 0 ? POLLIN : 0;
      what |= wire.ended ? POLLHUP : 0;
      what |= !wire.full && (events[i] & POLLOUT) != 0 ? POLLOUT : 0;
      happened[i] = (short) what;
      ready += what != 0 ? 1 : 0;
    }
    return ready;
  }
}
