package dev.coracle.machine;

import static dev.coracle.machine.Wires.frame;
import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.abi.Bytes;
import dev.coracle.abi.Stat;
import dev.coracle.abi.Statx;
import dev.coracle.kernel.Errno;
import dev.coracle.vm.Field;
import dev.coracle.vm.Frame;
import dev.coracle.vm.RequestReader;
import dev.coracle.vm.RequestWriter;
import java.util.List;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** The monitor between a guest's connections and sockets of the host. */
class HostSocketsTest {
  private static final int GUEST = 10;
  private static final int FIRST = 20;
  private static final int SOCKET = Wires.FIRST_SOCKET;
  private static final byte[] MOST = new byte[Frame.MOST_PAYLOAD_BYTES - 4];
  private static final List<HostSockets.Bind> BINDS =
      List.of(new HostSockets.Bind(3, "/run/a"), new HostSockets.Bind(5, "/b"));

  private final Wires wires = new Wires();

  HostSocketsTest() {
    wires.isThere(Stat.S_IFSOCK | 0660, 0, 7, Statx.STATX_ATTR_MOUNT_ROOT);
    wires.then(() -> guest(frame(Frame.READY, 0, "")));
  }

  private static byte[] of(int type, int number, byte[] more) {
    byte[] payload = new byte[4 + more.length];
    Bytes.put32(payload, 0, number);
    System.arraycopy(more, 0, payload, 4, more.length);
    return frame(type, 0, payload);
  }

  private static byte[] connect(int number, int socket) {
    byte[] more = new byte[4];
    Bytes.put32(more, 0, socket);
    return of(Frame.CONNECT, number, more);
  }

  private static byte[] data(int number, String words) {
    return of(Frame.DATA, number, words.getBytes(ISO_8859_1));
  }

  private static byte[] shutdown(int number) {
    return of(Frame.SHUTDOWN, number, new byte[0]);
  }

  private static byte[] closed(int number) {
    return of(Frame.CLOSED, number, new byte[0]);
  }

  private static byte[] credit(int number, int bytes) {
    byte[] payload = new byte[8];
    Bytes.put32(payload, 0, bytes);
    Bytes.put32(payload, 4, number);
    return frame(Frame.CREDIT, 0, payload);
  }

  private void guest(byte[] frame) {
    wires.give(GUEST, frame);
  }

  private HostSocketsTest then(Runnable part) {
    wires.then(part);
    return this;
  }

  /** What the guest has heard of connections; numbers are a character each. */
  private List<String> heard() {
    return wires.frames(GUEST).stream()
        .filter(f -> f.matches("(?s)(11|2[1-4])/0 .*"))
        .map(f -> f.replace("\0\0\0", ""))
        .toList();
  }

  private static String is(int type, int number, String words) {
    return type + "/0 " + (char) number + words;
  }

  private @Nullable String open(HostSockets sockets) {
    return sockets.open(BINDS);
  }

  private void run() {
    HostSockets sockets = new HostSockets(wires.kernel());
    assertThat(open(sockets)).isNull();
    wires.listensAt(11);
    Monitor.run(
        wires.kernel(),
        new Monitor.Machine(
            GUEST, 11, 12, -1, 13, null, sockets, new Tail(), Programs.Saving.NEVER),
        FIRST,
        new RequestWriter().add(Field.NAME, "c1"),
        List.of());
  }

  private String last() {
    return wires.frames(FIRST).getLast();
  }

  private void end() {
    then(() -> guest(frame(Frame.EXIT, 1, 0)));
    run();
    assertThat(last()).isEqualTo("12/1 0");
  }

  @Test
  void aConnectionFromItsFirstWordToItsLast() {
    then(() -> guest(connect(4, 1)))
        .then(
            () -> {
              assertThat(wires.paths()).containsExactly("/proc/self/fd/32");
              guest(data(4, "hello"));
            })
        .then(
            () -> {
              assertThat(wires.text(SOCKET)).isEqualTo("hello");
              wires.give(SOCKET, Bytes.utf8("hi"));
            })
        .then(
            () -> {
              assertThat(heard()).containsExactly(is(Frame.DATA, 4, "hi"));
              guest(shutdown(4));
            })
        .then(
            () -> {
              assertThat(wires.isShut(SOCKET)).isTrue();
              assertThat(wires.isClosed(SOCKET)).isFalse();
              wires.give(SOCKET, Bytes.utf8("more"));
            })
        .then(() -> wires.saysNoMore(SOCKET))
        .then(
            () -> {
              assertThat(heard())
                  .containsExactly(
                      is(Frame.DATA, 4, "hi"),
                      is(Frame.DATA, 4, "more"),
                      is(Frame.SHUTDOWN, 4, ""),
                      is(Frame.CLOSED, 4, ""));
              assertThat(wires.isClosed(SOCKET)).isTrue();
              guest(closed(4));
            })
        .then(() -> guest(connect(4, 0)))
        .then(() -> guest(data(4, "again")))
        .then(
            () -> {
              assertThat(wires.paths()).endsWith("/proc/self/fd/31");
              assertThat(wires.text(SOCKET + 1)).isEqualTo("again");
            })
        .end();
  }

  @Test
  void aServerThatIsNotThere() {
    wires.answers(-Errno.ECONNREFUSED);
    then(() -> {
          guest(connect(0, 0));
          guest(data(0, "hello"));
          guest(shutdown(0));
        })
        .then(
            () -> {
              assertThat(heard()).containsExactly(is(Frame.CLOSED, 0, ""));
              assertThat(wires.isClosed(SOCKET)).isTrue();
              guest(closed(0));
            })
        .then(() -> guest(connect(0, 0)))
        .end();
  }

  @Test
  void aServerThatIsBusyIsAskedAgain() {
    wires.answers(-Errno.EAGAIN);
    then(() -> guest(connect(0, 0)))
        .then(() -> guest(data(0, "hello")))
        .then(() -> wires.passes(20))
        .then(
            () -> {
              assertThat(wires.text(SOCKET)).isEmpty();
              wires.answers(0);
              wires.passes(20);
            })
        .then(() -> assertThat(wires.text(SOCKET)).isEqualTo("hello"))
        .end();
  }

  @Test
  void aServerThatStaysBusyIsGivenUp() {
    wires.answers(-Errno.EAGAIN);
    then(() -> guest(connect(0, 0)))
        .then(() -> wires.passes(9_000))
        .then(() -> assertThat(heard()).isEmpty())
        .then(() -> wires.passes(2_000))
        .then(() -> assertThat(heard()).containsExactly(is(Frame.CLOSED, 0, "")))
        .then(() -> assertThat(wires.isClosed(SOCKET)).isTrue())
        .end();
  }

  @Test
  void aGuestThatGivesUpFirst() {
    wires.answers(-Errno.EAGAIN);
    then(() -> guest(connect(0, 0)))
        .then(() -> guest(closed(0)))
        .then(() -> assertThat(wires.isClosed(SOCKET)).isTrue())
        .then(() -> assertThat(heard()).containsExactly(is(Frame.CLOSED, 0, "")))
        .then(() -> wires.answers(0))
        .then(() -> guest(connect(0, 1)))
        .then(() -> guest(data(0, "new")))
        .then(() -> assertThat(wires.text(SOCKET + 1)).isEqualTo("new"))
        .then(() -> assertThat(wires.isClosed(SOCKET + 1)).isFalse())
        .end();
  }

  @Test
  void aServerThatDoesNotReadHoldsUpNobody() {
    then(() -> {
          wires.fill(SOCKET);
          guest(connect(0, 0));
          guest(connect(1, 0));
          for (int i = 0; i < 4; i++) {
            guest(of(Frame.DATA, 0, MOST));
          }
          guest(shutdown(0));
          guest(closed(0));
          guest(data(1, "on time"));
        })
        .then(() -> assertThat(wires.text(SOCKET + 1)).isEqualTo("on time"))
        .then(() -> assertThat(wires.text(SOCKET)).isEmpty())
        .then(() -> assertThat(heard()).isEmpty())
        .then(() -> wires.drain(SOCKET))
        .then(
            () -> {
              // It was cut off by nobody: all of it arrives.
              assertThat(wires.text(SOCKET)).hasSize(4 * MOST.length);
              assertThat(wires.isClosed(SOCKET)).isTrue();
              assertThat(heard()).containsExactly(is(Frame.CLOSED, 0, ""));
            })
        .end();
  }

  @Test
  void whatIsCutOffIsNotPassedOn() {
    then(() -> {
          wires.fill(SOCKET);
          guest(connect(0, 0));
          guest(data(0, "half a wo"));
          guest(closed(0));
        })
        .then(() -> assertThat(wires.isClosed(SOCKET)).isTrue())
        .then(() -> assertThat(heard()).containsExactly(is(Frame.CLOSED, 0, "")))
        .end();
    assertThat(wires.text(SOCKET)).isEmpty();
  }

  @Test
  void nothingIsSentWithoutCreditAndItIsGivenBack() {
    then(() -> guest(connect(9, 0)))
        .then(() -> wires.give(SOCKET, Bytes.utf8("x".repeat(100_000))))
        .then(() -> assertThat(sum()).isEqualTo(Frame.WINDOW_BYTES))
        .then(() -> guest(credit(9, 40_000)))
        .then(() -> assertThat(sum()).isEqualTo(100_000))
        .then(() -> guest(of(Frame.DATA, 9, MOST)))
        .then(() -> guest(of(Frame.DATA, 9, MOST)))
        .then(() -> assertThat(heard()).noneMatch(f -> f.startsWith("11/")))
        .then(() -> guest(of(Frame.DATA, 9, MOST)))
        .then(() -> assertThat(heard()).last().isEqualTo("11/0 " + 3 * MOST.length))
        .end();
  }

  private int sum() {
    int sum = 0;
    for (String f : heard()) {
      if (f.startsWith("22/")) {
        String[] words = f.split(" ", -1);
        sum += words.length == 3 ? Integer.parseInt(words[1]) - 4 : words[1].length() - 1;
      }
    }
    return sum;
  }

  /** What was passed on counts until it is given back. */
  @Test
  void theGuestMayNotSendMoreThanItHasCreditFor() {
    then(() -> guest(connect(0, 0)))
        .then(() -> guest(data(0, "x".repeat(10_000))))
        .then(
            () -> {
              wires.fill(SOCKET);
              for (int i = 0; i < 4; i++) {
                guest(of(Frame.DATA, 0, MOST));
              }
            })
        .run();
    assertThat(wires.text(SOCKET)).hasSize(10_000);
    assertThat(last()).startsWith("6/1 ").contains("broke the protocol");
  }

  @Test
  void aServerThatIsKilled() {
    then(() -> guest(connect(0, 0)))
        .then(() -> wires.give(SOCKET, Bytes.utf8("last words")))
        .then(() -> wires.end(SOCKET))
        .then(
            () ->
                assertThat(heard())
                    .containsExactly(
                        is(Frame.DATA, 0, "last words"),
                        is(Frame.SHUTDOWN, 0, ""),
                        is(Frame.CLOSED, 0, "")))
        // What the guest said before it knew.
        .then(() -> guest(data(0, "hello?")))
        .then(() -> guest(credit(0, 5)))
        .then(() -> guest(shutdown(0)))
        .then(() -> guest(closed(0)))
        .then(() -> guest(connect(0, 0)))
        .end();
  }

  @Test
  void whatBreaksTheProtocolEndsTheMachine() {
    for (List<byte[]> bad :
        List.of(
            List.of(connect(32, 0)),
            List.of(connect(-1, 0)),
            List.of(connect(0, 2)),
            List.of(connect(0, -1)),
            List.of(connect(0, 0), connect(0, 0)),
            List.of(frame(Frame.CONNECT, 0, 0)),
            List.of(frame(Frame.CONNECT, 1, new byte[8])),
            List.of(data(0, "who?")),
            List.of(shutdown(3)),
            List.of(closed(3)),
            List.of(credit(3, 1)),
            List.of(frame(Frame.DATA, 0, "")),
            List.of(connect(0, 0), data(0, "")),
            List.of(connect(0, 0), credit(0, 1)),
            List.of(connect(0, 0), credit(0, -1)),
            List.of(connect(0, 0), frame(Frame.CREDIT, 0, 0)),
            List.of(connect(0, 0), of(Frame.SHUTDOWN, 0, new byte[1])),
            List.of(connect(0, 0), of(Frame.CLOSED, 0, new byte[1])),
            List.of(connect(0, 0), shutdown(0), shutdown(0)),
            List.of(connect(0, 0), shutdown(0), data(0, "x")),
            List.of(connect(0, 0), closed(0), data(0, "x")),
            List.of(connect(0, 0), closed(0), closed(0)),
            List.of(
                connect(0, 0),
                of(Frame.DATA, 0, MOST),
                of(Frame.DATA, 0, MOST),
                of(Frame.DATA, 0, MOST),
                of(Frame.DATA, 0, MOST),
                data(0, "x".repeat(17))))) {
      HostSocketsTest other = new HostSocketsTest();
      other.wires.fill(SOCKET);
      other.then(() -> bad.forEach(other::guest)).run();
      assertThat(other.last()).startsWith("6/1 ").contains("broke the protocol");
    }
  }

  @Test
  void noiseOfAGuestNeverDoesHarm() {
    Random random = new Random(7);
    int[] types = {Frame.CONNECT, Frame.DATA, Frame.SHUTDOWN, Frame.CLOSED, Frame.CREDIT};
    int lived = 0;
    for (int round = 0; round < 3000; round++) {
      HostSocketsTest other = new HostSocketsTest();
      for (int i = 0; i < 30; i++) {
        int socket = SOCKET + random.nextInt(6);
        byte[] payload = new byte[random.nextInt(4) == 0 ? random.nextInt(20) : 8];
        random.nextBytes(payload);
        for (int at = 0; at < payload.length; at += 4) {
          payload[at] = (byte) (payload[at] & (at == 0 ? 3 : 1));
          java.util.Arrays.fill(
              payload,
              Math.min(at + 1, payload.length),
              Math.min(at + 4, payload.length),
              (byte) 0);
        }
        byte[] noise = frame(types[random.nextInt(types.length)], 0, payload);
        if (random.nextInt(40) == 0) {
          noise[random.nextInt(noise.length)] ^= (byte) (1 << random.nextInt(8));
        }
        switch (random.nextInt(8)) {
          case 0 -> other.then(() -> other.wires.give(socket, new byte[50_000]));
          case 1 -> other.then(() -> other.wires.saysNoMore(socket));
          case 2 -> other.then(() -> other.wires.end(socket));
          case 3 -> other.then(() -> other.wires.fill(socket));
          case 4 -> other.then(() -> other.wires.answers(-Errno.EAGAIN));
          case 5 -> other.then(() -> other.wires.answers(0));
          default -> other.then(() -> other.guest(connect(random.nextInt(4), 0)));
        }
        other.then(() -> other.guest(noise));
      }
      other.run();
      lived += other.wires.paths().size();
    }
    assertThat(lived).isGreaterThan(1000);
  }

  @Test
  void onlyWhatWasBoundThereIsOpened() {
    HostSockets good = new HostSockets(wires.kernel());
    assertThat(good.open(BINDS)).isNull();
    RequestReader told = new RequestReader();
    RequestWriter written = good.told();
    assertThat(told.take(written.bytes(), 0, written.length())).isTrue();
    List<RequestReader.Part> parts = told.parts();
    assertThat(parts).extracting(RequestReader.Part::field).containsOnly(Field.SOCKET);
    int at = parts == null ? 0 : parts.get(1).at();
    int[] numbers = new int[4];
    for (int i = 0; i < numbers.length; i++) {
      numbers[i] = (int) Bytes.u32(told.bytes(), at + 4 * i);
    }
    assertThat(numbers).containsExactly(5, 0660, 0, 7);
    wires.isThere(Stat.S_IFSOCK | 0666, 0, 0, 0);
    assertThat(new HostSockets(wires.kernel()).open(BINDS)).contains("/run/a", "ENOTSOCK");
    wires.isThere(Stat.S_IFREG | 0666, 0, 0, Statx.STATX_ATTR_MOUNT_ROOT);
    assertThat(new HostSockets(wires.kernel()).open(BINDS)).contains("/run/a", "ENOTSOCK");
  }

  @Test
  void aCapabilityIsKeptWhereRootNeedsOne() {
    assertThat(kept(0660, 0, 7)).isZero();
    assertThat(kept(0060, 0, 0)).isEqualTo(2);
    assertThat(kept(0060, 7, 0)).isZero();
    assertThat(kept(0600, 7, 0)).isEqualTo(2);
    assertThat(kept(0660, 7, 7)).isEqualTo(2);
    assertThat(kept(0666, 7, 7)).isZero();
  }

  private static long kept(int mode, int uid, int gid) {
    Wires wires = new Wires();
    wires.isThere(Stat.S_IFSOCK | mode, uid, gid, Statx.STATX_ATTR_MOUNT_ROOT);
    HostSockets sockets = new HostSockets(wires.kernel());
    assertThat(sockets.open(BINDS)).isNull();
    return sockets.capabilities();
  }
}
