package dev.coracle.bench;

import dev.coracle.bench.Driver.NoViewException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What a system call costs in a container, by {@code calls.c}.
 *
 * @param allowedNanos of one that every call of is allowed: the kernel keeps a list of these
 * @param checkedNanos of one whose argument the filter looks at
 */
record SyscallCost(String name, String view, double allowedNanos, double checkedNanos) {
  private static final int ROUNDS = 5;
  private static final String NO_FILTER = "no filter";

  /** The least of some rounds of each runtime, in turn, and of a container without a filter. */
  static List<SyscallCost> measure(
      List<Contender> able, Place place, Driver driver, List<String> notes)
      throws IOException, InterruptedException, NoViewException {
    Map<String, SyscallCost> costs = new LinkedHashMap<>();
    for (int round = 0; round < ROUNDS; round++) {
      boolean first = true;
      for (Contender c : able) {
        if (!(c instanceof Contender.Runtime)) {
          continue;
        }
        if (first) {
          measure(NO_FILTER, c, Workload.CALLS, place, driver, costs, notes);
          first = false;
        }
        measure(c.name(), c, Workload.DOCKER_CALLS, place, driver, costs, notes);
      }
    }
    return new ArrayList<>(costs.values());
  }

  private static void measure(
      String name,
      Contender contender,
      Workload workload,
      Place place,
      Driver driver,
      Map<String, SyscallCost> costs,
      List<String> notes)
      throws IOException, InterruptedException, NoViewException {
    Optional<Plan> plan = Scenario.lifecycle(contender, place, workload);
    Driver.Run run = driver.run(place.view(), List.of(), List.of(plan.orElseThrow()));
    String error = run.error(contender.id());
    if (error != null) {
      notes.add(name + " failed to tell what system calls cost: " + error);
      return;
    }
    SyscallCost cost = parse(name, place.view().title, run.stderr());
    costs.merge(name, cost, SyscallCost::least);
  }

  /** Reads the line that {@code calls.c} writes. */
  static SyscallCost parse(String name, String view, String stderr) {
    for (String line : stderr.lines().toList()) {
      String[] words = line.split(" ", -1);
      if (words.length == 3 && words[0].equals("calls")) {
        return new SyscallCost(
            name, view, Double.parseDouble(words[1]), Double.parseDouble(words[2]));
      }
    }
    throw new IllegalStateException("the workload told no costs: " + stderr);
  }

  private static SyscallCost least(SyscallCost a, SyscallCost b) {
    return new SyscallCost(
        a.name,
        a.view,
        Math.min(a.allowedNanos, b.allowedNanos),
        Math.min(a.checkedNanos, b.checkedNanos));
  }
}
