package dev.coracle.it.harness;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** The cgroup below which an engine puts its containers, and which it leaves when it ends. */
final class EngineCgroup {
  private static final Path MOUNT = Path.of("/sys/fs/cgroup");
  private final List<Path> absent = new ArrayList<>();

  /** Takes note of where the cgroup is not there yet. */
  EngineCgroup(String name) {
    try (DirectoryStream<Path> hierarchies = Files.newDirectoryStream(MOUNT, Files::isDirectory)) {
      absent.add(MOUNT.resolve(name));
      for (Path hierarchy : hierarchies) {
        absent.add(hierarchy.resolve(name));
      }
      absent.removeIf(Files::exists);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Removes it where it was not before. */
  void remove() {
    for (Path cgroup : absent) {
      try {
        Files.deleteIfExists(cgroup.resolve("conmon")); // podman's monitors had one of their own
        Files.deleteIfExists(cgroup);
      } catch (IOException e) {
        throw new UncheckedIOException("the engine left something in " + cgroup, e);
      }
    }
  }
}
