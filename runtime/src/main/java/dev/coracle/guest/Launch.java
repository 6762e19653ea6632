package dev.coracle.guest;

import static dev.coracle.abi.Fcntl.ALL_DESCRIPTORS;
import static dev.coracle.abi.Fcntl.AT_FDCWD;
import static dev.coracle.abi.Process.AF_UNIX;
import static dev.coracle.abi.Process.SIGCHLD;
import static dev.coracle.abi.Process.SIGPIPE;
import static dev.coracle.abi.Process.SOCK_CLOEXEC;
import static dev.coracle.abi.Process.SOCK_STREAM;
import static dev.coracle.abi.Process.TCGETS;
import static dev.coracle.abi.Process.TCSETS;
import static dev.coracle.abi.Process.TIOCSWINSZ;

import dev.coracle.abi.Bytes;
import dev.coracle.cli.ExecArguments;
import dev.coracle.execute.Files;
import dev.coracle.execute.Rootless;
import dev.coracle.execute.Wording;
import dev.coracle.kernel.DescribingKernel;
import dev.coracle.kernel.Errno;
import dev.coracle.kernel.Kernel;
import dev.coracle.lifecycle.Create;
import dev.coracle.lifecycle.Environment;
import dev.coracle.lifecycle.Exec;
import dev.coracle.lifecycle.Failure;
import dev.coracle.lifecycle.Seal;
import dev.coracle.lifecycle.Start;
import dev.coracle.spec.Process.ConsoleSize;
import dev.coracle.state.FilterCache;
import dev.coracle.state.StateStore;
import dev.coracle.vm.ExitStatus;
import dev.coracle.vm.Frame;
import dev.coracle.vm.RequestReader;
import dev.coracle.vm.RequestReader.Part;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The child of the agent that does what a request asks for: it reads the request's frames from its
 * socket, and says what came of it in messages of one letter. {@code W} and a text: something to be
 * told. {@code T} with a descriptor: the terminal. {@code L} with a descriptor: a socket at which
 * the agent is to listen in the place of the host's next one. {@code S} and a pid: the process
 * runs, and is the agent's when this one ends. {@code R}: the machine is set up. {@code F}, an exit
 * status and a text: it failed.
 */
final class Launch {
  // Places in the descriptors that it is given; −1 for none.
  static final int IN = 0;
  static final int OUT = 1;
  static final int ERR = 2;
  static final int CONTROL = 3;

  static final byte WARNING = 'W';
  static final byte TERMINAL = 'T';
  static final byte LISTENER = 'L';
  static final byte STARTED = 'S';
  static final byte READY = 'R';
  static final byte FAILED = 'F';

  private static final int MOST_TEXT = 4000;
  private static final int FRAME_BYTES = Frame.HEADER_BYTES + Frame.MOST_PAYLOAD_BYTES;
  private static final int WINSIZE_BYTES = 8;
  private static final int TERMIOS_BYTES = 64;
  private static final long ONLCR = 4; // of c_oflag, termios(3)

  private final DescribingKernel k;
  private final String commit;
  private final RequestReader request = new RequestReader();
  private final int[] console = {-1, -1};
  private @Nullable ConsoleSize size;
  private boolean leavesLinesAlone;

  private Launch(Kernel kernel, String commit) {
    this.k = new DescribingKernel(kernel);
    this.commit = commit;
  }

  /** Runs in the child, and ends it. */
  static void run(Kernel kernel, String commit, int id, int[] given) {
    Launch launch = new Launch(kernel, commit);
    int status = launch.run(id, given);
    long result = kernel.exit_group(status);
    throw new IllegalStateException("exit_group: " + result);
  }

  /** Runs in a child, makes the machine fresh, tells why it cannot by a pipe, and ends. */
  static void refresh(Kernel kernel, int pipe, byte[] bytes, int at, int length) {
    String problem = Machine.refresh(new DescribingKernel(kernel), bytes, at, length);
    byte[] text = Bytes.utf8(problem == null ? "" : problem);
    long said = Files.writeAll(kernel, pipe, text, 0, Math.min(text.length, MOST_TEXT));
    long result = kernel.exit_group(said < 0 ? 1 : 0);
    throw new IllegalStateException("exit_group: " + result);
  }

  private int run(int id, int[] given) {
    long result = takeDescriptors(given);
    if (result < 0) {
      return 1; // Nobody can be told but by our end.
    }
    byte[] said = done(id);
    long written = k.write(CONTROL, said, 0, said.length);
    return written < 0 ? 1 : 0;
  }

  /** Takes what it was given as descriptors 0 to 3, and nothing else of the agent's. */
  private long takeDescriptors(int[] given) {
    long result = 0;
    for (int fd = 0; fd <= CONTROL && result >= 0; fd++) {
      result = given[fd] < 0 ? 0 : k.dup3(given[fd], fd, 0);
    }
    if (result >= 0) {
      result = k.close_range(CONTROL + 1, ALL_DESCRIPTORS, 0);
    }
    // As in the verbs of our command line.
    if (result >= 0) {
      result = k.ignoreSignal(SIGPIPE);
    }
    return result < 0 ? result : k.defaultSignal(SIGCHLD);
  }

  private byte[] done(int id) {
    try {
      return doIt(id);
    } catch (Failure failure) {
      return failed(failure.getMessage());
    } catch (RuntimeException bug) {
      return failed("internal error: " + bug);
    }
  }

  private static byte[] failed(String text) {
    byte[] bytes = Bytes.utf8(text);
    int length = Math.min(bytes.length, MOST_TEXT);
    byte[] out = new byte[5 + length];
    out[0] = FAILED;
    Bytes.put32(out, 1, ExitStatus.of(text));
    System.arraycopy(bytes, 0, out, 5, length);
    return out;
  }

  private byte[] doIt(int id) throws Failure {
    readRequest();
    List<Part> parts = request.parts();
    if (parts == null) {
      throw new Failure("the request is broken");
    }
    if (id == Frame.MACHINE) {
      Machine machine = new Machine(k, request);
      machine.setUp(parts, CONTROL);
      return new byte[] {READY};
    }
    int pid = id == Frame.FIRST ? first(parts) : exec(id, parts);
    byte[] out = new byte[5];
    out[0] = STARTED;
    Bytes.put32(out, 1, pid);
    return out;
  }

  private void readRequest() throws Failure {
    byte[] frame = new byte[FRAME_BYTES];
    while (true) {
      long n = k.read(CONTROL, frame, 0, frame.length);
      if (n == -Errno.EINTR) {
        continue;
      }
      if (n < Frame.HEADER_BYTES) {
        throw new Failure("the request is not whole");
      }
      if (Bytes.u16(frame, 4) == Frame.START) {
        return;
      }
      if (!request.take(frame, Frame.HEADER_BYTES, (int) n - Frame.HEADER_BYTES)) {
        throw new Failure(
            "the request is longer than " + (RequestReader.MOST_BYTES >> 20) + " MiB");
      }
    }
  }

  private int first(List<Part> parts) throws Failure {
    for (Part part : parts) {
      switch (part.field()) {
        case TERMINAL -> takeSize(part);
        default -> throw foreign(part);
      }
    }
    Environment e = environment();
    String name = Machine.name(k);
    Create.Created created =
        Create.createToStart(e, Create.Request.inMachine(name, Machine.BUNDLE, console[1]));
    if (created.terminal()) {
      passTerminal();
    }
    Start.start(e, name);
    return created.launcher().pid();
  }

  private int exec(int id, List<Part> parts) throws Failure {
    List<String> arguments = new ArrayList<>();
    String process = null;
    for (Part part : parts) {
      switch (part.field()) {
        case ARGUMENT -> arguments.add(request.text(part));
        case PROCESS -> process = processFile(id, part);
        case TERMINAL -> takeSize(part);
        default -> throw foreign(part);
      }
    }
    Exec.Request exec = ExecArguments.request(Machine.name(k), arguments, process, console[1]);
    Exec.Executed executed = Exec.exec(environment(), exec, size);
    if (executed.terminal()) {
      passTerminal();
    }
    long removed = process == null ? 0 : k.unlinkat(AT_FDCWD, process, 0);
    if (removed < 0) {
      throw new Failure("cannot remove the process file: " + k.explain(removed));
    }
    return executed.launcher().pid();
  }

  private static Failure foreign(Part part) {
    return new Failure("the request has a field " + part.field() + ", which is not a process's");
  }

  private String processFile(int id, Part part) throws Failure {
    String path = Machine.DIRECTORY + "/process-" + id + ".json";
    Machine.check(
        k, Machine.write(k, path, request.bytes(), part.at(), part.length()), "write " + path);
    return path;
  }

  private void takeSize(Part part) throws Failure {
    if (part.length() != 5) {
      throw new Failure("the request's TERMINAL has not 5 bytes");
    }
    leavesLinesAlone = request.bytes()[part.at() + 4] == 1;
    int rows = Bytes.u16(request.bytes(), part.at());
    int columns = Bytes.u16(request.bytes(), part.at() + 2);
    size = new ConsoleSize(rows, columns);
    Machine.check(
        k,
        k.socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, console),
        "make a way to the terminal");
  }

  /** The process's terminal goes to the agent, with the size that the caller's has. */
  private void passTerminal() throws Failure {
    long master = k.receiveDescriptor(console[0]);
    Machine.check(k, master, "take the terminal");
    ConsoleSize wanted = size;
    if (wanted != null) {
      byte[] winsize = new byte[WINSIZE_BYTES];
      Bytes.put16(winsize, 0, wanted.height());
      Bytes.put16(winsize, 2, wanted.width());
      Machine.check(k, k.ioctlStruct((int) master, TIOCSWINSZ, winsize), "set the terminal's size");
    }
    byte[] termios = new byte[TERMIOS_BYTES];
    if (leavesLinesAlone && k.ioctlStruct((int) master, TCGETS, termios) >= 0) {
      Bytes.put32(termios, 4, Bytes.u32(termios, 4) & ~ONLCR);
      Machine.check(k, k.ioctlStruct((int) master, TCSETS, termios), "set the terminal up");
    }
    Machine.check(k, k.sendDescriptor(CONTROL, "T", (int) master), "pass the terminal");
  }

  private void warn(String text) {
    byte[] bytes = Bytes.utf8("W" + text);
    if (bytes.length > 1) {
      long said = k.write(CONTROL, bytes, 0, Math.min(bytes.length, MOST_TEXT));
      if (said < 0) {
        return; // The agent is gone, and the machine with it.
      }
    }
  }

  private Environment environment() {
    return new Environment(
        k,
        new StateStore(k, Machine.STATE),
        new FilterCache(k, Machine.STATE, commit),
        Machine.STATE,
        List.of(),
        new Silence(),
        Rootless.FALSE,
        Seal.NONE,
        Wording.OURS);
  }

  /** What verbs print is of no use here; what they warn of is passed on. */
  private final class Silence implements Environment.Output {
    @Override
    public void print(String text) {}

    @Override
    public void warn(String text) {
      Launch.this.warn(text);
    }

    @Override
    public boolean debugs() {
      return false;
    }

    @Override
    public void debug(String text) {}
  }
}
