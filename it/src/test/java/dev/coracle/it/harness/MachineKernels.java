package dev.coracle.it.harness;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Debian's cloud kernel, added by the runtime under test to a place of the tests' own. */
public final class MachineKernels {
  /** The system property that names the package of the kernel, which run.sh fetched. */
  public static final String PROPERTY = "coracle.it.kernel";

  private static @Nullable Path configuration;

  private MachineKernels() {}

  /**
   * Another, by which each machine is a copy of one that was booted before, for whichever engine.
   */
  public static synchronized Path templates() {
    Path plain = configuration();
    Path file = plain.resolveSibling("templates.toml");
    String copied = "template = true\ntemplates = \"" + plain.resolveSibling("templates") + "\"\n";
    try {
      Files.writeString(file, Files.readString(plain) + copied);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return file;
  }

  /** A config.toml by which virtual machines find the kernel. */
  public static synchronized Path configuration() {
    Path made = configuration;
    if (made == null) {
      made = make();
      configuration = made;
    }
    return made;
  }

  /** The runtime under test by the name by which it makes virtual machines. */
  public static Path runtime() {
    return configuration().resolveSibling("coracle-vm");
  }

  private static Path make() {
    try {
      Path directory = Files.createTempDirectory("citk");
      Runtime.getRuntime().addShutdownHook(new Thread(() -> remove(directory)));
      Path kernels = directory.resolve("kernels");
      Path file = directory.resolve("config.toml");
      Files.createSymbolicLink(directory.resolve("coracle-vm"), OciRuntime.underTest().binary());
      Files.writeString(file, "[vm]\nkernels = \"" + kernels + "\"\n");
      new Command(
              directory,
              List.of(
                  OciRuntime.underTest().binary().toString(),
                  "vm",
                  "kernel",
                  "add",
                  "debian",
                  System.getProperty(PROPERTY)))
          .env("CORACLE_CONFIG", file.toString())
          .timeout(Duration.ofSeconds(60))
          .execute()
          .ok();
      return file;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void remove(Path directory) {
    new Command(directory, List.of("rm", "-rf", "--one-file-system", directory.toString()))
        .discardOutput()
        .execute();
  }
}
