package dev.coracle.lifecycle;

import static dev.coracle.abi.Process.AF_UNIX;
import static dev.coracle.abi.Process.SOCK_CLOEXEC;
import static dev.coracle.abi.Process.SOCK_STREAM;

import dev.coracle.execute.Context;
import dev.coracle.kernel.Kernel;
import org.jspecify.annotations.Nullable;

/** The socket of an engine to which the terminal's master is sent. */
final class ConsoleSocket {
  private ConsoleSocket() {}

  /** Connects to it; the text says why it cannot, or is null. */
  static @Nullable String connect(Kernel k, String path, Context context) {
    long socket = k.socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    long result = socket < 0 ? socket : k.connectUnix((int) socket, path);
    // Also where it is of no use: the context closes what it holds.
    context.useConsoleSocket((int) Math.max(socket, -1));
    return result < 0
        ? "cannot connect to --console-socket \"" + path + "\": " + k.explain(result)
        : null;
  }
}
