package dev.coracle.vm;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.abi.Bytes;
import dev.coracle.vm.FilesState.Reader;
import dev.coracle.vm.FilesState.Writer;
import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class FilesStateTest {
  private static final int HEADER = 28;

  private static byte[] init(int length) {
    byte[] out = new byte[length];
    Bytes.put32(out, 0, length);
    Bytes.put32(out, 4, Fuse.INIT);
    return out;
  }

  private static byte[] written(int inputLength, int handles, int nodes) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    FilesState.Sink sink =
        (bytes, at, count) -> {
          out.write(bytes, at, count);
          return 0;
        };
    FileIds ids = new FileIds(8, 3, 0);
    ids.setInit(init(104), 104, new byte[80], 80);
    for (int i = 0; i < handles; i++) {
      ids.open().add(i, i % 3 == 0, i + 100L, i * 2L, 0);
    }
    byte[] input = new byte[inputLength + 5];
    Arrays.fill(input, (byte) 7);
    Writer writer = new Writer();
    assertThat(writer.begin(sink, ids, input, inputLength)).isZero();
    for (int i = 0; i < nodes; i++) {
      byte[] path = Bytes.utf8("xx" + "d/".repeat(i % 2000) + i);
      assertThat(writer.node(sink, i + 2L, path, 2, path.length - 2)).isZero();
    }
    assertThat(writer.end(sink)).isZero();
    return out.toByteArray();
  }

  private static Reader reader(byte[] bytes, int piece) {
    int[] at = {0};
    return new Reader(
        (into, to, most) -> {
          int count = Math.min(Math.min(most, piece), bytes.length - at[0]);
          System.arraycopy(bytes, at[0], into, to, count);
          at[0] += count;
          return count;
        });
  }

  private static List<String> nodes(Reader reader) {
    List<String> out = new ArrayList<>();
    while (reader.nextNode()) {
      int at = reader.pathAt();
      out.add(reader.node() + " " + Bytes.text(reader.path(), at, at + reader.pathLength()));
    }
    return out;
  }

  @Test
  void whatIsWrittenIsRead() {
    for (int piece : new int[] {1, 1000, 1 << 20}) {
      byte[] bytes = written(150_000, 6000, 500);
      Reader reader = reader(bytes, piece);
      byte[] input = new byte[1 << 20];
      assertThat(reader.begin(input)).isTrue();
      assertThat(reader.epoch()).isEqualTo(3);
      assertThat(Arrays.copyOf(reader.request(), reader.requestLength())).isEqualTo(init(104));
      assertThat(reader.answerLength()).isEqualTo(80);
      assertThat(reader.inputLength()).isEqualTo(150_000);
      assertThat(input[149_999]).isEqualTo((byte) 7);
      assertThat(input[150_000]).isZero();
      OpenFiles open = new OpenFiles();
      while (reader.nextHandle()) {
        open.add(reader.handle(), reader.isDirectory(), reader.handleNode(), reader.flags(), 0);
      }
      assertThat(FileIdsTest.listed(open))
          .hasSize(6000)
          .contains("3 directory 103 6", "5999 file 6099 2ede");
      List<String> nodes = nodes(reader);
      assertThat(reader.problem()).isNull();
      assertThat(nodes).hasSize(500).contains("2 0", "5 d/d/d/3");
    }
  }

  @Test
  void nothingIsSomething() {
    Reader reader = reader(written(0, 0, 0), 5);
    assertThat(reader.begin(new byte[0])).isTrue();
    assertThat(reader.skipHandles()).isTrue();
    assertThat(reader.nextNode()).isFalse();
    assertThat(reader.problem()).isNull();
  }

  private static String problem(byte[] bytes) {
    Reader reader = reader(bytes, 100);
    if (reader.begin(new byte[1000]) && reader.skipHandles()) {
      nodes(reader);
    }
    return String.valueOf(reader.problem());
  }

  @Test
  void whatIsNotWholeIsRefused() {
    byte[] bytes = written(20, 3, 3);
    assertThat(problem(bytes)).isEqualTo("null");
    for (int length = 0; length < bytes.length; length++) {
      assertThat(problem(Arrays.copyOf(bytes, length))).isEqualTo("it ends too early");
    }
    assertThat(problem(Arrays.copyOf(bytes, bytes.length + 1)))
        .isEqualTo("there is more behind its end");
  }

  private static String changed(int at, long value) {
    byte[] bytes = written(20, 3, 3);
    Bytes.put32(bytes, at, value);
    return problem(bytes);
  }

  @Test
  void whatCannotBeIsRefused() {
    assertThat(changed(0, 5)).isEqualTo("it is none, or another version's");
    String number = "a number in it cannot be";
    for (long bad : new long[] {FileIds.MOST_EPOCH - 1, 0xffffffffL}) {
      assertThat(changed(8, bad)).isEqualTo(number);
    }
    for (long bad : new long[] {0, 39, 257, 0xffffffffL}) {
      assertThat(changed(12, bad)).isEqualTo(number);
    }
    for (long bad : new long[] {0, 15, 257, 0xffffffffL}) {
      assertThat(changed(16, bad)).isEqualTo(number);
    }
    for (long bad : new long[] {1001, 0x80000000L, 0xffffffffL}) {
      assertThat(changed(20, bad)).isEqualTo(number);
    }
    for (long bad : new long[] {OpenFiles.MOST + 1, 0xffffffffL}) {
      assertThat(changed(24, bad)).isEqualTo(number);
    }
    assertThat(changed(HEADER, 103)).isEqualTo("what it has for INIT is none");
    assertThat(changed(HEADER + 4, 1)).isEqualTo("what it has for INIT is none");
    int handles = HEADER + 104 + 80 + 20;
    assertThat(changed(handles + 4, 1L << 31)).isEqualTo("a handle in it cannot be");
    assertThat(changed(handles + 20, 2)).isEqualTo("a handle in it cannot be");
    int nodes = handles + 3 * 24;
    assertThat(changed(nodes, 0)).isEqualTo("a node in it cannot be");
    assertThat(changed(nodes, 1)).isEqualTo("a node in it cannot be");
    for (long bad : new long[] {0, 4096, 0x80000000L, 0xffffffffL}) {
      assertThat(changed(nodes + 8, bad)).isEqualTo("a node in it cannot be");
    }
  }

  @Test
  void thereIsAnEndToNodes() {
    int many = FileIds.MOST_NODES;
    byte[] front = written(0, 0, 0);
    int at = front.length - 12;
    for (int more = 0; more <= 1; more++) {
      byte[] bytes = Arrays.copyOf(front, at + 13 * (many + more) + 12);
      for (int i = 0; i < many + more; i++) {
        Bytes.put64(bytes, at + 13 * i, i + 2L);
        Bytes.put32(bytes, at + 13 * i + 8, 1);
        bytes[at + 13 * i + 12] = 'x';
      }
      Reader reader = reader(bytes, 1 << 20);
      assertThat(reader.begin(new byte[0]) && reader.skipHandles()).isTrue();
      int count = 0;
      while (reader.nextNode()) {
        count++;
      }
      assertThat(count).isEqualTo(many);
      assertThat(reader.problem())
          .isEqualTo(more == 0 ? null : "there are more than 262144 nodes in it");
    }
  }

  @Test
  void anythingMayStandInIt() {
    Random random = new Random(3);
    byte[] whole = written(20, 3, 3);
    for (int i = 0; i < 100_000; i++) {
      byte[] bytes = whole.clone();
      for (int flips = 1 + random.nextInt(3); flips > 0; flips--) {
        bytes[random.nextInt(bytes.length)] = (byte) random.nextInt(256);
      }
      assertThat(problem(bytes)).isNotEmpty();
    }
  }

  @Test
  void aFileThatCannotBeReadOrWritten() {
    Reader reader = new Reader((into, at, most) -> -5);
    assertThat(reader.begin(new byte[0])).isFalse();
    assertThat(reader.problem()).isEqualTo("it cannot be read");
    FileIds ids = new FileIds(8, 0, 0);
    FilesState.Sink full = (bytes, at, count) -> -28;
    Writer writer = new Writer();
    assertThat(writer.begin(full, ids, new byte[0], 0)).isZero();
    assertThat(writer.end(full)).isEqualTo(-28);
    assertThat(writer.begin(full, ids, new byte[1 << 20], 1 << 20)).isEqualTo(-28);
  }
}
