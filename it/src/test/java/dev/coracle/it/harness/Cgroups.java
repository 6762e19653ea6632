package dev.coracle.it.harness;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** The cgroup hierarchies that this mount namespace shows. */
public final class Cgroups {
  /** How the hierarchies are laid out. */
  public enum View {
    V1,
    HYBRID,
    V2
  }

  private static final Cgroups HERE = new Cgroups();

  /** Controller (or named hierarchy, or "" for v2) to mount point. */
  private final Map<String, Path> mounts = new HashMap<>();

  private Cgroups() {
    try {
      for (String line : Files.readAllLines(Path.of("/proc/self/mountinfo"))) {
        int separator = line.indexOf(" - ");
        String[] before = line.substring(0, separator).split(" ", -1);
        String[] after = line.substring(separator + 3).split(" ", -1);
        Path at = Path.of(before[4]);
        if (!at.startsWith("/sys/fs/cgroup")) {
          continue;
        }
        if (after[0].equals("cgroup2")) {
          mounts.put("", at);
        } else if (after[0].equals("cgroup")) {
          for (String option : after[2].split(",", -1)) {
            mounts.put(option, at);
          }
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  public static Cgroups here() {
    return HERE;
  }

  public View view() {
    Path unified = mounts.get("");
    if (unified == null) {
      return View.V1;
    }
    return unified.equals(Path.of("/sys/fs/cgroup")) ? View.V2 : View.HYBRID;
  }

  public boolean hasController(String name) {
    return controllerRoot(name) != null;
  }

  /** Where a controller's cgroups are ("unified": those of v2), or null if this view has none. */
  public @Nullable Path controllerRoot(String name) {
    Path v1 = mounts.get(name);
    if (v1 != null) {
      return v1;
    }
    Path unified = mounts.get("");
    if (unified == null || view() != View.V2) {
      return null; // in the hybrid layout the second hierarchy is not for limits
    }
    if (List.of("devices", "freezer", "unified").contains(name)) {
      return unified; // part of its core
    }
    return List.of(read(unified.resolve("cgroup.controllers")).strip().split(" ", -1))
            .contains(name)
        ? unified
        : null;
  }

  /** What stands in a file of a container's cgroup, whose name depends on the version. */
  public String value(Bundle bundle, String controller, String v1File, String v2File) {
    Path root = controllerRoot(controller);
    if (root == null) {
      throw new IllegalStateException("no controller " + controller + " in view " + view());
    }
    String file = view() == View.V2 ? v2File : v1File;
    return read(Path.of(root + bundle.cgroupsPath()).resolve(file)).strip();
  }

  /** The cgroups of a name in all hierarchies. */
  public List<Path> named(String cgroupsPath) {
    List<Path> found = new ArrayList<>();
    for (Path root : mounts.values().stream().distinct().toList()) {
      Path cgroup = Path.of(root + cgroupsPath);
      if (Files.isDirectory(cgroup)) {
        found.add(cgroup);
      }
    }
    return found;
  }

  /** Cgroups at the top of any hierarchy whose name starts so. */
  public List<Path> startingWith(String prefix) {
    List<Path> found = new ArrayList<>();
    for (Path root : mounts.values().stream().distinct().toList()) {
      try (Stream<Path> top = Files.list(root)) {
        top.filter(p -> p.getFileName().toString().startsWith(prefix)).forEach(found::add);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
    return found;
  }

  /** Kills what is in a cgroup and removes it with all below: the tests' own clean-up. */
  public static void destroy(Path cgroup) {
    for (int attempt = 0; attempt < 100; attempt++) {
      try (Stream<Path> tree = Files.walk(cgroup)) {
        for (Path p : tree.filter(Files::isDirectory).sorted((a, b) -> b.compareTo(a)).toList()) {
          Path frozen = p.resolve("freezer.state");
          if (Files.exists(frozen)) {
            Files.writeString(frozen, "THAWED");
          }
          for (String pid : read(p.resolve("cgroup.procs")).lines().toList()) {
            Libc.kill(Integer.parseInt(pid), Libc.SIGKILL);
          }
          Files.deleteIfExists(p);
        }
        return;
      } catch (IOException | UncheckedIOException e) {
        java.util.concurrent.locks.LockSupport.parkNanos(5_000_000);
      }
    }
  }

  public static String read(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
