package dev.coracle.machine;

import static dev.coracle.abi.Process.CLOCK_MONOTONIC;
import static dev.coracle.abi.Process.POLLIN;

import dev.coracle.execute.Files;
import dev.coracle.kernel.Errno;
import dev.coracle.kernel.Kernel;
import dev.coracle.vm.QmpReader;
import org.jspecify.annotations.Nullable;

/** Speaks with QEMU's monitor, a command and its answer at a time, until a deadline. */
final class QmpSession {
  private static final long NANOS_PER_MILLI = 1_000_000;

  private final Kernel k;
  private final int socket;
  private final long deadline;
  private final QmpReader reader = new QmpReader();
  private final int[] fds;
  private final short[] events = {POLLIN};
  private final short[] happened = new short[1];
  private int id;

  /** By a socket that QEMU has the other end of. */
  QmpSession(Kernel k, int socket, int millis) {
    this.k = k;
    this.socket = socket;
    this.deadline = k.clock_gettime(CLOCK_MONOTONIC) + millis * NANOS_PER_MILLI;
    this.fds = new int[] {socket};
  }

  /** Makes a command of a number. */
  interface Command {
    byte[] of(int id);
  }

  /** Has a command done; the text is why it was not. */
  @Nullable String ask(Command command) {
    return ask(command, -1);
  }

  /** Has a command done that a descriptor goes along with. */
  @Nullable String ask(Command command, int fd) {
    int number = ++id;
    byte[] line = command.of(number);
    long result =
        fd < 0 ? Files.writeAll(k, socket, line, 0, line.length) : k.sendMessage(socket, line, fd);
    while (result >= 0) {
      while (reader.next()) {
        if (reader.id() == number) {
          return reader.kind() == QmpReader.Kind.ANSWER
              ? null
              : "QEMU refuses: " + reader.text("desc");
        }
      }
      if (reader.defect() != null) {
        return reader.defect();
      }
      result = more();
    }
    return result == -Errno.ETIMEDOUT
        ? "QEMU does not answer"
        : "cannot speak with QEMU: " + k.explain(result);
  }

  /** A text of the last answer. */
  @Nullable String text(String key) {
    return reader.text(key);
  }

  private long more() {
    long left = (deadline - k.clock_gettime(CLOCK_MONOTONIC)) / NANOS_PER_MILLI;
    long n = left <= 0 ? 0 : k.poll(fds, events, happened, (int) left);
    if (n == 0) {
      return -Errno.ETIMEDOUT;
    }
    if (n > 0) {
      n = k.read(socket, reader.buffer(), reader.end(), reader.room());
      if (n == 0) {
        return -Errno.EPIPE;
      }
      reader.took((int) Math.max(0, n));
    }
    return n == -Errno.EINTR || n == -Errno.EAGAIN ? 0 : n;
  }
}
