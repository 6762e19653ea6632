package dev.coracle.machine;

import static dev.coracle.abi.Fcntl.MFD_CLOEXEC;
import static dev.coracle.abi.Fcntl.O_CLOEXEC;
import static dev.coracle.abi.Fcntl.O_NONBLOCK;
import static dev.coracle.abi.Process.POLLIN;

import dev.coracle.abi.Bytes;
import dev.coracle.kernel.Errno;
import dev.coracle.kernel.Kernel;
import dev.coracle.vm.Fuse;
import dev.coracle.vm.VhostUser;
import org.jspecify.annotations.Nullable;

/**
 * A queue of virtio to virtiofsd, in memory that is shared with it, as QEMU would have one (virtio
 * 1.2, split virtqueues). It allocates nothing once it is set up.
 */
final class FilesQueue {
  /** virtiofsd takes no more at once: 256 pages, and a page for what is in front of them. */
  static final int MOST_BYTES = (1 << 20) + 4096;

  /** As many requests at once; the lowest free place is taken, so that most stay untouched. */
  static final int SLOTS = 8;

  private static final int QUEUE = 2 * SLOTS;
  private static final int DESCRIPTOR_BYTES = 16;
  private static final int DESCRIPTORS_AT = 0;
  private static final int AVAILABLE_AT = 1024;
  private static final int USED_AT = 2048;
  private static final int USED_BYTES = 4 + 8 * QUEUE;
  private static final int SLOTS_AT = 4096;
  private static final long REGION_BYTES = SLOTS_AT + 2L * SLOTS * MOST_BYTES;

  // Flags of a descriptor: another one follows; it is written by the other side.
  private static final int NEXT = 1;
  private static final int WRITE = 2;

  private final Kernel k;
  private final int server;
  private int memory;
  private int kick;
  private int call;

  private final byte[] small = new byte[32];
  private final byte[] used = new byte[USED_BYTES];
  private final boolean[] taken = new boolean[SLOTS];
  private final boolean[] silent = new boolean[SLOTS];

  /** Whether virtiofsd has it. */
  private final boolean[] asked = new boolean[SLOTS];

  private final int[] rooms = new int[SLOTS];
  private int available;
  private int usedSeen;

  /** Answers in the order in which they came: places, and their lengths. */
  private final int[] answers = new int[SLOTS];

  private final int[] lengths = new int[SLOTS];
  private int firstAnswer;
  private int answerCount;

  private final int[] waitedFor = new int[2];
  private final short[] events = {POLLIN, POLLIN};
  private final short[] happened = new short[2];

  /**
   * A queue that is not set up.
   *
   * @param server a socket that is connected to virtiofsd
   */
  FilesQueue(Kernel k, int server) {
    this.k = k;
    this.server = server;
  }

  /** Sets it up; the text is why that cannot be. */
  @Nullable String setUp() {
    long result = k.memfd_create("coracle-files", MFD_CLOEXEC);
    memory = (int) result;
    if (result >= 0) {
      // One byte at its end makes it as long as it must be; what is not touched is not there.
      result = k.pwrite64(memory, small, 0, 1, REGION_BYTES - 1);
    }
    if (result >= 0) {
      result = k.eventfd2(0, O_CLOEXEC);
      kick = (int) result;
    }
    if (result >= 0) {
      result = k.eventfd2(0, O_CLOEXEC | O_NONBLOCK);
      call = (int) result;
    }
    if (result < 0) {
      return "cannot make the queue for the guest's files: " + k.explain(result);
    }
    waitedFor[0] = call;
    waitedFor[1] = server;
    byte[] answer = new byte[VhostUser.ANSWER_BYTES];
    result = send(VhostUser.getFeatures(), -1);
    int at = 0;
    while (result > 0 && at < answer.length) {
      result = k.read(server, answer, at, answer.length - at);
      at += (int) Math.max(0, result);
    }
    if (at < answer.length || !VhostUser.isModern(answer)) {
      return "virtiofsd does not answer as it should";
    }
    result = send(VhostUser.setOwner(), -1);
    result = result < 0 ? result : send(VhostUser.setFeatures(), -1);
    result = result < 0 ? result : send(VhostUser.setMemory(REGION_BYTES), memory);
    result = result < 0 ? result : send(VhostUser.setSize(QUEUE), -1);
    result = result < 0 ? result : send(VhostUser.setBase(), -1);
    byte[] addresses = VhostUser.setAddresses(DESCRIPTORS_AT, AVAILABLE_AT, USED_AT);
    result = result < 0 ? result : send(addresses, -1);
    result = result < 0 ? result : send(VhostUser.setCall(), call);
    result = result < 0 ? result : send(VhostUser.setKick(), kick);
    return result < 0 ? "cannot speak with virtiofsd: " + k.explain(result) : null;
  }

  private long send(byte[] message, int fd) {
    return fd < 0
        ? k.write(server, message, 0, message.length)
        : k.sendMessage(server, message, fd);
  }

  /** Becomes readable when {@link #takeAnswers} has something to do. */
  int call() {
    return call;
  }

  /** A place for another request, or −1. */
  int freeSlot() {
    for (int slot = 0; slot < SLOTS; slot++) {
      if (!taken[slot]) {
        return slot;
      }
    }
    return -1;
  }

  /** Whether virtiofsd owes nothing, and no answer is left. */
  boolean isIdle() {
    for (int slot = 0; slot < SLOTS; slot++) {
      if (taken[slot]) {
        return false;
      }
    }
    return true;
  }

  private static long requestAt(int slot) {
    return SLOTS_AT + 2L * slot * MOST_BYTES;
  }

  private static long answerAt(int slot) {
    return requestAt(slot) + MOST_BYTES;
  }

  /**
   * Puts a request into a free place; {@link #kick} says so. Of a file virtiofsd reads as much as
   * there is room for, and finds fault with more than was asked for: so a READ has that room, and
   * all others what there is.
   */
  long put(int slot, byte[] from, int at, int length) {
    int opcode = (int) Bytes.u32(from, at + Fuse.OPCODE_AT);
    long room = MOST_BYTES;
    if (opcode == Fuse.READ && length >= Fuse.READ_BYTES) {
      room = Fuse.ANSWER_BYTES + Bytes.u32(from, at + Fuse.READ_SIZE_AT);
    }
    if (room > MOST_BYTES) {
      return -Errno.EPROTO;
    }
    taken[slot] = true;
    asked[slot] = true;
    silent[slot] = Fuse.isSilent(opcode);
    long result = k.pwrite64(memory, from, at, length, requestAt(slot));
    if (result >= 0 && rooms[slot] != room) {
      rooms[slot] = (int) room;
      result = describe(2 * slot + 1, answerAt(slot), rooms[slot], WRITE, 0);
    }
    if (result >= 0) {
      int flags = silent[slot] ? 0 : NEXT;
      result = describe(2 * slot, requestAt(slot), length, flags, 2 * slot + 1);
    }
    if (result >= 0) {
      Bytes.put16(small, 0, 2L * slot);
      long entry = AVAILABLE_AT + 4 + 2L * (available % QUEUE);
      result = k.pwrite64(memory, small, 0, 2, entry);
    }
    if (result >= 0) {
      available = available + 1 & 0xffff;
      Bytes.put16(small, 0, available);
      result = k.pwrite64(memory, small, 0, 2, AVAILABLE_AT + 2);
    }
    return result;
  }

  private long describe(int index, long at, int length, int flags, int next) {
    Bytes.put64(small, 0, at);
    Bytes.put32(small, 8, length);
    Bytes.put16(small, 12, flags);
    Bytes.put16(small, 14, next);
    long where = DESCRIPTORS_AT + (long) index * DESCRIPTOR_BYTES;
    return k.pwrite64(memory, small, 0, DESCRIPTOR_BYTES, where);
  }

  /** Tells virtiofsd that there are requests. */
  long kick() {
    Bytes.put64(small, 0, 1);
    return k.write(kick, small, 0, 8);
  }

  /** Answers a request, which is not put into a place that is free, with an error. */
  long refuse(int slot, byte[] request, int at, int errno) {
    Bytes.put32(small, 0, Fuse.ANSWER_BYTES);
    Bytes.put32(small, Fuse.ERROR_AT, -errno);
    Bytes.put64(small, Fuse.UNIQUE_AT, Bytes.i64(request, at + Fuse.UNIQUE_AT));
    long result = k.pwrite64(memory, small, 0, Fuse.ANSWER_BYTES, answerAt(slot));
    if (result >= 0) {
      taken[slot] = true;
      answered(slot, Fuse.ANSWER_BYTES);
    }
    return result;
  }

  /** Looks at what virtiofsd has done. */
  long takeAnswers() {
    long result = k.read(call, small, 0, 8);
    if (result >= 0) {
      result = k.pread64(memory, used, 0, used.length, USED_AT);
    }
    if (result < 0) {
      return result;
    }
    int now = Bytes.u16(used, 2);
    while (usedSeen != now) {
      int at = 4 + 8 * (usedSeen % QUEUE);
      int slot = (int) Bytes.u32(used, at) / 2;
      long length = Bytes.u32(used, at + 4);
      if (slot < 0 || slot >= SLOTS || !asked[slot] || length > MOST_BYTES) {
        return -Errno.EPROTO;
      }
      usedSeen = usedSeen + 1 & 0xffff;
      asked[slot] = false;
      if (silent[slot] || length == 0) {
        taken[slot] = false;
      } else {
        answered(slot, (int) length);
      }
    }
    return 0;
  }

  private void answered(int slot, int length) {
    int place = (firstAnswer + answerCount) % SLOTS;
    answers[place] = slot;
    lengths[place] = length;
    answerCount++;
  }

  /** Whether there is an answer. */
  boolean hasAnswer() {
    return answerCount > 0;
  }

  /** The place of the first answer. */
  int answerSlot() {
    return answers[firstAnswer];
  }

  int answerLength() {
    return lengths[firstAnswer];
  }

  /** Reads of the first answer, from an offset on; all that is asked for, or −errno. */
  long readAnswer(byte[] into, int count, int offset) {
    long n = k.pread64(memory, into, 0, count, answerAt(answerSlot()) + offset);
    return n >= 0 && n < count ? -Errno.EIO : n;
  }

  /** Gives the place of the first answer free. */
  void dropAnswer() {
    taken[answerSlot()] = false;
    firstAnswer = (firstAnswer + 1) % SLOTS;
    answerCount--;
  }

  /**
   * Asks virtiofsd and waits; nothing else may be on its way.
   *
   * @param answer gets the beginning of the answer
   * @return how much of it; 0 where the request has no answer; −errno where virtiofsd is gone
   */
  long ask(byte[] request, int length, byte[] answer) {
    long result = put(0, request, 0, length);
    result = result < 0 ? result : kick();
    while (result >= 0 && taken[0] && !hasAnswer()) {
      result = k.poll(waitedFor, events, happened, -1);
      if (result >= 0 && happened[1] != 0) {
        result = -Errno.ECONNRESET;
      } else if (result >= 0 && happened[0] != 0) {
        result = takeAnswers();
      }
      result = result == -Errno.EINTR || result == -Errno.EAGAIN ? 0 : result;
    }
    if (result < 0 || !hasAnswer()) {
      return result < 0 ? result : 0;
    }
    result = readAnswer(answer, Math.min(answer.length, answerLength()), 0);
    dropAnswer();
    return result >= 0 && result < Fuse.ANSWER_BYTES ? -Errno.EPROTO : result;
  }
}
