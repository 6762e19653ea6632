package dev.coracle.machine;

import static dev.coracle.abi.Fcntl.MFD_CLOEXEC;
import static dev.coracle.abi.Fcntl.O_CLOEXEC;
import static dev.coracle.abi.Fcntl.O_CREAT;
import static dev.coracle.abi.Fcntl.O_NOFOLLOW;
import static dev.coracle.abi.Fcntl.O_RDWR;
import static dev.coracle.abi.Fcntl.O_TRUNC;
import static dev.coracle.abi.Process.AF_UNIX;
import static dev.coracle.abi.Process.CLOCK_MONOTONIC;
import static dev.coracle.abi.Process.MSG_DONTWAIT;
import static dev.coracle.abi.Process.MSG_PEEK;
import static dev.coracle.abi.Process.POLLIN;
import static dev.coracle.abi.Process.SOCK_CLOEXEC;
import static dev.coracle.abi.Process.SOCK_STREAM;

import dev.coracle.abi.Bytes;
import dev.coracle.abi.Statx;
import dev.coracle.execute.Files;
import dev.coracle.kernel.Errno;
import dev.coracle.kernel.Kernel;
import dev.coracle.vm.Frame;
import dev.coracle.vm.FrameReader;
import dev.coracle.vm.Qmp;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Writes a machine that runs to files: it has the monitor hold it, QEMU write its state, and what
 * carries its files what that knows. The machine stands still until {@link #close}: whoever does
 * not want it any more kills it before.
 */
public final class MachineDump {
  private static final long NANOS_PER_MILLI = 1_000_000;

  /** How long the guest may take to read what was said to it, and whoever reads its output. */
  private static final int HOLD_MILLIS = 30_000;

  /** How long QEMU, or what carries the files, may take to write its state. */
  private static final int STATE_MILLIS = 300_000;

  /** What a socket holds at most (net.core.wmem_max, twice; a request of FUSE is smaller). */
  private static final int MOST_UNREAD = 16 << 20;

  private static final int MESSAGE_BYTES = 64 * 1024;

  private final Kernel k;
  private final int directory;
  private final FrameReader reader = new FrameReader();
  private final byte[] message = new byte[MESSAGE_BYTES];
  private final int[] came = {-1};
  private final List<Integer> descriptors = new ArrayList<>();
  private final List<byte[]> states = new ArrayList<>();
  private int socket = -1;

  /**
   * Of a machine.
   *
   * @param directory where the files are made
   */
  public MachineDump(Kernel k, int directory) {
    this.k = k;
    this.directory = directory;
  }

  /** What a directory lacks to be that of a whole checkpoint; null for nothing. */
  public static @Nullable String missing(Kernel k, int directory) {
    byte[] statx = new byte[Statx.SIZE];
    for (String name : SavedFiles.ALL) {
      long result = k.statx(directory, name, 0, Statx.STATX_TYPE, statx);
      if (result < 0) {
        return "no checkpoint of a virtual machine: " + name + ": " + k.explain(result);
      }
    }
    return null;
  }

  /** Connects with a machine's monitor; a descriptor, or −errno. */
  private static long connect(Kernel k, int pid) {
    long fd = k.socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    // Its root is ours: nothing of the container's is in it but below the root filesystem.
    String path = "/proc/" + pid + "/root" + MachineService.LISTENER;
    long result = fd < 0 ? fd : k.connectUnix((int) fd, path);
    return result < 0 ? result : fd;
  }

  /** Says a frame without a payload. */
  private static long say(Kernel k, int socket, int type) {
    byte[] frame = new byte[Frame.HEADER_BYTES];
    Frame.putHeader(frame, 0, type, 0, 0);
    return Files.writeAll(k, socket, frame, 0, frame.length);
  }

  /**
   * Waits until a machine runs that was started.
   *
   * @param pid its first process
   * @param pidfd the same
   * @return whether it does: it may have ended instead
   */
  public static boolean awaitRunning(Kernel k, int pid, int pidfd) {
    int[] fds = {pidfd};
    short[] events = {POLLIN};
    long ended = 0;
    long fd = connect(k, pid);
    // It may not listen yet.
    while ((fd == -Errno.ENOENT || fd == -Errno.ECONNREFUSED) && ended <= 0) {
      ended = k.poll(fds, events, new short[1], 1);
      fd = connect(k, pid);
    }
    if (fd < 0) {
      return false;
    }
    byte[] frame = new byte[Frame.HEADER_BYTES];
    long result = say(k, (int) fd, Frame.GO_ON);
    while (result == 0) {
      result = k.read((int) fd, frame, 0, frame.length);
      result = result == -Errno.EINTR ? 0 : result == 0 ? -Errno.EPIPE : result;
    }
    boolean whole = result >= 6 && Bytes.u16(frame, 4) == Frame.EXIT;
    return k.close((int) fd) >= 0 && whole;
  }

  /**
   * Has it held, once it runs.
   *
   * @param pid its first process
   * @return why it cannot be; null where it is
   */
  public @Nullable String hold(int pid) {
    long fd = connect(k, pid);
    if (fd < 0) {
      return "cannot reach the virtual machine: " + k.explain(fd);
    }
    socket = (int) fd;
    return hold();
  }

  /**
   * Writes all of one that is held.
   *
   * @param processes those of its container, as we see them
   * @return why it cannot be; null where it was
   */
  public @Nullable String write(List<Integer> processes) {
    String problem =
        writeAll(descriptors.get(0), descriptors.get(1), descriptors.get(2), processes);
    if (problem != null) {
      long removed = remove();
      return removed < 0 ? problem + "\ncannot remove its files: " + k.explain(removed) : problem;
    }
    return null;
  }

  /** Lets the machine go on, if it is there yet. */
  public long close() {
    long result = 0;
    for (int fd : descriptors) {
      result = Math.min(result, k.close(fd));
    }
    return socket < 0 ? result : Math.min(result, k.close(socket));
  }

  private long remove() {
    long result = 0;
    for (String name : SavedFiles.ALL) {
      long removed = k.unlinkat(directory, name, 0);
      result = removed == -Errno.ENOENT ? result : Math.min(result, removed);
    }
    return result;
  }

  /** Has the machine held; then there are three descriptors. */
  private @Nullable String hold() {
    // It is heard once the machine runs.
    long result = say(k, socket, Frame.CHECKPOINT);
    long deadline = deadline(HOLD_MILLIS);
    while (result >= 0 && descriptors.size() < 3) {
      result = receive(socket, deadline);
      if (result == 0) {
        return "the virtual machine has ended";
      }
      int at = 0;
      while (at < result) {
        int count = Math.min(reader.room(), (int) result - at);
        System.arraycopy(message, at, reader.buffer(), reader.end(), count);
        reader.took(count);
        at += count;
        String problem = take();
        if (problem != null) {
          return problem;
        }
      }
    }
    if (result == -Errno.ETIMEDOUT) {
      return "the virtual machine cannot be held: its guest does not read what it is told, or"
          + " nobody reads what it writes";
    }
    return result < 0 ? "cannot speak with the virtual machine: " + k.explain(result) : null;
  }

  private @Nullable String take() {
    while (reader.next()) {
      switch (reader.type()) {
        case Frame.FAILED -> {
          return reader.text(4);
        }
        case Frame.STATE -> {
          byte[] piece = new byte[reader.length()];
          System.arraycopy(reader.buffer(), reader.payloadAt(), piece, 0, piece.length);
          states.add(piece);
        }
        case Frame.HELD -> {}
        default -> {
          return "the monitor does not answer as it should";
        }
      }
    }
    return reader.defect();
  }

  private long deadline(int millis) {
    return k.clock_gettime(CLOCK_MONOTONIC) + millis * NANOS_PER_MILLI;
  }

  /** The length of a message, which may bring a descriptor along; 0 at the end, or −errno. */
  private long receive(int from, long deadline) {
    int[] fds = {from};
    short[] events = {POLLIN};
    long n = -Errno.EINTR;
    while (n == -Errno.EINTR) {
      long left = (deadline - k.clock_gettime(CLOCK_MONOTONIC)) / NANOS_PER_MILLI;
      n = left <= 0 ? 0 : k.poll(fds, events, new short[1], (int) left);
      n = n == 0 ? -Errno.ETIMEDOUT : n;
    }
    if (n > 0) {
      came[0] = -1;
      n = k.receiveMessage(from, message, came);
      if (came[0] >= 0) {
        descriptors.add(came[0]);
      }
    }
    return n;
  }

  private @Nullable String writeAll(int qmp, int control, int relay, List<Integer> processes) {
    // What nobody has read of an earlier time is nobody's now.
    long stale = Math.min(drain(qmp), drain(relay));
    if (stale < 0) {
      return "cannot speak with the virtual machine: " + k.explain(stale);
    }
    String problem = ask(relay, RelayWords.HOLD, -1, HOLD_MILLIS);
    QmpSession qemu = new QmpSession(k, qmp, STATE_MILLIS);
    if (problem == null) {
      problem = qemu.ask(Qmp::stop);
    }
    if (problem == null) {
      problem = with(SavedFiles.STATE, fd -> Template.freeze(k, qemu, fd, false));
    }
    if (problem == null) {
      problem = files(relay, processes);
    }
    if (problem == null) {
      problem = with(SavedFiles.SAID, fd -> said(fd, control));
    }
    return problem == null
        ? with(SavedFiles.MACHINE, fd -> written(fd, states.get(0), states.get(0).length))
        : problem;
  }

  private @Nullable String files(int relay, List<Integer> processes) {
    OpenPaths paths = new OpenPaths(k);
    long result = paths.look(processes);
    long list = result < 0 ? result : k.memfd_create("coracle-paths", MFD_CLOEXEC);
    result = list < 0 ? list : paths.write((int) list);
    result = result < 0 ? result : tell(relay, RelayWords.PATHS, (int) list);
    if (result < 0) {
      return "cannot see which files the guest knows: " + k.explain(result);
    }
    String problem = with(SavedFiles.FILES, fd -> ask(relay, RelayWords.WRITE, fd, STATE_MILLIS));
    if (problem == null) {
      // Its port came with the answer to HOLD.
      problem = with(SavedFiles.ASKED, fd -> unread(fd, descriptors.get(3)));
    }
    long closed = k.close((int) list);
    return problem == null && closed < 0 ? "cannot close: " + k.explain(closed) : problem;
  }

  private long drain(int from) {
    long n = 1;
    while (n > 0) {
      n = k.recv(from, message, 0, message.length, MSG_DONTWAIT);
    }
    return n == -Errno.EAGAIN ? 0 : n;
  }

  /** Has the relay do something, and waits for its answer. */
  private @Nullable String ask(int relay, byte word, int fd, int millis) {
    long result = tell(relay, word, fd);
    if (result >= 0) {
      result = receive(relay, deadline(millis));
    }
    if (result > 0 && message[0] == word) {
      return null;
    }
    return result > 0
        ? Bytes.text(message, 1, (int) result)
        : "cannot speak with what carries the guest's files: "
            + k.explain(result == 0 ? -Errno.EPIPE : result);
  }

  private long tell(int relay, byte word, int fd) {
    byte[] command = {word};
    return fd < 0
        ? Files.writeAll(k, relay, command, 0, command.length)
        : k.sendMessage(relay, command, fd);
  }

  /** Something that is done with a file; why it cannot be, or null. */
  private interface Use {
    @Nullable String of(int fd);
  }

  private @Nullable String with(String name, Use use) {
    long flags = O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC;
    long fd = k.openat2(directory, name, flags, 0600, 0);
    if (fd < 0) {
      return "cannot make " + name + ": " + k.explain(fd);
    }
    String problem = use.of((int) fd);
    long closed = k.close((int) fd);
    if (problem != null) {
      return problem;
    }
    return closed < 0 ? "cannot write " + name + ": " + k.explain(closed) : null;
  }

  private @Nullable String written(int fd, byte[] bytes, int length) {
    long result = Files.writeAll(k, fd, bytes, 0, length);
    return result < 0 ? "cannot write: " + k.explain(result) : null;
  }

  /** What the guest has said: what the monitor has of it, and what nobody has read. */
  private @Nullable String said(int fd, int control) {
    for (int i = 1; i < states.size(); i++) {
      String problem = written(fd, states.get(i), states.get(i).length);
      if (problem != null) {
        return problem;
      }
    }
    return unread(fd, control);
  }

  /** Writes what nobody has read of a socket, and leaves it there. */
  private @Nullable String unread(int fd, int from) {
    int length = MESSAGE_BYTES;
    while (length <= MOST_UNREAD) {
      byte[] bytes = new byte[length];
      long n = k.recv(from, bytes, 0, length, MSG_PEEK | MSG_DONTWAIT);
      if (n == -Errno.EAGAIN) {
        return null;
      }
      if (n < 0) {
        return "cannot see what the guest has said: " + k.explain(n);
      }
      if (n < length) {
        return written(fd, bytes, (int) n);
      }
      length *= 4;
    }
    return "the guest has said more than can be kept";
  }
}
