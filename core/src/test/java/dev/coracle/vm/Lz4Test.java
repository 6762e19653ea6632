package dev.coracle.vm;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

class Lz4Test {
  private static String unpack(int most, int... block) {
    byte[] in = new byte[block.length];
    for (int i = 0; i < block.length; i++) {
      in[i] = (byte) block[i];
    }
    byte[] out = new byte[most];
    int n = Lz4.unpack(in, in.length, out);
    return n < 0 ? "damaged" : new String(out, 0, n, UTF_8);
  }

  @Test
  void literalsAlone() {
    assertThat(unpack(9, 0x30, 'a', 'b', 'c')).isEqualTo("abc");
  }

  @Test
  void aMatchMayReachIntoItself() {
    assertThat(unpack(99, 0x14, 'a', 1, 0, 0x10, 'b')).isEqualTo("aaaaaaaaab");
    assertThat(unpack(99, 0x23, 'a', 'b', 2, 0, 0x10, 'c')).isEqualTo("ababababac");
  }

  @Test
  void lengthsGoOn() {
    byte[] longer = new byte[3 + 300];
    longer[0] = (byte) 0xf0;
    longer[1] = (byte) 255;
    longer[2] = (byte) (300 - 15 - 255);
    Arrays.fill(longer, 3, longer.length, (byte) 'x');
    byte[] out = new byte[400];
    assertThat(Lz4.unpack(longer, longer.length, out)).isEqualTo(300);
    assertThat(out[299]).isEqualTo((byte) 'x');
  }

  @Test
  void whatDoesNotFitIsRefused() {
    assertThat(unpack(2, 0x30, 'a', 'b', 'c')).isEqualTo("damaged");
    assertThat(unpack(9, 0x40, 'a', 'b', 'c')).isEqualTo("damaged");
    assertThat(unpack(9, 0x10, 'a', 2, 0, 0x10, 'b')).isEqualTo("damaged");
    assertThat(unpack(9, 0x10, 'a', 0, 0, 0x10, 'b')).isEqualTo("damaged");
    assertThat(unpack(5, 0x1f, 'a', 1, 0, 9, 0x10, 'b')).isEqualTo("damaged");
    assertThat(unpack(9, 0x10, 'a', 1)).isEqualTo("damaged");
    assertThat(unpack(9, 0xf0, 255, 255)).isEqualTo("damaged");
    assertThat(unpack(9)).isEqualTo("damaged");
  }

  @Test
  void anyBytesAreUnpackedWithoutHarm() {
    Random random = new Random(2);
    byte[] out = new byte[256];
    for (int round = 0; round < 20_000; round++) {
      byte[] in = new byte[random.nextInt(40)];
      random.nextBytes(in);
      assertThat(Lz4.unpack(in, in.length, out)).isBetween(-1, out.length);
    }
  }
}
