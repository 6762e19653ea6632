package dev.coracle.machine;

import static dev.coracle.abi.Process.POLLIN;
import static dev.coracle.abi.Process.POLLOUT;
import static dev.coracle.abi.Process.SIOCOUTQ;

import dev.coracle.abi.Bytes;
import dev.coracle.kernel.Errno;
import dev.coracle.kernel.Kernel;
import dev.coracle.vm.FileIds;
import dev.coracle.vm.FileIds.Fate;
import dev.coracle.vm.FilesState;
import dev.coracle.vm.Fuse;
import org.jspecify.annotations.Nullable;

/**
 * Carries requests of FUSE between a guest and virtiofsd: what comes from the guest's port is put
 * into a queue of virtio in memory that is shared with virtiofsd, as QEMU would do it. So a guest
 * needs no device for its files, and its own memory is shared with nobody: it can be a copy of
 * another's.
 *
 * <p>A request is trusted for nothing but its length. It is a process of its own, without any
 * privilege, and allocates nothing once it runs, but for what is open.
 *
 * <p>For a checkpoint it is spoken with by {@link RelayWords}: held, it says so when all that was
 * on its way is with the guest; what it then writes is what {@link FilesState} reads.
 *
 * @see FilesSave
 * @see FilesRestore
 */
final class FilesRelay {
  private static final int CHUNK_BYTES = 64 * 1024;
  private static final int ENDED = 1;
  private static final int PORT = 0;
  private static final int CALL = 1;
  private static final int SERVER = 2;
  private static final int CONTROL = 3;

  private enum State {
    CARRYING,
    HOLDING,
    HELD
  }

  /** How often it is looked whether the guest has read what it was sent. */
  private static final int UNHEARD_MILLIS = 1;

  private final Kernel k;
  private final int port;
  private final int server;
  private final int control;

  /** What comes before all that the port has; −1 where there is no more of it. */
  private int savedPort;

  private final FilesQueue queue;
  private FileIds ids = new FileIds(FilesQueue.SLOTS, 0, 0);
  private @Nullable FilesSave save;
  private State state = State.CARRYING;
  private int paths = -1;

  private final byte[] input = new byte[FilesQueue.MOST_BYTES + CHUNK_BYTES];
  private int inputEnd;
  private final byte[] output = new byte[CHUNK_BYTES];
  private int answerSent;
  private int outputFrom;
  private int outputTo;
  private final byte[] small = new byte[4];
  private final byte[] command = new byte[1];
  private final int[] came = new int[1];

  private FilesRelay(Kernel k, int port, int server, int control, int savedPort) {
    this.k = k;
    this.port = port;
    this.server = server;
    this.control = control;
    this.savedPort = savedPort;
    queue = new FilesQueue(k, server);
  }

  /**
   * Carries until one of its ends does.
   *
   * @param port a socket of the guest's port
   * @param server a socket that is connected to virtiofsd
   * @param control a stream socket to whoever makes checkpoints
   * @param saved what {@link FilesSave} wrote of a machine that is restored, or −1
   * @param savedPort what its guest had sent since, or −1
   * @return the exit status of the process that does it
   */
  static int run(Kernel k, int port, int server, int control, int saved, int savedPort) {
    FilesRelay relay = new FilesRelay(k, port, server, control, savedPort);
    String problem = relay.queue.setUp();
    if (problem == null && saved >= 0) {
      problem = relay.restore(saved);
      long said = problem == null ? relay.say(RelayWords.RESTORED) : relay.fail(problem);
      if (problem == null && said < 0) {
        problem = "cannot say that the guest's files are there: " + k.explain(said);
      }
    }
    if (problem == null) {
      problem = relay.carry();
    }
    if (problem != null) {
      Words.say(k, problem);
    }
    return ENDED;
  }

  private @Nullable String restore(int saved) {
    FilesRestore restore = new FilesRestore(k, queue, saved);
    String problem = restore.run(input);
    ids = restore.ids();
    inputEnd = restore.inputLength();
    long closed = k.close(saved);
    return problem == null && closed < 0 ? "cannot close: " + k.explain(closed) : problem;
  }

  private @Nullable String carry() {
    int[] fds = {port, queue.call(), server, control};
    short[] events = {POLLIN, POLLIN, POLLIN, POLLIN};
    short[] happened = new short[fds.length];
    long n = passRequests();
    while (true) {
      if (n == -Errno.EPROTO) {
        return "the guest broke the protocol of its files";
      }
      if (n < 0 && n != -Errno.EAGAIN && n != -Errno.EINTR) {
        return "cannot carry the guest's files: " + k.explain(n);
      }
      boolean room = takes() && queue.freeSlot() >= 0;
      boolean before = room && savedPort >= 0;
      // Where nothing is asked of it the end of a port would be told again and again.
      fds[PORT] = takes() || isPending() ? port : -1;
      events[PORT] = (short) ((room && !before ? POLLIN : 0) | (isPending() ? POLLOUT : 0));
      n = k.poll(fds, events, happened, before ? 0 : unheard() ? UNHEARD_MILLIS : -1);
      if (n < 0 && n != -Errno.EINTR) {
        return "cannot wait for the guest's files: " + k.explain(n);
      }
      if (n < 0) {
        continue;
      }
      if (happened[SERVER] != 0) {
        return "virtiofsd is gone";
      }
      if (happened[CONTROL] != 0) {
        n = obey();
        if (n == 0) {
          return null;
        }
      }
      if (n >= 0 && happened[CALL] != 0) {
        n = queue.takeAnswers();
        if (n == -Errno.EPROTO) {
          return "virtiofsd does not answer as it should";
        }
      }
      if (n >= 0 && isPending()) {
        n = sendAnswers();
        if (n == -Errno.EPROTO) {
          return "virtiofsd does not answer as it should";
        }
      }
      if (n >= 0 && before) {
        n = takeSaved();
      } else if (n >= 0 && room && (happened[PORT] & ~POLLOUT) != 0) {
        n = k.read(port, input, inputEnd, input.length - inputEnd);
        if (n == 0) {
          return null;
        }
        inputEnd += (int) Math.max(0, n);
      }
      if (n >= 0) {
        n = takes() ? passRequests() : settle();
      }
    }
  }

  /** Whether requests are taken: with what was saved of them there must be an end first. */
  private boolean takes() {
    return state == State.CARRYING || state == State.HOLDING && savedPort >= 0;
  }

  /** Whether all that was taken is answered, and the guest need only read it. */
  private boolean unheard() {
    return state == State.HOLDING && !takes() && queue.isIdle() && !isPending();
  }

  private boolean isPending() {
    return queue.hasAnswer() || outputFrom < outputTo;
  }

  private long takeSaved() {
    long n = k.read(savedPort, input, inputEnd, input.length - inputEnd);
    inputEnd += (int) Math.max(0, n);
    if (n == 0) {
      n = k.close(savedPort);
      savedPort = -1;
    }
    return n;
  }

  /** Passes on what has come whole, as far as there are places for it. */
  private long passRequests() {
    int at = 0;
    long result = 0;
    boolean passed = false;
    int slot = queue.freeSlot();
    while (result >= 0 && slot >= 0 && inputEnd - at >= Fuse.REQUEST_BYTES) {
      long length = Bytes.u32(input, at);
      if (length < Fuse.REQUEST_BYTES || length > FilesQueue.MOST_BYTES) {
        return -Errno.EPROTO;
      }
      if (inputEnd - at < length) {
        break;
      }
      Fate fate = ids.request(input, at, (int) length, slot);
      if (fate == Fate.PASS) {
        result = queue.put(slot, input, at, (int) Bytes.u32(input, at));
        passed = true;
      } else if (fate != Fate.DROP) {
        result = queue.refuse(slot, input, at, fate == Fate.STALE ? Errno.ESTALE : Errno.EINVAL);
      }
      at += (int) length;
      slot = queue.freeSlot();
    }
    if (at > 0) {
      System.arraycopy(input, at, input, 0, inputEnd - at);
      inputEnd -= at;
    }
    return passed && result >= 0 ? queue.kick() : result;
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
      if (!queue.hasAnswer()) {
        return 0;
      }
      int left = queue.answerLength() - answerSent;
      int count = Math.min(left, output.length);
      long n = queue.readAnswer(output, count, answerSent);
      if (n < 0) {
        return n;
      }
      if (answerSent == 0 && !ids.answer(output, count, queue.answerSlot())) {
        return -Errno.EPROTO;
      }
      outputFrom = 0;
      outputTo = count;
      answerSent += count;
      if (left == count) {
        queue.dropAnswer();
        answerSent = 0;
      }
    }
  }

  /** Says that nothing is on its way any more, as soon as that is so. */
  private long settle() {
    if (!unheard()) {
      return 0;
    }
    Bytes.put32(small, 0, 0);
    long result = k.ioctlStruct(port, SIOCOUTQ, small);
    if (result < 0 || Bytes.u32(small, 0) != 0) {
      return Math.min(0, result);
    }
    state = State.HELD;
    // What is in it is for whoever makes the checkpoint to see.
    return k.sendMessage(control, new byte[] {RelayWords.HOLD}, port);
  }

  private long say(byte word) {
    command[0] = word;
    return k.write(control, command, 0, 1);
  }

  /** Does what it is told; 0 where nobody will tell anything any more, or −errno. */
  private long obey() {
    long result = k.receiveMessage(control, command, came);
    if (result <= 0) {
      return result;
    }
    int file = came[0];
    switch (command[0]) {
      case RelayWords.HOLD -> state = State.HOLDING;
      case RelayWords.GO_ON -> state = State.CARRYING;
      case RelayWords.PATHS -> {
        int before = paths;
        paths = file;
        file = before;
      }
      case RelayWords.WRITE -> result = save(file);
      default -> result = -Errno.EINVAL;
    }
    long closed = file < 0 ? 0 : k.close(file);
    return Math.min(result, closed < 0 ? closed : result);
  }

  private long save(int file) {
    String problem = null;
    if (state != State.HELD || paths < 0 || file < 0) {
      problem = "it is not held, or a file is missing";
    } else {
      save = save == null ? new FilesSave(k, queue, ids) : save;
      problem = save.save(paths, file, input, inputEnd);
    }
    long closed = paths < 0 ? 0 : k.close(paths);
    paths = -1;
    if (problem == null && closed < 0) {
      problem = "cannot close: " + k.explain(closed);
    }
    return problem == null ? say(RelayWords.WRITE) : fail(problem);
  }

  private long fail(String problem) {
    byte[] words = Bytes.utf8((char) RelayWords.FAILED + problem);
    return k.write(control, words, 0, Math.min(words.length, RelayWords.MOST_BYTES));
  }
}
