package dev.coracle.machine;

import static dev.coracle.machine.Wires.frame;
import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.vm.Field;
import dev.coracle.vm.Frame;
import dev.coracle.vm.RequestWriter;
import dev.coracle.vm.Resolver;
import dev.coracle.vm.SavedMachine;
import java.util.List;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** The monitor between a guest, who may be anybody, and clients, who may be slow. */
class MonitorTest {
  private static final int GUEST = 10;
  private static final int LISTENER = 11;
  private static final int VMM = 12;
  private static final int CONSOLE = 13;
  private static final int QMP = 14;
  private static final int RELAY = 15;
  private static final int FIRST = 20;
  private static final int OTHER = 21;

  private final Wires wires = new Wires();
  private final RequestWriter setUp = new RequestWriter().add(Field.NAME, "c1");
  private byte @Nullable [] resolver;
  private Programs.Saving saving = Programs.Saving.NEVER;

  @Test
  void aMachineFromItsFirstWordToItsLast() {
    ready();
    wires
        .then(() -> wires.give(FIRST, frame(Frame.START, 0, "")))
        .then(
            () -> {
              guest(frame(Frame.STARTED, 1, 7));
              guest(frame(Frame.OUTPUT, 1, "out"));
              guest(frame(Frame.ERRORS, 1, "err"));
              guest(frame(Frame.EXIT, 1, 42));
            });
    run();
    List<String> heard = wires.frames(GUEST);
    assertThat(heard.get(0)).startsWith("2/0 ").endsWith("c1");
    assertThat(heard.subList(1, heard.size())).containsExactly("3/0 ", "3/1 ");
    assertThat(wires.frames(FIRST))
        .containsExactly("16/1 slow", "5/1 ", "9/1 out", "10/1 err", "12/1 42");
  }

  @Test
  void aGuestThatIsNeverSetUpIsNotWaitedForForEver() {
    wires.then(wires::late);
    run();
    assertThat(wires.frames(FIRST))
        .anySatisfy(f -> assertThat(f).startsWith("6/1 ").contains("said nothing for 60 s"));
  }

  @Test
  void nothingOfAClientGoesToAGuestThatIsNotReady() {
    wires
        .then(() -> wires.give(FIRST, frame(Frame.START, 0, "")))
        .then(() -> assertThat(wires.frames(GUEST)).doesNotContain("3/1 "))
        .then(() -> guest(frame(Frame.READY, 0, "")))
        .then(() -> assertThat(wires.frames(GUEST)).contains("3/1 "))
        .then(() -> guest(frame(Frame.EXIT, 1, 0)));
    run();
  }

  @Test
  void anExecWaitsUntilTheFirstProcessRuns() {
    ready();
    wires
        .then(() -> wires.connect(OTHER))
        .then(() -> wires.give(OTHER, frame(Frame.START, 0, "")))
        .then(() -> assertThat(wires.frames(GUEST)).doesNotContain("3/2 "))
        .then(() -> guest(frame(Frame.STARTED, 1, 7)))
        .then(() -> assertThat(wires.frames(GUEST)).contains("3/2 "))
        .then(() -> guest(frame(Frame.EXIT, 1, 0)));
    run();
  }

  @Test
  void aClientThatDoesNotReadHoldsUpNobody() {
    ready();
    connect();
    wires
        .then(
            () -> {
              wires.fill(OTHER);
              for (int i = 0; i < 4; i++) {
                guest(frame(Frame.OUTPUT, 2, new byte[Frame.MOST_PAYLOAD_BYTES]));
              }
              guest(frame(Frame.EXIT, 2, 3));
              guest(frame(Frame.OUTPUT, 1, "on time"));
            })
        .then(() -> assertThat(wires.frames(FIRST)).endsWith("9/1 on time"))
        .then(() -> assertThat(wires.frames(OTHER)).isEmpty())
        .then(() -> wires.drain(OTHER))
        .then(() -> guest(frame(Frame.EXIT, 1, 0)));
    run();
    assertThat(wires.frames(OTHER)).hasSize(5).endsWith("12/2 3");
  }

  @Test
  void theGuestMayNotSendMoreThanItHasCreditFor() {
    ready();
    wires.then(
        () -> {
          wires.fill(FIRST);
          // One more frame than the credit may be on its way to the client.
          for (int i = 0; i < 6; i++) {
            guest(frame(Frame.OUTPUT, 1, new byte[Frame.MOST_PAYLOAD_BYTES]));
          }
        });
    run();
    assertThat(last(FIRST)).startsWith("6/1 ").contains("broke the protocol").contains("credit");
  }

  @Test
  void whatBreaksTheProtocolEndsTheMachine() {
    for (byte[] bad :
        List.of(
            frame(Frame.OUTPUT, 9, "who"),
            frame(Frame.INPUT, 1, "not yours"),
            frame(Frame.HELLO, 0, Frame.VERSION),
            frame(Frame.CLOSE, 0, ""),
            frame(Frame.CONNECT, 0, new byte[8]),
            frame(Frame.CREDIT, 0, new byte[8]),
            frame(99, 1, ""),
            new byte[] {-1, -1, -1, -1, 9, 0, 0, 0, 1, 0, 0, 0})) {
      MonitorTest other = new MonitorTest();
      other.ready();
      other.wires.then(() -> other.guest(bad));
      other.run();
      assertThat(other.last(FIRST)).startsWith("6/1 ").contains("broke the protocol");
    }
  }

  @Test
  void aMachineThatEnds() {
    ready();
    wires.then(() -> wires.give(CONSOLE, dev.coracle.abi.Bytes.utf8("Kernel panic\u001b[2J\n")));
    wires.then(() -> wires.end(VMM));
    run();
    assertThat(last(FIRST))
        .contains("the virtual machine ended unexpectedly")
        .contains("Kernel panic")
        .doesNotContain("\u001b");
  }

  @Test
  void aClientThatGoesTakesItsProcessAlong() {
    ready();
    connect();
    wires
        .then(() -> wires.give(OTHER, frame(Frame.START, 0, "")))
        .then(() -> wires.end(OTHER))
        .then(() -> assertThat(wires.frames(GUEST)).endsWith("3/2 ", "15/2 "))
        .then(() -> guest(frame(Frame.OUTPUT, 2, "too late")))
        .then(() -> guest(frame(Frame.EXIT, 2, 137)))
        .then(() -> wires.connect(OTHER + 1))
        .then(() -> wires.give(OTHER + 1, frame(Frame.SIGNAL, 77, 15)))
        .then(() -> assertThat(wires.frames(GUEST)).endsWith("13/3 15"))
        .then(() -> guest(frame(Frame.EXIT, 1, 0)));
    run();
    assertThat(wires.isClosed(OTHER)).isTrue();
    assertThat(last(OTHER + 1)).isEqualTo("12/3 137");
  }

  @Test
  void withTheFirstClientGoesTheMachine() {
    ready();
    wires.then(() -> wires.end(FIRST));
    run();
    assertThat(wires.isClosed(FIRST)).isTrue();
  }

  @Test
  void ofAClientThatHasSaidNothingTheGuestHearsNothing() {
    ready();
    connect();
    wires
        .then(() -> wires.end(OTHER))
        .then(() -> assertThat(wires.frames(GUEST)).noneMatch(f -> f.startsWith("15/")))
        .then(() -> guest(frame(Frame.EXIT, 1, 0)));
    run();
    assertThat(wires.isClosed(OTHER)).isTrue();
  }

  private MonitorTest canBeSaved() {
    saving = new Programs.Saving(QMP, RELAY, List.of("-m", "64"), List.of("02:42:0a:00:00:02"));
    ready();
    connect();
    return this;
  }

  /** The machine's JSON as one line, from the STATE that a checkpoint was told. */
  private String state() {
    List<String> heard = wires.frames(OTHER);
    assertThat(heard.get(0)).startsWith("28/2 ");
    String text = wires.text(OTHER);
    return text.substring(12, text.lastIndexOf('}') + 1).replaceAll("\\s", "");
  }

  @Test
  void aMachineIsHeldForACheckpointAndGoesOn() {
    canBeSaved();
    wires
        .then(
            () -> {
              wires.give(FIRST, frame(Frame.INPUT, 0, "some input"));
              guest(frame(Frame.OUTPUT, 1, "out"));
              guest(frame(Frame.ERRORS, 1, "errors"));
              guest(new byte[] {3, 0, 0}); // A frame that is not whole.
            })
        .then(() -> wires.give(OTHER, frame(Frame.CHECKPOINT, 0, "")))
        .then(
            () -> {
              assertThat(last(FIRST)).isEqualTo("26/1 ");
              wires.isUnread(7);
              wires.give(FIRST, frame(Frame.INPUT, 0, "more"));
              wires.give(FIRST, frame(Frame.HELD, 0, ""));
              guest(frame(Frame.OUTPUT, 1, "not yet"));
            })
        .then(
            () -> {
              assertThat(wires.frames(OTHER)).isEmpty();
              wires.isUnread(0);
              wires.passes(1);
            })
        .then(
            () -> {
              assertThat(state())
                  .contains("\"shape\":[\"-m\",\"64\"]", "\"macs\":[\"02:42:0a:00:00:02\"]")
                  .contains("\"nextSession\":3", "\"output\":3", "\"errors\":6", "\"input\":14")
                  .contains("\"inputEnded\":false");
              List<String> told = wires.frames(OTHER);
              assertThat(told).hasSize(5).endsWith("28/2 \3\0\0", "27/2 ", "27/2 ", "27/2 ");
              assertThat(wires.passed()).containsExactly(QMP, GUEST, RELAY);
              assertThat(wires.frames(GUEST)).endsWith("7/1 more");
              assertThat(last(FIRST)).isEqualTo("26/1 ");
              wires.give(OTHER, frame(Frame.GO_ON, 0, ""));
            })
        .then(
            () -> {
              assertThat(wires.text(QMP)).contains("\"cont\"");
              assertThat(wires.text(RELAY)).isEqualTo("g");
              assertThat(last(OTHER)).isEqualTo("12/2 0");
              assertThat(wires.frames(FIRST)).contains("29/1 ");
            })
        .then(wires::late);
    run();
    // The frame that was not whole went on with one of OUTPUT.
    assertThat(last(FIRST)).contains("broke the protocol");
  }

  @Test
  void whoAskedForACheckpointMayDie() {
    canBeSaved();
    wires
        .then(() -> wires.give(OTHER, frame(Frame.CHECKPOINT, 0, "")))
        .then(() -> wires.give(FIRST, frame(Frame.HELD, 0, "")))
        .then(() -> wires.end(OTHER))
        .then(
            () -> {
              assertThat(wires.text(QMP)).contains("\"cont\"");
              assertThat(wires.frames(FIRST)).endsWith("26/1 ", "29/1 ");
              guest(frame(Frame.EXIT, 1, 0));
            });
    run();
    assertThat(last(FIRST)).isEqualTo("12/1 0");
  }

  @Test
  void aMachineThatCannotBeHeld() {
    ready();
    connect();
    wires
        .then(() -> wires.give(OTHER, frame(Frame.CHECKPOINT, 0, "")))
        .then(() -> guest(frame(Frame.EXIT, 1, 0)));
    run();
    assertThat(wires.text(OTHER)).contains("the machine was booted");
    MonitorTest busy = new MonitorTest().canBeSaved();
    busy.wires
        .then(() -> busy.wires.connect(OTHER + 1))
        .then(() -> busy.wires.give(OTHER + 1, frame(Frame.START, 0, "")))
        .then(() -> busy.wires.give(OTHER, frame(Frame.CHECKPOINT, 0, "")))
        .then(() -> busy.guest(frame(Frame.EXIT, 1, 0)));
    busy.run();
    assertThat(busy.wires.frames(OTHER).get(0)).contains("processes of exec run in the machine: 1");
  }

  @Test
  void framesOfACheckpointAreNotTheGuests() {
    for (int type = Frame.CHECKPOINT; type <= Frame.GO_ON; type++) {
      MonitorTest other = new MonitorTest().canBeSaved();
      int bad = type;
      other.wires.then(() -> other.guest(frame(bad, 1, "")));
      other.run();
      assertThat(other.last(FIRST)).contains("broke the protocol");
    }
  }

  @Test
  void whoAsksWhetherTheMachineRunsIsTold() {
    ready();
    connect();
    wires
        .then(() -> wires.give(OTHER, frame(Frame.GO_ON, 0, "")))
        .then(() -> guest(frame(Frame.EXIT, 1, 0)));
    run();
    assertThat(wires.frames(OTHER)).containsExactly("12/2 0");
    assertThat(wires.frames(GUEST)).noneMatch(f -> f.startsWith("29/"));
  }

  @Test
  void aMachineGoesOnAfterACheckpoint() {
    SavedMachine saved =
        new SavedMachine(List.of(), List.of(), true, List.of(4), 9, 70, 0, 14, false);
    byte[] said = frame(Frame.OUTPUT, 1, "said before");
    wires
        .then(
            () -> {
              assertThat(wires.frames(GUEST))
                  .containsExactly("17/0 fresh", "11/1 70", "20/0 \4\1\0\0");
              assertThat(wires.frames(FIRST))
                  .containsExactly("5/1 ", "11/1 " + (Frame.WINDOW_BYTES - 14), "9/1 said before");
              wires.give(FIRST, frame(Frame.SIGNAL, 0, 15));
              wires.connect(OTHER);
            })
        .then(() -> wires.give(OTHER, frame(Frame.START, 0, "")))
        .then(
            () -> {
              assertThat(wires.frames(GUEST)).endsWith("13/1 15", "3/9 ");
              guest(frame(Frame.EXIT, 1, 0));
            });
    resolver = Resolver.address();
    wires.listensAt(LISTENER);
    byte[] fresh = dev.coracle.abi.Bytes.utf8("fresh");
    Monitor.resume(
        wires.kernel(), machine(), FIRST, new Monitor.Before(saved, said, fresh), List.of());
    assertThat(last(FIRST)).isEqualTo("12/1 0");
  }

  /** A query, or an answer, of this number and these words. */
  private static byte[] message(int type, int number, int flag, String words) {
    byte[] text = dev.coracle.abi.Bytes.utf8(words);
    byte[] payload = new byte[4 + text.length];
    payload[0] = (byte) number;
    payload[1] = (byte) flag;
    System.arraycopy(text, 0, payload, 4, text.length);
    return frame(type, 0, payload);
  }

  private MonitorTest withResolver() {
    resolver = Resolver.address();
    ready();
    return this;
  }

  @Test
  void aNameIsAskedOfTheServerAndAnswered() {
    withResolver();
    int socket = Wires.FIRST_SOCKET;
    wires
        .then(
            () -> {
              assertThat(wires.frames(GUEST)).last().asString().startsWith("18/0 ");
              guest(message(Frame.QUERY, 5, 0, "what is web?"));
            })
        .then(
            () -> {
              assertThat(wires.text(socket)).isEqualTo("what is web?");
              assertThat(wires.connected(socket)).isEqualTo(Resolver.address());
              wires.give(socket, dev.coracle.abi.Bytes.utf8("web is 10.0.0.2"));
            })
        .then(
            () -> {
              assertThat(wires.frames(GUEST))
                  .last()
                  .isEqualTo("20/0 \u0005\u0001\0\0web is 10.0.0.2");
              assertThat(wires.isClosed(socket)).isTrue();
              guest(message(Frame.QUERY, 5, 0, "and who is it?"));
            })
        .then(() -> assertThat(wires.text(socket + 1)).isEqualTo("and who is it?"))
        .then(() -> guest(frame(Frame.EXIT, 1, 0)));
    run();
    assertThat(last(FIRST)).isEqualTo("12/1 0");
  }

  @Test
  void aLongAnswerComesInPieces() {
    withResolver();
    int socket = Wires.FIRST_SOCKET;
    wires
        .then(() -> guest(message(Frame.QUERY, 31, 1, "all of them?")))
        .then(
            () -> {
              assertThat(wires.text(socket)).isEqualTo("\0\u000call of them?");
              byte[] whole = new byte[2 + 0xffff];
              whole[0] = -1;
              whole[1] = -1;
              wires.give(socket, whole);
              wires.give(socket, new byte[100]); // More than it said: nobody gets it.
            })
        .then(() -> guest(frame(Frame.EXIT, 1, 0)));
    run();
    List<String> pieces = wires.frames(GUEST).stream().filter(f -> f.startsWith("20/")).toList();
    assertThat(pieces).hasSize(5);
    int sum = 0;
    for (String piece : pieces) {
      boolean isLong = piece.endsWith(" bytes");
      int length = "20/0 ".length();
      sum += (isLong ? Integer.parseInt(piece.split(" ", -1)[1]) : piece.length() - length) - 4;
    }
    assertThat(sum).isEqualTo(2 + 0xffff);
    assertThat(wires.isClosed(socket)).isTrue();
  }

  @Test
  void aServerThatDoesNotAnswer() {
    withResolver();
    int socket = Wires.FIRST_SOCKET;
    wires
        .then(() -> guest(message(Frame.QUERY, 0, 1, "are you here?")))
        .then(() -> wires.end(socket))
        .then(() -> guest(message(Frame.QUERY, 1, 0, "are you there?")))
        .then(() -> wires.passes(11_000))
        .then(() -> guest(frame(Frame.EXIT, 1, 0)));
    run();
    assertThat(wires.frames(GUEST)).contains("20/0 \0\u0001\0\0", "20/0 \u0001\u0001\0\0");
    assertThat(wires.isClosed(socket)).isTrue();
    assertThat(wires.isClosed(socket + 1)).isTrue();
  }

  @Test
  void queriesThatAreNone() {
    for (byte[] bad :
        List.of(
            message(Frame.QUERY, 32, 0, "twelve bytes"),
            message(Frame.QUERY, 0, 2, "twelve bytes"),
            message(Frame.QUERY, 0, 0, "too short"),
            message(Frame.QUERY, 0, 0, "x".repeat(4097)),
            frame(Frame.QUERY, 0, ""),
            frame(Frame.QUERY, 1, "xxxxtwelve bytes"),
            message(Frame.ANSWER, 0, 1, "twelve bytes"))) {
      MonitorTest other = new MonitorTest().withResolver();
      other.wires.then(() -> other.guest(bad));
      other.run();
      assertThat(other.last(FIRST)).startsWith("6/1 ").contains("broke the protocol");
    }
    MonitorTest twice = new MonitorTest().withResolver();
    twice.wires.then(
        () -> {
          twice.guest(message(Frame.QUERY, 0, 0, "twelve bytes"));
          twice.guest(message(Frame.QUERY, 0, 0, "twelve bytes"));
        });
    twice.run();
    assertThat(twice.last(FIRST)).contains("broke the protocol");
    MonitorTest without = new MonitorTest();
    without.ready();
    without.wires.then(() -> without.guest(message(Frame.QUERY, 0, 0, "twelve bytes")));
    without.run();
    assertThat(without.last(FIRST)).contains("broke the protocol");
  }

  @Test
  void noiseOfAGuestNeverDoesHarm() {
    Random random = new Random(6);
    for (int round = 0; round < 2000; round++) {
      MonitorTest other = new MonitorTest();
      other.resolver = Resolver.address();
      other.ready();
      other.connect();
      for (int i = 0; i < 20; i++) {
        byte[] payload = new byte[random.nextInt(40)];
        random.nextBytes(payload);
        if (payload.length > 3 && random.nextBoolean()) {
          payload[0] &= 3;
          payload[1] &= 1;
          payload[2] = 0;
          payload[3] = 0;
        }
        byte[] noise = frame(random.nextInt(31), random.nextInt(4), payload);
        if (random.nextInt(4) == 0) {
          noise[random.nextInt(noise.length)] ^= (byte) (1 << random.nextInt(8));
        }
        other.wires.then(() -> other.guest(noise));
      }
      other.run();
      assertThat(other.wires.frames(FIRST)).isNotEmpty();
    }
  }

  private void ready() {
    wires.then(() -> guest(frame(Frame.READY, 0, "")));
  }

  private void connect() {
    wires.then(() -> guest(frame(Frame.STARTED, 1, 7)));
    wires.then(() -> wires.connect(OTHER)).then(() -> {});
  }

  private void guest(byte[] frame) {
    wires.give(GUEST, frame);
  }

  private String last(int fd) {
    List<String> frames = wires.frames(fd);
    return frames.get(frames.size() - 1);
  }

  private Monitor.Machine machine() {
    return new Monitor.Machine(
        GUEST, LISTENER, VMM, -1, CONSOLE, resolver, null, new Tail(), saving);
  }

  private void run() {
    wires.listensAt(LISTENER);
    Monitor.run(wires.kernel(), machine(), FIRST, setUp, List.of("slow"));
  }
}
