package dev.coracle.machine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.abi.Bytes;
import dev.coracle.abi.Process;
import dev.coracle.kernel.Errno;
import dev.coracle.kernel.Kernel;
import java.io.ByteArrayOutputStream;
import java.lang.reflect.Proxy;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/**
 * Requests of a guest, which may be anything, on their way to virtiofsd, whose part the test plays:
 * it reads the queue as the specification of virtio has it.
 */
class FilesRelayTest {
  private static final int PORT = 10;
  private static final int SERVER = 11;
  private static final int MEMORY = 12;
  private static final int KICK = 13;
  private static final int CALL = 14;
  private static final int LOOKUP = 1;
  private static final int FORGET = 2;
  private static final int READ = 15;

  /** Sparse: what was written where. */
  private final Map<Long, Byte> memory = new HashMap<>();

  private final Deque<byte[]> fromGuest = new ArrayDeque<>();
  private final ByteArrayOutputStream toGuest = new ByteArrayOutputStream();
  private final ByteArrayOutputStream said = new ByteArrayOutputStream();
  private final List<String> served = new ArrayList<>();
  private final Deque<Integer> heads = new ArrayDeque<>();
  private int events;
  private boolean called;
  private int available;
  private int used;
  private int answersAtOnce = 1;
  private boolean serverGone;

  private static byte[] request(int opcode, long unique, byte[] body) {
    byte[] out = new byte[40 + body.length];
    Bytes.put32(out, 0, out.length);
    Bytes.put32(out, 4, opcode);
    Bytes.put64(out, 8, unique);
    System.arraycopy(body, 0, out, 40, body.length);
    return out;
  }

  private static byte[] text(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private int run() {
    return FilesRelay.run(kernel(), PORT, SERVER);
  }

  /** The answers, as {@code unique:body}. */
  private List<String> answers() {
    byte[] all = toGuest.toByteArray();
    List<String> out = new ArrayList<>();
    int at = 0;
    while (at < all.length) {
      int length = (int) Bytes.u32(all, at);
      String body = new String(all, at + 16, length - 16, StandardCharsets.UTF_8);
      out.add(Bytes.i64(all, at + 8) + ":" + (body.length() > 40 ? body.length() : body));
      at += length;
    }
    return out;
  }

  @Test
  void whatIsAskedIsAnswered() {
    fromGuest.add(request(LOOKUP, 7, text("name")));
    fromGuest.add(request(LOOKUP, 8, text("other")));
    run();
    assertThat(served).containsExactly("1 name", "1 other");
    assertThat(answers()).containsExactly("7:name!", "8:other!");
  }

  @Test
  void piecesAndSeveralAtOnce() {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    for (int i = 0; i < 40; i++) {
      all.writeBytes(request(LOOKUP, i, text("n" + i)));
    }
    byte[] bytes = all.toByteArray();
    answersAtOnce = 5;
    for (int at = 0; at < bytes.length; at += 101) {
      fromGuest.add(Arrays.copyOfRange(bytes, at, Math.min(bytes.length, at + 101)));
    }
    run();
    assertThat(answers()).hasSize(40).contains("0:n0!", "39:n39!");
  }

  @Test
  void whatNeedsNoAnswerHasNone() {
    fromGuest.add(request(FORGET, 1, text("12345678")));
    fromGuest.add(request(LOOKUP, 2, text("a")));
    run();
    assertThat(served).containsExactly("2 12345678", "1 a");
    assertThat(answers()).containsExactly("2:a!");
  }

  @Test
  void aReadHasRoomForWhatWasAskedFor() {
    byte[] read = new byte[40];
    Bytes.put32(read, 16, 100_000);
    fromGuest.add(request(READ, 3, read));
    fromGuest.add(request(LOOKUP, 4, text("b")));
    run();
    assertThat(answers()).containsExactly("3:100000", "4:b!");
  }

  @Test
  void aLengthThatCannotBeEndsIt() {
    for (long length : new long[] {0, 39, 2 << 20, 0xffffffffL}) {
      FilesRelayTest other = new FilesRelayTest();
      byte[] bad = request(LOOKUP, 1, text("x"));
      Bytes.put32(bad, 0, length);
      other.fromGuest.add(bad);
      assertThat(other.run()).isNotZero();
      assertThat(other.said.toString(StandardCharsets.UTF_8)).contains("broke the protocol");
      assertThat(other.served).isEmpty();
    }
  }

  @Test
  void aReadOfMoreThanThereIsRoomForEndsIt() {
    byte[] read = new byte[40];
    Bytes.put32(read, 16, 0xffffffffL);
    fromGuest.add(request(READ, 3, read));
    run();
    assertThat(said.toString(StandardCharsets.UTF_8)).contains("broke the protocol");
    assertThat(served).isEmpty();
  }

  @Test
  void withoutVirtiofsdItEnds() {
    serverGone = true;
    assertThat(run()).isNotZero();
    assertThat(said.toString(StandardCharsets.UTF_8)).contains("virtiofsd is gone");
  }

  private Kernel kernel() {
    return (Kernel)
        Proxy.newProxyInstance(
            Kernel.class.getClassLoader(),
            new Class<?>[] {Kernel.class},
            (proxy, method, a) ->
                switch (method.getName()) {
                  case "memfd_create" -> (long) MEMORY;
                  case "eventfd2" -> (long) (events++ == 0 ? KICK : CALL);
                  case "sendMessage" -> (long) ((byte[]) a[1]).length;
                  case "write" -> write((int) a[0], (byte[]) a[1], (int) a[2], (int) a[3]);
                  case "read" -> read((int) a[0], (byte[]) a[1], (int) a[2], (int) a[3]);
                  case "pwrite64" -> put((byte[]) a[1], (int) a[2], (int) a[3], (long) a[4]);
                  case "pread64" -> get((byte[]) a[1], (int) a[2], (int) a[3], (long) a[4]);
                  case "poll" -> poll((short[]) a[1], (short[]) a[2]);
                  case "explain" -> Errno.text(-(long) a[0]);
                  case "ioctlStruct" -> -1L;
                  default -> throw new UnsupportedOperationException(method.getName());
                });
  }

  private long write(int fd, byte[] bytes, int at, int count) {
    switch (fd) {
      case PORT -> toGuest.write(bytes, at, count);
      case KICK -> takeAvailable();
      case 2 -> said.write(bytes, at, count);
      default -> assertThat(fd).isEqualTo(SERVER);
    }
    return count;
  }

  private long read(int fd, byte[] into, int at, int most) {
    if (fd == SERVER) {
      byte[] answer = new byte[20];
      answer[16] = 1; // VIRTIO_F_VERSION_1
      System.arraycopy(answer, 0, into, at, 20);
      return 20;
    }
    if (fd == CALL) {
      called = false;
      return 8;
    }
    byte[] next = fromGuest.poll();
    if (next == null) {
      return 0;
    }
    assertThat(next.length).isLessThanOrEqualTo(most);
    System.arraycopy(next, 0, into, at, next.length);
    return next.length;
  }

  private long put(byte[] bytes, int at, int count, long position) {
    for (int i = 0; i < count; i++) {
      memory.put(position + i, bytes[at + i]);
    }
    return count;
  }

  private long get(byte[] into, int at, int count, long position) {
    for (int i = 0; i < count; i++) {
      into[at + i] = memory.getOrDefault(position + i, (byte) 0);
    }
    return count;
  }

  private byte[] bytes(long position, int count) {
    byte[] out = new byte[count];
    assertThat(get(out, 0, count, position)).isEqualTo(count);
    return out;
  }

  private long poll(short[] events, short[] happened) {
    if (!called && !heads.isEmpty()) {
      for (int i = 0; i < answersAtOnce && !heads.isEmpty(); i++) {
        serve(heads.poll());
      }
      called = true;
    }
    boolean wants = (events[0] & Process.POLLIN) != 0;
    // The guest goes when all of it has been answered.
    boolean input = wants && (!fromGuest.isEmpty() || heads.isEmpty() && !called);
    happened[0] = (short) ((input ? Process.POLLIN : 0) | events[0] & Process.POLLOUT);
    happened[1] = called ? Process.POLLIN : 0;
    happened[2] = serverGone ? Process.POLLIN : 0;
    return 1;
  }

  private void takeAvailable() {
    int now = Bytes.u16(bytes(1024 + 2, 2), 0);
    while (available != now) {
      heads.add(Bytes.u16(bytes(1024 + 4 + 2L * (available % 16), 2), 0));
      available++;
    }
  }

  private void serve(int head) {
    byte[] first = bytes(16L * head, 16);
    byte[] request = bytes(Bytes.i64(first, 0), (int) Bytes.u32(first, 8));
    int opcode = (int) Bytes.u32(request, 4);
    String body =
        opcode == READ ? "" : new String(request, 40, request.length - 40, StandardCharsets.UTF_8);
    served.add(opcode + " " + body);
    int length = 0;
    if ((Bytes.u16(first, 12) & 1) != 0) {
      byte[] second = bytes(16L * Bytes.u16(first, 14), 16);
      assertThat(Bytes.u16(second, 12)).isEqualTo(2);
      int room = (int) Bytes.u32(second, 8);
      // As virtiofsd does: of a file as much as there is room for.
      byte[] content = opcode == READ ? new byte[room - 16] : text(body + "!");
      byte[] answer = new byte[16 + content.length];
      Bytes.put32(answer, 0, answer.length);
      System.arraycopy(request, 8, answer, 8, 8);
      System.arraycopy(content, 0, answer, 16, content.length);
      length = answer.length;
      assertThat(put(answer, 0, length, Bytes.i64(second, 0))).isEqualTo(length);
    }
    byte[] entry = new byte[8];
    Bytes.put32(entry, 0, head);
    Bytes.put32(entry, 4, length);
    assertThat(put(entry, 0, 8, 2048 + 4 + 8L * (used % 16))).isEqualTo(8);
    used++;
    byte[] index = new byte[2];
    Bytes.put16(index, 0, used);
    assertThat(put(index, 0, 2, 2048 + 2)).isEqualTo(2);
  }
}
