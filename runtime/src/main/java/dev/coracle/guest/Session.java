package dev.coracle.guest;

import static dev.coracle.abi.Fcntl.F_SETFL;
import static dev.coracle.abi.Fcntl.O_CLOEXEC;
import static dev.coracle.abi.Fcntl.O_NONBLOCK;
import static dev.coracle.abi.Fcntl.O_RDWR;
import static dev.coracle.abi.Process.AF_UNIX;
import static dev.coracle.abi.Process.SIGKILL;
import static dev.coracle.abi.Process.SOCK_CLOEXEC;
import static dev.coracle.abi.Process.SOCK_SEQPACKET;
import static dev.coracle.abi.Process.TIOCSWINSZ;

import dev.coracle.abi.Bytes;
import dev.coracle.abi.Process;
import dev.coracle.kernel.Errno;
import dev.coracle.kernel.Kernel;
import dev.coracle.vm.Frame;

/**
 * Something that the host has asked for: a process and its streams, or the machine to be set up. A
 * child of ours, made when the first piece of the request comes, gets the request and does the
 * work, so that nothing of it stays in our memory; see {@link Launch} for what it says. Used again
 * for others when it is over, and allocates once.
 */
final class Session {
  private static final int TEXT_BYTES = 4096;
  private static final int WINSIZE_BYTES = 8;
  private static final int SIGNALS = 64;
  private static final int NOBODY = 0;

  private enum State {
    FREE,
    /** The child is there, and the request is not whole. */
    ASKED,
    STARTING,
    RUNNING,
    ENDED
  }

  private final Kernel k;
  private final SocketProxy sockets;
  private final Inlet in;
  private final Outlet out;
  private final Outlet err;
  private final byte[] warning = new byte[TEXT_BYTES];
  private final byte[] text = new byte[TEXT_BYTES];
  private final byte[] size = new byte[WINSIZE_BYTES];
  private final int[] pair = new int[2];
  private final int[] one = new int[1];
  private final int[] watched = new int[1];
  private final short[] events = {Process.POLLIN};
  private final short[] happened = new short[1];

  /** The descriptors that the child gets: standard input, output and error, and its way to us. */
  private final int[] given = {-1, -1, -1, -1};

  private State state = State.FREE;
  private int id;
  private int child;
  private int pid;
  private int control = -1;
  private int master = -1;
  private int warned;
  private int failed;
  private int status;
  private long signals;
  private boolean started;
  private boolean unwanted;
  private boolean done;

  Session(Kernel k, SocketProxy sockets) {
    this.k = k;
    this.sockets = sockets;
    this.in = new Inlet(k);
    this.out = new Outlet(k, Frame.OUTPUT);
    this.err = new Outlet(k, Frame.ERRORS);
  }

  /**
   * Opens one, with a child for it.
   *
   * @return in the child 0, where {@link #given} has its descriptors; −errno where there is none
   */
  long open(int number) {
    id = number;
    child = NOBODY;
    pid = NOBODY;
    warned = 0;
    failed = 0;
    status = 0;
    signals = 0;
    started = false;
    unwanted = false;
    done = false;
    in.begin();
    long result = number == Frame.MACHINE ? 0 : openPipes();
    if (result >= 0) {
      result = k.socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, pair);
    }
    if (result >= 0) {
      control = pair[0];
      given[Launch.CONTROL] = pair[1];
      result = k.fork(one);
    }
    if (result == 0) {
      return 0;
    }
    closeGiven();
    if (result < 0) {
      free();
      return result;
    }
    close(k, one[0]);
    child = (int) result;
    state = State.ASKED;
    return result;
  }

  private long openPipes() {
    long result = k.pipe2(pair, O_CLOEXEC);
    if (result >= 0) {
      given[Launch.IN] = pair[0];
      in.open(pair[1]);
      result = k.fcntl(pair[1], F_SETFL, O_NONBLOCK);
    }
    if (result >= 0) {
      result = openOutlet(out, Launch.OUT);
    }
    return result < 0 ? result : openOutlet(err, Launch.ERR);
  }

  private long openOutlet(Outlet outlet, int place) {
    long result = k.pipe2(pair, O_CLOEXEC);
    if (result >= 0) {
      given[place] = pair[1];
      outlet.open(pair[0], true);
      result = k.fcntl(pair[0], F_SETFL, O_NONBLOCK);
    }
    return result;
  }

  private void closeGiven() {
    for (int i = 0; i < given.length; i++) {
      if (given[i] >= 0) {
        close(k, given[i]);
        given[i] = -1;
      }
    }
  }

  /** The child's descriptors, in the child. */
  int[] given() {
    return given;
  }

  boolean isFree() {
    return state == State.FREE;
  }

  int id() {
    return id;
  }

  /** Whether it is this session's process. */
  boolean owns(int process) {
    return pid == process && state == State.RUNNING;
  }

  /** Hands a piece of the request on, header and all; with START it is whole. */
  void hand(byte[] frame, int at, int length, boolean whole) {
    if (state != State.ASKED) {
      return; // It has failed before the host knew.
    }
    long sent = k.write(control, frame, at, length);
    while (sent == -Errno.EINTR) {
      sent = k.write(control, frame, at, length);
    }
    // A child that is gone is heard of when its end of the socket is read.
    state = whole || sent < 0 ? State.STARTING : State.ASKED;
  }

  /** Puts what is to be watched, four places from {@code at} on. */
  void watch(int[] fds, int at, boolean room) {
    fds[at] = room ? control : -1;
    fds[at + 1] = in.watched();
    // Until it has started, a terminal may come in the place of the pipes.
    boolean flows = room && pid != NOBODY;
    fds[at + 2] = flows ? out.watched() : -1;
    fds[at + 3] = flows ? err.watched() : -1;
  }

  /** Takes note of what has happened. */
  void notice(short[] all, int at, byte[] message) {
    if (all[at] != 0) {
      hear(message);
    }
    if (all[at + 2] != 0) {
      out.isReady();
    }
    if (all[at + 3] != 0) {
      err.isReady();
    }
  }

  /** Hears what the child has said by now, without waiting. */
  void hearAll(byte[] message) {
    while (control >= 0) {
      watched[0] = control;
      if (k.poll(watched, events, happened, 0) <= 0) {
        return;
      }
      hear(message);
    }
  }

  private void hear(byte[] message) {
    if (control < 0) {
      return;
    }
    long n = k.receiveMessage(control, message, one);
    if (n == -Errno.EINTR || n == -Errno.EAGAIN) {
      return;
    }
    if (n <= 0) {
      close(k, control);
      control = -1;
      if (state != State.RUNNING && state != State.ENDED && !done && failed == 0) {
        fail("the process ended while it was started; is there too little memory?");
      }
      return;
    }
    int length = Math.min((int) n, TEXT_BYTES);
    switch (message[0]) {
      case Launch.WARNING -> {
        warned = length - 1;
        System.arraycopy(message, 1, warning, 0, warned);
      }
      case Launch.TERMINAL -> {
        if (one[0] >= 0) {
          master = one[0];
        }
      }
      case Launch.LISTENER -> {
        if (one[0] >= 0 && !sockets.add(one[0])) {
          close(k, one[0]);
        }
      }
      case Launch.STARTED -> begin((int) Bytes.u32(message, 1));
      case Launch.READY -> done = true;
      default -> {
        failed = length;
        System.arraycopy(message, 1, text, 0, length - 1);
      }
    }
  }

  private void fail(String why) {
    byte[] bytes = Bytes.utf8(why);
    Bytes.put32(text, 0, 1);
    System.arraycopy(bytes, 0, text, 4, bytes.length);
    failed = 5 + bytes.length;
  }

  private void begin(int process) {
    pid = process;
    state = State.RUNNING;
    started = true;
    if (master >= 0) {
      in.change(master);
      out.close();
      out.open(master, false);
      err.close();
      if (k.fcntl(master, F_SETFL, O_NONBLOCK | O_RDWR) < 0) {
        out.close();
      }
    }
    for (int signal = 1; signal <= SIGNALS && signals != 0; signal++) {
      if ((signals & 1L << signal - 1) != 0) {
        send(signal);
      }
    }
    if (unwanted) {
      send(SIGKILL);
    }
  }

  /** Puts what there is to say, as far as the port has room for it. */
  void say(Port port) {
    if (warned > 0 && port.hasRoom()) {
      port.putWarning(id, warning, 0, warned);
      warned = 0;
    }
    if (started && port.hasRoom()) {
      port.putNumber(Frame.STARTED, id, pid);
      started = false;
    }
    if (failed > 0 && port.hasRoom()) {
      sayFailed(port);
      return;
    }
    in.pump();
    int owed = in.owed();
    if (owed > 0 && port.hasRoom()) {
      port.putCredit(id, owed, 0);
      in.gave();
    }
    if (pid != NOBODY && !started) {
      if (out.wants() && port.hasRoom()) {
        out.pump(port, id);
      }
      if (err.wants() && port.hasRoom()) {
        err.pump(port, id);
      }
    }
  }

  private void sayFailed(Port port) {
    if (unwanted) {
      port.putNumber(Frame.EXIT, id, 128 + SIGKILL);
    } else {
      port.putText(Frame.FAILED, id, Bytes.u32(text, 0), text, 4, failed - 5);
    }
    free();
  }

  /** Whether there is more to say than was said. */
  boolean hasMore() {
    boolean words = warned > 0 || started || failed > 0 || in.owed() > 0;
    return words || pid != NOBODY && (out.wants() || err.wants()) || isOver();
  }

  boolean hasFailed() {
    return failed > 0;
  }

  /** Whether the machine is set up, and that was not taken note of. */
  boolean takeDone() {
    boolean was = done;
    done = false;
    return was;
  }

  /** Takes bytes of the host; false where it had no credit for them. */
  boolean input(byte[] bytes, int at, int length) {
    return in.put(bytes, at, length);
  }

  void inputEnd() {
    in.end();
  }

  /** Takes credit of the host; false where it is more than there ever was. */
  boolean credit(long bytes, long stream) {
    Outlet outlet = stream == 1 ? out : stream == 2 ? err : null;
    return outlet != null && (!outlet.isOpen() || outlet.credit(bytes));
  }

  void signal(long signal) {
    if (signal < 1 || signal > SIGNALS) {
      return;
    }
    if (state == State.RUNNING) {
      send((int) signal);
    } else if (state == State.ASKED || state == State.STARTING) {
      signals |= 1L << signal - 1;
    }
  }

  private void send(int signal) {
    long sent = k.kill(pid, signal);
    if (sent < 0) {
      return; // It has ended, and the host will hear of it.
    }
  }

  void resize(long rowsAndColumns) {
    if (master >= 0) {
      Bytes.put32(size, 0, rowsAndColumns);
      if (k.ioctlStruct(master, TIOCSWINSZ, size) < 0) {
        return; // Nobody has it open any more.
      }
    }
  }

  /** Nobody waits for it any more. */
  void abandon() {
    unwanted = true;
    // Before its output is closed, of which it would die otherwise: SIGPIPE.
    if (state == State.RUNNING) {
      send(SIGKILL);
    } else if (state == State.ASKED && k.kill(child, SIGKILL) >= 0) {
      state = State.STARTING;
    }
    out.close();
    err.close();
  }

  /** The process has ended; what it wrote is still to be read. */
  void ended(int waitStatus) {
    status = Process.exitCode(waitStatus);
    state = State.ENDED;
    in.close();
    out.end(master >= 0);
    err.end(false);
  }

  /** Whether all is said but that it has ended. */
  boolean isOver() {
    return state == State.ENDED && !started && !out.isOpen() && !err.isOpen();
  }

  /** Says that it has ended, and is free for another one. */
  void sayEnd(Port port) {
    port.putNumber(Frame.EXIT, id, status);
    free();
  }

  /** Closes all that is open, for the next one. */
  void free() {
    in.close();
    out.close();
    err.close();
    if (master >= 0) {
      close(k, master);
      master = -1;
    }
    closeGiven();
    if (control >= 0) {
      close(k, control);
      control = -1;
    }
    pid = NOBODY;
    state = State.FREE;
  }

  /** Closes a descriptor: that can fail only if it is none, which would be a bug of ours. */
  static void close(Kernel k, int fd) {
    long closed = k.close(fd);
    if (closed < 0 && closed != -Errno.EIO && closed != -Errno.EINTR) {
      throw new IllegalStateException("close(" + fd + "): " + Errno.text(-closed));
    }
  }
}
