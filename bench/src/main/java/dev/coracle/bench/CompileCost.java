package dev.coracle.bench;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import dev.coracle.bench.Driver.Line;
import dev.coracle.bench.Driver.NoViewException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What Docker's default seccomp profile costs a command that compiles it: how much longer the
 * command takes than the same one without the profile, in the median of rounds.
 *
 * <p>Of Coracle that is {@code plan}, with the reading of the profile's JSON; of libseccomp a C
 * program that gets the rules ready made.
 */
record CompileCost(String contender, String name, double medianMillis) {
  private static final double COMPILED_MILLIS = 0.3;
  private static final double CACHED_MILLIS = 0.1;
  private static final String SELF = "coracle";
  private static final String CACHED = "coracle-cached";
  private static final String LIBRARY = "libseccomp";
  private static final String WITH = "with";
  private static final String WITHOUT = "without";

  /** Numbers of seccomp.h, as {@code libseccomp.c} takes them. */
  private static final Map<String, Long> NUMBERS =
      Map.of(
          "SCMP_ACT_ALLOW", 0x7fff0000L,
          "SCMP_ACT_ERRNO", 0x00050000L,
          "SCMP_ARCH_X86_64", 0xc000003eL,
          "SCMP_ARCH_X86", 0x40000003L,
          "SCMP_ARCH_X32", 0x4000003eL,
          "SCMP_CMP_NE", 1L,
          "SCMP_CMP_EQ", 4L,
          "SCMP_CMP_MASKED_EQ", 7L);

  static List<CompileCost> measure(
      List<Contender> contenders, Place place, int rounds, Driver driver, List<String> notes)
      throws IOException, InterruptedException, NoViewException {
    List<Plan> plans = new ArrayList<>();
    for (Contender c : contenders) {
      if (c instanceof Contender.Runtime r && r.id().equals(SELF)) {
        plans.add(self(r, place));
        plans.add(cached(r, place));
      }
    }
    Path library = place.tools().resolve(LIBRARY);
    if (Files.isExecutable(library)) {
      plans.add(library(library, place));
    } else {
      notes.add("libseccomp's compiler is not measured: its headers are missing (libseccomp-dev)");
    }
    List<String> options = List.of("--rounds", Integer.toString(rounds), "--warm-up", "3");
    Driver.Run run = driver.run(place.view(), options, plans);
    List<CompileCost> costs = new ArrayList<>();
    for (String id : List.of(SELF, CACHED, LIBRARY)) {
      String error = run.error(id);
      if (error != null) {
        notes.add(id + " failed to compile Docker's profile: " + error);
      } else if (run.lines().stream().anyMatch(line -> id.equals(line.contender()))) {
        String name = id.equals(CACHED) ? "coracle, from its cache" : id;
        costs.add(new CompileCost(id, name, difference(id, run.lines())));
      }
    }
    return costs;
  }

  static List<Goal> judge(List<CompileCost> costs) {
    List<Goal> goals = new ArrayList<>();
    goals.add(
        atMost(COMPILED_MILLIS, of(SELF, costs), "Docker's seccomp profile compiled <= 0.3 ms"));
    goals.add(atMost(CACHED_MILLIS, of(CACHED, costs), "the same from the cache <= 0.1 ms"));
    return goals;
  }

  private static @Nullable CompileCost of(String contender, List<CompileCost> costs) {
    return costs.stream().filter(c -> c.contender.equals(contender)).findFirst().orElse(null);
  }

  private static Goal atMost(double limit, @Nullable CompileCost cost, String text) {
    return cost == null
        ? new Goal(text, null, null)
        : new Goal(
            text,
            String.format(Locale.ROOT, "%.3f ms", cost.medianMillis),
            cost.medianMillis <= limit);
  }

  /** The median of the rounds' differences: a round's two commands ran one after the other. */
  static double difference(String contender, List<Line> lines) {
    List<Long> all = new ArrayList<>();
    for (Line line : lines) {
      Map<String, Long> nanos = line.nanos();
      if (contender.equals(line.contender()) && nanos != null) {
        all.add(nanos.getOrDefault(WITH, 0L) - nanos.getOrDefault(WITHOUT, 0L));
      }
    }
    return Figures.time(all).medianMillis();
  }

  /** With a state root where nothing is kept, as {@code plan} keeps nothing itself. */
  private static Plan self(Contender.Runtime self, Place place) throws IOException {
    Contender.Runtime empty = new Contender.Runtime(SELF, self.binary());
    return plans(new Plan(SELF), empty, place);
  }

  /** After a container with the same profile. */
  private static Plan cached(Contender.Runtime self, Place place) throws IOException {
    Contender.Runtime full = new Contender.Runtime(CACHED, self.binary());
    Plan plan = new Plan(CACHED).before(full.create(place, Workload.DOCKER_SLEEP));
    return plans(plan, full, place).after(full.verb(place, "delete", "--force"));
  }

  private static Plan plans(Plan plan, Contender.Runtime runtime, Place place) throws IOException {
    Path without = place.work().resolve("plan-without");
    Path with = place.work().resolve("plan-with");
    Map<String, Object> config =
        DockerBundle.config(
            place.work(), place.rootfs(), place.cgroup(SELF), Workload.DOCKER_TRUE, Set.of());
    Files.createDirectories(without);
    Files.createDirectories(with);
    Bundle.writeJson(with.resolve("config.json"), config);
    if (config.get("linux") instanceof Map<?, ?> linux) {
      Map<String, Object> less = new java.util.TreeMap<>(config);
      Map<Object, Object> linuxLess = new java.util.LinkedHashMap<>(linux);
      linuxLess.remove("seccomp");
      less.put("linux", linuxLess);
      Bundle.writeJson(without.resolve("config.json"), less);
    }
    return plan.timed(WITH, runtime.command(place, "plan", "--bundle", with.toString()))
        .timed(WITHOUT, runtime.command(place, "plan", "--bundle", without.toString()));
  }

  private static Plan library(Path library, Place place) throws IOException {
    Path profile = place.work().resolve("profile.txt");
    Files.writeString(profile, profileText(DockerBundle.seccomp()));
    return new Plan(LIBRARY)
        .timed(WITH, List.of(library.toString(), profile.toString()))
        .timed(WITHOUT, List.of(library.toString()));
  }

  /** The profile as {@code libseccomp.c} reads it. */
  static String profileText(JsonObject profile) {
    StringBuilder out = new StringBuilder();
    out.append("default\t").append(action(profile, "defaultAction", "defaultErrnoRet"));
    for (JsonElement arch : profile.getAsJsonArray("architectures")) {
      out.append("\narch\t").append(number(arch));
    }
    for (JsonElement element : profile.getAsJsonArray("syscalls")) {
      JsonObject rule = element.getAsJsonObject();
      String args = args(rule.getAsJsonArray("args"));
      for (JsonElement name : rule.getAsJsonArray("names")) {
        out.append("\nrule\t").append(action(rule, "action", "errnoRet"));
        out.append('\t').append(name.getAsString()).append(args);
      }
    }
    return out.append('\n').toString();
  }

  private static long action(JsonObject of, String action, String errno) {
    long number = number(of.get(action));
    JsonElement data = of.get(errno);
    boolean carries = of.get(action).getAsString().equals("SCMP_ACT_ERRNO");
    return !carries ? number : number | (data == null ? 1 : data.getAsLong());
  }

  private static String args(@Nullable JsonArray args) {
    StringBuilder out = new StringBuilder();
    if (args != null) {
      for (JsonElement element : args) {
        JsonObject arg = element.getAsJsonObject();
        JsonElement two = arg.get("valueTwo");
        out.append('\t').append(arg.get("index").getAsInt());
        out.append('\t').append(number(arg.get("op")));
        out.append('\t').append(arg.get("value").getAsLong());
        out.append('\t').append(two == null ? 0 : two.getAsLong());
      }
    }
    return out.toString();
  }

  private static long number(JsonElement word) {
    Long number = NUMBERS.get(word.getAsString());
    if (number == null) {
      throw new IllegalStateException("a word that Docker's profile did not use: " + word);
    }
    return number;
  }
}
