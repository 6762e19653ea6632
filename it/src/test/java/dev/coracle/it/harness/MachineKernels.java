package dev.coracle.it.harness;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Debian's cloud kernel, added by the runtime under test to a place of the tests' own. */
public final class MachineKernels {
  /** The system property that names the package of the kernel, which run.sh fetched. */
  private static final String PROPERTY = "coracle.it.kernel";

  /** What a guest can use, as modules are named, and one that none needs. */
  private static final String FEW =
      "failover|fuse|net_failover|virtio|virtio_(blk|console|mmio|net|ring)|virtiofs|dummy";

  private static @Nullable Path place;
  private static @Nullable Path configuration;
  private static @Nullable Path few;

  private MachineKernels() {}

  /** Debian's package. */
  public static Path debian() {
    return Path.of(System.getProperty(PROPERTY));
  }

  /** What is in Debian's package. */
  public static synchronized Path unpacked() {
    return place().resolve("debian");
  }

  /** The kernel in a tree that was unpacked, packed itself: a bzImage. */
  public static Path bzImage(Path tree) {
    return only(tree.resolve("boot"), "vmlinuz-.*");
  }

  /** All of the modules in such a tree. */
  public static Path modules(Path tree) {
    return only(tree.resolve("lib/modules"), ".*");
  }

  /** A package of the same kernel with few modules, which is quick to take apart. */
  public static synchronized Path few() {
    Path made = few;
    if (made == null) {
      made = makeFew();
      few = made;
    }
    return made;
  }

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
      Path kernels = place().resolve("kernels");
      Path file = place().resolve("config.toml");
      Files.createSymbolicLink(place().resolve("coracle-vm"), OciRuntime.underTest().binary());
      Files.writeString(file, "[vm]\nkernels = \"" + kernels + "\"\n");
      command(
          OciRuntime.underTest().binary().toString(),
          "vm",
          "kernel",
          "add",
          "debian",
          bzImage(unpacked()).toString(),
          "--modules=" + modules(unpacked()),
          "--kernels=" + kernels);
      return file;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Path makeFew() {
    Path tree = place().resolve("tree");
    Path file = place().resolve("few.deb");
    command("cp", "-r", unpacked().toString(), tree.toString());
    command(
        "find",
        tree.toString(),
        "-name",
        "*.ko",
        "-regextype",
        "egrep",
        "-not",
        "-regex",
        ".*/(" + FEW + ")\\.ko",
        "-delete");
    try {
      Path control = Files.createDirectory(tree.resolve("DEBIAN"));
      Files.writeString(
          control.resolve("control"),
          "Package: few\nVersion: 1\nArchitecture: all\nMaintainer: x <x@y>\nDescription: x\n");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    command("dpkg-deb", "-Znone", "-b", tree.toString(), file.toString());
    return file;
  }

  /** A directory that ends with the tests, with what is in Debian's package. */
  private static Path place() {
    Path made = place;
    if (made == null) {
      try {
        made = Files.createTempDirectory("citk");
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
      Path directory = made;
      Runtime.getRuntime().addShutdownHook(new Thread(() -> remove(directory)));
      place = made;
      command("dpkg-deb", "-x", debian().toString(), made.resolve("debian").toString());
    }
    return made;
  }

  private static void command(String... argv) {
    new Command(place(), List.of(argv)).timeout(Duration.ofSeconds(60)).execute().ok();
  }

  private static Path only(Path directory, String name) {
    try (Stream<Path> files = Files.list(directory)) {
      return files.filter(f -> f.getFileName().toString().matches(name)).findAny().orElseThrow();
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
