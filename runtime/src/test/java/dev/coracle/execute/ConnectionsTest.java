package dev.coracle.execute;

import static dev.coracle.abi.Process.POLLHUP;
import static dev.coracle.abi.Process.POLLIN;
import static dev.coracle.abi.Process.POLLOUT;
import static org.assertj.core.api.Assertions.assertThat;

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
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Both ends of connections, and between them nothing but their frames. */
class ConnectionsTest {
  private static final int LARGEST = Frame.HEADER_BYTES + Frame.MOST_PAYLOAD_BYTES;

  /** A socket whose other side is a program: it says all it has, and then that it is done. */
  private static final class Program {
    final byte[] says;
    final ByteArrayOutputStream hears = new ByteArrayOutputStream();
    int said;
    boolean knowsTheEnd;
    boolean closed;
    boolean gone;

    Program(byte[] says) {
      this.says = says;
    }
  }

  private final Random random = new Random(1);
  private final List<Program> programs = new ArrayList<>();

  private static ConnectionsTest of(long seed) {
    ConnectionsTest out = new ConnectionsTest();
    out.random.setSeed(seed);
    return out;
  }

  private Kernel kernel() {
    return (Kernel)
        Proxy.newProxyInstance(
            Kernel.class.getClassLoader(),
            new Class<?>[] {Kernel.class},
            (proxy, method, args) -> {
              Program p = programs.get((int) args[0]);
              assertThat(p.closed).as(method.getName()).isFalse();
              return switch (method.getName()) {
                case "read" -> read(p, (byte[]) args[1], (int) args[2], (int) args[3]);
                case "write" -> write(p, (byte[]) args[1], (int) args[2], (int) args[3]);
                case "shutdown" -> {
                  assertThat(p.knowsTheEnd).isFalse();
                  p.knowsTheEnd = true;
                  yield 0L;
                }
                case "close" -> {
                  p.closed = true;
                  yield 0L;
                }
                default -> throw new UnsupportedOperationException(method.getName());
              };
            });
  }

  private long read(Program p, byte[] into, int at, int most) {
    if (p.said == p.says.length) {
      return 0;
    }
    if (random.nextInt(4) == 0) {
      return random.nextBoolean() ? -Errno.EAGAIN : -Errno.EINTR;
    }
    int n = Math.min(1 + random.nextInt(most), p.says.length - p.said);
    System.arraycopy(p.says, p.said, into, at, n);
    p.said += n;
    return n;
  }

  private long write(Program p, byte[] bytes, int at, int count) {
    assertThat(p.knowsTheEnd).isFalse();
    if (p.gone) {
      return -Errno.EPIPE;
    }
    if (random.nextInt(3) == 0) {
      return random.nextBoolean() ? -Errno.EAGAIN : -Errno.EINTR;
    }
    int n = 1 + random.nextInt(count);
    p.hears.write(bytes, at, n);
    return n;
  }

  /** One end, with what it has said and the other one has not heard. */
  private final class End {
    final Connections connections = new Connections(kernel());
    final Deque<byte[]> said = new ArrayDeque<>();
    final FrameReader reader = new FrameReader();
    final int[] fds = new int[Connections.MOST];
    final short[] events = new short[Connections.MOST];

    void say() {
      byte[] out = new byte[LARGEST];
      int length = connections.next(out, 0);
      if (length > 0) {
        said.add(Arrays.copyOf(out, length));
      }
    }

    void poll() {
      connections.watch(fds, events, 0, true);
      short[] happened = new short[Connections.MOST];
      for (int i = 0; i < fds.length; i++) {
        if (fds[i] >= 0) {
          boolean gone = programs.get(fds[i]).gone;
          happened[i] = (short) (events[i] & (POLLIN | POLLOUT) | (gone ? POLLHUP : 0));
        }
      }
      connections.notice(happened, 0);
    }

    FrameReader hear(byte[] frame) {
      System.arraycopy(frame, 0, reader.buffer(), reader.end(), frame.length);
      reader.took(frame.length);
      assertThat(reader.next()).isTrue();
      return reader;
    }
  }

  private int program(int most) {
    byte[] says = new byte[random.nextInt(most)];
    random.nextBytes(says);
    programs.add(new Program(says));
    return programs.size() - 1;
  }

  private void hear(End by, byte[] frame, int host) {
    FrameReader f = by.hear(frame);
    if (f.type() == Frame.CONNECT) {
      int number = (int) f.number(0);
      assertThat(f.number(4)).isEqualTo(7);
      assertThat(by.connections.isUsed(number)).isFalse();
      by.connections.open(number, -1);
      by.connections.join(number, host);
    } else {
      assertThat(by.connections.take(f)).as("frame of type %s", f.type()).isTrue();
    }
    while (f.next()) {
      throw new AssertionError("one frame at a time");
    }
  }

  /** Connects a guest's program and a host's, until both ends say that it is over. */
  private void connect(End guest, End host, int mostBytes, boolean dies) {
    int one = program(mostBytes);
    int two = program(mostBytes);
    int number = guest.connections.free();
    guest.connections.open(number, 7);
    guest.connections.join(number, one);
    for (int i = 0; i < 200_000; i++) {
      switch (random.nextInt(6)) {
        case 0 -> guest.say();
        case 1 -> host.say();
        case 2 -> guest.poll();
        case 3 -> host.poll();
        case 4 -> {
          byte[] next = guest.said.poll();
          if (next != null) {
            hear(host, next, two);
          }
        }
        default -> {
          byte[] next = host.said.poll();
          if (next != null) {
            hear(guest, next, -1);
          }
        }
      }
      if (dies && random.nextInt(100) == 0) {
        programs.get(two).gone = true;
      }
      if (i > 0 && guest.connections.areOver() && host.connections.areOver()) {
        break;
      }
    }
    Program a = programs.get(one);
    Program b = programs.get(two);
    assertThat(guest.connections.areOver() && host.connections.areOver()).isTrue();
    assertThat(a.closed && b.closed).isTrue();
    assertThat(guest.said).isEmpty();
    assertThat(host.said).isEmpty();
    // What was said before the end is heard, whoever is gone.
    assertThat(a.hears.toByteArray()).isEqualTo(b.says);
    byte[] heard = b.hears.toByteArray();
    assertThat(heard).isEqualTo(Arrays.copyOf(a.says, heard.length));
    if (!b.gone) {
      assertThat(heard).hasSize(a.says.length);
      assertThat(a.knowsTheEnd || b.knowsTheEnd).isTrue();
    }
  }

  @Test
  void allThatIsSaidIsHeardInOrder() {
    for (int seed = 0; seed < 200; seed++) {
      ConnectionsTest t = of(seed);
      End guest = t.new End();
      End host = t.new End();
      for (int i = 0; i < 4; i++) {
        t.connect(guest, host, i % 2 == 0 ? 300_000 : 3, false);
      }
    }
  }

  @Test
  void aServerThatDiesHasBeenHeard() {
    for (int seed = 0; seed < 300; seed++) {
      ConnectionsTest t = of(seed);
      End guest = t.new End();
      End host = t.new End();
      for (int i = 0; i < 4; i++) {
        t.connect(guest, host, 100_000, true);
      }
    }
  }

  @Test
  void anEndIsToldAndTheNumberStaysInUse() {
    End guest = new End();
    int one = program(1);
    guest.connections.open(0, 7);
    guest.connections.join(0, one);
    guest.poll();
    guest.say();
    guest.say();
    assertThat(guest.said).hasSize(2);
    assertThat(guest.connections.hasMore()).isFalse();
    assertThat(guest.connections.free()).isEqualTo(1);
  }

  @Test
  void aNumberIsUsedAgainAndAgain() {
    Connections connections = new Connections(kernel());
    int number = connections.free();
    byte[] out = new byte[LARGEST];
    byte[] closed = new byte[Frame.HEADER_BYTES + 4];
    Frame.putHeader(closed, 0, Frame.CLOSED, Frame.MACHINE, 4);
    FrameReader reader = new FrameReader();
    for (int i = 0; i < 1000; i++) {
      assertThat(connections.free()).isEqualTo(number);
      connections.open(number, 7);
      connections.fail(number);
      assertThat(connections.next(out, 0)).isPositive();
      assertThat(connections.next(out, 0)).isPositive();
      assertThat(connections.next(out, 0)).isZero();
      assertThat(connections.areOver()).isFalse();
      System.arraycopy(closed, 0, reader.buffer(), reader.end(), closed.length);
      reader.took(closed.length);
      assertThat(reader.next()).isTrue();
      assertThat(connections.take(reader)).isTrue();
      assertThat(reader.next()).isFalse();
      assertThat(connections.areOver()).isTrue();
    }
  }
}
