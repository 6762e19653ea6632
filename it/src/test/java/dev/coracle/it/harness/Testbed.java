package dev.coracle.it.harness;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** One test's own place: its folder, its bundles, the runtime with a state folder of its own. */
public final class Testbed {
  private static final String PREFIX = "coracle-it-" + ProcessHandle.current().pid() + "-";
  private static int count;

  private final OciRuntime runtime = OciRuntime.underTest();
  private final Path directory;

  Testbed() {
    try {
      directory = Files.createTempDirectory("cit");
      // Readable by all, for containers with another user.
      Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwxr-xr-x"));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The test's folder, for anything; short, because a socket's name is. */
  public Path directory() {
    return directory;
  }

  /** A new folder in the test's folder. */
  public Path folder(String name) {
    try {
      return Files.createDirectories(directory.resolve(name));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  public Path file(String name, String content) {
    try {
      return Files.writeString(directory.resolve(name), content);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Where the runtime keeps its state: --root. */
  public Path stateRoot() {
    return directory.resolve("state");
  }

  public OciRuntime runtime() {
    return runtime;
  }

  /** A new bundle, of which everything has a name of its own. */
  public Bundle bundle() {
    String id = PREFIX + ++count;
    return new Bundle(directory.resolve("b" + count), id, runtime);
  }

  /** The runtime with --root and these arguments. */
  public Command oci(String... args) {
    List<String> argv =
        new ArrayList<>(List.of(runtime.binary().toString(), "--root", stateRoot().toString()));
    argv.addAll(List.of(args));
    return new Command(directory, argv);
  }

  /** The runtime with nothing but these arguments. */
  public Command plain(String... args) {
    List<String> argv = new ArrayList<>(List.of(runtime.binary().toString()));
    argv.addAll(List.of(args));
    return new Command(directory, argv);
  }

  /** Any other program. */
  public Command program(String... argv) {
    return new Command(directory, List.of(argv));
  }

  Command verb(String verb, String[] first, String... rest) {
    List<String> args = new ArrayList<>(List.of(verb));
    args.addAll(List.of(first));
    args.addAll(List.of(rest));
    return oci(args.toArray(String[]::new));
  }

  /** The command `run` of a bundle, in the foreground. */
  public Command runCommand(Bundle bundle, String... flags) {
    return verbOfBundle("run", bundle, flags);
  }

  public Command createCommand(Bundle bundle, String... flags) {
    return verbOfBundle("create", bundle, flags);
  }

  private Command verbOfBundle(String verb, Bundle bundle, String... flags) {
    List<String> args = new ArrayList<>(List.of(verb, "--bundle", bundle.write().toString()));
    args.addAll(List.of(flags));
    args.add(bundle.id());
    return oci(args.toArray(String[]::new));
  }

  /** Runs a bundle in the foreground. */
  public Result run(Bundle bundle, String... flags) {
    return runCommand(bundle, flags).execute();
  }

  /** What a bundle's process writes when it succeeds, without the last end of line. */
  public String outputOf(Bundle bundle) {
    return run(bundle).ok().line();
  }

  public Container create(Bundle bundle, String... flags) {
    return created(bundle.id(), createCommand(bundle, flags));
  }

  /** A container that a command creates. */
  public Container created(String id, Command command) {
    Command.Running creator = command.start();
    creator.end().ok();
    return new Container(this, id, creator);
  }

  public Container start(Bundle bundle, String... flags) {
    return create(bundle, flags).start();
  }

  /** Fails if anything of this test is there now. */
  public void assertNothingLeft(String when) {
    List<String> left = leftovers();
    if (!left.isEmpty()) {
      throw new AssertionError("left behind, " + when + ":\n  " + String.join("\n  ", left));
    }
  }

  /** What the test has left behind, each said in a line. */
  List<String> leftovers() {
    List<String> found = new ArrayList<>();
    for (int pid : Descendants.lasting()) {
      found.add("process " + pid + ": " + Descendants.describe(pid));
    }
    for (Path cgroup : Cgroups.here().startingWith(PREFIX)) {
      found.add("cgroup " + cgroup);
    }
    mounts().forEach(m -> found.add("mount " + m));
    if (Files.isDirectory(stateRoot())) {
      try (Stream<Path> states = Files.list(stateRoot())) {
        // What is no container's may stay: compiled filters, and what was told once.
        states
            .filter(s -> !s.getFileName().toString().startsWith("."))
            .forEach(s -> found.add("state " + s));
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
    return found;
  }

  private List<Path> mounts() {
    return Cgroups.read(Path.of("/proc/self/mountinfo"))
        .lines()
        .map(line -> line.split(" ", -1)[4])
        .filter(at -> at.startsWith(directory.toString()) || at.contains(PREFIX))
        .map(Path::of)
        .toList();
  }

  /** Removes everything, whatever is left. */
  void destroy() {
    Reaper.leaveNoneAlone();
    Cgroups.here()
        .startingWith(PREFIX)
        .forEach(Cgroups::destroy); // first: a frozen one does not die
    Descendants.killAll();
    mounts().reversed().forEach(Libc::unmount);
    try {
      Files.walkFileTree(
          directory,
          new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
                throws IOException {
              Files.delete(file);
              return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult postVisitDirectory(
                Path folder, @org.jspecify.annotations.Nullable IOException problem)
                throws IOException {
              Files.delete(folder);
              return FileVisitResult.CONTINUE;
            }
          });
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
