package dev.coracle.vm;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.abi.Bytes;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;

class VhostUserTest {
  private static String hex(byte[] bytes) {
    return HexFormat.of().formatHex(bytes);
  }

  @Test
  void messagesAreAsTheSpecificationHasThem() {
    // u32 request, u32 flags (version 1), u32 size of the payload, the payload.
    assertThat(hex(VhostUser.getFeatures())).isEqualTo("01000000" + "01000000" + "00000000");
    assertThat(hex(VhostUser.setOwner())).isEqualTo("03000000" + "01000000" + "00000000");
    assertThat(hex(VhostUser.setFeatures()))
        .isEqualTo("02000000" + "01000000" + "08000000" + "0000000001000000");
    assertThat(hex(VhostUser.setSize(16)))
        .isEqualTo("08000000" + "01000000" + "08000000" + "01000000" + "10000000");
    assertThat(hex(VhostUser.setBase()))
        .isEqualTo("0a000000" + "01000000" + "08000000" + "01000000" + "00000000");
    assertThat(hex(VhostUser.setKick()))
        .isEqualTo("0c000000" + "01000000" + "08000000" + "0100000000000000");
    assertThat(hex(VhostUser.setCall()))
        .isEqualTo("0d000000" + "01000000" + "08000000" + "0100000000000000");
  }

  @Test
  void oneRegionAndWhereTheQueueIsInIt() {
    byte[] memory = VhostUser.setMemory(0x123456);
    assertThat(hex(memory)).startsWith("05000000" + "01000000" + "28000000" + "01000000");
    assertThat(Bytes.i64(memory, 20)).isZero(); // of the guest
    assertThat(Bytes.i64(memory, 28)).isEqualTo(0x123456);
    long user = Bytes.i64(memory, 36);
    assertThat(Bytes.i64(memory, 44)).isZero(); // in the file
    byte[] addresses = VhostUser.setAddresses(0, 1024, 2048);
    assertThat(addresses).hasSize(52);
    assertThat(Bytes.u32(addresses, 12)).isEqualTo(VhostUser.REQUESTS);
    assertThat(Bytes.i64(addresses, 20)).isEqualTo(user);
    assertThat(Bytes.i64(addresses, 28)).isEqualTo(user + 2048);
    assertThat(Bytes.i64(addresses, 36)).isEqualTo(user + 1024);
  }

  @Test
  void modernIsOneFeature() {
    byte[] answer = new byte[VhostUser.ANSWER_BYTES];
    assertThat(VhostUser.isModern(answer)).isFalse();
    answer[16] = 1;
    assertThat(VhostUser.isModern(answer)).isTrue();
  }
}
