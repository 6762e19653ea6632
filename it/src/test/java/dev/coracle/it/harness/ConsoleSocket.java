package dev.coracle.it.harness;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** What an engine listens on to get a container's terminal: --console-socket. */
public final class ConsoleSocket implements AutoCloseable {
  private static final int PATIENCE_MILLIS = (int) Poll.PATIENCE.toMillis();

  private final Path path;
  private final int listening;

  public ConsoleSocket(Testbed bed) {
    path = bed.directory().resolve("console.sock");
    listening = Libc.listen(path);
  }

  public Path path() {
    return path;
  }

  /** The terminal that a runtime has sent. */
  public Terminal receive() {
    int connection = Libc.accept(listening, PATIENCE_MILLIS);
    try {
      return new Terminal(Libc.receiveFd(connection, PATIENCE_MILLIS));
    } finally {
      Libc.close(connection);
    }
  }

  @Override
  public void close() {
    Libc.close(listening);
    try {
      Files.delete(path);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The master side of a container's terminal. */
  public static final class Terminal implements AutoCloseable {
    private final Libc.Received received;
    private final StringBuilder output = new StringBuilder();

    Terminal(Libc.Received received) {
      this.received = received;
    }

    public Libc.Received received() {
      return received;
    }

    public void type(String text) {
      Libc.write(received.fd(), text);
    }

    /** Reads until a text has come, or fails. */
    public String readUntil(String text) {
      while (output.indexOf(text) < 0) {
        if (!Libc.readable(received.fd(), PATIENCE_MILLIS)) {
          throw new AssertionError("no \"" + text + "\" on the terminal: " + output);
        }
        byte[] bytes = Libc.read(received.fd());
        if (bytes == null) {
          throw new AssertionError("the terminal ended without \"" + text + "\": " + output);
        }
        output.append(new String(bytes, StandardCharsets.UTF_8));
      }
      return output.toString();
    }

    @Override
    public void close() {
      Libc.close(received.fd());
    }
  }
}
