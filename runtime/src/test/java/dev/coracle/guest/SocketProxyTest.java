package dev.coracle.guest;

import static dev.coracle.guest.Pipes.PORT;
import static dev.coracle.guest.Pipes.SIGNALS;
import static dev.coracle.guest.Pipes.number;
import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.abi.Bytes;
import dev.coracle.vm.Frame;
import java.util.List;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** The agent in the place of the host's sockets. */
class SocketProxyTest {
  private static final int MACHINE = 100;
  private static final int FIRST_CONTROL = 109;
  private static final int PID = 77;
  private static final int ONE = 60;
  private static final int OTHER = 61;
  private static final byte[] NOTHING = {};

  private final Pipes pipes = new Pipes();

  private @Nullable String serve() {
    return new Agent(pipes.kernel(), "commit", new Port(pipes.kernel(), PORT), SIGNALS).serve();
  }

  /** A machine with two sockets of the host, in which the first process runs. */
  private SocketProxyTest running() {
    pipes
        .then(() -> pipes.host(Frame.START, 0, NOTHING))
        .then(
            () -> {
              pipes.say(MACHINE, "L", NOTHING, ONE);
              pipes.say(MACHINE, "L", NOTHING, OTHER);
              pipes.say(MACHINE, "R", NOTHING, -1);
            })
        .then(() -> pipes.host(Frame.START, 1, NOTHING))
        .then(() -> pipes.say(FIRST_CONTROL, "S", number(PID), -1));
    return this;
  }

  private SocketProxyTest then(Runnable part) {
    pipes.then(part);
    return this;
  }

  private void host(int type, int number, byte[] more) {
    byte[] payload = new byte[4 + more.length];
    Bytes.put32(payload, 0, number);
    System.arraycopy(more, 0, payload, 4, more.length);
    pipes.host(type, 0, payload);
  }

  private void credit(int number, int bytes) {
    byte[] payload = new byte[8];
    Bytes.put32(payload, 0, bytes);
    Bytes.put32(payload, 4, number);
    pipes.host(Frame.CREDIT, 0, payload);
  }

  /** What the host has heard of connections; numbers are a character each. */
  private List<String> heard() {
    return pipes.frames(PORT).stream()
        .filter(f -> f.matches("(?s)(11|2[1-4])/0 .*"))
        .map(f -> f.replace("\0\0\0", ""))
        .toList();
  }

  private static String is(int type, int number, String words) {
    return type + "/0 " + (char) number + words;
  }

  private String written(int fd) {
    return new String(pipes.written(fd), ISO_8859_1);
  }

  private void exits() {
    pipes.exits(PID, 0);
  }

  @Test
  void whoConnectsIsConnectedToTheHost() {
    int[] fd = new int[2];
    running()
        .then(() -> fd[0] = pipes.connects(OTHER, "hello"))
        .then(
            () -> {
              assertThat(heard())
                  .containsExactly(is(Frame.CONNECT, 0, "\u0001"), is(Frame.DATA, 0, "hello"));
              fd[1] = pipes.connects(ONE, "me too");
            })
        .then(
            () -> {
              assertThat(heard()).endsWith(is(Frame.CONNECT, 1, "\0"), is(Frame.DATA, 1, "me too"));
              host(Frame.DATA, 1, Bytes.utf8("yes"));
              host(Frame.SHUTDOWN, 1, NOTHING);
            })
        .then(
            () -> {
              assertThat(written(fd[1])).isEqualTo("yes");
              assertThat(pipes.isShut(fd[1])).isTrue();
              assertThat(pipes.isClosed(fd[1])).isFalse();
              pipes.give(fd[1], Bytes.utf8("thanks"));
              pipes.saysNoMore(fd[1]);
            })
        .then(
            () -> {
              assertThat(heard())
                  .endsWith(
                      is(Frame.DATA, 1, "thanks"),
                      is(Frame.SHUTDOWN, 1, ""),
                      is(Frame.CLOSED, 1, ""));
              assertThat(pipes.isClosed(fd[1])).isTrue();
              assertThat(pipes.isClosed(fd[0])).isFalse();
            })
        // The number is not free before the host has said so too.
        .then(() -> pipes.connects(ONE, "third"))
        .then(() -> assertThat(heard()).endsWith(is(Frame.DATA, 2, "third")))
        .then(() -> host(Frame.CLOSED, 1, NOTHING))
        .then(() -> pipes.connects(ONE, "fourth"))
        .then(() -> assertThat(heard()).endsWith(is(Frame.DATA, 1, "fourth")));
    assertThat(serve()).contains("cannot wait");
  }

  @Test
  void whoIsNotAnsweredIsClosed() {
    int[] fd = new int[1];
    running()
        .then(() -> fd[0] = pipes.connects(ONE, "hello"))
        .then(() -> host(Frame.CLOSED, 0, NOTHING))
        .then(() -> assertThat(pipes.isClosed(fd[0])).isTrue())
        .then(() -> assertThat(heard()).endsWith(is(Frame.CLOSED, 0, "")))
        .then(this::exits);
    assertThat(serve()).isNull();
  }

  @Test
  void soManyAndTheOthersWait() {
    int[] fd = new int[40];
    running()
        .then(
            () -> {
              for (int i = 0; i < fd.length; i++) {
                fd[i] = pipes.connects(ONE, "I am " + i);
              }
            })
        .then(() -> assertThat(connects()).isEqualTo(Frame.MOST_CONNECTIONS))
        .then(() -> host(Frame.CLOSED, 17, NOTHING))
        .then(() -> assertThat(connects()).isEqualTo(Frame.MOST_CONNECTIONS + 1))
        .then(() -> assertThat(heard()).endsWith(is(Frame.DATA, 17, "I am 32")));
    assertThat(serve()).contains("cannot wait");
  }

  private long connects() {
    return heard().stream().filter(f -> f.startsWith(Frame.CONNECT + "/")).count();
  }

  @Test
  void whatIsOnItsWayComesBeforeTheEnd() {
    running()
        .then(
            () -> {
              // It connects, writes, and is gone before anybody has looked.
              int fd = pipes.connects(ONE, "x".repeat(30_000));
              pipes.end(fd);
              exits();
            })
        .then(() -> assertThat(ends()).as("the host has not got all of it").isFalse())
        .then(() -> host(Frame.CLOSED, 0, NOTHING))
        .then(() -> pipes.passes(10));
    assertThat(serve()).isNull();
    assertThat(heard())
        .endsWith("22/0 13624 bytes", is(Frame.SHUTDOWN, 0, ""), is(Frame.CLOSED, 0, ""));
    assertThat(pipes.frames(PORT)).endsWith("12/1 0");
  }

  @Test
  void theEndDoesNotWaitForEver() {
    running()
        .then(
            () -> {
              pipes.end(pipes.connects(ONE, "hello"));
              exits();
            })
        .then(() -> pipes.passes(4_000))
        .then(() -> assertThat(ends()).isFalse())
        .then(() -> pipes.passes(1_000));
    assertThat(serve()).isNull();
    assertThat(ends()).isTrue();
  }

  private boolean ends() {
    return pipes.frames(PORT).contains("12/1 0");
  }

  @Test
  void aProcessThatDoesNotReadHoldsUpNobody() {
    int[] fd = new int[2];
    running()
        .then(
            () -> {
              fd[0] = pipes.connects(ONE, "");
              fd[1] = pipes.connects(ONE, "");
              pipes.room(fd[0], 0);
            })
        .then(
            () -> {
              for (int i = 0; i < 4; i++) {
                host(Frame.DATA, 0, new byte[16_000]);
              }
              host(Frame.DATA, 1, Bytes.utf8("on time"));
            })
        .then(() -> assertThat(written(fd[1])).isEqualTo("on time"))
        .then(() -> pipes.room(fd[0], Integer.MAX_VALUE))
        .then(() -> assertThat(written(fd[0])).hasSize(64_000))
        .then(() -> assertThat(heard()).endsWith("11/0 64000"));
    assertThat(serve()).contains("cannot wait");
  }

  @Test
  void aHostThatBreaksTheProtocolIsTheEnd() {
    assertThat(broken(t -> t.host(Frame.DATA, 1, new byte[1]))).contains("no connection");
    assertThat(broken(t -> t.host(Frame.DATA, 32, new byte[1]))).contains("no connection");
    assertThat(broken(t -> t.host(Frame.CONNECT, 0, new byte[4]))).contains("no connection");
    assertThat(broken(t -> t.host(Frame.CONNECT, 1, new byte[4]))).contains("no connection");
    assertThat(broken(t -> t.credit(0, 6))).contains("no connection");
    assertThat(broken(t -> t.pipes.host(Frame.SHUTDOWN, 0, NOTHING))).contains("no connection");
    assertThat(
            broken(
                t -> {
                  t.host(Frame.SHUTDOWN, 0, NOTHING);
                  t.host(Frame.SHUTDOWN, 0, NOTHING);
                }))
        .contains("no connection");
    SocketProxyTest none = new SocketProxyTest();
    none.then(() -> none.host(Frame.DATA, 0, new byte[1]));
    assertThat(none.serve()).contains("no connection");
  }

  private static String broken(java.util.function.Consumer<SocketProxyTest> part) {
    SocketProxyTest test = new SocketProxyTest().running();
    test.then(() -> test.pipes.connects(ONE, "hello")).then(() -> part.accept(test));
    String problem = test.serve();
    assertThat(problem).startsWith("the host broke the protocol: ");
    return String.valueOf(problem);
  }

  @Test
  void noiseOfProcessesDoesNoHarm() {
    Random random = new Random(5);
    for (int round = 0; round < 500; round++) {
      SocketProxyTest t = new SocketProxyTest().running();
      int[] last = new int[1];
      for (int i = 0; i < 30; i++) {
        int length = random.nextInt(60_000);
        switch (random.nextInt(5)) {
          case 0 -> t.then(() -> t.pipes.saysNoMore(last[0]));
          case 1 -> t.then(() -> t.pipes.end(last[0]));
          case 2 -> t.then(() -> t.pipes.room(last[0], length));
          case 3 -> t.then(() -> t.pipes.give(last[0], new byte[length]));
          default -> t.then(() -> last[0] = t.pipes.connects(ONE, "x".repeat(length % 7)));
        }
      }
      t.then(t::exits).then(() -> t.pipes.passes(1)).then(() -> t.pipes.passes(6_000));
      assertThat(t.serve()).isNull();
    }
  }
}
