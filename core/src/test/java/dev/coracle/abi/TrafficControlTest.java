package dev.coracle.abi;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HexFormat;
import org.junit.jupiter.api.Test;

/** Against what tc(8) of iproute2 6.1 sends, as strace shows it, but for numbers of interfaces. */
class TrafficControlTest {
  @Test
  void ingress() {
    assertThat(hex(TrafficControl.addIngress(2)))
        .isEqualTo(
            "3000000024000506"
                + "0100000000000000"
                + "00000000"
                + "02000000"
                + "0000ffff"
                + "f1ffffff"
                + "00000000"
                + "0c000100"
                + "696e677265737300");
    assertThat(hex(TrafficControl.removeIngress(2)))
        .startsWith("3000000025000500")
        .endsWith("696e677265737300");
  }

  @Test
  void redirection() {
    String hex = hex(TrafficControl.redirect(2, 5));
    // A filter at ffff: of priority 3 for all protocols, by u32, with one key that matches all.
    assertThat(hex)
        .contains("02000000" + "00000000" + "0000ffff" + "00030300" + "08000100" + "75333200")
        .contains("24000500" + "0100010000000000")
        // mirred: stolen, redirected to the egress of 5.
        .contains("6d69727265640000")
        .endsWith(
            "20000200"
                + "0000000000000000"
                + "04000000"
                + "0000000000000000"
                + "01000000"
                + "05000000");
    assertThat(hex(TrafficControl.redirectByMatchall(2, 5))).contains("6d61746368616c6c00");
  }

  /** As {@code tc filter add dev X ingress protocol ip u32 match ...} shows its keys. */
  @Test
  void answersOfServers() {
    assertThat(hex(TrafficControl.keepUdpAnswers(2, 0xf000, 0xfe00)))
        .contains("02000000" + "00000000" + "0000ffff" + "08000200" + "08000100" + "75333200")
        .endsWith(
            "01000400000000000000000000000000"
                + ("0f000000" + "05000000" + "00000000" + "00000000")
                + ("00001fff" + "00000000" + "04000000" + "00000000")
                + ("00ff0000" + "00110000" + "08000000" + "00000000")
                + ("fffffe00" + "0035f000" + "14000000" + "00000000"));
    assertThat(hex(TrafficControl.keepTcpAnswers(2, 0xf000, 0xfe00))).contains("00060000");
    assertThat(hex(TrafficControl.mirrorArp(2, 5)))
        .contains("0000ffff" + "08060100")
        .endsWith("0000000000000000" + "03000000" + "0000000000000000" + "02000000" + "05000000");
  }

  private static String hex(byte[] bytes) {
    assertThat(Bytes.u32(bytes, 0)).isEqualTo(bytes.length);
    return HexFormat.of().formatHex(bytes);
  }
}
