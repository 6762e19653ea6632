package dev.coracle.machine;

import static dev.coracle.machine.Wires.frame;
import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.abi.Bytes;
import dev.coracle.vm.Field;
import dev.coracle.vm.Frame;
import dev.coracle.vm.RequestWriter;
import org.junit.jupiter.api.Test;

/** The host's process in the place of one in the guest. */
class ClientTest {
  private static final int MONITOR = 10;
  private static final int SIGPIPE = 13;
  private static final int SIGTERM = 15;
  private static final int SIGINFO_BYTES = 128;

  private final Wires wires = new Wires();

  private int run() {
    RequestWriter request = new RequestWriter().add(Field.ARGUMENT, "true");
    return Client.run(wires.kernel(), MONITOR, request, false);
  }

  private void monitor(int type, int number) {
    wires.give(MONITOR, frame(type, 1, number));
  }

  private void signal(int number) {
    byte[] info = new byte[SIGINFO_BYTES];
    Bytes.put32(info, 0, number);
    wires.give(Wires.SIGNALS, info);
  }

  @Test
  void aProcessFromItsStartToItsEnd() {
    wires
        .then(() -> monitor(Frame.STARTED, 0))
        .then(() -> wires.give(0, Bytes.utf8("in")))
        .then(() -> wires.end(0))
        .then(() -> signal(SIGTERM))
        .then(
            () -> {
              wires.give(MONITOR, frame(Frame.OUTPUT, 1, "out"));
              wires.give(MONITOR, frame(Frame.ERRORS, 1, "err"));
              monitor(Frame.EXIT, 7);
            });
    assertThat(run()).isEqualTo(7);
    assertThat(wires.frames(MONITOR))
        .endsWith("3/0 ", "7/0 in", "8/0 ", "13/0 15")
        .element(0)
        .asString()
        .startsWith("2/0 ")
        .endsWith("true");
    assertThat(wires.text(1)).isEqualTo("out");
    assertThat(wires.text(2)).isEqualTo("err");
  }

  @Test
  void aSignalBeforeTheStartEndsIt() {
    wires.then(() -> signal(SIGTERM));
    assertThat(run()).isEqualTo(128 + SIGTERM);
  }

  @Test
  void aMonitorThatGivesUpAtOnceHasSaidWhy() {
    byte[] text = Bytes.utf8("\1\0\0\0no disk");
    wires.give(MONITOR, frame(Frame.FAILED, 1, text));
    wires.deafen(MONITOR);
    signal(SIGPIPE);
    assertThat(run()).isEqualTo(1);
    assertThat(wires.text(2)).isEqualTo("coracle: no disk\n");
  }

  @Test
  void theExitStatusIsReadThoughInputIsNotHeardAnyMore() {
    wires
        .then(() -> monitor(Frame.STARTED, 0))
        .then(
            () -> {
              wires.deafen(MONITOR);
              wires.give(0, Bytes.utf8("more"));
            })
        .then(
            () -> {
              signal(SIGPIPE);
              monitor(Frame.EXIT, 7);
            });
    assertThat(run()).isEqualTo(7);
    assertThat(wires.text(2)).isEmpty();
  }

  @Test
  void itStandsStillForACheckpointOnceAllIsWritten() {
    wires
        .then(() -> monitor(Frame.STARTED, 0))
        .then(
            () -> {
              wires.fill(1);
              wires.give(MONITOR, frame(Frame.OUTPUT, 1, "out"));
              monitor(Frame.HOLD, 0);
            })
        .then(
            () -> {
              wires.give(0, Bytes.utf8("input"));
              assertThat(wires.frames(MONITOR)).endsWith("3/0 ");
              wires.drain(1);
            })
        .then(
            () -> {
              assertThat(wires.text(1)).isEqualTo("out");
              assertThat(wires.frames(MONITOR)).endsWith("3/0 ", "27/0 ");
              monitor(Frame.GO_ON, 0);
            })
        .then(() -> assertThat(wires.frames(MONITOR)).endsWith("27/0 ", "7/0 input"))
        .then(() -> monitor(Frame.EXIT, 3));
    assertThat(run()).isEqualTo(3);
  }

  @Test
  void afterACheckpointInputWaitsForCredit() {
    wires
        .then(
            () -> {
              wires.give(0, Bytes.utf8("input"));
              monitor(Frame.STARTED, 0);
            })
        .then(
            () -> {
              assertThat(wires.frames(MONITOR)).isEmpty();
              monitor(Frame.CREDIT, 3);
            })
        .then(() -> assertThat(wires.frames(MONITOR)).containsExactly("7/0 inp"))
        .then(() -> monitor(Frame.EXIT, 3));
    assertThat(Client.resume(wires.kernel(), MONITOR, false)).isEqualTo(3);
  }

  @Test
  void oneThatSaysNothingIsMissed() {
    wires.then(() -> wires.end(MONITOR));
    assertThat(run()).isEqualTo(137);
    assertThat(wires.text(2)).contains("ended without a word");
  }
}
