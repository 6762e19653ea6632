package dev.coracle.bus;

import static dev.coracle.abi.Process.AF_UNIX;
import static dev.coracle.abi.Process.CLOCK_MONOTONIC;
import static dev.coracle.abi.Process.POLLIN;
import static dev.coracle.abi.Process.SOCK_CLOEXEC;
import static dev.coracle.abi.Process.SOCK_STREAM;

import dev.coracle.abi.Bytes;
import dev.coracle.dbus.Message;
import dev.coracle.dbus.MessageWriter;
import dev.coracle.dbus.Value;
import dev.coracle.kernel.DescribingKernel;
import dev.coracle.kernel.Errno;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A connection by D-Bus: calls, one after the other, and the end of systemd's jobs. Every wait has
 * a deadline.
 *
 * <p>Source: D-Bus Specification, "Authentication Protocol": EXTERNAL without a name, for the other
 * side asks the kernel who we are, and would not know the uid that we have in a user namespace.
 */
final class Bus {
  private static final int FIRST_BUFFER_BYTES = 4096;
  private static final int MOST_JOBS = 256;
  private static final long NANOS_PER_MILLI = 1_000_000;

  private final DescribingKernel k;
  private final int fd;
  private final String destination;
  private final List<String> jobs = new ArrayList<>();
  private final Message message = new Message();
  private byte[] buffer = new byte[FIRST_BUFFER_BYTES];
  private int have;
  private int used;
  private int serial;
  private String peer = "";
  private String errorName = "";
  private String problem = "";

  private Bus(DescribingKernel kernel, int fd, String destination) {
    this.k = kernel;
    this.fd = fd;
    this.destination = destination;
  }

  /** A connection, or why there is none. */
  record Connected(@Nullable Bus bus, long errno, String problem) {}

  /**
   * Connects.
   *
   * @param destination whom the calls are for; empty where nobody stands between
   */
  static Connected connect(DescribingKernel k, String path, String destination, int timeoutMillis) {
    long socket = k.socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (socket < 0) {
      return new Connected(null, socket, k.lastFailure(socket) + ": " + Errno.text(-socket));
    }
    Bus bus = new Bus(k, (int) socket, destination);
    long result = k.connectUnix((int) socket, path);
    if (result < 0) {
      bus.failed(result);
    } else if (bus.authenticate(bus.deadline(timeoutMillis))) {
      return new Connected(bus, 0, "");
    }
    bus.close();
    return new Connected(null, Math.min(result, 0), bus.problem);
  }

  private boolean authenticate(long deadline) {
    // All at once: the answers to both lines come together.
    if (!send(Bytes.utf8("\0AUTH EXTERNAL\r\nDATA\r\nBEGIN\r\n"))) {
      return false;
    }
    String line = line(deadline);
    if (line.equals("DATA")) {
      line = line(deadline);
    }
    if (line.startsWith("OK ")) {
      return true;
    }
    problem = problem.isEmpty() ? "authentication was answered with \"" + line + "\"" : problem;
    return false;
  }

  private String line(long deadline) {
    int at = 0;
    while (true) {
      for (; at < have; at++) {
        if (buffer[at] == '\n') {
          String line = Bytes.text(buffer, 0, Math.max(0, at - 1));
          used = at + 1;
          shift();
          return line;
        }
      }
      if (have == buffer.length) {
        problem = "authentication was answered with a line that does not end";
        return "";
      }
      if (!fill(deadline)) {
        return "";
      }
    }
  }

  /** Takes away what was read, so that a message begins where its numbers are aligned. */
  private void shift() {
    System.arraycopy(buffer, used, buffer, 0, have - used);
    have -= used;
    used = 0;
  }

  private long deadline(int millis) {
    return k.clock_gettime(CLOCK_MONOTONIC) + millis * NANOS_PER_MILLI;
  }

  private boolean failed(long result) {
    problem = k.lastFailure(result) + ": " + Errno.text(-result);
    return false;
  }

  private boolean send(byte[] bytes) {
    int at = 0;
    while (at < bytes.length) {
      long n = k.write(fd, bytes, at, bytes.length - at);
      if (n < 0 && n != -Errno.EINTR) {
        return failed(n);
      }
      at += (int) Math.max(n, 0);
    }
    return true;
  }

  private boolean fill(long deadline) {
    while (true) {
      long left = deadline - k.clock_gettime(CLOCK_MONOTONIC);
      long millis = Math.max(0, (left + NANOS_PER_MILLI - 1) / NANOS_PER_MILLI);
      long ready = k.poll(new int[] {fd}, new short[] {POLLIN}, new short[1], (int) millis);
      if (ready == 0) {
        problem = "no answer in time";
        return false;
      }
      long n = ready < 0 ? ready : k.read(fd, buffer, have, buffer.length - have);
      if (n == 0) {
        problem = "the connection was closed";
        return false;
      }
      if (n > 0) {
        have += (int) n;
        return true;
      }
      if (n != -Errno.EINTR) {
        return failed(n);
      }
    }
  }

  private boolean receive(long deadline) {
    shift();
    while (true) {
      int length = have < Message.FIXED_BYTES ? Message.FIXED_BYTES : Message.length(buffer, 0);
      if (length < 0 || have >= Message.FIXED_BYTES && have >= length && !look(length)) {
        problem = "a broken message came";
        return false;
      }
      if (used > 0) {
        return true;
      }
      if (length > buffer.length) {
        byte[] larger = new byte[Math.max(length, 2 * buffer.length)];
        System.arraycopy(buffer, 0, larger, 0, have);
        buffer = larger;
      }
      if (!fill(deadline)) {
        return false;
      }
    }
  }

  private boolean look(int length) {
    used = length;
    return message.read(buffer, 0, length);
  }

  /** Calls a method and waits for its answer, which {@link #answer} is then. */
  boolean call(
      String path, String interfaceName, String member, int timeoutMillis, Value... arguments) {
    return callAt(destination, path, interfaceName, member, timeoutMillis, arguments);
  }

  /** As {@link #call}, to the bus itself. */
  boolean callBus(String member, int timeoutMillis, Value... arguments) {
    String name = "org.freedesktop.DBus";
    return callAt(name, "/org/freedesktop/DBus", name, member, timeoutMillis, arguments);
  }

  private boolean callAt(
      String to, String path, String interfaceName, String member, int millis, Value... arguments) {
    errorName = "";
    problem = "";
    serial++;
    if (!send(MessageWriter.call(serial, to, path, interfaceName, member, arguments))) {
      return false;
    }
    long deadline = deadline(millis);
    while (receive(deadline)) {
      boolean ours = message.replySerial() == serial;
      if (ours && message.type() == Message.METHOD_RETURN) {
        peer = message.text(Message.SENDER);
        return true;
      }
      if (ours && message.type() == Message.ERROR) {
        errorName = message.text(Message.ERROR_NAME);
        String text = message.text(Message.SIGNATURE).startsWith("s") ? message.nextText() : "";
        problem = errorName + (text.isEmpty() ? "" : ": " + text);
        return false;
      }
      noteJob();
    }
    return false;
  }

  /** A job may have ended before the call that made it was answered. */
  private void noteJob() {
    if (message.type() != Message.SIGNAL
        || !message.has(Message.MEMBER, "JobRemoved")
        || !message.has(Message.SIGNATURE, "uoss")
        || !peer.isEmpty() && !message.has(Message.SENDER, peer)
        || jobs.size() >= MOST_JOBS) {
      return;
    }
    message.nextNumber('u');
    String job = message.nextText();
    String unit = message.nextText();
    String result = message.nextText();
    if (!message.isBroken()) {
      jobs.add(job + " " + unit + " " + result);
    }
  }

  /** Waits for the end of a job of a unit: {@code done}, or how else it ended; empty without. */
  String awaitJob(String job, String unit, int timeoutMillis) {
    long deadline = deadline(timeoutMillis);
    String wanted = job + " " + unit + " ";
    while (true) {
      for (String seen : jobs) {
        if (seen.startsWith(wanted)) {
          return seen.substring(wanted.length());
        }
      }
      jobs.clear();
      if (!receive(deadline)) {
        return "";
      }
      noteJob();
    }
  }

  /** The answer to the last call that succeeded. */
  Message answer() {
    return message;
  }

  /** Why the last call failed. */
  String problem() {
    return problem;
  }

  /** The name of the error with which the last call was answered, or an empty text. */
  String errorName() {
    return errorName;
  }

  /** Ends the connection. */
  void close() {
    long closed = k.close(fd);
    if (closed < 0) {
      throw new IllegalStateException("close(" + fd + "): " + Errno.text(-closed));
    }
  }
}
