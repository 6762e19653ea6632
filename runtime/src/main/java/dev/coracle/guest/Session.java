package dev.coracle.guest;

import static dev.coracle.abi.Fcntl.F_SETFL;
import static dev.coracle.abi.Fcntl.O_CLOEXEC;
import static dev.coracle.abi.Fcntl.O_NONBLOCK;
import static dev.coracle.abi.Fcntl.O_RDWR;
import static dev.coracle.abi.Process.AF_UNIX;
import static dev.coracle.abi.Process.SOCK_CLOEXEC;
import static dev.coracle.abi.Process.SOCK_STREAM;
import static dev.coracle.abi.Process.TIOCSWINSZ;

import dev.coracle.abi.Bytes;
import dev.coracle.abi.Process;
import dev.coracle.execute.Ring;
import dev.coracle.kernel.Errno;
import dev.coracle.kernel.Kernel;
import dev.coracle.vm.Field;
import dev.coracle.vm.Frame;
import dev.coracle.vm.RequestReader;
import java.util.Arrays;

/**
 * A process that the host has asked for, and its streams. Used again for others when it is over.
 */
final class Session {
  // Places in what is watched.
  static final int REPORT = 0;
  static final int IN = 1;
  static final int OUT = 2;
  static final int ERR = 3;

  private static final int SIGKILL = 9;
  private static final int FAILED = 1;
  private static final int WINSIZE_BYTES = 8;

  private enum State {
    FREE,
    REQUESTED,
    STARTING,
    RUNNING,
    ENDED
  }

  private final Kernel k;
  private final Port port;
  private final RequestReader request = new RequestReader();
  private final Ring input = new Ring();
  private final byte[] size = new byte[WINSIZE_BYTES];
  private final byte[] message = new byte[4096];
  private final int[] pair = new int[2];
  private final int[] pidfd = new int[1];
  private final int[] child = new int[Launch.DESCRIPTORS];

  private State state = State.FREE;
  private int id;
  private int pid;
  private int status;
  private int report = -1;
  private int reported;
  private int console = -1;
  private int in = -1;
  private int out = -1;
  private int err = -1;
  private boolean terminal;
  private boolean inputEnded;
  private int inputPassed;
  private long outCredit;
  private long errCredit;
  private int pending;
  private boolean failed;

  Session(Kernel k, Port port) {
    this.k = k;
    this.port = port;
  }

  void open(int number) {
    state = State.REQUESTED;
    id = number;
    pid = 0;
    status = 0;
    reported = 0;
    inputEnded = false;
    inputPassed = 0;
    outCredit = Frame.WINDOW_BYTES;
    errCredit = Frame.WINDOW_BYTES;
    pending = 0;
    failed = false;
    request.clear();
    input.clear();
  }

  boolean isOpen() {
    return state != State.FREE;
  }

  boolean isStarting() {
    return state == State.STARTING;
  }

  int id() {
    return id;
  }

  int pid() {
    return pid;
  }

  RequestReader request() {
    return request;
  }

  /** Starts the process: in a child, which makes it and says what came of it. */
  void start(Machine machine, String commit) {
    int at = request.find(Field.TERMINAL);
    terminal = at >= 0;
    if (terminal) {
      System.arraycopy(request.bytes(), at, size, 0, 4);
    }
    Arrays.fill(child, -1);
    long result = terminal ? openConsole() : openPipes();
    if (result >= 0) {
      result = k.pipe2(pair, O_CLOEXEC);
    }
    if (result >= 0) {
      report = pair[0];
      child[Launch.REPORT] = pair[1];
      result = k.fcntl(report, F_SETFL, O_NONBLOCK);
    }
    long forked = result < 0 ? result : k.fork(pidfd);
    if (forked == 0) {
      Launch.run(k, commit, machine, id, request, child);
      return;
    }
    for (int fd : child) {
      if (fd >= 0) {
        close(fd);
      }
    }
    if (forked < 0) {
      port.failed(id, FAILED, "cannot make a process: " + k.explain(forked));
      close();
      return;
    }
    close(pidfd[0]);
    request.clear();
    state = State.STARTING;
  }

  private long openPipes() {
    long result = k.pipe2(pair, O_CLOEXEC);
    if (result >= 0) {
      child[Launch.IN] = pair[0];
      in = pair[1];
      result = k.pipe2(pair, O_CLOEXEC);
    }
    if (result >= 0) {
      out = pair[0];
      child[Launch.OUT] = pair[1];
      result = k.pipe2(pair, O_CLOEXEC);
    }
    if (result >= 0) {
      err = pair[0];
      child[Launch.ERR] = pair[1];
      result = k.fcntl(in, F_SETFL, O_NONBLOCK);
    }
    if (result >= 0) {
      result = k.fcntl(out, F_SETFL, O_NONBLOCK);
    }
    return result < 0 ? result : k.fcntl(err, F_SETFL, O_NONBLOCK);
  }

  private long openConsole() {
    long result = k.socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, pair);
    if (result >= 0) {
      console = pair[0];
      child[Launch.CONSOLE] = pair[1];
    }
    return result;
  }

  void watch(int[] fds, int at) {
    fds[at + REPORT] = report;
    fds[at + IN] = in >= 0 && !input.isEmpty() ? in : -1;
    fds[at + OUT] = outCredit > 0 ? out : -1;
    fds[at + ERR] = errCredit > 0 ? err : -1;
  }

  void act(short[] happened, int at) {
    if (happened[at + REPORT] != 0 && report >= 0) {
      hearReport();
    }
    if (happened[at + IN] != 0 && in >= 0 && !input.isEmpty()) {
      passInput();
    }
    if (happened[at + OUT] != 0 && out >= 0 || state == State.ENDED) {
      readOut();
    }
    if (happened[at + ERR] != 0 && err >= 0 || state == State.ENDED) {
      readErr();
    }
  }

  /** The child says {@code S} and a pid, or {@code F}, a status and a text, and ends. */
  private void hearReport() {
    long n = k.read(report, message, reported, message.length - reported);
    if (n == -Errno.EAGAIN || n == -Errno.EINTR) {
      return;
    }
    if (n > 0) {
      reported += (int) n;
      return;
    }
    close(report);
    report = -1;
    if (reported == 5 && message[0] == Launch.STARTED) {
      started((int) Bytes.u32(message, 1));
      return;
    }
    boolean told = reported > 5 && message[0] == Launch.FAILED;
    if (told) {
      port.failed(id, (int) Bytes.u32(message, 1), message, 5, reported - 5);
    } else {
      port.failed(
          id, FAILED, "the process ended while it was started; is there too little memory?");
    }
    boolean first = id == Frame.FIRST;
    close();
    if (first) {
      // The machine has nothing left to do.
      state = State.ENDED;
      failed = true;
    }
  }

  private void started(int number) {
    pid = number;
    state = State.RUNNING;
    if (console >= 0) {
      long master = k.receiveDescriptor(console);
      close(console);
      console = -1;
      if (master >= 0) {
        out = (int) master;
        in = (int) master;
        boolean set = k.fcntl(out, F_SETFL, O_NONBLOCK | O_RDWR) >= 0;
        if (!set || k.ioctlStruct(out, TIOCSWINSZ, size) < 0) {
          port.warn("the terminal cannot be set up");
        }
      }
    }
    Bytes.put32(port.frame, Frame.HEADER_BYTES, pid);
    port.say(Frame.STARTED, id, 4);
    if (pending != 0) {
      signal(pending);
    }
    passInput();
  }

  void input(byte[] bytes, int at, int length) {
    if (in < 0 && state != State.STARTING) {
      give(length); // Nobody reads any more, as of a pipe that was closed.
    } else if (!input.put(bytes, at, length)) {
      port.warn("the host sent more input than it may");
    }
    passInput();
  }

  private void passInput() {
    while (in >= 0 && !input.isEmpty()) {
      long n = input.writeTo(k, in);
      if (n == -Errno.EAGAIN || n == -Errno.EINTR) {
        return;
      }
      if (n < 0) {
        closeInput();
        return;
      }
      give((int) n);
    }
    endInput();
  }

  private void give(int bytes) {
    inputPassed += bytes;
    if (inputPassed >= Frame.CREDIT_BYTES) {
      Bytes.put32(port.frame, Frame.HEADER_BYTES, inputPassed);
      Bytes.put32(port.frame, Frame.HEADER_BYTES + 4, 0);
      port.say(Frame.CREDIT, id, 8);
      inputPassed = 0;
    }
  }

  void inputEnd() {
    inputEnded = true;
    endInput();
  }

  private void endInput() {
    if (inputEnded && input.isEmpty() && !terminal && in >= 0 && state != State.STARTING) {
      closeInput();
    }
  }

  private void closeInput() {
    if (in != out) {
      close(in);
    }
    in = -1;
    input.clear();
  }

  void credit(long bytes, int stream) {
    if (stream == 1) {
      outCredit = Math.min(outCredit + bytes, Frame.WINDOW_BYTES);
    } else if (stream == 2) {
      errCredit = Math.min(errCredit + bytes, Frame.WINDOW_BYTES);
    }
  }

  private void readOut() {
    while (out >= 0 && outCredit > 0) {
      long n = read(out, outCredit);
      if (n == -Errno.EAGAIN) {
        if (state == State.ENDED) {
          closeOut(); // What is left open by others says nothing more of this process.
        }
        return;
      }
      if (n <= 0) {
        closeOut();
        return;
      }
      outCredit -= n;
      port.say(Frame.OUTPUT, id, (int) n);
      if (state != State.ENDED) {
        return; // The others want their turn.
      }
    }
  }

  private void readErr() {
    while (err >= 0 && errCredit > 0) {
      long n = read(err, errCredit);
      if (n == -Errno.EAGAIN && state != State.ENDED) {
        return;
      }
      if (n <= 0) {
        close(err);
        err = -1;
        return;
      }
      errCredit -= n;
      port.say(Frame.ERRORS, id, (int) n);
      if (state != State.ENDED) {
        return;
      }
    }
  }

  private long read(int fd, long credit) {
    int most = (int) Math.min(credit, Frame.MOST_PAYLOAD_BYTES);
    long n = k.read(fd, port.frame, Frame.HEADER_BYTES, most);
    return n == -Errno.EINTR ? -Errno.EAGAIN : n;
  }

  private void closeOut() {
    if (in == out) {
      in = -1;
    }
    close(out);
    out = -1;
  }

  void signal(int signal) {
    if (state == State.RUNNING) {
      long sent = k.kill(pid, signal);
      if (sent < 0 && sent != -Errno.ESRCH) {
        port.warn("a signal could not be sent: " + k.explain(sent));
      }
    } else if (state == State.STARTING && pending != SIGKILL) {
      pending = signal;
    } else if (state == State.REQUESTED && signal == SIGKILL) {
      Bytes.put32(port.frame, Frame.HEADER_BYTES, 128 + SIGKILL);
      port.say(Frame.EXIT, id, 4);
      close();
    }
  }

  void resize(int rowsAndColumns) {
    Bytes.put32(size, 0, rowsAndColumns);
    if (terminal && out >= 0 && k.ioctlStruct(out, TIOCSWINSZ, size) < 0) {
      port.warn("the terminal cannot be resized");
    }
  }

  /** The process has ended; what it wrote is still to be read. */
  void ended(int waitStatus) {
    status = waitStatus;
    state = State.ENDED;
    pid = 0;
    readOut();
    readErr();
  }

  /** Whether all is said but that it has ended. */
  boolean isDrained() {
    return state == State.ENDED && out < 0 && err < 0;
  }

  void sayEnd() {
    if (!failed) {
      Bytes.put32(port.frame, Frame.HEADER_BYTES, Process.exitCode(status));
      port.say(Frame.EXIT, id, 4);
    }
    close();
  }

  /** Closes all that is open, for the next one. */
  void close() {
    if (in >= 0 && in != out) {
      close(in);
    }
    if (out >= 0) {
      close(out);
    }
    if (err >= 0) {
      close(err);
    }
    if (report >= 0) {
      close(report);
    }
    if (console >= 0) {
      close(console);
    }
    in = -1;
    out = -1;
    err = -1;
    report = -1;
    console = -1;
    state = State.FREE;
    request.clear();
  }

  private void close(int fd) {
    long closed = k.close(fd);
    if (closed < 0) {
      throw new IllegalStateException("close(" + fd + "): " + Errno.text(-closed));
    }
  }
}
