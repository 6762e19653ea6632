package dev.coracle.machine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.abi.Bytes;
import dev.coracle.abi.Process;
import dev.coracle.kernel.Errno;
import dev.coracle.kernel.Kernel;
import dev.coracle.vm.FilesState;
import dev.coracle.vm.Fuse;
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
  private static final int CONTROL = 15;
  private static final int SAVED = 16;
  private static final int SAVED_PORT = 17;
  private static final int PATHS = 18;
  private static final int STATE = 19;
  private static final int LOOKUP = Fuse.LOOKUP;
  private static final int FORGET = Fuse.FORGET;
  private static final int READ = Fuse.READ;

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

  /** What virtiofsd has, where it does not only say back what it is asked. */
  private FakeFiles files = new FakeFiles(2, 0);

  private boolean echoes = true;

  /** What is said to the relay, one after the other, and from when on. */
  private final Deque<Command> commands = new ArrayDeque<>();

  private final List<String> replies = new ArrayList<>();
  private final List<Integer> closed = new ArrayList<>();
  private final Map<Integer, byte[]> contents = new HashMap<>();
  private final Map<Integer, Integer> positions = new HashMap<>();
  private boolean held;
  private boolean unanswered;
  private int unread;

  /** A byte, and a descriptor; it comes when so many requests have come to virtiofsd. */
  private record Command(char word, int fd, int after) {}

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
    boolean restored = contents.containsKey(SAVED);
    return FilesRelay.run(
        kernel(), PORT, SERVER, CONTROL, restored ? SAVED : -1, restored ? SAVED_PORT : -1);
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

  // --- checkpoints ---

  private static byte[] init() {
    byte[] body = new byte[64];
    Bytes.put32(body, 0, 7);
    Bytes.put32(body, 4, 36);
    return request(Fuse.INIT, 2, body);
  }

  private static byte[] at(byte[] request, long node) {
    Bytes.put64(request, Fuse.NODE_AT, node);
    return request;
  }

  private static byte[] lookup(long parent, String name) {
    return at(request(LOOKUP, 4, text(name + "\0")), parent);
  }

  private static byte[] open(int opcode, long node, long flags) {
    byte[] body = new byte[8];
    Bytes.put64(body, 0, flags);
    return at(request(opcode, 6, body), node);
  }

  private static byte[] with(int opcode, long node, long handle, int length) {
    byte[] body = new byte[length];
    Bytes.put64(body, 0, handle);
    return at(request(opcode, 8, body), node);
  }

  private static byte[] getattr(long node) {
    return at(request(Fuse.GETATTR, 10, new byte[16]), node);
  }

  private void serves(FakeFiles some) {
    files = some;
    echoes = false;
  }

  private byte[] content(int fd) {
    return contents.getOrDefault(fd, new byte[0]);
  }

  private void come(byte[]... requests) {
    for (byte[] request : requests) {
      fromGuest.add(request);
    }
  }

  /** What a checkpoint says, when so many requests have come to virtiofsd. */
  private void checkpoint(int after, String... paths) {
    contents.put(PATHS, text(paths.length == 0 ? "" : String.join("\0", paths) + "\0"));
    commands.add(new Command('h', -1, after));
    commands.add(new Command('s', PATHS, after));
    commands.add(new Command('w', STATE, after));
    commands.add(new Command('g', -1, after));
  }

  /** Another machine, with what this one saved. */
  private FilesRelayTest restored(FakeFiles other, byte[] savedPort) {
    FilesRelayTest out = new FilesRelayTest();
    out.serves(other);
    out.contents.put(SAVED, content(STATE));
    out.contents.put(SAVED_PORT, savedPort);
    return out;
  }

  private String words() {
    return said.toString(StandardCharsets.UTF_8);
  }

  /** The errors of the answers, as far as there are any. */
  private List<Integer> errors() {
    byte[] all = toGuest.toByteArray();
    List<Integer> out = new ArrayList<>();
    for (int at = 0; at < all.length; at += (int) Bytes.u32(all, at)) {
      out.add((int) Bytes.u32(all, at + 4));
    }
    return out;
  }

  /** The first number in each answer; −1 where there is none. */
  private List<Long> numbers() {
    byte[] all = toGuest.toByteArray();
    List<Long> out = new ArrayList<>();
    for (int at = 0; at < all.length; at += (int) Bytes.u32(all, at)) {
      out.add(Bytes.u32(all, at) < 24 ? -1 : Bytes.i64(all, at + 16));
    }
    return out;
  }

  /**
   * A guest that knows a, a/b and c (2, 3, 4), and has a/b (0), a (0, a directory) and c (1) open.
   */
  private void guest() {
    serves(new FakeFiles(2, 0, "a/", "a/b", "c", "d"));
    come(init(), lookup(1, "a"), lookup(2, "b"), lookup(1, "c"));
    come(open(Fuse.OPEN, 3, 0x8702), open(Fuse.OPENDIR, 2, 0x10000), open(Fuse.OPEN, 4, 0xc1));
  }

  @Test
  void aCheckpointHoldsWhenAllIsAnsweredAndTheGuestHasReadIt() {
    guest();
    unread = 3;
    byte[] part = lookup(1, "d");
    come(Arrays.copyOf(part, 17));
    checkpoint(7, "a", "a/b", "c", "d", "gone");
    // It is not read before the relay goes on.
    come(Arrays.copyOfRange(part, 17, part.length), getattr(4));
    run();
    assertThat(words()).isEmpty();
    assertThat(replies).containsExactly("h", "w");
    assertThat(unread).isZero();
    assertThat(errors()).hasSize(9).containsOnly(0);
    assertThat(served.get(served.size() - 1)).isEqualTo("GETATTR c");
    assertThat(closed).containsOnlyOnce(PATHS).containsOnlyOnce(STATE);
    assertThat(state())
        .containsExactly(
            "0 input 17",
            "0 directory 2 10000",
            "0 file 3 8702",
            "1 file 4 c1",
            "2 a",
            "3 a/b",
            "4 c",
            "5 d");
    // virtiofsd's counts are as if nobody had asked.
    assertThat(files.counts()).containsExactly("a/ 1", "a/b 1", "c 1", "d 1");
  }

  private List<String> state() {
    int[] position = {0};
    FilesState.Reader reader =
        new FilesState.Reader(
            (into, at, most) -> {
              long n = of(STATE, into, at, most, position[0]);
              position[0] += (int) n;
              return n;
            });
    assertThat(reader.begin(new byte[1 << 20])).isTrue();
    List<String> out = new ArrayList<>();
    while (reader.nextHandle()) {
      out.add(
          reader.handle()
              + (reader.isDirectory() ? " directory " : " file ")
              + reader.handleNode()
              + " "
              + Long.toHexString(reader.flags()));
    }
    out.sort(null);
    out.add(0, reader.epoch() + " input " + reader.inputLength());
    while (reader.nextNode()) {
      int at = reader.pathAt();
      out.add(reader.node() + " " + Bytes.text(reader.path(), at, at + reader.pathLength()));
    }
    assertThat(reader.problem()).isNull();
    return out;
  }

  @Test
  void withRequestsOnTheirWayItWaits() {
    guest();
    // When it is told to hold, virtiofsd has not answered these.
    come(getattr(3), getattr(4));
    answersAtOnce = 1;
    checkpoint(9, "a", "a/b", "c");
    run();
    assertThat(replies).containsExactly("h", "w");
    assertThat(errors()).hasSize(9).containsOnly(0);
    assertThat(served.indexOf("GETATTR c")).isEqualTo(8);
    assertThat(served.subList(9, served.size())).allMatch(s -> s.matches("(LOOKUP|FORGET).*"));
  }

  @Test
  void whatIsOpenWithoutANameCannotBeSaved() {
    guest();
    checkpoint(7, "a", "c");
    run();
    assertThat(replies).containsExactly("h", "f1 open file has no name any more (it was deleted)");
    assertThat(errors()).hasSize(7).containsOnly(0);
    FilesRelayTest other = new FilesRelayTest();
    other.guest();
    other.checkpoint(7, "d");
    other.run();
    assertThat(other.replies)
        .containsExactly("h", "f3 open files have no name any more (they were deleted)");
    assertThat(other.files.counts()).containsExactly("a/ 1", "a/b 1", "c 1");
  }

  @Test
  void whatIsClosedNeedsNoName() {
    guest();
    come(with(Fuse.RELEASE, 3, 0, 24));
    checkpoint(8, "a", "c");
    run();
    assertThat(replies).containsExactly("h", "w");
    assertThat(state())
        .containsExactly("0 input 0", "0 directory 2 10000", "1 file 4 c1", "2 a", "4 c");
  }

  @Test
  void whatCannotBeSavedForOtherReasons() {
    serves(new FakeFiles(2, 0, "a/"));
    checkpoint(0);
    come(init());
    run();
    assertThat(replies).containsExactly("h", "fthe guest has not mounted its files yet");
    FilesRelayTest other = new FilesRelayTest();
    other.guest();
    other.checkpoint(7, "a", "a/b", "c".repeat(5000));
    other.run();
    assertThat(other.replies).containsExactly("h", "fa path of its files is too long");
    other = new FilesRelayTest();
    other.guest();
    other.checkpoint(7, "a", "a/b", "c", "full");
    other.run();
    assertThat(other.replies.get(1)).startsWith("fcannot look up full: EMFILE");
    other = new FilesRelayTest();
    other.guest();
    other.commands.add(new Command('s', PATHS, 7));
    other.commands.add(new Command('w', STATE, 7));
    other.run();
    assertThat(other.replies).containsExactly("fit is not held, or a file is missing");
    assertThat(other.closed).contains(PATHS, STATE);
  }

  @Test
  void aRestoredMachineGoesOn() {
    guest();
    byte[] part = getattr(3);
    come(Arrays.copyOf(part, 30));
    checkpoint(7, "a", "a/b", "c");
    run();
    byte[] rest = new byte[26 + 2 * 56];
    System.arraycopy(part, 30, rest, 0, 26);
    System.arraycopy(getattr(4), 0, rest, 26, 56);
    System.arraycopy(getattr(2), 0, rest, 26 + 56, 56);
    FilesRelayTest other = restored(new FakeFiles(20, 5, "a/", "a/b", "c", "d"), rest);
    other.come(
        lookup(1, "a"),
        lookup(1, "d"),
        getattr(20 | 1L << 40),
        with(Fuse.FLUSH, 3, 0, 24),
        with(Fuse.FSYNCDIR, 2, 0, 16),
        with(Fuse.RELEASE, 4, 1, 24),
        with(Fuse.RELEASE, 4, 1, 24),
        open(Fuse.OPEN, 23 | 1L << 40, 0),
        getattr(23));
    other.run();
    assertThat(other.words()).isEmpty();
    assertThat(other.served)
        .containsExactly(
            "INIT",
            "LOOKUP 1 a",
            "LOOKUP a/ b",
            "LOOKUP 1 c",
            "OPEN a/b 8402",
            "OPENDIR a/ 10000",
            "OPEN c 1",
            "GETATTR a/b",
            "GETATTR c",
            "GETATTR a/",
            "LOOKUP 1 a",
            "LOOKUP 1 d",
            "FLUSH a/b",
            "FSYNCDIR a/",
            "RELEASE c",
            "OPEN d 0");
    assertThat(other.closed).contains(SAVED, SAVED_PORT);
    // virtiofsd has given c's handle again.
    assertThat(other.errors().stream().filter(e -> e == 0)).hasSize(9);
    assertThat(other.errors().stream().filter(e -> e == -Errno.ESTALE)).hasSize(3);
    assertThat(other.numbers()).contains(2L, 23 | 1L << 40, 6 | 1L << 40);
  }

  @Test
  void aMachineIsRestoredTwice() {
    guest();
    checkpoint(7, "a", "a/b", "c");
    run();
    FilesRelayTest second = restored(new FakeFiles(20, 5, "a/", "a/b", "c", "d"), new byte[0]);
    second.come(lookup(1, "d"), open(Fuse.OPEN, 23 | 1L << 40, 0), with(Fuse.RELEASE, 4, 1, 24));
    second.checkpoint(10, "a", "a/b", "c", "d");
    second.run();
    assertThat(second.words()).isEmpty();
    assertThat(second.replies).containsExactly("r", "h", "w");
    long epoch = 1L << 40;
    assertThat(second.state())
        .containsExactly(
            "1 input 0",
            "0 directory 2 10000",
            "0 file 3 8702",
            (7 | epoch) + " file " + (23 | epoch) + " 0",
            "2 a",
            "3 a/b",
            "4 c",
            (23 | epoch) + " d");
    FilesRelayTest third =
        second.restored(new FakeFiles(23, 7, "a/", "a/b", "c", "d", "e"), new byte[0]);
    third.come(
        getattr(23 | epoch),
        with(Fuse.FLUSH, 23 | epoch, 7 | epoch, 24),
        lookup(1, "e"),
        lookup(1, "d"),
        getattr(23 | 2 * epoch),
        getattr(27 | 2 * epoch));
    third.run();
    assertThat(third.served.subList(third.served.indexOf("GETATTR d"), third.served.size()))
        .containsExactly("GETATTR d", "FLUSH d", "LOOKUP 1 e", "LOOKUP 1 d", "GETATTR e");
    assertThat(third.errors()).containsOnlyOnce(-Errno.ESTALE);
    assertThat(third.numbers()).contains(27 | 2 * epoch, 23 | epoch);
  }

  @Test
  void aCheckpointWaitsForWhatWasSaved() {
    guest();
    checkpoint(7, "a", "a/b", "c");
    run();
    ByteArrayOutputStream much = new ByteArrayOutputStream();
    for (int i = 0; i < 100; i++) {
      much.writeBytes(getattr(3));
    }
    FilesRelayTest second = restored(new FakeFiles(20, 5, "a/", "a/b", "c"), much.toByteArray());
    second.checkpoint(7, "a", "a/b", "c");
    second.run();
    assertThat(second.replies).containsExactly("r", "h", "w");
    int left = Integer.parseInt(second.state().get(0).substring("1 input ".length()));
    assertThat(left % 56).isZero();
    int before = second.served.lastIndexOf("GETATTR a/b") < 0 ? 0 : second.errors().size();
    assertThat(before).isEqualTo(100);
  }

  @Test
  void whatIsGoneIsStaleAndWhatIsOpenMustBeThere() {
    guest();
    come(with(Fuse.RELEASE, 4, 1, 24));
    checkpoint(8, "a", "a/b", "c");
    run();
    FilesRelayTest other = restored(new FakeFiles(20, 5, "a/", "a/b"), new byte[0]);
    other.come(getattr(4), getattr(3));
    other.run();
    assertThat(other.errors()).containsExactlyInAnyOrder(-Errno.ESTALE, 0);
    FilesRelayTest none = restored(new FakeFiles(20, 5, "a/", "c"), new byte[0]);
    assertThat(none.run()).isNotZero();
    assertThat(none.words()).contains("cannot open /a/b again: ENOENT");
    FilesRelayTest refused = restored(new FakeFiles(20, 5, "a/", "a/b", "c"), new byte[0]);
    refused.files.refuseOpen = true;
    assertThat(refused.run()).isNotZero();
    assertThat(refused.words()).containsPattern("cannot open /(a|a/b) again: EACCES");
  }

  @Test
  void anotherVirtiofsdIsRefused() {
    guest();
    checkpoint(7, "a", "a/b", "c");
    run();
    for (int at : new int[] {16, 20, 28, 36}) {
      FilesRelayTest other = restored(new FakeFiles(20, 5, "a/", "a/b", "c"), new byte[0]);
      other.files.init[at] ^= 4;
      assertThat(other.run()).isNotZero();
      assertThat(other.words()).contains("virtiofsd is not the one of the checkpoint");
    }
  }

  @Test
  void aStateThatIsNoneIsRefused() {
    guest();
    checkpoint(7, "a", "a/b", "c");
    run();
    FilesRelayTest other = restored(new FakeFiles(20, 5, "a/", "a/b", "c"), new byte[0]);
    byte[] bytes = other.content(SAVED);
    other.contents.put(SAVED, Arrays.copyOf(bytes, bytes.length - 1));
    assertThat(other.run()).isNotZero();
    assertThat(other.words()).contains("cannot read what was kept of the guest's files");
    assertThat(other.served).isEmpty();
  }

  @Test
  void namesOfADirectoryOfARestoredMachine() {
    guest();
    checkpoint(7, "a", "a/b", "c");
    run();
    FilesRelayTest other = restored(new FakeFiles(20, 5, "a/", "a/b", "a/n", "c"), new byte[0]);
    byte[] request = with(Fuse.READDIRPLUS, 2, 0, 40);
    Bytes.put32(request, Fuse.READ_SIZE_AT, 1 << 20);
    other.come(request);
    other.run();
    assertThat(other.served).contains("READDIRPLUS a/ 32768");
    byte[] all = other.toGuest.toByteArray();
    assertThat(List.of(Bytes.i64(all, 16), Bytes.i64(all, 16 + 160)))
        .containsExactly(3L, 23 | 1L << 40);
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
                  case "sendMessage" -> send((int) a[0], (byte[]) a[1], (int) a[2]);
                  case "write" -> write((int) a[0], (byte[]) a[1], (int) a[2], (int) a[3]);
                  case "read" -> read((int) a[0], (byte[]) a[1], (int) a[2], (int) a[3]);
                  case "pwrite64" -> put((byte[]) a[1], (int) a[2], (int) a[3], (long) a[4]);
                  case "pread64" ->
                      (int) a[0] == MEMORY
                          ? get((byte[]) a[1], (int) a[2], (int) a[3], (long) a[4])
                          : of((int) a[0], (byte[]) a[1], (int) a[2], (int) a[3], (long) a[4]);
                  case "poll" -> poll((int[]) a[0], (short[]) a[1], (short[]) a[2], (int) a[3]);
                  case "receiveMessage" -> receive((byte[]) a[1], (int[]) a[2]);
                  case "close" -> {
                    closed.add((int) a[0]);
                    yield 0L;
                  }
                  case "explain" -> Errno.text(-(long) a[0]);
                  case "ioctlStruct" -> ioctl((int) a[0], (byte[]) a[2]);
                  default -> throw new UnsupportedOperationException(method.getName());
                });
  }

  private long write(int fd, byte[] bytes, int at, int count) {
    switch (fd) {
      case PORT -> toGuest.write(bytes, at, count);
      case KICK -> takeAvailable();
      case 2 -> said.write(bytes, at, count);
      case CONTROL -> {
        replies.add(new String(bytes, at, count, StandardCharsets.UTF_8));
        held |= bytes[at] == 'h';
        unanswered = false;
      }
      case STATE -> {
        byte[] before = content(STATE);
        byte[] all = Arrays.copyOf(before, before.length + count);
        System.arraycopy(bytes, at, all, before.length, count);
        contents.put(STATE, all);
      }
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
    if (fd == SAVED_PORT) {
      int from = positions.getOrDefault(fd, 0);
      long n = of(fd, into, at, Math.min(most, 1000), from);
      positions.put(fd, from + (int) n);
      return n;
    }
    assertThat(fd).isEqualTo(PORT);
    assertThat(held).isFalse();
    // What was saved comes first.
    assertThat(!contents.containsKey(SAVED_PORT) || closed.contains(SAVED_PORT)).isTrue();
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

  private long of(int fd, byte[] into, int at, int most, long position) {
    byte[] all = content(fd);
    int count = (int) Math.max(0, Math.min(most, all.length - position));
    System.arraycopy(all, (int) position, into, at, count);
    return count;
  }

  /** With HOLD's answer comes the port. */
  private long send(int socket, byte[] bytes, int fd) {
    if (socket != CONTROL) {
      return bytes.length;
    }
    assertThat(fd).isEqualTo(PORT);
    return write(socket, bytes, 0, bytes.length);
  }

  private long ioctl(int fd, byte[] into) {
    if (fd != PORT) {
      return -1;
    }
    Bytes.put32(into, 0, unread);
    unread = Math.max(0, unread - 1);
    return 0;
  }

  private boolean commanded() {
    Command next = commands.peek();
    return next != null && !unanswered && served.size() + heads.size() >= next.after;
  }

  private long receive(byte[] into, int[] fd) {
    assertThat(into).hasSize(1);
    Command next = commands.remove();
    into[0] = (byte) next.word;
    fd[0] = next.fd;
    held &= next.word != 'g';
    unanswered = next.word == 'h' || next.word == 'w';
    return 1;
  }

  private long poll(int[] fds, short[] events, short[] happened, int timeout) {
    boolean all = fds.length > 2;
    boolean obeys = all && commanded();
    // What is said comes while requests are on their way.
    if (!obeys && !called && !heads.isEmpty()) {
      for (int i = 0; i < answersAtOnce && !heads.isEmpty(); i++) {
        serve(heads.poll());
      }
      called = true;
    }
    long count = 0;
    for (int i = 0; i < fds.length; i++) {
      // The guest goes when all of it has been answered.
      boolean goes = heads.isEmpty() && !called && commands.isEmpty();
      boolean is =
          switch (fds[i]) {
            case PORT -> (events[i] & Process.POLLIN) != 0 && (!fromGuest.isEmpty() || goes);
            case CALL -> called;
            case SERVER -> serverGone;
            case CONTROL -> obeys;
            default -> false;
          };
      int out = fds[i] == PORT ? events[i] & Process.POLLOUT : 0;
      happened[i] = (short) ((is ? Process.POLLIN : 0) | out);
      count += happened[i] != 0 ? 1 : 0;
    }
    assertThat(count > 0 || timeout >= 0).as("it would wait for ever").isTrue();
    return count;
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
    byte[] said = echoes ? new byte[0] : files.answer(request);
    String body =
        opcode == READ ? "" : new String(request, 40, request.length - 40, StandardCharsets.UTF_8);
    served.add(echoes ? opcode + " " + body : files.said());
    int length = 0;
    if ((Bytes.u16(first, 12) & 1) != 0) {
      byte[] second = bytes(16L * Bytes.u16(first, 14), 16);
      assertThat(Bytes.u16(second, 12)).isEqualTo(2);
      int room = (int) Bytes.u32(second, 8);
      // As virtiofsd does: of a file as much as there is room for.
      byte[] content = opcode == READ ? new byte[room - 16] : text(body + "!");
      byte[] answer = new byte[16 + content.length];
      System.arraycopy(content, 0, answer, 16, content.length);
      answer = echoes ? answer : said;
      Bytes.put32(answer, 0, answer.length);
      System.arraycopy(request, 8, answer, 8, 8);
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
