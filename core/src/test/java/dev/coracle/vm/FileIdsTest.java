package dev.coracle.vm;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.abi.Bytes;
import dev.coracle.vm.FileIds.Fate;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/**
 * Each request and answer of FUSE that has a node or a handle in it, of a guest that was restored.
 */
class FileIdsTest {
  private static final long NEW = 2L << 40; // The epoch is 2.
  private static final long OLD = 7; // A node from before, and a handle of a file.
  private static final long OLDER = 9 | 1L << 40; // A node from another epoch.
  private static final long SERVER = 107;
  private static final long OLDER_SERVER = 109;
  private static final long FILE = 207;
  private static final long DIRECTORY = 307;

  private final FileIds ids = restored();

  private static FileIds restored() {
    FileIds out = new FileIds(8, 2, 4);
    out.know(OLD, SERVER);
    out.know(OLDER, OLDER_SERVER);
    out.open().add(OLD, false, OLDER, 0, FILE);
    out.open().add(OLD, true, OLD, 0, DIRECTORY);
    return out;
  }

  private static byte[] request(int opcode, long node, int length) {
    byte[] out = new byte[length];
    Bytes.put32(out, 0, length);
    Bytes.put32(out, Fuse.OPCODE_AT, opcode);
    Bytes.put64(out, Fuse.NODE_AT, node);
    return out;
  }

  private Fate pass(byte[] request) {
    return ids.request(request, 0, request.length, 0);
  }

  /** An opcode, and where it has what. */
  private record Shape(int opcode, int length, int handleAt, boolean directory, int nodeAt) {}

  private static final List<Shape> SHAPES =
      List.of(
          new Shape(Fuse.LOOKUP, 44, 0, false, 0),
          new Shape(5 /* READLINK */, 40, 0, false, 0),
          new Shape(10 /* UNLINK */, 44, 0, false, 0),
          new Shape(17 /* STATFS */, 40, 0, false, 0),
          new Shape(21 /* SETXATTR */, 60, 0, false, 0),
          new Shape(34 /* ACCESS */, 48, 0, false, 0),
          new Shape(50 /* SYNCFS */, 48, 0, false, 0),
          new Shape(Fuse.OPEN, 48, 0, false, 0),
          new Shape(Fuse.RENAME, 52, 0, false, 40),
          new Shape(Fuse.RENAME2, 60, 0, false, 40),
          new Shape(Fuse.LINK, 52, 0, false, 40),
          new Shape(Fuse.READ, 80, 40, false, 0),
          new Shape(Fuse.WRITE, 90, 40, false, 0),
          new Shape(Fuse.RELEASE, 64, 40, false, 0),
          new Shape(Fuse.FSYNC, 56, 40, false, 0),
          new Shape(Fuse.FLUSH, 64, 40, false, 0),
          new Shape(Fuse.GETLK, 88, 40, false, 0),
          new Shape(Fuse.SETLK, 88, 40, false, 0),
          new Shape(Fuse.SETLKW, 88, 40, false, 0),
          new Shape(Fuse.IOCTL, 72, 40, false, 0),
          new Shape(Fuse.POLL, 64, 40, false, 0),
          new Shape(Fuse.FALLOCATE, 72, 40, false, 0),
          new Shape(Fuse.LSEEK, 64, 40, false, 0),
          new Shape(Fuse.READDIR, 80, 40, true, 0),
          new Shape(Fuse.READDIRPLUS, 80, 40, true, 0),
          new Shape(Fuse.RELEASEDIR, 64, 40, true, 0),
          new Shape(Fuse.FSYNCDIR, 56, 40, true, 0),
          new Shape(Fuse.COPY_FILE_RANGE, 96, 40, false, 56));

  private static byte[] filled(Shape shape, long node, long handle) {
    byte[] out = request(shape.opcode, node, shape.length);
    if (shape.handleAt > 0) {
      Bytes.put64(out, shape.handleAt, handle);
    }
    if (shape.nodeAt > 0) {
      Bytes.put64(out, shape.nodeAt, node);
    }
    if (shape.opcode == Fuse.COPY_FILE_RANGE) {
      Bytes.put64(out, 64, handle);
    }
    return out;
  }

  @Test
  void whatIsKnownFromBefore() {
    for (Shape shape : SHAPES) {
      byte[] request = filled(shape, OLDER, OLD);
      byte[] expected = filled(shape, OLDER_SERVER, shape.directory ? DIRECTORY : FILE);
      FileIds fresh = restored();
      assertThat(fresh.request(request, 0, request.length, 3)).isEqualTo(Fate.PASS);
      assertThat(request).as("%s", shape).isEqualTo(expected);
    }
  }

  @Test
  void whatIsNew() {
    for (Shape shape : SHAPES) {
      byte[] request = filled(shape, 5 | NEW, 0 | NEW);
      byte[] expected = filled(shape, 5, 0);
      assertThat(pass(request)).isEqualTo(Fate.PASS);
      assertThat(request).as("%s", shape).isEqualTo(expected);
    }
  }

  @Test
  void theRootAndNoneAreThemselves() {
    for (long node : new long[] {0, 1}) {
      byte[] request = request(Fuse.LOOKUP, node, 44);
      assertThat(pass(request)).isEqualTo(Fate.PASS);
      assertThat(request).isEqualTo(request(Fuse.LOOKUP, node, 44));
    }
  }

  @Test
  void whatNobodyGaveTheGuestIsStale() {
    for (Shape shape : SHAPES) {
      // Of no epoch, of an earlier one, of a later one, and more than a number can be.
      for (long bad : new long[] {8, 8 | 1L << 40, 8 | 3L << 40, -1, Long.MIN_VALUE | OLD}) {
        assertThat(pass(filled(shape, bad, OLD))).as("%s", shape).isEqualTo(Fate.STALE);
        if (shape.handleAt > 0) {
          assertThat(pass(filled(shape, OLD, bad))).as("%s", shape).isEqualTo(Fate.STALE);
        }
        if (shape.nodeAt > 0) {
          byte[] request = filled(shape, OLD, OLD);
          Bytes.put64(request, shape.nodeAt, bad);
          assertThat(pass(request)).as("%s", shape).isEqualTo(Fate.STALE);
        }
      }
    }
    // That is the root, and one of those that have another number.
    for (long bad : new long[] {NEW, 1 | NEW, SERVER | NEW}) {
      assertThat(pass(request(Fuse.LOOKUP, bad, 44))).isEqualTo(Fate.STALE);
      assertThat(pass(request(Fuse.FORGET, bad, 48))).isEqualTo(Fate.DROP);
    }
    byte[] copy = filled(SHAPES.get(SHAPES.size() - 1), OLD, OLD);
    Bytes.put64(copy, 64, 8);
    assertThat(pass(copy)).isEqualTo(Fate.STALE);
  }

  @Test
  void attributesHaveAHandleWhereTheySaySo() {
    for (int opcode : new int[] {Fuse.GETATTR, Fuse.SETATTR}) {
      int flag = opcode == Fuse.GETATTR ? 1 : 64;
      byte[] request = request(opcode, OLD, 128);
      Bytes.put64(request, 48, OLD);
      assertThat(pass(request)).isEqualTo(Fate.PASS);
      assertThat(Bytes.i64(request, 48)).isEqualTo(OLD);
      request = request(opcode, OLD, 128);
      Bytes.put32(request, 40, flag);
      Bytes.put64(request, 48, OLD);
      assertThat(pass(request)).isEqualTo(Fate.PASS);
      assertThat(Bytes.i64(request, 48)).isEqualTo(FILE);
      assertThat(Bytes.i64(request, 16)).isEqualTo(SERVER);
    }
  }

  @Test
  void anIoctlOfADirectory() {
    byte[] request = request(Fuse.IOCTL, OLD, 72);
    Bytes.put64(request, 40, OLD);
    Bytes.put32(request, 48, 1 << 4);
    assertThat(pass(request)).isEqualTo(Fate.PASS);
    assertThat(Bytes.i64(request, 40)).isEqualTo(DIRECTORY);
  }

  @Test
  void whatIsTooShortIsRefused() {
    for (Shape shape : SHAPES) {
      if (shape.handleAt == 0 && shape.nodeAt == 0) {
        continue;
      }
      int needed = Math.max(shape.handleAt, shape.nodeAt) + 8;
      for (int length = 40; length < needed; length++) {
        byte[] request = Arrays.copyOf(filled(shape, OLD, OLD), length);
        assertThat(pass(request)).as("%s %s", shape, length).isEqualTo(Fate.INVALID);
      }
    }
  }

  @Test
  void whatIsFromBeforeIsNotForgotten() {
    assertThat(pass(request(Fuse.FORGET, OLD, 48))).isEqualTo(Fate.DROP);
    assertThat(pass(request(Fuse.FORGET, 8, 48))).isEqualTo(Fate.DROP);
    assertThat(pass(request(Fuse.FORGET, 5 | NEW, 47))).isEqualTo(Fate.DROP);
    byte[] request = request(Fuse.FORGET, 5 | NEW, 48);
    assertThat(pass(request)).isEqualTo(Fate.PASS);
    assertThat(Bytes.i64(request, 16)).isEqualTo(5);
  }

  private static byte[] forgets(long... nodes) {
    byte[] out = request(Fuse.BATCH_FORGET, 0, 48 + 16 * nodes.length);
    Bytes.put32(out, 40, nodes.length);
    for (int i = 0; i < nodes.length; i++) {
      Bytes.put64(out, 48 + 16 * i, nodes[i]);
      Bytes.put64(out, 56 + 16 * i, nodes[i] & 0xff);
    }
    return out;
  }

  @Test
  void ofManyThoseAreForgottenThatAreNew() {
    byte[] request = forgets(OLD, 5 | NEW, 8, OLDER, 6 | NEW);
    assertThat(pass(request)).isEqualTo(Fate.PASS);
    byte[] expected = forgets(5, 6);
    assertThat(Arrays.copyOf(request, expected.length)).isEqualTo(expected);
    assertThat(pass(forgets(OLD, OLDER))).isEqualTo(Fate.DROP);
    assertThat(pass(forgets())).isEqualTo(Fate.DROP);
    for (long count : new long[] {3, 0x7fffffff, 0xffffffffL}) {
      byte[] bad = forgets(5 | NEW, 6 | NEW);
      Bytes.put32(bad, 40, count);
      assertThat(pass(bad)).isEqualTo(Fate.DROP);
    }
    assertThat(pass(request(Fuse.BATCH_FORGET, 0, 47))).isEqualTo(Fate.DROP);
  }

  private byte[] answered(int opcode, byte[] answer) {
    byte[] request = request(opcode, OLD, 80);
    Bytes.put64(request, 40, OLD);
    assertThat(pass(request)).isEqualTo(Fate.PASS);
    byte[] out = answer.clone();
    Bytes.put32(out, 0, out.length);
    assertThat(ids.answer(out, out.length, 0)).isTrue();
    return out;
  }

  private static byte[] entry(long node, int length) {
    byte[] out = new byte[length];
    Bytes.put64(out, 16, node);
    return out;
  }

  @Test
  void entriesInAnswers() {
    for (int opcode :
        new int[] {Fuse.LOOKUP, Fuse.SYMLINK, Fuse.MKNOD, Fuse.MKDIR, Fuse.CREATE, Fuse.TMPFILE}) {
      int length = opcode == Fuse.CREATE || opcode == Fuse.TMPFILE ? 160 : 144;
      assertThat(Bytes.i64(answered(opcode, entry(SERVER, length)), 16)).isEqualTo(OLD);
      assertThat(Bytes.i64(answered(opcode, entry(OLDER_SERVER, length)), 16)).isEqualTo(OLDER);
      assertThat(Bytes.i64(answered(opcode, entry(5, length)), 16)).isEqualTo(5 | NEW);
      assertThat(Bytes.i64(answered(opcode, entry(0, length)), 16)).isZero();
      assertThat(Bytes.i64(answered(opcode, entry(1, length)), 16)).isEqualTo(1);
    }
    byte[] link = request(Fuse.LINK, OLD, 52);
    Bytes.put64(link, 40, OLDER);
    assertThat(pass(link)).isEqualTo(Fate.PASS);
    byte[] answer = entry(OLDER_SERVER, 144);
    assertThat(ids.answer(answer, 144, 0)).isTrue();
    assertThat(Bytes.i64(answer, 16)).isEqualTo(OLDER);
  }

  @Test
  void whatIsOpenedIsNewAndThenKnown() {
    for (int opcode : new int[] {Fuse.OPEN, Fuse.OPENDIR, Fuse.CREATE, Fuse.TMPFILE}) {
      boolean creates = opcode == Fuse.CREATE || opcode == Fuse.TMPFILE;
      byte[] answer = entry(creates ? SERVER : 4, creates ? 160 : 32);
      int at = creates ? 144 : 16;
      Bytes.put64(answer, at, 4);
      assertThat(Bytes.i64(answered(opcode, answer), at)).isEqualTo(4 | NEW);
      boolean directory = opcode == Fuse.OPENDIR;
      assertThat(ids.open().size()).isEqualTo(3);
      byte[] release = request(directory ? Fuse.RELEASEDIR : Fuse.RELEASE, OLD, 64);
      Bytes.put64(release, 40, 4 | NEW);
      assertThat(pass(release)).isEqualTo(Fate.PASS);
      assertThat(Bytes.i64(release, 40)).isEqualTo(4);
      assertThat(ids.open().size()).isEqualTo(2);
    }
  }

  @Test
  void ofAClosedHandleNothingIsKnown() {
    byte[] release = request(Fuse.RELEASE, OLD, 64);
    Bytes.put64(release, 40, OLD);
    assertThat(pass(release.clone())).isEqualTo(Fate.PASS);
    assertThat(pass(release.clone())).isEqualTo(Fate.STALE);
    assertThat(ids.open().isOpen(OLDER)).isFalse();
    assertThat(ids.open().isOpen(OLD)).isTrue();
  }

  @Test
  void anErrorHasNothingInIt() {
    byte[] answer = entry(SERVER, 144);
    Bytes.put32(answer, 4, -2);
    byte[] before = answer.clone();
    Bytes.put32(before, 0, 144);
    assertThat(answered(Fuse.LOOKUP, answer)).isEqualTo(before);
    answer = entry(3, 32);
    Bytes.put32(answer, 4, -2);
    answered(Fuse.OPEN, answer);
    assertThat(ids.open().size()).isEqualTo(2);
  }

  private static byte[] directory(long[] nodes, String[] names) {
    byte[] out = new byte[4096];
    int at = 16;
    for (int i = 0; i < nodes.length; i++) {
      Bytes.put64(out, at, nodes[i]);
      Bytes.put32(out, at + 144, names[i].length());
      System.arraycopy(Bytes.utf8(names[i]), 0, out, at + 152, names[i].length());
      at += 152 + (names[i].length() + 7) / 8 * 8;
    }
    return Arrays.copyOf(out, at);
  }

  @Test
  void entriesOfADirectory() {
    String[] names = {".", "..", "12345678", "new", "x"};
    byte[] answer = directory(new long[] {0, 0, SERVER, 5, OLDER_SERVER}, names);
    byte[] expected = directory(new long[] {0, 0, OLD, 5 | NEW, OLDER}, names);
    Bytes.put32(expected, 0, expected.length);
    assertThat(answered(Fuse.READDIRPLUS, answer)).isEqualTo(expected);
    // Of READDIR there are numbers of inodes, which are not those of nodes.
    byte[] plain = answer.clone();
    Bytes.put32(plain, 0, plain.length);
    assertThat(answered(Fuse.READDIR, answer)).isEqualTo(plain);
  }

  @Test
  void noMoreEntriesAreAskedForThanCanBeChanged() {
    byte[] request = request(Fuse.READDIRPLUS, OLD, 80);
    Bytes.put64(request, 40, OLD);
    Bytes.put32(request, 56, 0xffffffffL);
    assertThat(pass(request)).isEqualTo(Fate.PASS);
    assertThat(Bytes.u32(request, 56)).isEqualTo(FileIds.MOST_ENTRY_BYTES);
    assertThat(pass(Arrays.copyOf(request(Fuse.READDIRPLUS, OLD, 80), 59))).isEqualTo(Fate.INVALID);
  }

  private boolean takes(int opcode, byte[] answer, int count) {
    byte[] request = request(opcode, OLD, 80);
    Bytes.put64(request, 40, OLD);
    assertThat(pass(request)).isEqualTo(Fate.PASS);
    return ids.answer(answer, count, 0);
  }

  @Test
  void whatVirtiofsdCannotHaveMeant() {
    assertThat(takes(Fuse.LOOKUP, entry(5, 144), 23)).isFalse();
    assertThat(takes(Fuse.LOOKUP, entry(1L << 40, 144), 144)).isFalse();
    assertThat(takes(Fuse.LOOKUP, entry(-1, 144), 144)).isFalse();
    assertThat(takes(Fuse.OPEN, entry(1L << 40, 32), 32)).isFalse();
    assertThat(takes(Fuse.OPEN, entry(1, 32), 23)).isFalse();
    assertThat(takes(Fuse.CREATE, entry(5, 160), 151)).isFalse();
    byte[] plus = directory(new long[] {5, 6}, new String[] {"a", "b"});
    assertThat(takes(Fuse.READDIRPLUS, plus.clone(), plus.length - 1)).isFalse();
    assertThat(takes(Fuse.READDIRPLUS, plus.clone(), plus.length - 160 + 3)).isFalse();
    Bytes.put32(plus, 16 + 144, 0xffffffffL);
    assertThat(takes(Fuse.READDIRPLUS, plus, plus.length)).isFalse();
  }

  @Test
  void aMachineThatWasNeverRestoredIsOnlyWatched() {
    FileIds fresh = new FileIds(8, 0, 0);
    for (Shape shape : SHAPES) {
      for (int length = 40; length <= shape.length; length++) {
        byte[] request = Arrays.copyOf(filled(shape, 8 | 5L << 40, -3), length);
        byte[] before = request.clone();
        assertThat(fresh.request(request, 0, length, 0)).isEqualTo(Fate.PASS);
        assertThat(request).isEqualTo(before);
        byte[] answer = new byte[160];
        Bytes.put64(answer, 16, -5);
        Bytes.put64(answer, 144, -5);
        byte[] same = answer.clone();
        assertThat(fresh.answer(answer, length, 0)).isTrue();
        assertThat(answer).isEqualTo(same);
      }
    }
    assertThat(fresh.open().size()).isZero();
    // Handles that no virtiofsd has cannot be kept.
    assertThat(fresh.open().isIncomplete()).isTrue();
  }

  @Test
  void whatIsOpenIsKnown() {
    FileIds fresh = new FileIds(8, 0, 0);
    byte[] open = request(Fuse.OPEN, 12, 48);
    Bytes.put32(open, 40, 0x8402);
    byte[] directory = request(Fuse.OPENDIR, 13, 48);
    byte[] create = request(Fuse.CREATE, 13, 60);
    Bytes.put32(create, 40, 0xc1);
    // In flight together, and answered in another order.
    assertThat(fresh.request(open, 0, open.length, 0)).isEqualTo(Fate.PASS);
    assertThat(fresh.request(directory, 0, directory.length, 1)).isEqualTo(Fate.PASS);
    assertThat(fresh.request(create, 0, create.length, 2)).isEqualTo(Fate.PASS);
    byte[] created = entry(14, 160);
    Bytes.put64(created, 144, 1);
    assertThat(fresh.answer(created, 160, 2)).isTrue();
    assertThat(fresh.answer(entry(0, 32), 32, 1)).isTrue();
    assertThat(fresh.answer(entry(0, 32), 32, 0)).isTrue();
    assertThat(listed(fresh.open()))
        .containsExactlyInAnyOrder("0 file 12 8402", "0 directory 13 0", "1 file 14 c1");
    byte[] release = request(Fuse.RELEASEDIR, 13, 64);
    assertThat(fresh.request(release, 0, 64, 0)).isEqualTo(Fate.PASS);
    assertThat(listed(fresh.open())).containsExactlyInAnyOrder("0 file 12 8402", "1 file 14 c1");
  }

  static List<String> listed(OpenFiles open) {
    List<String> out = new ArrayList<>();
    for (int i = 0; i < open.places(); i++) {
      if (open.isUsed(i)) {
        String kind = open.isDirectory(i) ? " directory " : " file ";
        out.add(open.handle(i) + kind + open.node(i) + " " + Long.toHexString(open.flags(i)));
      }
    }
    return out;
  }

  @Test
  void thereIsAnEndToWhatIsRemembered() {
    FileIds fresh = new FileIds(8, 0, 0);
    for (int i = 0; i <= OpenFiles.MOST; i++) {
      assertThat(fresh.open().isIncomplete()).isFalse();
      byte[] open = request(Fuse.OPEN, i, 48);
      assertThat(fresh.request(open, 0, 48, 0)).isEqualTo(Fate.PASS);
      assertThat(fresh.answer(entry(i, 32), 32, 0)).isTrue();
    }
    assertThat(fresh.open().isIncomplete()).isTrue();
    assertThat(fresh.open().size()).isEqualTo(OpenFiles.MOST);
  }

  @Test
  void openFilesWithoutANameAreCounted() {
    OpenFiles open = new OpenFiles();
    open.add(1, false, 5, 0, 0);
    open.add(2, false, 5, 0, 0);
    open.add(3, false, 6, 0, 0);
    open.add(3, true, 1, 0, 0);
    assertThat(open.unnamed()).isEqualTo(3);
    open.name(5);
    open.name(5);
    open.name(99);
    assertThat(open.unnamed()).isEqualTo(1);
    // Names hold once.
    assertThat(open.unnamed()).isEqualTo(3);
    open.add(3, false, 5, 0, 0);
    open.name(5);
    assertThat(open.unnamed()).isZero();
  }

  @Test
  void initIsKept() {
    FileIds fresh = new FileIds(8, 0, 0);
    byte[] refused = request(Fuse.INIT, 0, 56);
    assertThat(fresh.request(refused, 0, 56, 1)).isEqualTo(Fate.PASS);
    byte[] no = new byte[16];
    Bytes.put32(no, 4, -71);
    assertThat(fresh.answer(no, 16, 1)).isTrue();
    assertThat(fresh.initRequestLength()).isZero();
    byte[] init = request(Fuse.INIT, 0, 104);
    init[44] = 36;
    byte[] another = request(Fuse.INIT, 0, 104);
    assertThat(fresh.request(init, 0, 104, 1)).isEqualTo(Fate.PASS);
    assertThat(fresh.request(another, 0, 104, 2)).isEqualTo(Fate.PASS);
    byte[] answer = entry(7, 80);
    assertThat(fresh.answer(new byte[80], 80, 2)).isTrue();
    assertThat(fresh.initRequestLength()).isZero();
    assertThat(fresh.answer(answer, 80, 1)).isTrue();
    assertThat(fresh.initRequestLength()).isEqualTo(104);
    assertThat(Arrays.copyOf(fresh.initRequest(), 104)).isEqualTo(init);
    assertThat(Arrays.copyOf(fresh.initAnswer(), fresh.initAnswerLength())).isEqualTo(answer);
    FileIds other = new FileIds(8, 0, 0);
    byte[] much = request(Fuse.INIT, 0, 257);
    assertThat(other.request(much, 0, 257, 1)).isEqualTo(Fate.PASS);
    assertThat(other.answer(answer, 80, 1)).isTrue();
    assertThat(other.initRequestLength()).isZero();
  }

  @Test
  void anythingMayCome() {
    Random random = new Random(2);
    for (int i = 0; i < 200_000; i++) {
      FileIds some = i % 2 == 0 ? ids : new FileIds(8, 0, 0);
      int length = 40 + random.nextInt(120);
      byte[] all = new byte[10 + length + 30];
      random.nextBytes(all);
      byte[] before = all.clone();
      Bytes.put32(all, 10, length);
      Bytes.put32(all, 14, random.nextInt(55));
      if (length >= 48 && random.nextBoolean()) {
        Bytes.put64(all, 26, OLD);
        Bytes.put64(all, 50, random.nextInt(8) | (random.nextBoolean() ? NEW : 0));
      }
      Fate fate = some.request(all, 10, length, i % 8);
      assertThat(fate).isNotNull();
      assertThat(Bytes.u32(all, 10)).isBetween(40L, (long) length);
      assertThat(Arrays.copyOf(all, 10)).isEqualTo(Arrays.copyOf(before, 10));
      int end = 10 + length;
      assertThat(Arrays.copyOfRange(all, end, end + 30))
          .isEqualTo(Arrays.copyOfRange(before, end, end + 30));
      byte[] answer = new byte[200];
      random.nextBytes(answer);
      Bytes.put32(answer, 4, random.nextInt(2));
      int count = random.nextInt(200);
      byte[] rest = Arrays.copyOfRange(answer, count, 200);
      boolean fine = some.answer(answer, count, i % 8);
      assertThat(fine || some == ids).isTrue();
      assertThat(Arrays.copyOfRange(answer, count, 200)).isEqualTo(rest);
    }
  }
}
