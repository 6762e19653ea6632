package dev.coracle.bench;

import dev.coracle.bench.Driver.NoViewException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** The program that {@code bench/run.sh} starts: everything but the measuring itself. */
public final class Bench {
  private static final int WARM_UP_ROUNDS = 3;

  /** The most memory does not vary much, and traced rounds are slow. */
  private static final int MEMORY_ROUNDS = 5;

  private final Options options;
  private final Stage stage;
  private final List<Contender> contenders;
  private final List<String> notes;
  private final List<Setup> setups = new ArrayList<>();
  private final List<Result> results = new ArrayList<>();
  private final List<SyscallCost> syscalls = new ArrayList<>();
  private final List<CompileCost> compilers = new ArrayList<>();
  private final List<MachineCost> machines = new ArrayList<>();

  private Bench(Options options, Stage stage, List<Contender> contenders, List<String> notes) {
    this.options = options;
    this.stage = stage;
    this.contenders = contenders;
    this.notes = notes;
  }

  /** Measures, prints the table, and writes the JSON and the chart. */
  public static void main(String[] args) throws IOException, InterruptedException {
    Options options;
    try {
      options = Options.parse(List.of(args), Path.of(System.getProperty("bench.top", ".")));
    } catch (IllegalArgumentException e) {
      System.err.println("bench: " + e.getMessage() + "\n" + Options.USAGE);
      System.exit(2);
      return;
    }
    List<String> notes = new ArrayList<>();
    List<Contender> contenders = contenders(options, notes);
    Machine machine = Machine.read();
    Report report;
    try (Stage stage = Stage.open(options)) {
      Bench bench = new Bench(options, stage, contenders, notes);
      bench.measure();
      report =
          new Report(
              LocalDate.now(ZoneOffset.UTC).toString(),
              machine,
              versions(contenders),
              bench.notes,
              bench.setups,
              bench.results,
              bench.syscalls,
              bench.compilers,
              bench.machines,
              goals(bench));
    }
    System.out.print(Table.of(report));
    Path json = options.out().resolve("bench.json");
    report.write(json);
    Chart.write(report, options.chart());
    System.out.println("\nwritten: " + json + " and " + options.chart());
  }

  private static List<Goal> goals(Bench bench) {
    List<Goal> goals = new ArrayList<>(Goal.judge(bench.results));
    goals.addAll(CompileCost.judge(bench.compilers));
    goals.addAll(MachineCost.judge(bench.machines));
    return goals;
  }

  private static List<Contender> contenders(Options options, List<String> notes) {
    List<Contender> all = new ArrayList<>();
    if (Files.isExecutable(options.coracle())) {
      all.add(new Contender.Runtime("coracle", options.coracle()));
    } else {
      notes.add("coracle is missing: there is no " + options.coracle() + "; build it first");
    }
    for (String peer : List.of("crun", "runc")) {
      Optional<Path> path = find(peer);
      path.ifPresent(p -> all.add(new Contender.Runtime(peer, p)));
      if (path.isEmpty()) {
        notes.add(peer + " is missing: it is not installed, so nothing is compared with it");
      }
    }
    all.addAll(List.of(new Contender.Floor(), new Contender.FloorAlone(), new Contender.Nothing()));
    all.removeIf(c -> !options.only().isEmpty() && !options.only().contains(c.id()));
    return all;
  }

  private static Optional<Path> find(String program) {
    // Not $PATH alone: an ordinary user's, kept by sudo, lacks the directories for root.
    String path = System.getenv().getOrDefault("PATH", "") + ":/usr/local/sbin:/usr/sbin:/sbin";
    for (String directory : path.split(":", -1)) {
      Path file = Path.of(directory, program);
      if (file.isAbsolute() && Files.isExecutable(file)) {
        return Optional.of(file);
      }
    }
    return Optional.empty();
  }

  private void measure() throws IOException, InterruptedException {
    progress("--version");
    Place anywhere =
        new Place(
            CgroupView.ANY, List.of(), Set.of(), options.tools(), stage.work(), stage.prefix());
    try {
      scenario(Scenario.VERSION, anywhere, contenders);
    } catch (NoViewException e) {
      throw new IllegalStateException(e);
    }
    for (CgroupView view : List.of(CgroupView.V2, CgroupView.V1)) {
      try {
        measure(view);
      } catch (NoViewException e) {
        notes.add("nothing was measured with " + view.title + ": " + e.getMessage());
      }
    }
    if (options.only().isEmpty() || options.only().contains("coracle")) {
      progress("virtual machines");
      String kernel = System.getProperty("bench.kernel", "");
      String like = options.runCvmLike() ? System.getProperty("bench.runcvm", "") : "";
      machines.addAll(
          MachineCost.measure(options, stage.work(), stage.prefix(), kernel, like, notes));
    }
  }

  private void measure(CgroupView view) throws IOException, InterruptedException, NoViewException {
    List<String> hierarchies = view == CgroupView.V1 ? CgroupView.hierarchies() : List.<String>of();
    Place bare =
        new Place(view, hierarchies, Set.of(), options.tools(), stage.work(), stage.prefix());
    progress(view.title + ": verifying");
    List<Contender> able = new ArrayList<>();
    Set<Feature> common = EnumSet.allOf(Feature.class);
    for (Contender c : contenders) {
      Verification v = Verification.of(c, bare, Workload.MARK, stage.driver());
      if (!v.passed()) {
        notes.add(c.id() + " is left out with " + view.title + ": " + v.problem());
        continue;
      }
      able.add(c);
      keepPossible(common, c, bare);
    }
    Place place = bare.with(common);
    List<Verification> plain = verify(able, place, Workload.MARK);
    List<Verification> docker = verify(able, place, Workload.DOCKER_MARK);
    setups.add(new Setup(view, hierarchies, common, plain, docker));
    for (Scenario s : Scenario.values()) {
      if (s != Scenario.VERSION) {
        progress(view.title + ": " + s.title);
        scenario(s, place, passed(able, s.isDocker() ? docker : plain));
      }
    }
    if (compilers.isEmpty()) {
      progress(view.title + ": seccomp compilers");
      compilers.addAll(
          CompileCost.measure(
              passed(able, docker), place, options.rounds(), stage.driver(), notes));
    }
    progress(view.title + ": system calls under Docker's filter");
    syscalls.addAll(SyscallCost.measure(passed(able, docker), place, stage.driver(), notes));
  }

  private List<Verification> verify(List<Contender> able, Place place, Workload workload)
      throws IOException, InterruptedException, NoViewException {
    List<Verification> verified = new ArrayList<>();
    for (Contender c : able) {
      boolean takesPart =
          workload.shape() == Workload.Shape.DOCKER
              ? c instanceof Contender.Runtime
              : !(c instanceof Contender.Nothing);
      if (takesPart) {
        verified.add(Verification.of(c, place, workload, stage.driver()));
      }
    }
    return verified;
  }

  private static List<Contender> passed(List<Contender> able, List<Verification> verified) {
    List<Contender> out = new ArrayList<>(able);
    out.removeIf(c -> verified.stream().anyMatch(v -> v.contender().equals(c.id()) && !v.passed()));
    return out;
  }

  /** Takes from {@code common} what {@code c} cannot do here, so that all have the same bundle. */
  private void keepPossible(Set<Feature> common, Contender c, Place bare)
      throws IOException, InterruptedException, NoViewException {
    for (Feature feature : List.copyOf(common)) {
      Verification v =
          Verification.of(c, bare.with(Set.of(feature)), feature.workload(), stage.driver());
      if (!v.passed()) {
        common.remove(feature);
        notes.add(
            String.format(
                Locale.ROOT,
                "no %s in anyone's bundle with %s, because %s fails with it here: %s",
                feature.title,
                bare.view().title,
                c.id(),
                v.problem()));
      }
    }
  }

  private void scenario(Scenario scenario, Place place, List<Contender> able)
      throws IOException, InterruptedException, NoViewException {
    int rounds =
        switch (scenario) {
          case COLD -> options.coldRounds();
          case MEMORY -> MEMORY_ROUNDS;
          case LIFECYCLE, DOCKER, EXEC, STATE_CREATED, STATE_RUNNING, VERSION -> options.rounds();
        };
    List<Figures> figures = figures(scenario, place, able, rounds);
    if (!figures.isEmpty()) {
      results.add(new Result(scenario, place.view(), rounds, figures));
    }
  }

  private List<Figures> figures(Scenario scenario, Place place, List<Contender> able, int rounds)
      throws IOException, InterruptedException, NoViewException {
    List<Plan> plans = new ArrayList<>();
    List<Contender> taking = new ArrayList<>();
    for (Contender c : able) {
      Optional<Plan> plan = scenario.plan(c, place);
      if (plan.isPresent()) {
        plans.add(plan.get());
        taking.add(c);
      }
    }
    List<Figures> figures = new ArrayList<>();
    if (plans.isEmpty()) {
      return figures;
    }
    List<String> lapOptions = new ArrayList<>(scenario.options);
    lapOptions.addAll(List.of("--rounds", Integer.toString(rounds)));
    int warmUp = scenario == Scenario.COLD ? 0 : WARM_UP_ROUNDS;
    lapOptions.addAll(List.of("--warm-up", Integer.toString(warmUp)));
    Driver.Run run = stage.driver().run(place.view(), lapOptions, plans);
    for (Contender c : taking) {
      String error = run.error(c.id());
      if (error == null) {
        figures.add(Figures.of(c, run.lines()));
      } else {
        // Not even the rounds before it: half a measurement would look like a whole one.
        notes.add(
            c.id() + " failed in \"" + scenario.title + "\", " + place.view().title + ": " + error);
      }
    }
    return figures;
  }

  private static Map<String, String> versions(List<Contender> contenders)
      throws IOException, InterruptedException {
    Map<String, String> versions = new LinkedHashMap<>();
    for (Contender c : contenders) {
      if (c instanceof Contender.Runtime r) {
        Process process =
            new ProcessBuilder(r.binary().toString(), "--version")
                .redirectErrorStream(true)
                .start();
        String text = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        process.waitFor();
        versions.put(r.id(), text.lines().findFirst().orElse("?"));
      }
    }
    return versions;
  }

  private static void progress(String what) {
    System.err.println("bench: " + what);
  }
}
