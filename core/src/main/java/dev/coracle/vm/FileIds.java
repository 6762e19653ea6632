package dev.coracle.vm;

import dev.coracle.abi.Bytes;

/**
 * What a guest calls its files, and what virtiofsd calls them: numbers of nodes and of handles in
 * requests and answers of FUSE, which are read, and where need be changed, in place.
 *
 * <p>As long as a machine was never restored both say the same, and what is open is remembered for
 * a checkpoint. A restored machine has another virtiofsd. The guest goes on with the numbers that
 * it knows; what is new to it has the epoch, which is how often it was restored, above bit 40, so
 * that it has each number once.
 *
 * <p>Requests are hostile: a number that nobody has given the guest is refused, and none of it
 * makes a table grow.
 */
public final class FileIds {
  /** So many files of a checkpoint can be known again. */
  public static final int MOST_NODES = 1 << 18;

  /** An epoch is below this. */
  public static final int MOST_EPOCH = 1 << 20;

  private static final int EPOCH_SHIFT = 40;
  private static final long OWN_MASK = (1L << EPOCH_SHIFT) - 1;
  private static final long NONE = -1;

  /** A READDIRPLUS of a restored machine is answered with so many bytes at most. */
  public static final int MOST_ENTRY_BYTES = 32 * 1024;

  /** INIT and its answer are shorter. */
  public static final int MOST_INIT_BYTES = 256;

  /** What becomes of a request. */
  public enum Fate {
    /** It is passed on. */
    PASS,
    /** It has been dealt with, and has no answer. */
    DROP,
    /** It names what is not there any more: ESTALE. */
    STALE,
    /** It is too short for what it is: EINVAL. */
    INVALID
  }

  private final long epoch;
  private final LongTable servers;
  private final LongTable guests;
  private final OpenFiles open = new OpenFiles();

  // Of the requests that are on their way.
  private final int[] opcodes;
  private final long[] nodes;
  private final long[] flags;

  private final byte[] initRequest = new byte[MOST_INIT_BYTES];
  private final byte[] initAnswer = new byte[MOST_INIT_BYTES];
  private int initRequestLength;
  private int initAnswerLength;
  private int initSlot = -1;

  /**
   * Nothing is open.
   *
   * @param slots how many requests are on their way at most
   * @param epoch how often the machine was restored
   * @param known how many nodes the guest knows from before
   */
  public FileIds(int slots, long epoch, int known) {
    this.epoch = epoch;
    servers = new LongTable(1, known, known);
    guests = new LongTable(1, known, known);
    opcodes = new int[slots];
    nodes = new long[slots];
    flags = new long[slots];
  }

  public long epoch() {
    return epoch;
  }

  /** What is open. */
  public OpenFiles open() {
    return open;
  }

  /** The first INIT that was answered without an error. */
  public byte[] initRequest() {
    return initRequest;
  }

  /** Its length; 0 where there was none, or one that is too long. */
  public int initRequestLength() {
    return initAnswerLength == 0 ? 0 : initRequestLength;
  }

  public byte[] initAnswer() {
    return initAnswer;
  }

  public int initAnswerLength() {
    return initAnswerLength;
  }

  /** Says what INIT was, and its answer. */
  public void setInit(byte[] request, int requestLength, byte[] answer, int answerLength) {
    System.arraycopy(request, 0, initRequest, 0, requestLength);
    System.arraycopy(answer, 0, initAnswer, 0, answerLength);
    initRequestLength = requestLength;
    initAnswerLength = answerLength;
  }

  /** The guest knows a node from before. What is said first of one of both goes on to hold. */
  public void know(long guest, long server) {
    knowOne(servers, guest, server);
    knowOne(guests, server, guest);
  }

  private static void knowOne(LongTable table, long key, long value) {
    int place = table.find(key) < 0 ? table.put(key) : -1;
    if (place >= 0) {
      table.set(place, 0, value);
    }
  }

  /** What virtiofsd calls a node of the guest's, or −1. */
  public long server(long guest) {
    if (epoch == 0 || guest == 0 || guest == Fuse.ROOT_ID) {
      return guest;
    }
    int place = servers.find(guest);
    if (place >= 0) {
      return servers.get(place, 0);
    }
    long server = own(guest);
    // The guest was given another number for what it knows from before.
    return server <= Fuse.ROOT_ID || guests.find(server) >= 0 ? NONE : server;
  }

  /** A number that was given in this epoch, or −1. */
  private long own(long guest) {
    long server = guest & OWN_MASK;
    return guest >>> EPOCH_SHIFT == epoch ? server : NONE;
  }

  /** What the guest calls a node of virtiofsd's; −1 where that cannot be one. */
  public long guest(long server) {
    if (epoch == 0 || server == 0 || server == Fuse.ROOT_ID) {
      return server;
    }
    int place = guests.find(server);
    return place >= 0 ? guests.get(place, 0) : shown(server);
  }

  private long shown(long server) {
    return server >>> EPOCH_SHIFT == 0 ? server | epoch << EPOCH_SHIFT : NONE;
  }

  /**
   * Reads a whole request, and changes it to what virtiofsd knows. It may be shorter then, as its
   * first four bytes say.
   *
   * @param slot its number while it is on its way, unless it is refused
   */
  public Fate request(byte[] b, int at, int length, int slot) {
    int opcode = (int) Bytes.u32(b, at + Fuse.OPCODE_AT);
    opcodes[slot] = opcode;
    nodes[slot] = Bytes.i64(b, at + Fuse.NODE_AT);
    int released = -1;
    switch (opcode) {
      case Fuse.INIT -> keepInit(b, at, length, slot);
      case Fuse.OPEN, Fuse.OPENDIR, Fuse.CREATE, Fuse.TMPFILE ->
          flags[slot] = length < Fuse.OPEN_BYTES ? 0 : Bytes.u32(b, at + Fuse.OPEN_FLAGS_AT);
      case Fuse.RELEASE, Fuse.RELEASEDIR -> {
        if (length >= Fuse.RELEASE_BYTES) {
          long handle = Bytes.i64(b, at + Fuse.HANDLE_AT);
          released = open.find(handle, opcode == Fuse.RELEASEDIR);
        }
      }
      default -> {}
    }
    Fate fate = epoch == 0 ? Fate.PASS : translate(b, at, length, opcode);
    if (released >= 0 && fate == Fate.PASS) {
      open.remove(released);
    }
    return fate;
  }

  private void keepInit(byte[] b, int at, int length, int slot) {
    if (initAnswerLength == 0 && initSlot < 0 && length <= initRequest.length) {
      System.arraycopy(b, at, initRequest, 0, length);
      initRequestLength = length;
      initSlot = slot;
    }
  }

  private Fate translate(byte[] b, int at, int length, int opcode) {
    if (opcode == Fuse.FORGET) {
      return forget(b, at, length);
    }
    if (opcode == Fuse.BATCH_FORGET) {
      return forgetSome(b, at, length);
    }
    Fate fate = node(b, at, length, Fuse.NODE_AT);
    if (fate != Fate.PASS) {
      return fate;
    }
    return switch (opcode) {
      case Fuse.GETATTR -> attributes(b, at, length, Fuse.FUSE_GETATTR_FH);
      case Fuse.SETATTR -> attributes(b, at, length, Fuse.FATTR_FH);
      case Fuse.RENAME, Fuse.RENAME2, Fuse.LINK -> node(b, at, length, Fuse.OTHER_NODE_AT);
      case Fuse.READ,
          Fuse.WRITE,
          Fuse.RELEASE,
          Fuse.FSYNC,
          Fuse.FLUSH,
          Fuse.GETLK,
          Fuse.SETLK,
          Fuse.SETLKW,
          Fuse.POLL,
          Fuse.FALLOCATE,
          Fuse.LSEEK ->
          handle(b, at, length, Fuse.HANDLE_AT, false);
      case Fuse.READDIR, Fuse.RELEASEDIR, Fuse.FSYNCDIR ->
          handle(b, at, length, Fuse.HANDLE_AT, true);
      case Fuse.READDIRPLUS -> entriesOf(b, at, length);
      case Fuse.IOCTL -> control(b, at, length);
      case Fuse.COPY_FILE_RANGE -> copy(b, at, length);
      default -> Fate.PASS;
    };
  }

  private Fate node(byte[] b, int at, int length, int offset) {
    if (length < offset + 8) {
      return Fate.INVALID;
    }
    long server = server(Bytes.i64(b, at + offset));
    if (server == NONE) {
      return Fate.STALE;
    }
    Bytes.put64(b, at + offset, server);
    return Fate.PASS;
  }

  private Fate handle(byte[] b, int at, int length, int offset, boolean directory) {
    if (length < offset + 8) {
      return Fate.INVALID;
    }
    long guest = Bytes.i64(b, at + offset);
    int place = open.find(guest, directory);
    long server = place >= 0 ? open.server(place) : own(guest);
    if (server == NONE) {
      return Fate.STALE;
    }
    Bytes.put64(b, at + offset, server);
    return Fate.PASS;
  }

  private Fate attributes(byte[] b, int at, int length, int flag) {
    if (length < Fuse.ATTR_HANDLE_AT + 8) {
      return Fate.INVALID;
    }
    boolean has = (Bytes.u32(b, at + Fuse.ATTR_FLAGS_AT) & flag) != 0;
    return has ? handle(b, at, length, Fuse.ATTR_HANDLE_AT, false) : Fate.PASS;
  }

  private Fate control(byte[] b, int at, int length) {
    if (length < Fuse.IOCTL_FLAGS_AT + 4) {
      return Fate.INVALID;
    }
    boolean directory = (Bytes.u32(b, at + Fuse.IOCTL_FLAGS_AT) & Fuse.FUSE_IOCTL_DIR) != 0;
    return handle(b, at, length, Fuse.HANDLE_AT, directory);
  }

  private Fate copy(byte[] b, int at, int length) {
    Fate fate = handle(b, at, length, Fuse.HANDLE_AT, false);
    if (fate == Fate.PASS) {
      fate = node(b, at, length, Fuse.COPY_NODE_AT);
    }
    return fate == Fate.PASS ? handle(b, at, length, Fuse.COPY_HANDLE_AT, false) : fate;
  }

  /** Asks for no more entries than can be changed in one piece. */
  private Fate entriesOf(byte[] b, int at, int length) {
    if (length < Fuse.READ_SIZE_AT + 4) {
      return Fate.INVALID;
    }
    if (Bytes.u32(b, at + Fuse.READ_SIZE_AT) > MOST_ENTRY_BYTES) {
      Bytes.put32(b, at + Fuse.READ_SIZE_AT, MOST_ENTRY_BYTES);
    }
    return handle(b, at, length, Fuse.HANDLE_AT, true);
  }

  /**
   * What virtiofsd is to forget of a node, or −1. It never forgets what the guest knows from
   * before: what the guest knows of it was said to another virtiofsd.
   */
  private long forgotten(long guest) {
    return servers.find(guest) >= 0 ? NONE : server(guest);
  }

  private Fate forget(byte[] b, int at, int length) {
    long server = forgotten(Bytes.i64(b, at + Fuse.NODE_AT));
    if (server == NONE || length < Fuse.FORGET_BYTES) {
      return Fate.DROP;
    }
    Bytes.put64(b, at + Fuse.NODE_AT, server);
    return Fate.PASS;
  }

  private Fate forgetSome(byte[] b, int at, int length) {
    if (length < Fuse.BATCH_AT) {
      return Fate.DROP;
    }
    long count = Bytes.u32(b, at + Fuse.BATCH_COUNT_AT);
    if (count > (length - Fuse.BATCH_AT) / Fuse.BATCH_ONE_BYTES) {
      return Fate.DROP;
    }
    int kept = 0;
    for (int i = 0; i < count; i++) {
      int from = at + Fuse.BATCH_AT + i * Fuse.BATCH_ONE_BYTES;
      long server = forgotten(Bytes.i64(b, from));
      if (server != NONE) {
        int to = at + Fuse.BATCH_AT + kept * Fuse.BATCH_ONE_BYTES;
        Bytes.put64(b, to, server);
        Bytes.put64(b, to + 8, Bytes.i64(b, from + 8));
        kept++;
      }
    }
    Bytes.put32(b, at + Fuse.BATCH_COUNT_AT, kept);
    Bytes.put32(b, at, Fuse.BATCH_AT + (long) kept * Fuse.BATCH_ONE_BYTES);
    return kept == 0 ? Fate.DROP : Fate.PASS;
  }

  /**
   * Reads an answer, and changes it to what the guest knows.
   *
   * @param b has its first bytes
   * @param count how many: at least 160, or all of them; of a READDIRPLUS all
   * @return false where virtiofsd cannot have meant it
   */
  public boolean answer(byte[] b, int count, int slot) {
    int opcode = opcodes[slot];
    if (count < Fuse.ANSWER_BYTES || Bytes.u32(b, Fuse.ERROR_AT) != 0) {
      initSlot = slot == initSlot ? -1 : initSlot;
      return true;
    }
    return switch (opcode) {
      case Fuse.INIT -> {
        if (slot == initSlot && count <= initAnswer.length) {
          System.arraycopy(b, 0, initAnswer, 0, count);
          initAnswerLength = count;
        }
        initSlot = slot == initSlot ? -1 : initSlot;
        yield true;
      }
      case Fuse.LOOKUP, Fuse.SYMLINK, Fuse.MKNOD, Fuse.MKDIR, Fuse.LINK ->
          entry(b, Fuse.FIRST_AT, count);
      case Fuse.OPEN -> opened(b, Fuse.FIRST_AT, count, slot, nodes[slot]);
      case Fuse.OPENDIR -> opened(b, Fuse.FIRST_AT, count, slot, nodes[slot]);
      case Fuse.CREATE, Fuse.TMPFILE ->
          entry(b, Fuse.FIRST_AT, count) && opened(b, Fuse.CREATED_HANDLE_AT, count, slot, NONE);
      case Fuse.READDIRPLUS -> epoch == 0 || entries(b, count);
      default -> true;
    };
  }

  private boolean entry(byte[] b, int at, int count) {
    if (epoch == 0) {
      return true;
    }
    long guest = count < at + 8 ? NONE : guest(Bytes.i64(b, at));
    if (guest == NONE) {
      return false;
    }
    Bytes.put64(b, at, guest);
    return true;
  }

  /**
   * A file has been opened.
   *
   * @param node which, or −1 where the answer says so
   */
  private boolean opened(byte[] b, int at, int count, int slot, long node) {
    if (count < at + 8) {
      return epoch == 0;
    }
    long server = Bytes.i64(b, at);
    long guest = epoch == 0 ? server : shown(server);
    if (epoch != 0 && guest == NONE) {
      return false;
    }
    long of = node == NONE ? Bytes.i64(b, Fuse.FIRST_AT) : node;
    open.add(guest, opcodes[slot] == Fuse.OPENDIR, of, flags[slot], server);
    Bytes.put64(b, at, guest);
    return true;
  }

  private boolean entries(byte[] b, int count) {
    int at = Fuse.FIRST_AT;
    while (at < count) {
      if (count - at < Fuse.PLUS_NAME_AT) {
        return false;
      }
      long name = Bytes.u32(b, at + Fuse.PLUS_LENGTH_AT);
      // Each begins at a multiple of eight.
      long next = at + (Fuse.PLUS_NAME_AT + name + 7 & ~7L);
      if (next > count || !entry(b, at, count)) {
        return false;
      }
      at = (int) next;
    }
    return true;
  }
}
