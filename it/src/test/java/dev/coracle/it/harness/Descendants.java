package dev.coracle.it.harness;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** The processes below this JVM, which as a subreaper inherits all that its children orphan. */
public final class Descendants {
  private static final int SELF = (int) ProcessHandle.current().pid();

  private record Stat(int parent, char state) {}

  private Descendants() {}

  /** Those that run; zombies are the reaper's. */
  static List<Integer> running() {
    Map<Integer, Stat> all = read();
    Set<Integer> below = new HashSet<>(Set.of(SELF));
    boolean grew = true;
    while (grew) {
      grew = false;
      for (Map.Entry<Integer, Stat> e : all.entrySet()) {
        grew |= below.contains(e.getValue().parent()) && below.add(e.getKey());
      }
    }
    below.remove(SELF);
    List<Integer> running = new ArrayList<>();
    for (int pid : below) {
      Stat stat = all.get(pid);
      if (stat != null && stat.state() != 'Z' && stat.state() != 'X') {
        running.add(pid);
      }
    }
    return running;
  }

  /** The one that runs by this name, of at most 15 characters. */
  public static int named(String name) {
    for (int pid : running()) {
      try {
        if (Files.readString(Path.of("/proc/" + pid + "/comm")).strip().equals(name)) {
          return pid;
        }
      } catch (IOException e) {
        // Ended meanwhile.
      }
    }
    throw new AssertionError("no process is named " + name);
  }

  static boolean isZombie(int pid) {
    Stat stat = read().get(pid);
    return stat != null && stat.state() == 'Z';
  }

  /** Those that run still after a moment: one that is killed needs it to be gone. */
  static List<Integer> lasting() {
    List<Integer> running = running();
    for (int attempt = 0; attempt < 500 && !running.isEmpty(); attempt++) {
      java.util.concurrent.locks.LockSupport.parkNanos(1_000_000);
      running = running();
    }
    return running;
  }

  static void killAll() {
    for (int attempt = 0; attempt < 200; attempt++) {
      List<Integer> left = running();
      if (left.isEmpty()) {
        return;
      }
      left.forEach(pid -> Libc.kill(pid, Libc.SIGKILL));
      java.util.concurrent.locks.LockSupport.parkNanos(1_000_000);
    }
  }

  static String describe(int pid) {
    try {
      return Files.readString(Path.of("/proc/" + pid + "/cmdline")).replace('\0', ' ')
          + Files.readString(Path.of("/proc/" + pid + "/stat")).strip();
    } catch (IOException e) {
      return "(ended)";
    }
  }

  private static Map<Integer, Stat> read() {
    Map<Integer, Stat> found = new HashMap<>();
    try (DirectoryStream<Path> proc = Files.newDirectoryStream(Path.of("/proc"), "[0-9]*")) {
      for (Path p : proc) {
        try {
          String stat = Files.readString(p.resolve("stat"), StandardCharsets.ISO_8859_1);
          String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ", 4);
          found.put(
              Integer.parseInt(p.getFileName().toString()),
              new Stat(Integer.parseInt(fields[1]), fields[0].charAt(0)));
        } catch (IOException e) {
          // Ended meanwhile.
        }
      }
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
    return found;
  }
}
