package dev.coracle.it.harness;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * One system call of a command, and what becomes of it.
 *
 * @param process 0 for the command's first process, then in the order of the forks
 * @param number the how many-th call of that process, from 1
 * @param name of the call
 * @param path its path, or what its descriptor is; empty where it has none
 * @param what {@link #KILL}, or an errno
 */
public record Fault(int process, int number, String name, String path, int what) {
  public static final int KILL = 0;
  public static final int EPERM = 1;
  public static final int EIO = 5;
  public static final int ENOMEM = 12;

  /**
   * How a command ended with a fault.
   *
   * @param calls those that were counted, or the one that failed
   * @param left the processes that are still there though the command failed
   */
  public record Outcome(Result result, List<Fault> calls, boolean hit, String left) {}

  /** The system calls of a command, in which nothing is made to fail. */
  public static Outcome count(Command command) {
    return run(command, -1, 0, KILL);
  }

  /** Runs a command with this fault. */
  public Outcome in(Command command) {
    return run(command, process, number, what);
  }

  public Fault with(int errno) {
    return new Fault(process, number, name, path, errno);
  }

  /** The name of its error, as messages have it. */
  public String errno() {
    return switch (what) {
      case EPERM -> "EPERM";
      case EIO -> "EIO";
      case ENOMEM -> "ENOMEM";
      default -> "SIGKILL";
    };
  }

  @Override
  public String toString() {
    return process + "/" + number + " " + name + (path.isEmpty() ? "" : " " + path) + " " + errno();
  }

  private static Outcome run(Command command, int process, int number, int what) {
    try {
      Path report = Files.createTempFile("coracle-it-fault", "");
      try {
        command.within(
            CProgram.INJECT.binary().toString(),
            report.toString(),
            Integer.toString(process),
            Integer.toString(number),
            what == KILL ? "kill" : Integer.toString(what));
        return read(command.execute(), Files.readAllLines(report));
      } finally {
        Files.delete(report);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Outcome read(Result result, List<String> lines) {
    if (lines.isEmpty() || !lines.getLast().startsWith("end ")) {
      throw new AssertionError("inject failed: " + result);
    }
    List<Fault> calls = new ArrayList<>();
    for (String line : lines.subList(0, lines.size() - 1)) {
      String[] words = line.split(" ", 4);
      calls.add(
          new Fault(
              Integer.parseInt(words[0]), Integer.parseInt(words[1]), words[2], words[3], KILL));
    }
    String[] end = lines.getLast().split(" ", 4);
    return new Outcome(result, calls, end[2].equals("1"), end.length > 3 ? end[3].strip() : "");
  }
}
