package dev.coracle.it.harness;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;

/** The C program of the tests, compiled at its first use; run.sh names one that is compiled. */
final class Probe {
  private static final Path BINARY = compile();

  private Probe() {}

  static Path binary() {
    return BINARY;
  }

  private static Path compile() {
    String given = System.getProperty("coracle.it.probe");
    if (given != null) {
      return Path.of(given);
    }
    try (InputStream source = Objects.requireNonNull(Probe.class.getResourceAsStream("probe.c"))) {
      Path made = Files.createTempFile("coracle-it-probe", "");
      made.toFile().deleteOnExit();
      Process gcc =
          new ProcessBuilder("gcc", "-static", "-O1", "-o", made.toString(), "-x", "c", "-")
              .redirectError(ProcessBuilder.Redirect.INHERIT)
              .start();
      try (var in = gcc.getOutputStream()) {
        source.transferTo(in);
      }
      if (gcc.waitFor() != 0) {
        throw new IllegalStateException("the tests' C program does not compile; is gcc there?");
      }
      return made;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }
}
