package dev.coracle.machine;

import static dev.coracle.abi.Fcntl.MFD_CLOEXEC;
import static dev.coracle.abi.Fcntl.O_CLOEXEC;
import static dev.coracle.abi.Fcntl.O_NONBLOCK;
import static dev.coracle.abi.Process.POLLIN;
import static dev.coracle.abi.Process.POLLOUT;

import dev.coracle.abi.Bytes;
import dev.coracle.kernel.Errno;
import dev.coracle.kernel.Kernel;
import dev.coracle.vm.VhostUser;
import org.jspecify.annotations.Nullable;

/**
 * Carries requests of FUSE between a guest and virtiofsd: what comes from the guest's port is put
 * into a queue of virtio in memory that is shared with virtiofsd, as QEMU would do it. So a guest
 * needs no device for its files, and its own memory is shared with nobody: it can be a copy of
 * another's.
 *
 * <p>A request is trusted for nothing but its length. It is a process of its own, without any
 * privilege, and allocates nothing once it runs.
 */
final class FilesRelay {
  /** virtiofsd takes no more at once: 256 pages, and a page for what is in front of them. */
  private static final int MOST_BYTES = (1 << 20) + 4096;

  private static final int LEAST_BYTES = 40; // struct fuse_in_header, linux/fuse.h
  private static final int OPCODE_AT = 4;
  private static final int READ = 15;
  private static final int READ_SIZE_AT = LEAST_BYTES + 16; // size of struct fuse_read_in
  private static final int READ_BYTES = LEAST_BYTES + 40;
  private static final int ANSWER_HEADER_BYTES = 16; // struct fuse_out_header
  private static final int FORGET = 2;
  private static final int BATCH_FORGET = 42;

  /** As many requests at once; the lowest free place is taken, so that most stay untouched. */
  private static final int SLOTS = 8;

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

  private static final int CHUNK_BYTES = 64 * 1024;
  private static final int ENDED = 1;
  private static final int PORT = 0;
  private static final int CALL = 1;
  private static final int SERVER = 2;

  private final Kernel k;
  private final int port;
  private final int server;
  private int memory;
  private int kick;
  private int call;

  private final byte[] input = new byte[MOST_BYTES + CHUNK_BYTES];
  private int inputEnd;
  private final byte[] small = new byte[32];
  private final byte[] used = new byte[USED_BYTES];
  private final byte[] output = new byte[CHUNK_BYTES];
  private final boolean[] taken = new boolean[SLOTS];
  private final boolean[] silent = new boolean[SLOTS];
  private final int[] rooms = new int[SLOTS];
  private int available;
  private int usedSeen;

  /** Answers in the order in which they are to be sent: places, and their lengths. */
  private final int[] answers = new int[SLOTS];

  private final int[] lengths = new int[SLOTS];
  private int firstAnswer;
  private int answerCount;
  private int answerSent;
  private int outputFrom;
  private int outputTo;

  private FilesRelay(Kernel k, int port, int server) {
    this.k = k;
    this.port = port;
    this.server = server;
  }

  /**
   * Carries until one of both ends.
   *
   * @param port a socket of the guest's port
   * @param server a socket that is connected to virtiofsd
   * @return the exit status of the process that does it
   */
  static int run(Kernel k, int port, int server) {
    FilesRelay relay = new FilesRelay(k, port, server);
    String problem = relay.setUp();
    if (problem == null) {
      problem = relay.carry();
    }
    if (problem != null) {
      Words.say(k, problem);
    }
    return ENDED;
  }

  private @Nullable String setUp() {
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

  private static long requestAt(int slot) {
    return SLOTS_AT + 2L * slot * MOST_BYTES;
  }

  private static long answerAt(int slot) {
    return requestAt(slot) + MOST_BYTES;
  }

  /**
   * Gives an answer its room. Of a file virtiofsd reads as much as there is room for, and finds
   * fault with more than was asked for.
   */
  private long describeAnswer(int slot, int length) {
    if (rooms[slot] == length) {
      return 0;
    }
    rooms[slot] = length;
    return describe(2 * slot + 1, answerAt(slot), length, WRITE, 0);
  }

  private long answerRoom(int at, int length) {
    boolean reads = Bytes.u32(input, at + OPCODE_AT) == READ && length >= READ_BYTES;
    return reads ? ANSWER_HEADER_BYTES + Bytes.u32(input, at + READ_SIZE_AT) : MOST_BYTES;
  }

  private long describe(int index, long at, int length, int flags, int next) {
    Bytes.put64(small, 0, at);
    Bytes.put32(small, 8, length);
    Bytes.put16(small, 12, flags);
    Bytes.put16(small, 14, next);
    long where = DESCRIPTORS_AT + (long) index * DESCRIPTOR_BYTES;
    return k.pwrite64(memory, small, 0, DESCRIPTOR_BYTES, where);
  }

  private @Nullable String carry() {
    int[] fds = {port, call, server};
    short[] events = {POLLIN, POLLIN, POLLIN};
    short[] happened = new short[fds.length];
    while (true) {
      boolean room = freeSlot() >= 0;
      boolean pending = answerCount > 0 || outputFrom < outputTo;
      events[PORT] = (short) ((room ? POLLIN : 0) | (pending ? POLLOUT : 0));
      long n = k.poll(fds, events, happened, -1);
      if (n < 0 && n != -Errno.EINTR) {
        return "cannot wait for the guest's files: " + k.explain(n);
      }
      if (n <= 0) {
        continue;
      }
      if (happened[SERVER] != 0) {
        return "virtiofsd is gone";
      }
      if (happened[CALL] != 0) {
        n = takeAnswers();
      }
      if (n >= 0 && (answerCount > 0 || outputFrom < outputTo)) {
        n = sendAnswers();
      }
      if (n >= 0 && room && (happened[PORT] & ~POLLOUT) != 0) {
        n = k.read(port, input, inputEnd, input.length - inputEnd);
        if (n == 0) {
          return null;
        }
        inputEnd += (int) Math.max(0, n);
      }
      if (n >= 0) {
        n = passRequests();
        if (n == -Errno.EPROTO) {
          return "the guest broke the protocol of its files";
        }
      }
      if (n < 0 && n != -Errno.EAGAIN && n != -Errno.EINTR) {
        return "cannot carry the guest's files: " + k.explain(n);
      }
    }
  }

  private int freeSlot() {
    for (int slot = 0; slot < SLOTS; slot++) {
      if (!taken[slot]) {
        return slot;
      }
    }
    return -1;
  }

  /** Passes on what has come whole, as far as there are places for it. */
  private long passRequests() {
    int at = 0;
    long result = 0;
    boolean passed = false;
    int slot = freeSlot();
    while (result >= 0 && slot >= 0 && inputEnd - at >= LEAST_BYTES) {
      long length = Bytes.u32(input, at);
      if (length < LEAST_BYTES || length > MOST_BYTES) {
        return -Errno.EPROTO;
      }
      if (inputEnd - at < length) {
        break;
      }
      result = put(slot, at, (int) length);
      passed = true;
      at += (int) length;
      slot = freeSlot();
    }
    if (at > 0) {
      System.arraycopy(input, at, input, 0, inputEnd - at);
      inputEnd -= at;
    }
    if (passed && result >= 0) {
      Bytes.put64(small, 0, 1);
      result = k.write(kick, small, 0, 8);
    }
    return result;
  }

  private long put(int slot, int at, int length) {
    taken[slot] = true;
    long opcode = Bytes.u32(input, at + OPCODE_AT);
    long room = answerRoom(at, length);
    if (room > MOST_BYTES) {
      return -Errno.EPROTO;
    }
    silent[slot] = opcode == FORGET || opcode == BATCH_FORGET;
    long result = k.pwrite64(memory, input, at, length, requestAt(slot));
    if (result >= 0) {
      result = describeAnswer(slot, (int) room);
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

  /** Looks at what virtiofsd has done. */
  private long takeAnswers() {
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
      if (slot < 0 || slot >= SLOTS || !taken[slot] || length > MOST_BYTES) {
        return -Errno.EPROTO;
      }
      usedSeen = usedSeen + 1 & 0xffff;
      if (silent[slot] || length == 0) {
        taken[slot] = false;
        continue;
      }
      int place = (firstAnswer + answerCount) % SLOTS;
      answers[place] = slot;
      lengths[place] = (int) length;
      answerCount++;
    }
    return 0;
  }

  /** Sends what the guest takes. */
  private long sendAnswers() {
    while (true) {
      while (outputFrom < outputTo) {
        long n = k.write(port, output, outputFrom, outputTo - outputFrom);
        if (n < 0) {
          return n == -Errno.EAGAIN ? 0 : n;
        }
        outputFrom += (int) n;
      }
      if (answerCount == 0) {
        return 0;
      }
      int slot = answers[firstAnswer];
      int left = lengths[firstAnswer] - answerSent;
      int count = Math.min(left, output.length);
      long n = k.pread64(memory, output, 0, count, answerAt(slot) + answerSent);
      if (n < count) {
        return n < 0 ? n : -Errno.EIO;
      }
      outputFrom = 0;
      outputTo = count;
      answerSent += count;
      if (answerSent == lengths[firstAnswer]) {
        taken[slot] = false;
        firstAnswer = (firstAnswer + 1) % SLOTS;
        answerCount--;
        answerSent = 0;
      }
    }
  }
}
