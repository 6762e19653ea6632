package dev.coracle.machine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.abi.Bytes;
import dev.coracle.vm.Qmp;
import org.junit.jupiter.api.Test;

/** Words with QEMU's monitor. */
class QmpSessionTest {
  private static final int QEMU = 10;
  private static final String GREETING = "{\"QMP\": {\"version\": {}, \"capabilities\": []}}\r\n";

  private final Wires wires = new Wires();
  private final QmpSession session = new QmpSession(wires.kernel(), QEMU, 1000);

  private void qemu(String text) {
    wires.give(QEMU, Bytes.utf8(text));
  }

  @Test
  void anAnswerComesInPartsAndAmongEvents() {
    qemu(GREETING);
    wires
        .then(() -> qemu("{\"timestamp\": {}, \"event\": \"STOP\"}\r\n{\"return\": "))
        .then(() -> qemu("{}, \"id\": 1}\r\n"));
    assertThat(session.ask(Qmp::capabilities)).isNull();
    qemu("{\"return\": {\"status\": \"running\"}, \"id\": 2}\r\n");
    assertThat(session.ask(Qmp::queryStatus)).isNull();
    assertThat(session.text("status")).isEqualTo("running");
    assertThat(wires.text(QEMU)).contains("qmp_capabilities", "query-status");
  }

  @Test
  void aRefusalIsToldInQemusWords() {
    qemu(GREETING + "{\"id\": 1, \"error\": {\"class\": \"GenericError\", \"desc\": \"no\"}}\r\n");
    assertThat(session.ask(Qmp::cont)).isEqualTo("QEMU refuses: no");
  }

  @Test
  void anAnswerToAnotherQuestionIsNone() {
    qemu(GREETING + "{\"return\": {}, \"id\": 7}\r\n");
    wires.then(wires::late);
    assertThat(session.ask(Qmp::cont)).isEqualTo("QEMU does not answer");
  }

  @Test
  void anEndIsNotWaitedFor() {
    wires.then(() -> wires.end(QEMU));
    assertThat(session.ask(Qmp::cont)).startsWith("cannot speak with QEMU: ").contains("EPIPE");
  }
}
