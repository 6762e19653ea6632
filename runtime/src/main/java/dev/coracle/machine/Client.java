package dev.coracle.machine;

import static dev.coracle.abi.Process.POLLIN;
import static dev.coracle.abi.Process.POLLOUT;
import static dev.coracle.abi.Process.SIGCHLD;
import static dev.coracle.abi.Process.SIGPIPE;
import static dev.coracle.abi.Process.SIGWINCH;
import static dev.coracle.abi.Process.TIOCGWINSZ;

import dev.coracle.abi.Bytes;
import dev.coracle.execute.Files;
import dev.coracle.execute.Ring;
import dev.coracle.kernel.Errno;
import dev.coracle.kernel.Kernel;
import dev.coracle.vm.Field;
import dev.coracle.vm.Frame;
import dev.coracle.vm.FrameReader;
import dev.coracle.vm.RequestWriter;
import org.jspecify.annotations.Nullable;

/**
 * A process of the host in the place of one in the guest: what it reads goes there, what comes from
 * there it writes, signals are passed on, and it ends as that one does. It may live for years, and
 * allocates nothing once it runs.
 */
final class Client {
  private static final int SIGINFO_BYTES = 128;
  private static final int WINSIZE_BYTES = 8;
  private static final int GONE = 137;
  private static final int SIGNAL_STATUS = 128;

  private static final int CONNECTION = 0;
  private static final int SIGNALS = 1;
  private static final int INPUT = 2;
  private static final int OUTPUT = 3;
  private static final int ERRORS = 4;

  private final Kernel k;
  private final int connection;
  private final int signals;
  private final Terminal terminal;
  private final FrameReader reader = new FrameReader();
  private final Ring output = new Ring();
  private final Ring errors = new Ring();
  private final byte[] frame = new byte[Frame.HEADER_BYTES + Frame.MOST_PAYLOAD_BYTES];
  private final byte[] info = new byte[SIGINFO_BYTES];
  private final byte[] size = new byte[WINSIZE_BYTES];

  private int credit = Frame.WINDOW_BYTES;
  private int outputPassed;
  private int errorsPassed;
  private boolean input = true;

  /** Whether the monitor may have more to say. */
  private boolean connected = true;

  /** Whether it hears what we say: its last words can still be read when it does not any more. */
  private boolean heard = true;

  private boolean started;
  private boolean over;
  private int status = GONE;

  /** Whether we stand still, for a checkpoint: nothing is read, and all was written. */
  private boolean holds;

  /** Whether the monitor knows. */
  private boolean saidSo;

  private Client(Kernel k, int connection, int signals, Terminal terminal) {
    this.k = k;
    this.connection = connection;
    this.signals = signals;
    this.terminal = terminal;
  }

  /**
   * Runs a process in the guest, and returns its exit status.
   *
   * @param connection to the monitor
   * @param terminal whether descriptors 0 to 2 are a terminal of its own
   */
  static int run(Kernel k, int connection, RequestWriter request, boolean terminal) {
    return serve(k, connection, request, terminal);
  }

  /**
   * The same for a process that runs by now, in a machine that was restored: how much it may be
   * sent the monitor says.
   */
  static int resume(Kernel k, int connection, boolean terminal) {
    return serve(k, connection, null, terminal);
  }

  private static int serve(
      Kernel k, int connection, @Nullable RequestWriter request, boolean terminal) {
    long signals = k.signalfdAll();
    if (signals < 0) {
      Words.say(k, "cannot take signals: " + k.explain(signals));
      return 1;
    }
    Terminal tty = new Terminal(k, terminal);
    Client client = new Client(k, connection, (int) signals, tty);
    if (terminal) {
      tty.makeRaw();
    }
    client.begin(request, terminal);
    int status = client.loop();
    tty.restore();
    return status;
  }

  private void begin(@Nullable RequestWriter request, boolean sized) {
    if (request == null) {
      credit = 0;
      if (sized) {
        tellSize();
      }
      return;
    }
    if (sized) {
      addSize(request);
    }
    sendRequest(request);
  }

  private void tellSize() {
    if (k.ioctlStruct(0, TIOCGWINSZ, size) >= 0) {
      System.arraycopy(size, 0, frame, Frame.HEADER_BYTES, 4);
      send(Frame.RESIZE, 4);
    }
  }

  private void addSize(RequestWriter request) {
    byte[] field = new byte[5];
    if (k.ioctlStruct(0, TIOCGWINSZ, size) >= 0) {
      System.arraycopy(size, 0, field, 0, 4);
    }
    field[4] = (byte) (terminal.leavesLinesAlone() ? 1 : 0);
    request.add(Field.TERMINAL, field, 0, field.length);
  }

  private void sendRequest(RequestWriter request) {
    int at = 0;
    while (at < request.length()) {
      int length = Math.min(Frame.MOST_PAYLOAD_BYTES, request.length() - at);
      System.arraycopy(request.bytes(), at, frame, Frame.HEADER_BYTES, length);
      send(Frame.REQUEST, length);
      at += length;
    }
    send(Frame.START, 0);
  }

  private int loop() {
    int[] fds = {connection, signals, -1, -1, -1};
    short[] events = {POLLIN, POLLIN, POLLIN, POLLOUT, POLLOUT};
    short[] happened = new short[fds.length];
    while (connected && !over || !output.isEmpty() || !errors.isEmpty()) {
      fds[CONNECTION] = connected && !over ? connection : -1;
      fds[INPUT] = input && started && credit > 0 && heard && !over && !holds ? 0 : -1;
      fds[OUTPUT] = output.isEmpty() ? -1 : 1;
      fds[ERRORS] = errors.isEmpty() ? -1 : 2;
      long n = k.poll(fds, events, happened, -1);
      if (n < 0 && n != -Errno.EINTR) {
        Words.say(k, "cannot wait for the virtual machine: " + k.explain(n));
        return GONE;
      }
      if (n <= 0) {
        continue;
      }
      if (happened[SIGNALS] != 0 && passSignal()) {
        return status;
      }
      if (happened[CONNECTION] != 0) {
        receive();
      }
      if (happened[OUTPUT] != 0) {
        outputPassed = pass(output, 1, outputPassed);
      }
      if (happened[ERRORS] != 0) {
        errorsPassed = pass(errors, 2, errorsPassed);
      }
      if (happened[INPUT] != 0 && !holds) {
        readInput();
      }
      if (holds && !saidSo && output.isEmpty() && errors.isEmpty()) {
        saidSo = true;
        send(Frame.HELD, 0);
      }
    }
    return status;
  }

  /** Passes a signal on; true where it ends us, because there is nobody yet to pass it on to. */
  private boolean passSignal() {
    long n = k.read(signals, info, 0, info.length);
    if (n != SIGINFO_BYTES) {
      return false;
    }
    int signal = (int) Bytes.u32(info, 0);
    // Of SIGPIPE there is one for each word that the monitor did not hear.
    if (signal == SIGCHLD || signal == SIGPIPE && !heard) {
      return false;
    }
    if (signal == SIGWINCH) {
      if (terminal.isOurs()) {
        tellSize();
      }
      return false;
    }
    if (!started && Signal.ends(signal)) {
      status = SIGNAL_STATUS + signal;
      return true;
    }
    Bytes.put32(frame, Frame.HEADER_BYTES, signal);
    send(Frame.SIGNAL, 4);
    return false;
  }

  private void receive() {
    long n = k.read(connection, reader.buffer(), reader.end(), reader.room());
    if (n == -Errno.EINTR) {
      return;
    }
    if (n <= 0) {
      connected = false;
      if (!over) {
        Words.say(k, "the virtual machine ended without a word");
      }
      return;
    }
    reader.took((int) n);
    while (!over && reader.next()) {
      take();
    }
    if (reader.defect() != null) {
      connected = false;
    }
  }

  private void take() {
    switch (reader.type()) {
      case Frame.STARTED -> started = true;
      case Frame.OUTPUT -> keep(output);
      case Frame.ERRORS -> keep(errors);
      case Frame.CREDIT -> credit = (int) Math.min(credit + reader.number(0), Frame.WINDOW_BYTES);
      case Frame.EXIT -> {
        status = (int) reader.number(0) & 0xff;
        over = true;
      }
      case Frame.FAILED -> {
        terminal.restore();
        Words.say(k, reader.text(4));
        status = (int) reader.number(0) & 0xff;
        over = true;
      }
      case Frame.HOLD -> {
        holds = true;
        saidSo = false;
      }
      case Frame.GO_ON -> holds = false;
      case Frame.WARNING -> Words.say(k, "warning: " + reader.text(0));
      default -> connected = false;
    }
  }

  private void keep(Ring ring) {
    if (!ring.put(reader.buffer(), reader.payloadAt(), reader.length())) {
      connected = false; // The monitor sees to it that this cannot be.
    }
  }

  /** Writes on, and gives credit back; where nobody reads any more, what comes is thrown away. */
  private int pass(Ring ring, int fd, int passed) {
    long n = ring.writeTo(k, fd);
    if (n == -Errno.EINTR || n == -Errno.EAGAIN) {
      return passed;
    }
    int sum = passed;
    if (n < 0) {
      sum += ring.take(frame, Frame.HEADER_BYTES, Frame.MOST_PAYLOAD_BYTES);
    } else {
      sum += (int) n;
    }
    if (sum < Frame.CREDIT_BYTES || over) {
      return sum;
    }
    Bytes.put32(frame, Frame.HEADER_BYTES, sum);
    Bytes.put32(frame, Frame.HEADER_BYTES + 4, fd);
    send(Frame.CREDIT, 8);
    return 0;
  }

  private void readInput() {
    int most = Math.min(credit, Frame.MOST_PAYLOAD_BYTES);
    long n = k.read(0, frame, Frame.HEADER_BYTES, most);
    if (n == -Errno.EINTR || n == -Errno.EAGAIN) {
      return;
    }
    if (n <= 0) {
      input = false;
      send(Frame.INPUT_END, 0);
      return;
    }
    credit -= (int) n;
    send(Frame.INPUT, (int) n);
  }

  /**
   * Sends the frame whose payload stands in {@link #frame}; its session is known by the monitor.
   */
  private void send(int type, int length) {
    Frame.putHeader(frame, 0, type, 0, length);
    heard = heard && Files.writeAll(k, connection, frame, 0, Frame.HEADER_BYTES + length) >= 0;
  }
}
