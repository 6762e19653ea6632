package dev.coracle.vm;

import static org.assertj.core.api.Assertions.assertThat;

import java.security.MessageDigest;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Random;
import org.junit.jupiter.api.Test;

class Sha256Test {
  @Test
  void asTheJdkHasItForEachLengthAndHoweverItComes() throws Exception {
    Random random = new Random(1);
    for (int length = 0; length < 300; length++) {
      byte[] bytes = new byte[length];
      random.nextBytes(bytes);
      String wanted = HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
      Sha256 whole = new Sha256();
      whole.take(bytes, length);
      assertThat(whole.hex()).isEqualTo(wanted);
      Sha256 pieces = new Sha256();
      int cut = random.nextInt(length + 1);
      pieces.take(bytes, cut);
      pieces.take(Arrays.copyOfRange(bytes, cut, length), length - cut);
      assertThat(pieces.hex()).isEqualTo(wanted);
    }
  }
}
