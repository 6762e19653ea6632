package dev.coracle.vm;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.abi.Bytes;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class RequestTest {
  private final RequestReader reader = new RequestReader();

  @Test
  void whatIsWrittenIsRead() {
    byte[] config = new byte[100_000];
    new Random(1).nextBytes(config);
    RequestWriter writer =
        new RequestWriter()
            .add(Field.CONFIG, config, 0, config.length)
            .add(Field.CLOCK, 1L << 40)
            .add(Field.NAME, "käse");
    for (int at = 0; at < writer.length(); at += 1000) {
      assertThat(reader.take(writer.bytes(), at, Math.min(1000, writer.length() - at))).isTrue();
    }
    List<RequestReader.Part> parts = requireNonNull(reader.parts());
    assertThat(parts)
        .extracting(RequestReader.Part::field)
        .containsExactly(Field.CONFIG, Field.CLOCK, Field.NAME);
    assertThat(reader.bytes()).containsSubsequence(config);
    assertThat(Bytes.i64(reader.bytes(), parts.get(1).at())).isEqualTo(1L << 40);
    assertThat(reader.text(parts.get(2))).isEqualTo("käse");
  }

  @Test
  void aFieldThatReachesTooFarOrIsUnknownIsNoRequest() {
    RequestWriter writer = new RequestWriter().add(Field.NAME, "abc");
    reader.take(writer.bytes(), 0, writer.length() - 1);
    assertThat(reader.parts()).isNull();
    reader.clear();
    reader.take(new byte[] {99, 0, 0, 0, 0}, 0, 5);
    assertThat(reader.parts()).isNull();
    reader.clear();
    reader.take(new byte[] {1, -1, -1, -1, -1}, 0, 5);
    assertThat(reader.parts()).isNull();
  }

  @Test
  void aRequestIsBounded() {
    byte[] piece = new byte[1 << 20];
    int taken = 0;
    while (reader.take(piece, 0, piece.length)) {
      taken++;
    }
    assertThat(taken).isEqualTo(9);
  }
}
