package dev.coracle.vm;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.abi.Bytes;
import java.util.Random;
import org.junit.jupiter.api.Test;

class FrameReaderTest {
  private final FrameReader reader = new FrameReader();

  @Test
  void framesAreFoundInPiecesOfAnySize() {
    byte[] stream = new byte[2 * Frame.HEADER_BYTES + 5];
    Frame.putHeader(stream, 0, Frame.OUTPUT, 7, 5);
    System.arraycopy(Bytes.utf8("hello"), 0, stream, Frame.HEADER_BYTES, 5);
    Frame.putHeader(stream, Frame.HEADER_BYTES + 5, Frame.INPUT_END, 9, 0);
    for (int piece = 1; piece <= stream.length; piece++) {
      StringBuilder seen = new StringBuilder();
      for (int at = 0; at < stream.length; at += piece) {
        give(stream, at, Math.min(piece, stream.length - at));
        while (reader.next()) {
          seen.append(reader.type()).append('/').append(reader.session()).append(reader.text(0));
          seen.append(' ');
        }
      }
      assertThat(seen).as("pieces of %d", piece).hasToString("9/7hello 8/9 ");
    }
  }

  @Test
  void thereIsAlwaysRoomForARestOfTheLargestFrame() {
    byte[] frame = new byte[Frame.HEADER_BYTES + Frame.MOST_PAYLOAD_BYTES];
    Frame.putHeader(frame, 0, Frame.OUTPUT, 1, Frame.MOST_PAYLOAD_BYTES);
    int found = 0;
    int at = 0;
    for (int i = 0; i < 1000; i++) {
      assertThat(reader.room()).isPositive();
      int count = Math.min(reader.room(), Math.min(9999, frame.length - at));
      give(frame, at, count);
      at = (at + count) % frame.length;
      while (reader.next()) {
        assertThat(reader.length()).isEqualTo(Frame.MOST_PAYLOAD_BYTES);
        found++;
      }
    }
    assertThat(found).isGreaterThan(300);
    assertThat(reader.defect()).isNull();
  }

  @Test
  void aFrameThatIsTooLongOrUnknownEndsTheStream() {
    byte[] long0 = new byte[Frame.HEADER_BYTES];
    Frame.putHeader(long0, 0, Frame.OUTPUT, 1, Frame.MOST_PAYLOAD_BYTES + 1);
    give(long0, 0, long0.length);
    assertThat(reader.next()).isFalse();
    assertThat(reader.defect()).isEqualTo("a frame of 16385 bytes");
    FrameReader other = new FrameReader();
    Frame.putHeader(other.buffer(), 0, 30, 1, 0);
    other.took(Frame.HEADER_BYTES);
    assertThat(other.next()).isFalse();
    assertThat(other.defect()).isEqualTo("a frame of unknown type 30");
  }

  @Test
  void noiseNeverLeadsOutOfTheBuffer() {
    Random random = new Random(4);
    for (int round = 0; round < 20_000; round++) {
      FrameReader noisy = new FrameReader();
      for (int i = 0; i < 8 && noisy.defect() == null; i++) {
        int count = Math.min(noisy.room(), random.nextInt(64) + 1);
        for (int b = 0; b < count; b++) {
          // Small numbers, or hardly any noise would be a frame.
          noisy.buffer()[noisy.end() + b] =
              (byte) (random.nextInt(4) == 0 ? random.nextInt(22) : 0);
        }
        noisy.took(count);
        while (noisy.next()) {
          assertThat(noisy.payloadAt() + noisy.length()).isLessThanOrEqualTo(noisy.end());
          assertThat(noisy.text(0)).isNotNull();
          assertThat(noisy.number(noisy.length())).isZero();
        }
      }
    }
  }

  private void give(byte[] from, int at, int count) {
    System.arraycopy(from, at, reader.buffer(), reader.end(), count);
    reader.took(count);
  }
}
