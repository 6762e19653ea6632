package dev.coracle.guest;

import static dev.coracle.guest.Pipes.PORT;
import static dev.coracle.guest.Pipes.SIGNALS;
import static dev.coracle.guest.Pipes.number;
import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.abi.Bytes;
import dev.coracle.vm.Frame;
import dev.coracle.vm.Resolver;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** The agent in the place of the host's DNS server. */
class NameserverTest {
  private static final int MACHINE = 100;

  // What is made next, after the machine's session.
  private static final int DATAGRAMS = 103;
  private static final int LISTENER = 104;
  private static final int FIRST = 105;
  private static final int PID = 77;
  private static final byte[] NOTHING = {};

  private final Pipes pipes = new Pipes();

  private @Nullable String serve() {
    return new Agent(pipes.kernel(), "commit", new Port(pipes.kernel(), PORT), SIGNALS).serve();
  }

  /** A machine that stands in for a DNS server, and in which the first process runs. */
  private Pipes running() {
    return pipes
        .then(() -> pipes.host(Frame.START, 0, NOTHING))
        .then(() -> pipes.say(MACHINE, "R", NOTHING, -1))
        .then(() -> pipes.host(Frame.RESOLVE, 0, Resolver.address()))
        .then(() -> pipes.host(Frame.START, 1, NOTHING))
        .then(() -> pipes.say(FIRST + 6, "S", number(PID), -1));
  }

  private void exits() {
    pipes.exits(PID, 0);
  }

  private void answer(int number, int last, String words) {
    byte[] text = words.getBytes(ISO_8859_1);
    byte[] payload = new byte[4 + text.length];
    payload[0] = (byte) number;
    payload[1] = (byte) last;
    System.arraycopy(text, 0, payload, 4, text.length);
    pipes.host(Frame.ANSWER, 0, payload);
  }

  private List<String> queries() {
    List<String> out = new ArrayList<>();
    for (String frame : pipes.frames(PORT)) {
      if (frame.startsWith(Frame.QUERY + "/0 ")) {
        out.add(frame.substring(5));
      }
    }
    return out;
  }

  private String written(int fd) {
    return new String(pipes.written(fd), ISO_8859_1);
  }

  @Test
  void datagramsGoToWhoeverAsked() {
    running()
        .then(
            () -> {
              pipes.datagram(DATAGRAMS, 'a', "what is web?");
              pipes.datagram(DATAGRAMS, 'b', "what is mail?");
              pipes.datagram(DATAGRAMS, 'c', "too short");
              pipes.datagram(DATAGRAMS, 'd', "x".repeat(4097));
            })
        .then(
            () -> {
              assertThat(queries())
                  .containsExactly("\0\0\0\0what is web?", "\u0001\0\0\0what is mail?");
              answer(1, 1, "mail is ...");
              answer(0, 1, "web is ...");
            })
        .then(() -> pipes.datagram(DATAGRAMS, 'e', "what is new?"))
        .then(() -> answer(0, 1, ""))
        .then(this::exits);
    assertThat(serve()).isNull();
    assertThat(written(DATAGRAMS)).isEqualTo("bmail is ...aweb is ...");
    assertThat(queries()).hasSize(3);
  }

  @Test
  void whoeverConnectsAsksOneAfterTheOther() {
    int[] fd = new int[2];
    running()
        .then(() -> fd[0] = pipes.connects(LISTENER, "\0\u000cwhat is web?\0\u000cand another?"))
        .then(
            () -> {
              assertThat(queries()).containsExactly("\0\u0001\0\0what is web?");
              answer(0, 0, "\0\u0006we");
              answer(0, 1, "b is");
            })
        .then(
            () -> {
              assertThat(written(fd[0])).isEqualTo("\0\u0006web is");
              assertThat(queries()).hasSize(2).last().isEqualTo("\0\u0001\0\0and another?");
              answer(0, 1, "");
            })
        .then(() -> assertThat(pipes.isClosed(fd[0])).as("nobody answers").isTrue())
        .then(() -> fd[1] = pipes.connects(LISTENER, "\0\u0002no"))
        .then(() -> assertThat(pipes.isClosed(fd[1])).as("that is no query").isTrue())
        .then(this::exits);
    assertThat(serve()).isNull();
  }

  @Test
  void anAnswerForOneWhoIsGoneGoesToNobodyElse() {
    int[] fd = new int[2];
    running()
        .then(() -> fd[0] = pipes.connects(LISTENER, "\0\u000cwhat is web?"))
        .then(() -> pipes.end(fd[0]))
        .then(() -> fd[1] = pipes.connects(LISTENER, "\0\u000cand who here?"))
        .then(() -> answer(0, 1, "\0\u0002no"))
        .then(() -> assertThat(written(fd[1])).isEmpty())
        .then(() -> answer(1, 1, "\0\u0003yes"))
        .then(() -> assertThat(written(fd[1])).isEqualTo("\0\u0003yes"))
        .then(this::exits);
    assertThat(serve()).isNull();
    assertThat(pipes.isClosed(fd[0])).isTrue();
  }

  @Test
  void noMoreAreAskedThanMayWait() {
    running()
        .then(
            () -> {
              for (int i = 0; i < 40; i++) {
                pipes.datagram(DATAGRAMS, 'a', "query number " + i);
              }
            })
        .then(() -> assertThat(queries()).hasSize(Frame.MOST_QUERIES))
        .then(() -> answer(7, 1, "done"))
        .then(() -> assertThat(queries()).hasSize(Frame.MOST_QUERIES + 1))
        .then(this::exits);
    assertThat(serve()).isNull();
  }

  @Test
  void anAnswerThatNobodyWaitsForEndsTheMachine() {
    running().then(() -> answer(3, 1, "x"));
    assertThat(serve()).contains("an answer that nobody waits for");
    NameserverTest none = new NameserverTest();
    none.pipes.then(() -> none.answer(0, 1, "x"));
    assertThat(none.serve()).contains("an answer that nobody waits for");
    NameserverTest more = new NameserverTest();
    more.running()
        .then(() -> more.pipes.connects(LISTENER, "\0\u000cwhat is web?"))
        .then(
            () -> {
              for (int i = 0; i < 6; i++) {
                more.answer(0, 0, "x".repeat(12_000));
              }
            });
    assertThat(more.serve()).contains("broke the protocol");
  }

  @Test
  void noiseOfProcessesDoesNoHarm() {
    Random random = new Random(4);
    for (int round = 0; round < 300; round++) {
      NameserverTest t = new NameserverTest();
      t.running();
      for (int i = 0; i < 20; i++) {
        byte[] noise = new byte[1 + random.nextInt(40)];
        random.nextBytes(noise);
        noise[0] = (byte) random.nextInt(2);
        String words = new String(noise, ISO_8859_1);
        t.pipes.then(
            random.nextBoolean()
                ? () -> t.pipes.give(DATAGRAMS, Bytes.utf8("a" + words))
                : () -> t.pipes.connects(LISTENER, words));
      }
      t.pipes.then(t::exits);
      assertThat(t.serve()).isNull();
    }
  }
}
