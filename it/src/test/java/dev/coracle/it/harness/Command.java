package dev.coracle.it.harness;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * One command with its files for stdin, stdout and stderr.
 *
 * <p>Files, not pipes: a container that outlives `create` would hold a pipe open.
 */
public final class Command {
  private static final AtomicInteger COUNT = new AtomicInteger();

  private final List<String> argv;
  private Path stdout;
  private Path stderr;
  private final ProcessBuilder builder;
  private Duration timeout = Poll.PATIENCE.multipliedBy(2);

  Command(Path directory, List<String> argv) {
    this.argv = new ArrayList<>(argv);
    int number = COUNT.incrementAndGet();
    this.stdout = directory.resolve("out." + number);
    this.stderr = directory.resolve("err." + number);
    this.builder = new ProcessBuilder(this.argv);
    builder.redirectInput(Path.of("/dev/null").toFile());
    builder.redirectOutput(stdout.toFile());
    builder.redirectError(stderr.toFile());
    builder.environment().keySet().removeIf(name -> name.startsWith("CORACLE_"));
  }

  public Command env(String name, String value) {
    builder.environment().put(name, value);
    return this;
  }

  public Command withoutEnv(String name) {
    builder.environment().remove(name);
    return this;
  }

  /** For a command that removes the folder of its own output. */
  Command discardOutput() {
    stdout = Path.of("/dev/null");
    stderr = stdout;
    builder.redirectOutput(stdout.toFile());
    builder.redirectError(stderr.toFile());
    return this;
  }

  public Command in(Path directory) {
    builder.directory(directory.toFile());
    return this;
  }

  public Command timeout(Duration limit) {
    timeout = limit;
    return this;
  }

  public Command stdin(String text) {
    Path file = Path.of(stdout + ".in");
    try {
      Files.writeString(file, text);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    builder.redirectInput(file.toFile());
    return this;
  }

  /** Puts words of a shell before the command, such as a redirection that leaks a descriptor. */
  public Command after(String shell) {
    List<String> wrapped =
        new ArrayList<>(List.of("/bin/busybox", "sh", "-c", shell + "; exec \"$@\"", "sh"));
    wrapped.addAll(argv);
    argv.clear();
    argv.addAll(wrapped);
    return this;
  }

  /** Lets another program run it. */
  Command within(String... program) {
    argv.addAll(0, List.of(program));
    return this;
  }

  public Running start() {
    try {
      return new Running(this, Reaper.start(builder));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  public Result execute() {
    return start().end();
  }

  /** A command that may still be running. */
  public static final class Running {
    private final Command command;
    private final Process process;

    Running(Command command, Process process) {
      this.command = command;
      this.process = process;
    }

    public int pid() {
      return (int) process.pid();
    }

    public boolean isRunning() {
      return process.isAlive();
    }

    public String stdout() {
      return read(command.stdout);
    }

    public String stderr() {
      return read(command.stderr);
    }

    /** Waits for the end; a command that does not end in time is killed and fails the test. */
    public Result end() {
      try {
        if (!process.waitFor(command.timeout.toMillis(), TimeUnit.MILLISECONDS)) {
          process.destroyForcibly().waitFor();
          Reaper.forget(pid());
          throw new AssertionError(
              "not ended within "
                  + command.timeout.toSeconds()
                  + " s: "
                  + new Result(String.join(" ", command.argv), -1, stdout(), stderr()));
        }
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new IllegalStateException(e);
      }
      Reaper.forget(pid());
      return new Result(String.join(" ", command.argv), process.exitValue(), stdout(), stderr());
    }

    private static String read(Path file) {
      try {
        return Files.readString(file, StandardCharsets.ISO_8859_1);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }
}
