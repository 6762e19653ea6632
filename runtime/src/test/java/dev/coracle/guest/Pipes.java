package dev.coracle.guest;

import static dev.coracle.abi.Process.FIONREAD;
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
import java.util.Arrays;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * A kernel of the agent's descriptors and children: tests put in what is read, and see what was
 * written. When all wait, the next part of the test's script runs; after the last one poll(2)
 * fails.
 */
final class Pipes {
  static final int PORT = 3;
  static final int SIGNALS = 4;
  private static final int SIGINFO_BYTES = 128;
  private static final int FIRST_FD = 100;
  private static final int FIRST_PID = 1000;

  private static final class Pipe {
    private final Deque<byte[]> in = new ArrayDeque<>();
    private final Deque<Integer> descriptors = new ArrayDeque<>();
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private boolean ended;
    private boolean saidAll;
    private boolean shut;
    private int room = Integer.MAX_VALUE;
    private boolean closed;
  }

  private final Map<Integer, Pipe> pipes = new HashMap<>();
  private final Deque<Runnable> script = new ArrayDeque<>();
  private final Deque<int[]> ended = new ArrayDeque<>();
  private final List<String> killed = new ArrayList<>();
  private int nextFd = FIRST_FD;
  private int nextPid = FIRST_PID;
  private long nanos;
  private boolean passed;

  private Pipe pipe(int fd) {
    return pipes.computeIfAbsent(fd, n -> new Pipe());
  }

  Pipes then(Runnable part) {
    script.add(part);
    return this;
  }

  void give(int fd, byte[] bytes) {
    pipe(fd).in.add(bytes);
  }

  /** A message of a child, with a descriptor; −1 for none. */
  void say(int fd, String letter, byte[] more, int descriptor) {
    byte[] message = Bytes.utf8(letter);
    byte[] whole = Arrays.copyOf(message, message.length + more.length);
    System.arraycopy(more, 0, whole, message.length, more.length);
    pipe(fd).descriptors.add(descriptor);
    give(fd, whole);
  }

  void end(int fd) {
    pipe(fd).ended = true;
  }

  /** There is no more to read; what is written is heard. */
  void saysNoMore(int fd) {
    pipe(fd).saidAll = true;
  }

  /** Whether its reader was told that there is no more. */
  boolean isShut(int fd) {
    return pipe(fd).shut;
  }

  /** Time passes, and whoever waits for no longer is woken. */
  void passes(long millis) {
    passed = true;
    nanos += millis * 1_000_000;
  }

  /** How many bytes more can be written. */
  void room(int fd, int bytes) {
    pipe(fd).room = bytes;
  }

  boolean isClosed(int fd) {
    return pipe(fd).closed;
  }

  byte[] written(int fd) {
    return pipe(fd).out.toByteArray();
  }

  List<String> killed() {
    return killed;
  }

  /** A process of ours ends. */
  void exits(int pid, int waitStatus) {
    ended.add(new int[] {pid, waitStatus});
    give(SIGNALS, new byte[SIGINFO_BYTES]);
  }

  /** The frames that were written, as {@code type/session payload}. */
  List<String> frames(int fd) {
    byte[] all = written(fd);
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
    if (reader.length() > 200) {
      return reader.length() + " bytes";
    }
    return switch (reader.type()) {
      case Frame.EXIT, Frame.CREDIT, Frame.STARTED -> Long.toString(reader.number(0));
      case Frame.FAILED, Frame.HELLO -> reader.number(0) + " " + reader.text(4);
      default -> reader.text(0);
    };
  }

  static byte[] number(int value) {
    byte[] out = new byte[4];
    Bytes.put32(out, 0, value);
    return out;
  }

  void host(int type, int session, byte[] payload) {
    byte[] out = new byte[Frame.HEADER_BYTES + payload.length];
    Frame.putHeader(out, 0, type, session, payload.length);
    System.arraycopy(payload, 0, out, Frame.HEADER_BYTES, payload.length);
    give(PORT, out);
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
                  case "receiveMessage" ->
                      receive((int) args[0], (byte[]) args[1], (int[]) args[2]);
                  case "pipe2" -> pair((int[]) args[0]);
                  case "socketpair" -> pair((int[]) args[2]);
                  case "fork" -> fork((int[]) args[0]);
                  case "wait4" -> wait((int[]) args[1]);
                  case "kill" -> kill((int) args[0], (int) args[1]);
                  case "close" -> close((int) args[0]);
                  case "ioctlStruct" -> ioctl((int) args[0], (long) args[1], (byte[]) args[2]);
                  case "fcntl", "bind", "listen" -> 0L;
                  case "socket" -> (long) nextFd++;
                  case "accept4" -> accept((int) args[0]);
                  case "recvfrom" ->
                      receiveFrom((int) args[0], (byte[]) args[1], (int) args[2], (byte[]) args[4]);
                  case "sendto" ->
                      sendTo(
                          (int) args[0],
                          (byte[]) args[1],
                          (int) args[2],
                          (int) args[3],
                          (byte[]) args[4]);
                  case "shutdown" -> {
                    pipe((int) args[0]).shut = true;
                    yield 0L;
                  }
                  case "clock_gettime" -> nanos;
                  case "openat2" -> (long) -Errno.ENOENT;
                  default -> throw new UnsupportedOperationException(method.getName());
                });
  }

  /** A datagram of somebody, who has a letter for an address. */
  void datagram(int fd, char sender, String words) {
    give(fd, Bytes.utf8(sender + words));
  }

  private long receiveFrom(int fd, byte[] buffer, int at, byte[] address) {
    byte[] next = pipe(fd).in.poll();
    if (next == null) {
      return -Errno.EAGAIN;
    }
    address[0] = next[0];
    System.arraycopy(next, 1, buffer, at, next.length - 1);
    return next.length - 1L;
  }

  private long sendTo(int fd, byte[] bytes, int at, int count, byte[] address) {
    pipe(fd).out.write(address, 0, 1);
    pipe(fd).out.write(bytes, at, count);
    return count;
  }

  /** Somebody connects; the text is what they say. */
  int connects(int listener, String words) {
    int fd = nextFd++;
    pipe(listener).descriptors.add(fd);
    give(listener, new byte[0]);
    give(fd, Bytes.utf8(words));
    return fd;
  }

  private long accept(int listener) {
    Integer fd = pipe(listener).descriptors.poll();
    boolean there = pipe(listener).in.poll() != null;
    return fd == null || !there ? -Errno.EAGAIN : fd;
  }

  private long pair(int[] fds) {
    fds[0] = nextFd++;
    fds[1] = nextFd++;
    return 0;
  }

  private long fork(int[] pidfd) {
    pidfd[0] = nextFd++;
    return nextPid++;
  }

  private long wait(int[] status) {
    int[] next = ended.poll();
    if (next == null) {
      return 0;
    }
    status[0] = next[1];
    return next[0];
  }

  private long kill(int pid, int signal) {
    killed.add(pid + ":" + signal);
    return 0;
  }

  private long close(int fd) {
    if (pipe(fd).closed) {
      return -Errno.EBADF;
    }
    pipe(fd).closed = true;
    return 0;
  }

  private long ioctl(int fd, long request, byte[] argument) {
    if (request == FIONREAD) {
      Bytes.put32(argument, 0, pipe(fd).in.stream().mapToInt(b -> b.length).sum());
    }
    return 0;
  }

  private long read(int fd, byte[] buffer, int at, int most) {
    Pipe pipe = pipe(fd);
    byte[] next = pipe.in.poll();
    if (next == null) {
      return pipe.ended || pipe.saidAll ? 0 : -Errno.EAGAIN;
    }
    int n = Math.min(most, next.length);
    System.arraycopy(next, 0, buffer, at, n);
    if (n < next.length) {
      pipe.in.addFirst(Arrays.copyOfRange(next, n, next.length));
    }
    return n;
  }

  private long receive(int fd, byte[] buffer, int[] descriptor) {
    Integer sent = pipe(fd).descriptors.poll();
    descriptor[0] = sent == null ? -1 : sent;
    return read(fd, buffer, 0, buffer.length);
  }

  private long write(int fd, byte[] bytes, int at, int count) {
    Pipe pipe = pipe(fd);
    if (pipe.closed || pipe.ended) {
      return -Errno.EPIPE;
    }
    int n = Math.min(count, pipe.room);
    if (n == 0) {
      return -Errno.EAGAIN;
    }
    pipe.room -= pipe.room == Integer.MAX_VALUE ? 0 : n;
    pipe.out.write(bytes, at, n);
    return n;
  }

  private long poll(int[] fds, short[] events, short[] happened, int timeout) {
    int ready = 0;
    for (int i = 0; i < fds.length; i++) {
      happened[i] = 0;
      if (fds[i] >= 0) {
        Pipe pipe = pipe(fds[i]);
        boolean readable = !pipe.in.isEmpty() || pipe.saidAll;
        int what = readable && (events[i] & POLLIN) != 0 ? POLLIN : 0;
        what |= pipe.ended ? POLLHUP : 0;
        what |= pipe.room > 0 && (events[i] & POLLOUT) != 0 ? POLLOUT : 0;
        happened[i] = (short) what;
        ready += what != 0 ? 1 : 0;
      }
    }
    if (ready > 0 || timeout == 0 || passed && timeout > 0) {
      passed = false;
      return ready;
    }
    passed = false;
    Runnable part = script.poll();
    if (part == null) {
      return -Errno.EIO;
    }
    part.run();
    return -Errno.EINTR;
  }
}
