package dev.coracle.vm;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Random;
import org.junit.jupiter.api.Test;

class QmpTest {
  private final QmpReader reader = new QmpReader();

  private void says(String text) {
    byte[] bytes = text.getBytes(UTF_8);
    System.arraycopy(bytes, 0, reader.buffer(), reader.end(), bytes.length);
    reader.took(bytes.length);
  }

  private static String text(byte[] command) {
    return new String(command, UTF_8);
  }

  @Test
  void commandsAreOneLineEach() {
    assertThat(text(Qmp.capabilities(1)))
        .isEqualTo("{\"execute\":\"qmp_capabilities\",\"id\":1}\n");
    assertThat(text(Qmp.getfd(2, "mig")))
        .isEqualTo("{\"execute\":\"getfd\",\"id\":2,\"arguments\":{\"fdname\":\"mig\"}}\n");
    assertThat(text(Qmp.migrate(3, "mig"))).contains("\"uri\":\"fd:mig\"");
    assertThat(text(Qmp.deviceAdd(4, "virtio-net-pci", "netdev", "n0", "bus", "slot0")))
        .isEqualTo(
            "{\"execute\":\"device_add\",\"id\":4,\"arguments\":{\"driver\":\"virtio-net-pci\","
                + "\"netdev\":\"n0\",\"bus\":\"slot0\"}}\n");
    assertThatThrownBy(() -> Qmp.getfd(5, "a\"b")).isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void answersAreKnownByTheirNumbers() {
    // As QEMU 7.2 says it.
    says("{\"QMP\": {\"version\": {\"qemu\": {\"micro\": 22, \"minor\": 2, \"major\": 7},");
    assertThat(reader.next()).isFalse();
    says(
        " \"package\": \"Debian\"}, \"capabilities\": [\"oob\"]}}\r\n{\"return\": {}, \"id\": 1}\r\n");
    assertThat(reader.next()).isTrue();
    assertThat(reader.kind()).isEqualTo(QmpReader.Kind.GREETING);
    assertThat(reader.next()).isTrue();
    assertThat(reader.kind()).isEqualTo(QmpReader.Kind.ANSWER);
    assertThat(reader.id()).isEqualTo(1);
    says("{\"timestamp\": {\"seconds\": 1, \"microseconds\": 2}, \"event\": \"STOP\"}\r\n");
    says("{\"return\": {\"status\": \"paused\", \"running\": false}, \"id\": 77}\r\n");
    says(
        "{\"id\": 78, \"error\": {\"class\": \"GenericError\", \"desc\": \"no \\\"id\\\": 5\"}}\r\n");
    assertThat(reader.next()).isTrue();
    assertThat(reader.kind()).isEqualTo(QmpReader.Kind.EVENT);
    assertThat(reader.text("event")).isEqualTo("STOP");
    assertThat(reader.id()).isEqualTo(-1);
    assertThat(reader.next()).isTrue();
    assertThat(reader.id()).isEqualTo(77);
    assertThat(reader.text("status")).isEqualTo("paused");
    assertThat(reader.isTrue("running")).isFalse();
    assertThat(reader.next()).isTrue();
    assertThat(reader.kind()).isEqualTo(QmpReader.Kind.ERROR);
    assertThat(reader.id()).isEqualTo(78);
    assertThat(reader.next()).isFalse();
    assertThat(reader.defect()).isNull();
  }

  @Test
  void aNumberThatIsNotAtTheTopIsNoId() {
    says("{\"return\": {\"id\": 9}}\n");
    assertThat(reader.next()).isTrue();
    assertThat(reader.id()).isEqualTo(-1);
  }

  @Test
  void whatIsNotItsLanguageIsADefect() {
    says("hello\n");
    assertThat(reader.next()).isFalse();
    assertThat(reader.defect()).isEqualTo("QEMU's monitor says what is not known");
  }

  @Test
  void aLineWithoutEndIsADefect() {
    says("{\"return\": \"" + "x".repeat(QmpReader.MOST_LINE_BYTES - 12));
    assertThat(reader.next()).isFalse();
    assertThat(reader.room()).isZero();
    assertThat(reader.defect()).contains("longer than 65536 bytes");
  }

  @Test
  void deepNestingIsADefect() {
    says("{\"return\": " + "[".repeat(40) + "\n");
    assertThat(reader.next()).isFalse();
    assertThat(reader.defect()).contains("nests too deep");
  }

  @Test
  void anyBytesAreTakenWithoutHarm() {
    Random random = new Random(4);
    String alphabet = "{}[]\":,\\ \nidreturn10";
    for (int round = 0; round < 3000; round++) {
      QmpReader r = new QmpReader();
      for (int i = 0; i < 80; i++) {
        r.buffer()[i] = (byte) alphabet.charAt(random.nextInt(alphabet.length()));
      }
      r.took(80);
      for (int lines = 0; r.next(); lines++) {
        assertThat(lines).isLessThan(80);
        r.text("id");
        r.isTrue("return");
      }
    }
  }
}
