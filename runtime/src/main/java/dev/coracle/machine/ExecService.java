package dev.coracle.machine;

import static dev.coracle.abi.Process.AF_UNIX;
import static dev.coracle.abi.Process.SOCK_CLOEXEC;
import static dev.coracle.abi.Process.SOCK_STREAM;

import dev.coracle.execute.Service;
import dev.coracle.kernel.Kernel;
import dev.coracle.vm.RequestWriter;

/** The host's process of an exec in a machine. */
public final class ExecService implements Service {
  private static final int FAILED = 1;

  private final RequestWriter request;
  private final boolean terminal;

  /**
   * One more process.
   *
   * @param request what runs: PROCESS and ARGUMENT fields
   */
  public ExecService(RequestWriter request, boolean terminal) {
    this.request = request;
    this.terminal = terminal;
  }

  @Override
  public int serve(Kernel k) {
    long named = k.prctlSetName("coracle-exec");
    long socket = named < 0 ? named : k.socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    long result = socket < 0 ? socket : k.connectUnix((int) socket, MachineService.LISTENER);
    if (result < 0) {
      Words.say(k, "cannot reach the virtual machine: " + k.explain(result));
      return FAILED;
    }
    return Client.run(k, (int) socket, request, terminal);
  }
}
