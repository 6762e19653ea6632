package dev.coracle.lifecycle;

import static dev.coracle.abi.Process.AF_UNIX;
import static dev.coracle.abi.Process.SOCK_CLOEXEC;
import static dev.coracle.abi.Process.SOCK_STREAM;

import dev.coracle.kernel.Errno;
import dev.coracle.kernel.Kernel;
import org.jspecify.annotations.Nullable;

/** The socket of {@code --pidfd-socket}, which gets a pidfd of the process (pidfd_open(2)). */
final class PidfdSocket {
  private PidfdSocket() {}

  /**
   * Sends it; the text says why it cannot, or is null.
   *
   * @param path null where nobody asks for it
   * @param word what goes along, as with runc: {@code standard} for create, {@code setns} for exec
   */
  static @Nullable String send(Kernel k, @Nullable String path, int pidfd, String word) {
    if (path == null) {
      return null;
    }
    long socket = k.socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    long result = socket < 0 ? socket : k.connectUnix((int) socket, path);
    if (result >= 0) {
      result = k.sendDescriptor((int) socket, word, pidfd);
    }
    if (socket >= 0) {
      long closed = k.close((int) socket);
      result = result < 0 ? result : closed;
    }
    return result < 0
        ? "cannot send a pidfd to --pidfd-socket \"" + path + "\": " + Errno.text(-result)
        : null;
  }
}
