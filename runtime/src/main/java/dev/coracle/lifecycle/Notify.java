package dev.coracle.lifecycle;

import static dev.coracle.abi.Fcntl.AT_FDCWD;
import static dev.coracle.abi.Fcntl.O_CLOEXEC;
import static dev.coracle.abi.Fcntl.O_DIRECTORY;
import static dev.coracle.abi.Fcntl.O_PATH;
import static dev.coracle.abi.Process.AF_UNIX;
import static dev.coracle.abi.Process.POLLIN;
import static dev.coracle.abi.Process.SOCK_CLOEXEC;
import static dev.coracle.abi.Process.SOCK_DGRAM;

import dev.coracle.abi.Bytes;
import dev.coracle.kernel.Errno;
import dev.coracle.kernel.Kernel;
import dev.coracle.sandbox.NotifySocket;
import dev.coracle.state.StateStore;
import org.jspecify.annotations.Nullable;

/**
 * Hands on to the service manager what a container tells it (sd_notify(3)): the container cannot
 * reach its socket, and does not know its own pid there.
 */
final class Notify {
  static final String VARIABLE = "NOTIFY_SOCKET";

  private static final int MOST_BYTES = 4096;
  private static final int BARRIER_MILLIS = 30_000;

  private final Kernel k;
  private final int socket;
  private final int manager;
  // Made once: this may run as long as the container.
  private final byte[] buffer = new byte[MOST_BYTES];
  private final byte[] message = new byte[MOST_BYTES];

  private Notify(Kernel kernel, int ofContainer, int ofManager) {
    k = kernel;
    socket = ofContainer;
    manager = ofManager;
  }

  /** Where a container's socket is: the directory is shown to it. */
  static String directory(Environment e, String id) {
    return e.root() + "/" + id + StateStore.NOTIFY;
  }

  /** Makes the directory, which any user of the container may enter; −errno where it cannot. */
  static long makeDirectory(Environment e, String id) {
    Kernel k = e.kernel();
    long before = k.umask(0);
    long made = before < 0 ? before : k.mkdirat(AT_FDCWD, directory(e, id), 0755);
    long restored = k.umask(before);
    return made < 0 ? made : Math.min(restored, 0);
  }

  /**
   * Opens the container's socket before it is started, so that no message is lost; null where
   * nobody asks for it, or where the container was made without.
   */
  static @Nullable Notify open(Environment e, String id) throws Failure {
    String path = e.variable(VARIABLE);
    if (path.isEmpty()) {
      return null;
    }
    Kernel k = e.kernel();
    long flags = O_PATH | O_DIRECTORY | O_CLOEXEC;
    long directory = k.openat2(AT_FDCWD, directory(e, id), flags, 0, 0);
    if (directory == -Errno.ENOENT) {
      return null;
    }
    long socket = directory < 0 ? directory : k.socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (socket >= 0) {
      socket = bind(k, (int) directory, (int) socket);
    }
    long manager = socket < 0 ? socket : k.socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    long result = manager < 0 ? manager : k.connectUnix((int) manager, path);
    if (result >= 0) {
      result = k.close((int) directory);
    }
    if (result < 0) {
      throw new Failure(VARIABLE + " \"" + path + "\": " + Errno.text(-result));
    }
    return new Notify(k, (int) socket, (int) manager);
  }

  /** By the directory's descriptor: its path may be longer than an address. */
  private static long bind(Kernel k, int directory, int socket) {
    long removed = k.unlinkat(directory, NotifySocket.NAME, 0);
    if (removed < 0 && removed != -Errno.ENOENT) {
      return removed;
    }
    // Any user of the container may write to it.
    long before = k.umask(0);
    long bound =
        before < 0
            ? before
            : k.bindUnix(socket, "/proc/self/fd/" + directory + "/" + NotifySocket.NAME);
    long restored = k.umask(before);
    return bound < 0 ? bound : restored < 0 ? restored : socket;
  }

  /** What a loop polls. */
  int socket() {
    return socket;
  }

  /**
   * Hands one message on, without the pid that it may name, and says whether it told that the
   * container is ready.
   */
  boolean relay() {
    long n = k.read(socket, buffer, 0, buffer.length);
    int length = 0;
    boolean ready = false;
    int from = 0;
    while (from < n) {
      int to = from;
      while (to < n && buffer[to] != '\n') {
        to++;
      }
      ready |= starts(from, to, "READY=1");
      if (to > from && !starts(from, to, "MAINPID=")) {
        System.arraycopy(buffer, from, message, length, to - from);
        length += to - from;
        if (length < message.length) {
          message[length++] = '\n';
        }
      }
      from = to + 1;
    }
    // Whether the manager still listens is not the container's business.
    return length > 0 && k.write(manager, message, 0, length) >= 0 && ready;
  }

  private boolean starts(int from, int to, String word) {
    if (to - from < word.length()) {
      return false;
    }
    for (int i = 0; i < word.length(); i++) {
      if (buffer[from + i] != word.charAt(i)) {
        return false;
      }
    }
    return true;
  }

  /** Waits until the container is ready or has ended, and tells its pid. */
  void awaitReady(int pid) {
    long pidfd = k.pidfd_open(pid, 0);
    int[] fds = {socket, (int) pidfd};
    short[] events = {POLLIN, POLLIN};
    short[] happened = new short[2];
    while (pidfd >= 0) {
      long n = k.poll(fds, events, happened, -1);
      if (n < 0) {
        continue;
      }
      if (happened[0] != 0 && relay()) {
        byte[] main = Bytes.utf8("MAINPID=" + pid + "\n");
        if (k.write(manager, main, 0, main.length) >= 0) {
          awaitManager();
        }
        return;
      }
      if (happened[1] != 0 && happened[0] == 0) {
        return;
      }
    }
  }

  /** The manager closes what it is sent once it has read all before it (sd_notify_barrier(3)). */
  private void awaitManager() {
    int[] pipe = {-1, -1};
    if (k.pipe2(pipe, O_CLOEXEC) < 0) {
      return;
    }
    long sent = k.sendDescriptor(manager, "BARRIER=1", pipe[1]);
    long closed = k.close(pipe[1]);
    if (sent >= 0 && closed >= 0) {
      long n = k.poll(new int[] {pipe[0]}, new short[1], new short[1], BARRIER_MILLIS);
      if (n < 0) {
        return;
      }
    }
  }
}
