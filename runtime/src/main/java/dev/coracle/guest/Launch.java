package dev.coracle.guest;

import static dev.coracle.abi.Fcntl.AT_FDCWD;
import static dev.coracle.abi.Fcntl.O_CLOEXEC;
import static dev.coracle.abi.Fcntl.O_RDWR;

import dev.coracle.abi.Bytes;
import dev.coracle.cli.ExecArguments;
import dev.coracle.execute.Files;
import dev.coracle.execute.Rootless;
import dev.coracle.kernel.DescribingKernel;
import dev.coracle.kernel.Errno;
import dev.coracle.kernel.Kernel;
import dev.coracle.lifecycle.Create;
import dev.coracle.lifecycle.Environment;
import dev.coracle.lifecycle.Exec;
import dev.coracle.lifecycle.Failure;
import dev.coracle.lifecycle.Seal;
import dev.coracle.lifecycle.Start;
import dev.coracle.state.FilterCache;
import dev.coracle.state.StateStore;
import dev.coracle.vm.Frame;
import dev.coracle.vm.RequestReader;
import dev.coracle.vm.RequestReader.Part;
import java.util.ArrayList;
import java.util.List;

/**
 * The child of the agent that makes a process in the container, by our own verbs, and tells what
 * came of it: {@code S} and its pid, or {@code F}, an exit status and a text.
 */
final class Launch {
  // Places in the descriptors that it is given; −1 for none.
  static final int IN = 0;
  static final int OUT = 1;
  static final int ERR = 2;
  static final int CONSOLE = 3;
  static final int REPORT = 4;
  static final int DESCRIPTORS = 5;

  static final byte STARTED = 'S';
  static final byte FAILED = 'F';

  private static final int STDIO = 3;
  private static final int NOT_FOUND = 127;
  private static final int NOT_EXECUTABLE = 126;
  private static final int OTHER = 1;
  private static final int REPORT_MOST = 4000;

  private final DescribingKernel k;
  private final Environment e;

  private Launch(Kernel kernel, String commit) {
    k = new DescribingKernel(kernel);
    e =
        new Environment(
            k,
            new StateStore(k, Machine.STATE),
            new FilterCache(k, Machine.STATE, commit),
            Machine.STATE,
            List.of(),
            new Silence(),
            Rootless.FALSE,
            Seal.NONE);
  }

  /** Runs in the child, and ends it. */
  static void run(
      Kernel kernel, String commit, Machine machine, int id, RequestReader request, int[] fds) {
    Launch launch = new Launch(kernel, commit);
    byte[] report = launch.report(machine, id, request, fds);
    long written = Files.writeAll(kernel, fds[REPORT], report, 0, report.length);
    long result = kernel.exit_group(written < 0 ? 1 : 0);
    throw new IllegalStateException("exit_group: " + result);
  }

  private byte[] report(Machine machine, int id, RequestReader request, int[] fds) {
    try {
      int pid = launch(machine, id, request, fds);
      byte[] out = new byte[5];
      out[0] = STARTED;
      Bytes.put32(out, 1, pid);
      return out;
    } catch (Failure failure) {
      return failed(failure.getMessage());
    }
  }

  private static byte[] failed(String text) {
    byte[] bytes = Bytes.utf8(text);
    int length = Math.min(bytes.length, REPORT_MOST);
    byte[] out = new byte[5 + length];
    out[0] = FAILED;
    Bytes.put32(out, 1, status(text));
    System.arraycopy(bytes, 0, out, 5, length);
    return out;
  }

  /** What shells and engines say of a program that cannot be run (bash(1), EXIT STATUS). */
  private static int status(String text) {
    boolean program = text.contains("/process/args") || text.contains("exec: ");
    if (!program) {
      return OTHER;
    }
    boolean missing =
        text.contains("executable file not found") || text.contains("no such file or directory");
    return missing ? NOT_FOUND : NOT_EXECUTABLE;
  }

  private int launch(Machine machine, int id, RequestReader request, int[] fds) throws Failure {
    giveStdio(fds);
    int console = fds[CONSOLE];
    if (id == Frame.FIRST) {
      Create.Created created =
          Create.create(e, Create.Request.inMachine(machine.name(), Machine.BUNDLE, console));
      Start.start(e, machine.name());
      return created.launcher().pid();
    }
    List<Part> parts = request.parts();
    if (parts == null) {
      throw new Failure("the request is broken");
    }
    List<String> arguments = new ArrayList<>();
    String process = null;
    for (Part part : parts) {
      switch (part.field()) {
        case ARGUMENT -> arguments.add(request.text(part));
        case PROCESS -> process = processFile(id, request, part);
        case TERMINAL -> {}
        default -> throw new Failure(part.field() + " is no field of a process");
      }
    }
    Exec.Request exec = ExecArguments.request(machine.name(), arguments, process, console);
    int pid = Exec.exec(e, exec).launcher().pid();
    long removed = process == null ? 0 : k.unlinkat(AT_FDCWD, process, 0);
    if (removed < 0) {
      throw new Failure("cannot remove the process file: " + k.explain(removed));
    }
    return pid;
  }

  private String processFile(int id, RequestReader request, Part part) throws Failure {
    String path = "/run/coracle/process-" + id + ".json";
    long result = Machine.write(k, path, request.bytes(), part.at(), part.length());
    if (result < 0) {
      throw new Failure("cannot write the process file: " + k.explain(result));
    }
    return path;
  }

  private void giveStdio(int[] fds) throws Failure {
    long result = 0;
    if (fds[IN] < 0) {
      result = k.openat2(AT_FDCWD, "/dev/null", O_RDWR | O_CLOEXEC, 0, 0);
    }
    for (int fd = 0; fd < STDIO && result >= 0; fd++) {
      result = k.dup3(fds[fd] < 0 ? (int) result : fds[fd], fd, 0);
    }
    if (result < 0) {
      throw new Failure("cannot give it its input and output: " + Errno.text(-result));
    }
  }

  /** What verbs write is of no use here: their errors are reported. */
  private static final class Silence implements Environment.Output {
    @Override
    public void print(String text) {}

    @Override
    public void warn(String text) {}

    @Override
    public boolean debugs() {
      return false;
    }

    @Override
    public void debug(String text) {}
  }
}
