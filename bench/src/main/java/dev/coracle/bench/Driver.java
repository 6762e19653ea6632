package dev.coracle.bench;

import com.google.gson.Gson;
import com.google.gson.JsonSyntaxException;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The C program {@code lap}, which runs and times the contenders. */
final class Driver {
  /** The driver's exit status when the machine cannot show the wanted cgroup layout. */
  private static final int NO_VIEW = 3;

  private final Path tools;
  private final Path work;
  private final String prefix;
  private volatile @Nullable Process running;

  Driver(Path tools, Path work, String prefix) {
    this.tools = tools;
    this.work = work;
    this.prefix = prefix;
  }

  /** The machine cannot show a cgroup layout. */
  static final class NoViewException extends Exception {
    private static final long serialVersionUID = 1L;

    NoViewException(CgroupView view) {
      super("this machine cannot show a pure " + view.title);
    }
  }

  /** What one run of the driver printed. */
  record Run(List<Line> lines, String stderr) {
    /** Why {@code contender} failed, or null. */
    @Nullable String error(String contender) {
      for (Line line : lines) {
        if (contender.equals(line.contender()) && line.error() != null) {
          return line.error();
        }
      }
      return null;
    }
  }

  /** One line of the driver's output: a round, an inspection, an error or the driver's own peak. */
  record Line(
      @Nullable String contender,
      @Nullable Integer round,
      @Nullable Map<String, Long> nanos,
      @Nullable Map<String, Long> peakKb,
      @Nullable String error,
      @Nullable String cgroup,
      @Nullable List<String> namespaces,
      @Nullable Integer mounts,
      @Nullable Long driverPeakKb) {}

  /**
   * Runs the plans in turn for some rounds.
   *
   * <p>To be called on the main thread: the driver ends itself when the thread that started it ends
   * (PR_SET_PDEATHSIG), so that it never outlives the bench.
   */
  Run run(CgroupView view, List<String> options, List<Plan> plans)
      throws IOException, InterruptedException, NoViewException {
    Path plan = work.resolve("plan");
    StringBuilder text = new StringBuilder();
    for (Plan p : plans) {
      text.append(p.text());
    }
    Files.writeString(plan, text);
    List<String> command = new ArrayList<>(List.of(lap(), "--view", view.word, "--sweep", prefix));
    command.addAll(List.of("--state", work.resolve("state").toString()));
    command.addAll(options);
    command.add(plan.toString());
    return read(view, command);
  }

  /** Removes what a broken run may have left in the cgroups of this view. */
  void sweep(CgroupView view) throws IOException, InterruptedException {
    Process process = running;
    if (process != null) {
      process.destroy();
      process.waitFor();
    }
    start(List.of(lap(), "--view", view.word, "--sweep", prefix)).waitFor();
  }

  private String lap() {
    return tools.resolve("lap").toString();
  }

  private File output() {
    return work.resolve("lap.out").toFile();
  }

  private File errors() {
    return work.resolve("lap.err").toFile();
  }

  private Process start(List<String> command) throws IOException {
    // Files and not pipes: a container that is left over would keep a pipe open for ever.
    ProcessBuilder builder =
        new ProcessBuilder(command).redirectOutput(output()).redirectError(errors());
    builder.environment().clear();
    builder
        .environment()
        .put("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
    return builder.start();
  }

  private Run read(CgroupView view, List<String> command)
      throws IOException, InterruptedException, NoViewException {
    Process process = start(command);
    running = process;
    int status = process.waitFor();
    running = null;
    String stderr = Files.readString(errors().toPath());
    if (status == NO_VIEW) {
      throw new NoViewException(view);
    }
    if (status != 0) {
      throw new IOException("the driver exited with " + status + ": " + stderr);
    }
    List<Line> lines = new ArrayList<>();
    Gson gson = new Gson();
    for (String line : Files.readAllLines(output().toPath())) {
      try {
        lines.add(gson.fromJson(line, Line.class));
      } catch (JsonSyntaxException e) {
        throw new IOException("the driver printed \"" + line + "\"", e);
      }
    }
    return new Run(lines, stderr);
  }
}
