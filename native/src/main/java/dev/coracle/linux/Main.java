package dev.coracle.linux;

import dev.coracle.abi.Bytes;
import dev.coracle.cli.Cli;
import dev.coracle.guest.Agent;
import dev.coracle.kernel.Kernel;
import java.util.List;

/** The entry point of the native binary. */
public final class Main {
  /** EX_SOFTWARE of sysexits.h: a bug of ours. */
  private static final int INTERNAL_ERROR = 70;

  private Main() {}

  /** Runs the command line, and exits. */
  public static void main(String[] args) {
    Kernel kernel = new LinuxKernel();
    int status;
    String argv0 = Scratch.read(Syscalls.argv0());
    try {
      String commit = Scratch.read(Syscalls.commit());
      // The kernel of a virtual machine starts us by the name that its initramfs has for us.
      boolean init = argv0.equals("/init") && kernel.getpid() == 1;
      status = init ? Agent.run(kernel, commit) : Cli.run(kernel, argv0, List.of(args), commit);
    } catch (Throwable bug) {
      // An exception that left main would be printed without its message, and would abort.
      byte[] text = Bytes.utf8("internal error: " + bug + "\n");
      long written = kernel.write(2, text, 0, text.length);
      status = written < 0 ? INTERNAL_ERROR + 1 : INTERNAL_ERROR;
    }
    long result = kernel.exit_group(status);
    throw new IllegalStateException("exit_group: " + result);
  }
}
