package dev.coracle.bench;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/** The report as text for a terminal. */
final class Table {
  private final StringBuilder out = new StringBuilder();

  private Table() {}

  static String of(Report report) {
    Table table = new Table();
    table.heading(report);
    report.setups().forEach(table::setup);
    report.results().forEach(table::result);
    table.syscalls(report.syscalls());
    table.compilers(report.compilers());
    table.machines(report.machines());
    table.goals(report.goals());
    return table.out.toString();
  }

  private void heading(Report report) {
    line("Coracle bench, " + report.date() + "\n" + report.machine().summary());
    line("load before: " + report.machine().loadBefore());
    report.versions().forEach((name, version) -> line("  " + pad(name, 10) + version));
    report.notes().forEach(note -> line("note: " + note));
  }

  private void setup(Setup setup) {
    String features =
        setup.features().stream().map(f -> f.title).sorted().collect(Collectors.joining(", "));
    line(
        "\nVerified, "
            + setup.view().title
            + " (bundle with "
            + (features.isEmpty() ? "neither device rules nor time namespace" : features)
            + "):");
    verified(setup.verified());
    line("Verified, Docker's default bundle:");
    verified(setup.verifiedDocker());
  }

  private void verified(List<Verification> all) {
    for (Verification v : all) {
      String text =
          v.problem() != null
              ? "FAILED: " + v.problem()
              : v.mounts() == 0
                  ? "ran (one process: nothing parked to look at)"
                  : String.format(
                      Locale.ROOT,
                      "ran, exit 42; own cgroups: %d; namespaces: %s; mounts: %d",
                      v.cgroups(),
                      String.join(" ", v.namespaces()),
                      v.mounts());
      line("  " + pad(v.contender(), 10) + text);
    }
  }

  private void result(Result r) {
    boolean memory = r.scenario() == Scenario.MEMORY;
    line("\n" + capitalised(r.title()) + " (" + r.rounds() + " rounds)");
    List<String> steps = new ArrayList<>();
    for (Figures f : r.figures()) {
      (memory ? f.peakKb().keySet() : f.steps().keySet())
          .stream().filter(s -> !steps.contains(s) && !s.equals(Figures.TOTAL)).forEach(steps::add);
    }
    if (!memory && steps.size() < 2) {
      steps.clear(); // the total says it all
    }
    row("", memory ? List.of("max KiB") : List.of("median ms", "min ms", "vs coracle"), steps);
    for (Figures f : r.figures()) {
      row(
          f.name(),
          memory ? List.of(Long.toString(f.maxPeakKb())) : times(r, f),
          cells(f, steps, memory));
    }
  }

  private static List<String> times(Result r, Figures f) {
    return List.of(
        number(f.medianMillis(Figures.TOTAL)),
        number(f.minMillis(Figures.TOTAL)),
        r.ratio(f.contender(), "coracle")
            .map(x -> String.format(Locale.ROOT, "%.2fx", x))
            .orElse("-"));
  }

  private static List<String> cells(Figures f, List<String> steps, boolean memory) {
    List<String> cells = new ArrayList<>();
    for (String step : steps) {
      Long kb = f.peakKb().get(step);
      cells.add(memory ? (kb == null ? "-" : kb.toString()) : number(f.medianMillis(step)));
    }
    return cells;
  }

  private void syscalls(List<SyscallCost> all) {
    if (all.isEmpty()) {
      return;
    }
    line("\nOne system call in a container with Docker's filter, nanoseconds");
    row("", List.of("always", "argument"), List.of());
    row("", List.of("allowed", "checked"), List.of());
    for (SyscallCost c : all) {
      String name = c.name() + ", " + c.view();
      row(name, List.of(tenths(c.allowedNanos()), tenths(c.checkedNanos())), List.of());
    }
  }

  private void compilers(List<CompileCost> all) {
    if (all.isEmpty()) {
      return;
    }
    line("\nDocker's default seccomp profile: what a command takes longer with it than without");
    row("", List.of("median ms"), List.of());
    for (CompileCost c : all) {
      row(c.name(), List.of(number(c.medianMillis())), List.of());
    }
  }

  private void machines(List<MachineCost> all) {
    if (all.isEmpty()) {
      return;
    }
    line("\nA container in a virtual machine of 256 MiB (emulated, unless this host has KVM)");
    line("  " + pad("", 56) + "rounds   median ms    least ms      CPU ms     PSS MiB");
    for (MachineCost c : all) {
      StringBuilder text = new StringBuilder("  ").append(pad(c.what(), 56));
      text.append(String.format(Locale.ROOT, "%6d", c.rounds()));
      for (double value : new double[] {c.millis(), c.leastMillis(), c.cpuMillis(), c.pssMib()}) {
        text.append(String.format(Locale.ROOT, "%12s", Double.isNaN(value) ? "-" : tenths(value)));
      }
      line(text.toString());
    }
  }

  private static String tenths(double value) {
    return String.format(Locale.ROOT, "%.1f", value);
  }

  private void goals(List<Goal> goals) {
    line("\nGoals");
    for (Goal g : goals) {
      String verdict = g.met() == null ? "not measured" : g.met() ? "met" : "MISSED";
      line("  " + pad(g.text(), 68) + pad(g.measured() == null ? "-" : g.measured(), 12) + verdict);
    }
  }

  private void row(String name, List<String> first, List<String> second) {
    StringBuilder row = new StringBuilder("  ").append(pad(name, 20));
    for (String cell : first) {
      row.append(String.format(Locale.ROOT, "%12s", cell));
    }
    for (String cell : second) {
      row.append(String.format(Locale.ROOT, "%9s", cell));
    }
    line(row.toString());
  }

  private void line(String text) {
    out.append(text).append('\n');
  }

  private static String number(double millis) {
    return Double.isNaN(millis) ? "-" : String.format(Locale.ROOT, "%.3f", millis);
  }

  private static String pad(String text, int width) {
    return text + " ".repeat(Math.max(1, width - text.length()));
  }

  private static String capitalised(String text) {
    return text.substring(0, 1).toUpperCase(Locale.ROOT) + text.substring(1);
  }
}
