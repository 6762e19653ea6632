package dev.coracle.bench;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/**
 * The directory and the cgroup names of one run, and their removal: at the end, after a failure,
 * and when the bench is interrupted.
 */
final class Stage implements AutoCloseable {
  private static final String WORK = "work-";

  private final Path work;
  private final String prefix;
  private final Driver driver;
  private final Thread hook;
  private boolean closed;

  private Stage(Path work, String prefix, Driver driver) {
    this.work = work;
    this.prefix = prefix;
    this.driver = driver;
    this.hook = new Thread(this::clean, "bench-cleaner");
  }

  /** Makes the directory below {@code out}, with the root file system in it. */
  static Stage open(Options options) throws IOException {
    long pid = ProcessHandle.current().pid();
    Files.createDirectories(options.out());
    removeDead(options.out());
    Path work = Files.createDirectory(options.out().resolve(WORK + pid));
    String prefix = "coracle-bench-" + pid + "-";
    Stage stage = new Stage(work, prefix, new Driver(options.tools(), work, prefix));
    Runtime.getRuntime().addShutdownHook(stage.hook);
    Bundle.makeRootfs(work.resolve("rootfs"));
    Files.copy(options.tools().resolve("calls"), work.resolve("rootfs/bin/calls"));
    DockerBundle.makeHostFiles(work);
    Files.createDirectories(work.resolve("state"));
    return stage;
  }

  Driver driver() {
    return driver;
  }

  Path work() {
    return work;
  }

  String prefix() {
    return prefix;
  }

  @Override
  public void close() {
    clean();
    Runtime.getRuntime().removeShutdownHook(hook);
  }

  private synchronized void clean() {
    if (closed) {
      return;
    }
    closed = true;
    try {
      for (CgroupView view : List.of(CgroupView.V1, CgroupView.V2)) {
        driver.sweep(view);
      }
      removeTree(work);
    } catch (IOException | UncheckedIOException e) {
      System.err.println("bench: cannot remove " + work + ": " + e.getMessage());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Removes directories whose bench was killed before it could. */
  private static void removeDead(Path out) throws IOException {
    try (DirectoryStream<Path> directories = Files.newDirectoryStream(out, WORK + "*")) {
      for (Path directory : directories) {
        String pid = directory.toFile().getName().substring(WORK.length());
        if (pid.matches("[0-9]{1,18}") && ProcessHandle.of(Long.parseLong(pid)).isEmpty()) {
          removeTree(directory);
        }
      }
    }
  }

  private static void removeTree(Path root) throws IOException {
    try (Stream<Path> tree = Files.walk(root)) {
      for (Path path : tree.sorted(Comparator.reverseOrder()).toList()) {
        Files.deleteIfExists(path);
      }
    }
  }
}
