package dev.coracle.guest;

import static dev.coracle.guest.Pipes.PORT;
import static dev.coracle.guest.Pipes.SIGNALS;
import static dev.coracle.guest.Pipes.number;
import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.abi.Bytes;
import dev.coracle.vm.Frame;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** The agent between its host and the processes that it was asked for. */
class AgentTest {
  // What the n-th session is given, in the order in which it is made.
  private static final int MACHINE = 100;
  private static final int FIRST = 103;
  private static final int FIRST_CONTROL = FIRST + 6;
  private static final int IN = FIRST + 1;
  private static final int OUT = FIRST + 2;
  private static final int ERR = FIRST + 4;
  private static final int OTHER = FIRST + 9;
  private static final int OTHER_CONTROL = OTHER + 6;
  private static final int PID = 77;
  private static final int OTHER_PID = 88;
  private static final byte[] NOTHING = {};

  private final Pipes pipes = new Pipes();

  private @Nullable String serve() {
    return new Agent(pipes.kernel(), "commit", new Port(pipes.kernel(), PORT), SIGNALS).serve();
  }

  private AgentTest ready() {
    pipes.then(() -> pipes.host(Frame.START, 0, NOTHING));
    pipes.then(() -> pipes.say(MACHINE, "R", NOTHING, -1));
    return this;
  }

  /** A machine in which the first process runs. */
  private AgentTest running() {
    ready();
    pipes.then(() -> pipes.host(Frame.START, 1, NOTHING));
    pipes.then(() -> pipes.say(FIRST_CONTROL, "S", number(PID), -1));
    return this;
  }

  private AgentTest then(Consumer<Pipes> part) {
    pipes.then(() -> part.accept(pipes));
    return this;
  }

  private List<String> heard() {
    return pipes.frames(PORT);
  }

  @Test
  void aMachineFromItsStartToItsEnd() {
    running()
        .then(
            p -> {
              p.give(OUT, Bytes.utf8("out"));
              p.give(ERR, Bytes.utf8("err"));
              p.exits(PID, 42 << 8);
            });
    assertThat(serve()).isNull();
    assertThat(heard()).containsExactly("4/0 ", "5/1 77", "9/1 out", "10/1 err", "12/1 42");
    assertThat(pipes.frames(MACHINE)).containsExactly("3/0 ");
  }

  @Test
  void theChildGetsTheRequestPieceByPiece() {
    ready()
        .then(p -> p.host(Frame.REQUEST, 1, Bytes.utf8("some")))
        .then(p -> p.host(Frame.REQUEST, 1, Bytes.utf8("more")))
        .then(p -> p.host(Frame.START, 1, NOTHING));
    assertThat(serve()).contains("cannot wait");
    assertThat(pipes.frames(FIRST_CONTROL)).containsExactly("2/1 some", "2/1 more", "3/1 ");
  }

  @Test
  void nothingIsSentWithoutCredit() {
    running()
        .then(p -> p.give(OUT, new byte[100_000]))
        .then(p -> assertThat(bytesOf("9/1")).isEqualTo(Frame.WINDOW_BYTES))
        .then(p -> p.exits(PID, 0))
        .then(p -> assertThat(heard().toString()).doesNotContain("12/1"))
        .then(p -> p.host(Frame.CREDIT, 1, credit(40_000, 1)));
    assertThat(serve()).isNull();
    assertThat(bytesOf("9/1")).isEqualTo(100_000);
    assertThat(heard().get(heard().size() - 1)).isEqualTo("12/1 0");
  }

  private int bytesOf(String prefix) {
    int sum = 0;
    for (String frame : heard()) {
      String[] words = frame.split(" ", -1);
      if (words[0].equals(prefix)) {
        sum += words.length == 3 ? Integer.parseInt(words[1]) : words[1].length();
      }
    }
    return sum;
  }

  private static byte[] credit(int bytes, int stream) {
    byte[] out = new byte[8];
    Bytes.put32(out, 0, bytes);
    Bytes.put32(out, 4, stream);
    return out;
  }

  @Test
  void whatOthersWriteAfterTheEndIsNotWaitedFor() {
    running()
        .then(p -> p.give(OUT, new byte[Frame.WINDOW_BYTES]))
        .then(
            p -> {
              p.give(OUT, new byte[300]);
              p.exits(PID, 0);
            })
        .then(p -> p.give(OUT, new byte[400]))
        .then(p -> p.host(Frame.CREDIT, 1, credit(40_000, 1)));
    assertThat(serve()).isNull();
    assertThat(heard()).endsWith("9/1 300 bytes", "12/1 0");
  }

  @Test
  void aHostThatDoesNotReadIsHeardAllTheSame() {
    running()
        .then(p -> p.room(PORT, 0))
        .then(p -> p.give(OUT, new byte[60_000]))
        .then(p -> p.host(Frame.SIGNAL, 1, number(15)))
        .then(p -> assertThat(p.killed()).containsExactly(PID + ":15"));
    assertThat(serve()).contains("cannot wait");
  }

  @Test
  void inputWaitsForTheProcessAndIsGivenBack() {
    running()
        .then(p -> p.room(IN, 10_000))
        .then(p -> p.host(Frame.INPUT, 1, new byte[16_384]))
        .then(p -> p.host(Frame.INPUT, 1, new byte[16_384]))
        .then(p -> p.host(Frame.INPUT_END, 1, NOTHING))
        .then(p -> assertThat(p.written(IN)).hasSize(10_000))
        .then(p -> assertThat(p.isClosed(IN)).isFalse())
        .then(p -> p.room(IN, Integer.MAX_VALUE))
        .then(p -> assertThat(p.written(IN)).hasSize(32_768))
        .then(p -> assertThat(p.isClosed(IN)).isTrue());
    assertThat(serve()).contains("cannot wait");
    assertThat(heard()).endsWith("11/1 32768");
  }

  @Test
  void inputThatNobodyReadsIsGivenBack() {
    running()
        .then(p -> p.end(IN))
        .then(p -> p.host(Frame.INPUT, 1, new byte[16_384]))
        .then(p -> p.host(Frame.INPUT, 1, new byte[16_384]))
        .then(p -> p.host(Frame.INPUT, 1, new byte[16_384]));
    assertThat(serve()).contains("cannot wait");
    assertThat(heard()).contains("11/1 32768");
  }

  @Test
  void aTerminalTakesThePlaceOfThePipes() {
    ready()
        .then(p -> p.host(Frame.START, 1, NOTHING))
        .then(p -> p.say(FIRST_CONTROL, "T", NOTHING, 50))
        .then(p -> p.say(FIRST_CONTROL, "S", number(PID), -1))
        .then(p -> p.host(Frame.INPUT, 1, Bytes.utf8("typed")))
        .then(p -> p.give(50, Bytes.utf8("shown")))
        .then(p -> p.exits(PID, 9));
    assertThat(serve()).isNull();
    assertThat(heard()).containsExactly("4/0 ", "5/1 77", "9/1 shown", "12/1 137");
    assertThat(pipes.written(50)).isEqualTo(Bytes.utf8("typed"));
    for (int fd : new int[] {IN, OUT, ERR, 50}) {
      assertThat(pipes.isClosed(fd)).as("%s", fd).isTrue();
    }
  }

  @Test
  void anEndThatIsHeardOfBeforeTheStart() {
    ready()
        .then(p -> p.host(Frame.START, 1, NOTHING))
        .then(
            p -> {
              p.exits(PID, 3 << 8);
              p.say(FIRST_CONTROL, "S", number(PID), -1);
            });
    assertThat(serve()).isNull();
    assertThat(heard()).endsWith("5/1 77", "12/1 3");
  }

  @Test
  void signalsWaitForTheStart() {
    ready()
        .then(p -> p.host(Frame.START, 1, NOTHING))
        .then(p -> p.host(Frame.SIGNAL, 1, number(10)))
        .then(p -> p.host(Frame.SIGNAL, 1, number(65)))
        .then(p -> assertThat(p.killed()).isEmpty())
        .then(p -> p.say(FIRST_CONTROL, "S", number(PID), -1))
        .then(p -> assertThat(p.killed()).containsExactly(PID + ":10"));
    assertThat(serve()).contains("cannot wait");
  }

  @Test
  void whatFailsIsToldAndWarnedOf() {
    byte[] why = Bytes.utf8("\177\0\0\0because");
    running()
        .then(p -> p.host(Frame.START, 2, NOTHING))
        .then(p -> p.say(OTHER_CONTROL, "Wbeware", NOTHING, -1))
        .then(p -> p.say(OTHER_CONTROL, "F", why, -1))
        .then(p -> p.host(Frame.START, 3, NOTHING))
        .then(p -> p.end(OTHER_CONTROL + 3 + 6));
    assertThat(serve()).contains("cannot wait");
    assertThat(heard()).contains("16/2 beware", "6/2 127 because");
    assertThat(heard().get(heard().size() - 1)).startsWith("6/3 1 the process ended");
  }

  @Test
  void whoIsAbandonedIsKilled() {
    running()
        .then(p -> p.host(Frame.START, 2, NOTHING))
        .then(p -> p.say(OTHER_CONTROL, "S", number(OTHER_PID), -1))
        .then(p -> p.host(Frame.CLOSE, 2, NOTHING))
        .then(p -> assertThat(p.killed()).containsExactly(OTHER_PID + ":9"))
        .then(p -> p.exits(OTHER_PID, 9))
        .then(p -> p.host(Frame.REQUEST, 3, NOTHING))
        .then(p -> p.host(Frame.CLOSE, 3, NOTHING))
        .then(p -> assertThat(p.killed()).endsWith("1003:9"))
        .then(p -> p.end(OTHER_CONTROL + 3 + 6));
    assertThat(serve()).contains("cannot wait");
    assertThat(heard()).contains("12/2 137", "12/3 137");
  }

  @Test
  void anOldNumberIsNotAnswered() {
    running()
        .then(p -> p.host(Frame.START, 2, NOTHING))
        .then(p -> p.say(OTHER_CONTROL, "F", new byte[4], -1))
        .then(p -> p.host(Frame.REQUEST, 2, NOTHING))
        .then(p -> p.host(Frame.START, 2, NOTHING))
        .then(p -> p.host(Frame.INPUT, 2, new byte[5]));
    assertThat(serve()).contains("cannot wait");
    assertThat(heard()).endsWith("6/2 0 ");
  }

  @Test
  void soManyAndNoMore() {
    running();
    for (int i = 2; i <= Frame.MOST_SESSIONS + 2; i++) {
      int id = i;
      then(p -> p.host(Frame.START, id, NOTHING));
    }
    assertThat(serve()).contains("cannot wait");
    assertThat(heard()).hasSize(3);
    assertThat(heard().get(2)).startsWith("6/66 1 cannot make a process: EAGAIN");
  }

  @Test
  void aHostThatBreaksTheProtocolIsTheEnd() {
    assertThat(broken(p -> p.host(Frame.INPUT, 1, new byte[16_384]), 5)).contains("type 7");
    assertThat(broken(p -> p.host(Frame.CREDIT, 1, credit(1, 1)), 1)).contains("type 11");
    assertThat(broken(p -> p.host(Frame.CREDIT, 1, credit(0, 0)), 1)).contains("type 11");
    assertThat(broken(p -> p.host(Frame.CLOSE, 1, NOTHING), 1)).contains("type 15");
    assertThat(broken(p -> p.host(Frame.EXIT, 1, NOTHING), 1)).contains("type 12");
    assertThat(broken(p -> p.host(200, 1, NOTHING), 1)).contains("unknown type 200");
    assertThat(broken(p -> p.give(PORT, new byte[] {0, 0, 1, 0, 7, 0, 0, 0, 1, 0, 0, 0}), 1))
        .contains("a frame of 65536 bytes");
  }

  private static String broken(Consumer<Pipes> part, int times) {
    AgentTest test = new AgentTest().running().then(p -> p.room(IN, 0));
    for (int i = 0; i < times; i++) {
      test.then(part);
    }
    String problem = test.serve();
    assertThat(problem).startsWith("the host broke the protocol: ");
    return String.valueOf(problem);
  }

  @Test
  void aProcessNeedsAMachine() {
    then(p -> p.host(Frame.START, 1, NOTHING));
    assertThat(serve()).contains("a process before the machine");
  }

  @Test
  void aMachineThatCannotBeSetUpIsTheEnd() {
    then(p -> p.host(Frame.START, 0, NOTHING))
        .then(p -> p.say(MACHINE, "F", Bytes.utf8("\1\0\0\0no root"), -1));
    assertThat(serve()).isNull();
    assertThat(heard()).containsExactly("6/0 1 no root");
  }
}
