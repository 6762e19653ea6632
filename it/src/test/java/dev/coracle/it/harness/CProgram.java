package dev.coracle.it.harness;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;

/** A C program of the tests, compiled at its first use; run.sh names those that are compiled. */
final class CProgram {
  /** The workload of containers: see probe.c. */
  static final CProgram PROBE = new CProgram("probe");

  /** Lets system calls fail: see inject.c. */
  static final CProgram INJECT = new CProgram("inject");

  private final Path binary;

  private CProgram(String name) {
    binary = compile(name);
  }

  Path binary() {
    return binary;
  }

  private static Path compile(String name) {
    String given = System.getProperty("coracle.it." + name);
    if (given != null) {
      return Path.of(given);
    }
    try (InputStream source =
        Objects.requireNonNull(CProgram.class.getResourceAsStream(name + ".c"))) {
      Path made = Files.createTempFile("coracle-it-" + name, "");
      made.toFile().deleteOnExit();
      Process gcc =
          new ProcessBuilder("gcc", "-static", "-O1", "-o", made.toString(), "-x", "c", "-")
              .redirectError(ProcessBuilder.Redirect.INHERIT)
              .start();
      try (var in = gcc.getOutputStream()) {
        source.transferTo(in);
      }
      if (gcc.waitFor() != 0) {
        throw new IllegalStateException(name + ".c does not compile; is gcc there?");
      }
      return made;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }
}
