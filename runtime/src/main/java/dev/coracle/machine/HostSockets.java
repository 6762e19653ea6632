package dev.coracle.machine;

import static dev.coracle.abi.Fcntl.AT_EMPTY_PATH;
import static dev.coracle.abi.Fcntl.AT_FDCWD;
import static dev.coracle.abi.Fcntl.O_CLOEXEC;
import static dev.coracle.abi.Fcntl.O_DIRECTORY;
import static dev.coracle.abi.Fcntl.O_NONBLOCK;
import static dev.coracle.abi.Fcntl.O_PATH;
import static dev.coracle.abi.Process.AF_UNIX;
import static dev.coracle.abi.Process.CLOCK_MONOTONIC;
import static dev.coracle.abi.Process.SOCK_CLOEXEC;
import static dev.coracle.abi.Process.SOCK_STREAM;

import dev.coracle.abi.Bytes;
import dev.coracle.abi.Stat;
import dev.coracle.abi.Statx;
import dev.coracle.execute.Connections;
import dev.coracle.execute.RootFiles;
import dev.coracle.kernel.Errno;
import dev.coracle.kernel.Kernel;
import dev.coracle.sandbox.MicroVmSandbox;
import dev.coracle.vm.Field;
import dev.coracle.vm.Frame;
import dev.coracle.vm.FrameReader;
import dev.coracle.vm.RequestWriter;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The sockets of the host that are bound into the container, and the guest's connections to them
 * (docs/vm-protocol.md, "Sockets"). The guest names them by number, never by a path. A connection
 * allocates nothing but what the first one under its number does.
 */
public final class HostSockets {
  private static final long CAP_DAC_OVERRIDE = 1L << 1;
  private static final int FIELD_BYTES = 16;
  private static final int PERMISSIONS = 0777;
  private static final int OWNER_WRITES = 0200;
  private static final int GROUP_WRITES = 020;
  private static final int OTHERS_WRITE = 02;

  /** How many connections there are. */
  int open() {
    int count = 0;
    for (int i = 0; i < Connections.MOST; i++) {
      count += connections.isUsed(i) ? 1 : 0;
    }
    return count;
  }

  /** How often somebody is asked who has more connections waiting than it takes, and how long. */
  private static final int PAUSE_MILLIS = 10;

  private static final long PATIENCE_NANOS = 10_000_000_000L;
  private static final long NEVER = 0;

  /**
   * A bind mount of the container whose source is a socket.
   *
   * @param mount its number in /mounts
   * @param destination where it is in the container
   */
  public record Bind(int mount, String destination) {}

  private final Kernel k;

  /** Ways to the sockets: /proc/self/fd/N of a descriptor that is kept. */
  private final List<String> paths = new ArrayList<>();

  private final RequestWriter told = new RequestWriter();
  private long capabilities;
  private final Connections connections;

  // Of connections that are still to be made, by their numbers.
  private final long[] deadlines = new long[Connections.MOST];
  private final int[] fds = new int[Connections.MOST];
  private final int[] targets = new int[Connections.MOST];
  private int pending;

  HostSockets(Kernel k) {
    this.k = k;
    this.connections = new Connections(k);
  }

  /** Opens those that the container has; the text is why one cannot be. */
  @Nullable String open(List<Bind> binds) {
    byte[] statx = new byte[Statx.SIZE];
    long flags = O_PATH | O_DIRECTORY | O_CLOEXEC;
    long root = k.openat2(AT_FDCWD, MicroVmSandbox.ROOT_AT, flags, 0, 0);
    for (Bind bind : binds) {
      long fd = root < 0 ? root : RootFiles.open(k, (int) root, bind.destination());
      long result =
          fd < 0 ? fd : k.statx((int) fd, "", AT_EMPTY_PATH, Statx.STATX_BASIC_STATS, statx);
      boolean bound = (Statx.attributes(statx) & Statx.STATX_ATTR_MOUNT_ROOT) != 0;
      if (result >= 0 && !(bound && Statx.type(statx) == Stat.S_IFSOCK)) {
        result = -Errno.ENOTSOCK;
      }
      if (result < 0) {
        return "cannot find the socket at " + bind.destination() + ": " + k.explain(result);
      }
      add(bind, (int) fd, statx);
    }
    long closed = root < 0 ? 0 : k.close((int) root);
    return closed < 0 ? "cannot close the root: " + k.explain(closed) : null;
  }

  private void add(Bind bind, int fd, byte[] statx) {
    paths.add("/proc/self/fd/" + fd);
    int mode = Statx.mode(statx) & PERMISSIONS;
    long uid = Statx.uid(statx);
    long gid = Statx.gid(statx);
    int needed = uid == 0 ? OWNER_WRITES : gid == 0 ? GROUP_WRITES : OTHERS_WRITE;
    capabilities |= (mode & needed) == 0 ? CAP_DAC_OVERRIDE : 0;
    byte[] field = new byte[FIELD_BYTES];
    Bytes.put32(field, 0, bind.mount());
    Bytes.put32(field, 4, mode);
    Bytes.put32(field, 8, uid);
    Bytes.put32(field, 12, gid);
    told.add(Field.SOCKET, field, 0, FIELD_BYTES);
  }

  /** What the guest is told of them. */
  RequestWriter told() {
    return told;
  }

  /**
   * What connecting takes: nothing, where root may write to all of them without. Who may connect is
   * the guest's to check, for whom each is as it is here.
   */
  long capabilities() {
    return capabilities;
  }

  /** Takes a frame of the guest; false where it breaks the protocol. */
  boolean take(FrameReader frame) {
    return frame.type() == Frame.CONNECT ? connect(frame) : connections.take(frame);
  }

  private boolean connect(FrameReader frame) {
    long number = frame.number(0);
    long target = frame.number(Frame.DATA_HEADER_BYTES);
    if (frame.length() != 2 * Frame.DATA_HEADER_BYTES
        || number >= Connections.MOST
        || target >= paths.size()
        || connections.isUsed((int) number)) {
      return false;
    }
    int at = (int) number;
    connections.open(at, -1);
    long fd = k.socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | O_NONBLOCK, 0);
    if (fd < 0) {
      connections.fail(at);
      return true;
    }
    fds[at] = (int) fd;
    targets[at] = (int) target;
    long now = k.clock_gettime(CLOCK_MONOTONIC);
    deadlines[at] = now + PATIENCE_NANOS;
    pending++;
    connect(at, now);
    return true;
  }

  private void connect(int at, long now) {
    boolean wanted = !connections.isOver(at);
    long result = wanted ? k.connectUnix(fds[at], paths.get(targets[at])) : -Errno.ECONNREFUSED;
    boolean later = result == -Errno.EAGAIN || result == -Errno.EINTR;
    if (later && now < deadlines[at]) {
      return;
    }
    deadlines[at] = NEVER;
    pending--;
    if (result >= 0) {
      connections.join(at, fds[at]);
      return;
    }
    long closed = k.close(fds[at]);
    if (closed < 0) {
      throw new IllegalStateException("close(" + fds[at] + "): " + Errno.text(-closed));
    }
    connections.fail(at);
  }

  /** Puts what is watched, Connections.MOST places from {@code at} on. */
  void watch(int[] all, short[] events, int at, boolean room) {
    connections.watch(all, events, at, room);
  }

  /** How long nothing need be done; −1 for ever. */
  int timeoutMillis(boolean room) {
    return room && connections.hasMore() ? 0 : pending > 0 ? PAUSE_MILLIS : -1;
  }

  /** Takes note of what has happened. */
  void notice(short[] happened, int at) {
    connections.notice(happened, at);
  }

  /**
   * Asks those once more that had no room, and gives those up that nobody wants any more: before
   * {@link #next}, which says so, for then their numbers are free.
   */
  void retry() {
    long now = pending > 0 ? k.clock_gettime(CLOCK_MONOTONIC) : NEVER;
    for (int i = 0; i < Connections.MOST && pending > 0; i++) {
      if (deadlines[i] != NEVER) {
        connect(i, now);
      }
    }
  }

  /** Puts the next frame for the guest; its length, or 0. */
  int next(byte[] into, int at) {
    return connections.next(into, at);
  }
}
