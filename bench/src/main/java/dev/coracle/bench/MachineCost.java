package dev.coracle.bench;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.ToDoubleFunction;
import org.jspecify.annotations.Nullable;

/**
 * What a container in a virtual machine costs: in each round one that is booted, and one that is a
 * copy of another. CPU time and memory are those of all processes of the machine: the client, the
 * monitor, virtiofsd, QEMU, and what carries the files of a copy.
 *
 * @param what what was measured
 * @param rounds how often
 * @param millis the wall time, the median
 * @param leastMillis the least
 * @param cpuMillis the CPU time, the median; NaN where it is not this that is asked for
 * @param pssMib the proportional set size (proc(5), smaps_rollup), the median; NaN as well
 */
record MachineCost(
    String what, int rounds, double millis, double leastMillis, double cpuMillis, double pssMib) {
  static final String BOOTED = "booted, to its first line";
  static final String COPIED = "copied, to its first line";
  static final String EXEC = "exec of a static program, booted";
  static final String EXEC_COPIED = "exec of a static program, copied";
  static final String END = "from the end of its process to the end of all, booted";
  static final String MANY = "each of 8 copies at once";
  static final String RUNCVM_LIKE = "booted as RunCVM's are (512 MiB), to its first line";

  private static final int LEAST_ROUNDS = 3;
  private static final int EXECS = 10;
  private static final int MANY_COPIES = 8;
  private static final long MEMORY_BYTES = 256L << 20;
  static final Path QEMU = Path.of("/usr/bin/qemu-system-x86_64");

  /** One machine that was started. */
  record Sample(double millis, double cpuMillis, double pssMib) {}

  /**
   * Measures, where QEMU and a kernel are there.
   *
   * @param kernel the package of Debian's cloud kernel; empty for none
   * @param runCvmLike what bench/runcvm-like.sh made; empty if that is not asked for
   */
  static List<MachineCost> measure(
      Options options,
      Path work,
      String prefix,
      String kernel,
      String runCvmLike,
      List<String> notes)
      throws IOException, InterruptedException {
    if (kernel.isEmpty() || !Files.isExecutable(QEMU)) {
      notes.add(
          "virtual machines are not measured: "
              + (kernel.isEmpty()
                  ? "there is no kernel (it/vm/package.sh)"
                  : QEMU + " is missing"));
      return List.of();
    }
    Rig rig = new Rig(options.coracle(), options.tools(), work, prefix);
    rig.addKernel(kernel);
    int rounds = Math.max(LEAST_ROUNDS, options.rounds() / 20);
    List<Sample> booted = new ArrayList<>();
    List<Sample> copied = new ArrayList<>();
    List<Double> execs = new ArrayList<>();
    List<Double> execsCopied = new ArrayList<>();
    List<Double> ends = new ArrayList<>();
    List<Sample> likeRunCvm = new ArrayList<>();
    rig.round(true, new ArrayList<>(), new ArrayList<>(), new ArrayList<>()); // makes the template
    for (int i = 0; i < rounds; i++) {
      rig.round(false, booted, execs, ends);
      rig.round(true, copied, execsCopied, new ArrayList<>());
      if (!runCvmLike.isEmpty()) {
        likeRunCvm.add(new RunCvmLike(Path.of(runCvmLike), work).sample());
      }
    }
    List<MachineCost> out = new ArrayList<>();
    out.add(of(BOOTED, booted));
    out.add(of(COPIED, copied));
    out.add(ofTimes(EXEC, execs));
    out.add(ofTimes(EXEC_COPIED, execsCopied));
    out.add(ofTimes(END, ends));
    out.add(new MachineCost(MANY, 1, Double.NaN, Double.NaN, Double.NaN, rig.many()));
    if (!likeRunCvm.isEmpty()) {
      out.add(of(RUNCVM_LIKE, likeRunCvm));
    }
    return out;
  }

  private static MachineCost of(String what, List<Sample> samples) {
    return new MachineCost(
        what,
        samples.size(),
        median(samples, Sample::millis),
        samples.stream().mapToDouble(Sample::millis).min().orElse(Double.NaN),
        median(samples, Sample::cpuMillis),
        median(samples, Sample::pssMib));
  }

  private static MachineCost ofTimes(String what, List<Double> millis) {
    double least = millis.stream().mapToDouble(d -> d).min().orElse(Double.NaN);
    double median = median(millis, d -> d);
    return new MachineCost(what, millis.size(), median, least, Double.NaN, Double.NaN);
  }

  static <T> double median(List<T> all, ToDoubleFunction<T> of) {
    double[] sorted = all.stream().mapToDouble(of).sorted().toArray();
    int middle = sorted.length / 2;
    return sorted.length == 0
        ? Double.NaN
        : sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  }

  /** What was set out to be reached. */
  static List<Goal> judge(List<MachineCost> costs) {
    List<Goal> goals = new ArrayList<>();
    goals.add(atMost(1500, costs, BOOTED, MachineCost::cpuMillis, "ms", "CPU time"));
    goals.add(atMost(220, costs, BOOTED, MachineCost::pssMib, "MiB", "memory"));
    goals.add(atMost(300, costs, COPIED, MachineCost::cpuMillis, "ms", "CPU time"));
    goals.add(atMost(45, costs, MANY, MachineCost::pssMib, "MiB", "memory"));
    goals.add(atMost(10, costs, EXEC, MachineCost::millis, "ms", "wall time"));
    goals.add(atMost(50, costs, END, MachineCost::millis, "ms", "wall time"));
    return goals;
  }

  private static Goal atMost(
      double limit,
      List<MachineCost> costs,
      String what,
      ToDoubleFunction<MachineCost> figure,
      String unit,
      String name) {
    Optional<MachineCost> cost = costs.stream().filter(c -> c.what.equals(what)).findFirst();
    Double measured = cost.map(figure::applyAsDouble).filter(d -> !d.isNaN()).orElse(null);
    String text =
        String.format(Locale.ROOT, "virtual machine, %s: %s <= %.0f %s", what, name, limit, unit);
    return new Goal(text, said(measured, unit), measured == null ? null : measured <= limit);
  }

  private static @Nullable String said(@Nullable Double measured, String unit) {
    return measured == null ? null : String.format(Locale.ROOT, "%.0f %s", measured, unit);
  }

  /** Starts machines, and looks at what they are made of. */
  private static final class Rig {
    private final Path coracle;
    private final Path work;
    private final Path config;
    private final String prefix;
    private int count;

    Rig(Path coracle, Path tools, Path work, String prefix) throws IOException {
      this.coracle = coracle;
      this.work = work;
      this.prefix = prefix;
      this.config = work.resolve("machines.toml");
      Files.writeString(config, "[vm]\nkernels = \"" + work.resolve("kernels") + "\"\n");
      Files.copy(tools.resolve("nothing"), work.resolve("rootfs/bin/nothing"));
    }

    private Process run(ProcessBuilder.Redirect output, List<String> arguments) throws IOException {
      List<String> all = new ArrayList<>(List.of(coracle.toString()));
      all.addAll(List.of("--root", work.resolve("state").toString()));
      all.addAll(arguments);
      ProcessBuilder builder = new ProcessBuilder(all).redirectOutput(output);
      builder.redirectError(ProcessBuilder.Redirect.DISCARD);
      builder.environment().put("CORACLE_CONFIG", config.toString());
      return builder.start();
    }

    private void must(String... arguments) throws IOException, InterruptedException {
      Process process = run(ProcessBuilder.Redirect.DISCARD, Arrays.asList(arguments));
      if (process.waitFor() != 0) {
        throw new IOException("coracle " + String.join(" ", arguments) + " failed");
      }
    }

    void addKernel(String kernel) throws IOException, InterruptedException {
      must("vm", "kernel", "add", "debian", kernel);
    }

    /** A bundle whose process says that it is up, and ends when its stdin does. */
    private Path bundle(boolean copied) throws IOException {
      Path directory = work.resolve(copied ? "machine-copied" : "machine-booted");
      Map<String, Object> config =
          Map.of(
              "ociVersion",
              "1.3.0",
              "root",
              Map.of("path", work.resolve("rootfs").toString()),
              "process",
              Map.of(
                  "cwd",
                  "/",
                  "args",
                  List.of("/bin/sh", "-c", "echo up; read line"),
                  "env",
                  List.of("PATH=/bin"),
                  "user",
                  Map.of("uid", 0, "gid", 0)),
              "mounts",
              List.of(Map.of("destination", "/proc", "type", "proc", "source", "proc")),
              "annotations",
              Map.of("dev.coracle.vm.template", Boolean.toString(copied)),
              "linux",
              Map.of(
                  "resources",
                  Map.of("memory", Map.of("limit", MEMORY_BYTES)),
                  "namespaces",
                  List.of(
                      Map.of("type", "pid"),
                      Map.of("type", "mount"),
                      Map.of("type", "network"),
                      Map.of("type", "ipc"),
                      Map.of("type", "uts"))));
      Files.createDirectories(directory);
      Bundle.writeJson(directory.resolve("config.json"), config);
      return directory;
    }

    private Process start(String id, boolean copied) throws IOException {
      Process process =
          run(
              ProcessBuilder.Redirect.PIPE,
              List.of("--sandbox", "microvm", "run", "-b", bundle(copied).toString(), id));
      BufferedReader out =
          new BufferedReader(
              new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
      String line = out.readLine();
      if (!"up".equals(line)) {
        process.destroyForcibly();
        throw new IOException("the machine's process said \"" + line + "\" and not \"up\"");
      }
      return process;
    }

    void round(boolean copied, List<Sample> samples, List<Double> execs, List<Double> ends)
        throws IOException, InterruptedException {
      String id = prefix + "machine-" + count++;
      long begin = System.nanoTime();
      Process process = start(id, copied);
      double millis = since(begin);
      samples.add(new Sample(millis, Processes.cpuMillis(process), Processes.pssMib(process)));
      for (int i = 0; i < EXECS; i++) {
        begin = System.nanoTime();
        must("exec", id, "/bin/nothing");
        execs.add(since(begin));
      }
      begin = System.nanoTime();
      process.getOutputStream().close();
      if (!process.waitFor(1, TimeUnit.MINUTES)) {
        process.destroyForcibly();
        throw new IOException("the machine does not end with its process");
      }
      ends.add(since(begin));
    }

    /** What each of several copies takes, the median. */
    double many() throws IOException, InterruptedException {
      List<Process> all = new ArrayList<>();
      try {
        for (int i = 0; i < MANY_COPIES; i++) {
          all.add(start(prefix + "machine-" + count++, true));
        }
        List<Double> pss = new ArrayList<>();
        for (Process process : all) {
          pss.add(Processes.pssMib(process));
        }
        return median(pss, d -> d);
      } finally {
        for (Process process : all) {
          process.getOutputStream().close();
        }
        for (Process process : all) {
          process.waitFor();
        }
      }
    }

    private static double since(long begin) {
      return (System.nanoTime() - begin) / 1e6;
    }
  }
}
