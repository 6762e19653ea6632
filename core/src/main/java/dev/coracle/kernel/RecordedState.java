package dev.coracle.kernel;

import dev.coracle.abi.Bytes;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What a {@link RecordingKernel} remembers of descriptors, files and processes. */
final class RecordedState {
  final Map<String, byte[]> files = new HashMap<>();
  final Map<String, long[]> stats = new HashMap<>();
  final Map<String, String> links = new HashMap<>();
  final Map<String, Long> ioctls = new HashMap<>();
  final Map<String, RecordingKernel.Peer> peers = new HashMap<>();
  final Map<String, Integer> broken = new HashMap<>();
  final List<String> made = new ArrayList<>();
  final List<Integer> open = new ArrayList<>();
  final List<Integer> children = new ArrayList<>();
  private final Map<Integer, String> paths = new HashMap<>();
  private final Map<Integer, Integer> positions = new HashMap<>();
  private final Map<Integer, Integer> pids = new HashMap<>();
  private final Map<Integer, RecordingKernel.Peer> listeners = new HashMap<>();
  private final Map<Integer, byte[]> heard = new HashMap<>();
  private int nextDescriptor = 100;
  private int processes;

  RecordedState() {
    paths.put(1, "stdout");
    paths.put(2, "stderr");
  }

  /** The messages of the container's process, for whoever reads a socket pair. */
  @Nullable List<String> messages;

  /** What the child said by the first socket pair. */
  final StringBuilder said = new StringBuilder();

  private int pairEnd = -1;
  private int childEnd = -1;
  private boolean parked;
  private boolean ended;

  void says(List<String> script) {
    messages = script;
    pairEnd = -1;
    childEnd = -1;
    parked = false;
    ended = false;
  }

  int descriptor() {
    open.add(nextDescriptor);
    return nextDescriptor++;
  }

  int opened(String path, boolean append) {
    int fd = descriptor();
    paths.put(fd, path);
    positions.put(fd, append ? files.getOrDefault(path, new byte[0]).length : 0);
    return fd;
  }

  void pair(int[] fds, boolean isSocket) {
    fds[0] = descriptor();
    fds[1] = descriptor();
    if (isSocket && pairEnd < 0) {
      pairEnd = fds[0];
      childEnd = fds[1];
    }
  }

  void closed(int fd) {
    open.remove(Integer.valueOf(fd));
    listeners.remove(fd);
    paths.remove(fd);
  }

  String path(int fd) {
    return paths.getOrDefault(fd, "");
  }

  void connected(int fd, String path) {
    RecordingKernel.Peer peer = peers.get(path);
    if (peer != null) {
      listeners.put(fd, peer);
    }
  }

  /** What a peer answers stands after what was not read yet. */
  void hear(int fd, byte[] buffer, int offset, int count) {
    RecordingKernel.Peer peer = listeners.get(fd);
    if (peer == null) {
      return;
    }
    byte[] said = new byte[count];
    System.arraycopy(buffer, offset, said, 0, count);
    byte[] answer = peer.hear(said);
    byte[] old = heard.getOrDefault(fd, new byte[0]);
    if (answer == null) {
      heard.put(fd, new byte[0]);
      listeners.put(fd, more -> null);
      return;
    }
    byte[] all = new byte[old.length + answer.length];
    System.arraycopy(old, 0, all, 0, old.length);
    System.arraycopy(answer, 0, all, old.length, answer.length);
    if (all.length > 0) {
      heard.put(fd, all);
    }
  }

  /** Nothing to read from a peer that is silent is 0; all else has been 0 too. */
  int ready(int[] fds) {
    return fds.length == 1 && heard.containsKey(fds[0]) ? 1 : 0;
  }

  private int readHeard(int fd, byte[] buffer, int offset, int count) {
    byte[] all = heard.getOrDefault(fd, new byte[0]);
    int n = Math.min(count, all.length);
    System.arraycopy(all, 0, buffer, offset, n);
    byte[] rest = new byte[all.length - n];
    System.arraycopy(all, n, rest, 0, rest.length);
    if (rest.length > 0) {
      heard.put(fd, rest);
    } else {
      heard.remove(fd);
    }
    return n;
  }

  /** The bytes that a read gives, or −1 where nothing is known of the descriptor. */
  int read(int fd, byte[] buffer, int offset, int count) {
    List<String> script = messages;
    if (fd == pairEnd && script != null) {
      return message(script, buffer, offset);
    }
    if (fd == childEnd) {
      // What the runtime says: that it is sealed, or any byte.
      buffer[offset] = 'S';
      return count;
    }
    if (listeners.containsKey(fd)) {
      return readHeard(fd, buffer, offset, count);
    }
    byte[] bytes = files.get(path(fd));
    if (bytes == null) {
      return -1;
    }
    int at = positions.getOrDefault(fd, 0);
    int n = Math.min(count, bytes.length - at);
    System.arraycopy(bytes, at, buffer, offset, n);
    positions.put(fd, at + n);
    return n;
  }

  private int message(List<String> script, byte[] buffer, int offset) {
    if (script.isEmpty()) {
      ended = !parked;
      return 0;
    }
    byte[] text = Bytes.utf8(script.remove(0));
    parked = text[0] == 'R';
    System.arraycopy(text, 0, buffer, offset, text.length);
    return text.length;
  }

  /** Puts bytes at a position of the file that a descriptor was opened with; −1 for its own. */
  void write(int fd, byte[] buffer, int offset, int count, long position) {
    if (fd == childEnd) {
      said.append(Bytes.text(buffer, offset, offset + count));
    }
    String path = path(fd);
    if (path.isEmpty()) {
      return;
    }
    byte[] old = files.getOrDefault(path, new byte[0]);
    int at = position < 0 ? positions.getOrDefault(fd, 0) : (int) position;
    byte[] bytes = new byte[Math.max(old.length, at + count)];
    System.arraycopy(old, 0, bytes, 0, old.length);
    System.arraycopy(buffer, offset, bytes, at, count);
    files.put(path, bytes);
    if (position < 0) {
      positions.put(fd, at + count);
    }
  }

  void statx(int dirfd, String path, byte[] statx) {
    long[] stat = stats.get(path.isEmpty() ? path(dirfd) : path);
    if (stat != null) {
      Bytes.put16(statx, 28, stat[0]);
      Bytes.put32(statx, 128, stat[1]);
      Bytes.put32(statx, 132, stat[2]);
    }
  }

  void remove(String path) {
    made.remove(path);
    files.remove(path);
  }

  /** A new process; the first one is the container's. */
  int clone(int[] pidfd) {
    int pid = RecordingKernel.CHILD_PID + processes++;
    pidfd[0] = descriptor();
    pids.put(pidfd[0], pid);
    children.add(pid);
    return pid;
  }

  boolean isFirst() {
    return processes == 0;
  }

  void skipFirst() {
    processes++;
  }

  void killed(int pidfd) {
    if (pids.getOrDefault(pidfd, 0) == RecordingKernel.CHILD_PID) {
      ended = true;
    }
  }

  /** A real wait4(2) would never come back from a process that nobody ended. */
  void waited(int pid) {
    if (pid == RecordingKernel.CHILD_PID && messages != null && !ended) {
      throw new IllegalStateException("wait4 for a process that lives waits for ever");
    }
    children.remove(Integer.valueOf(pid));
  }
}
