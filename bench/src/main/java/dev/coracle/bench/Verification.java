package dev.coracle.bench;

import dev.coracle.bench.Driver.Line;
import dev.coracle.bench.Driver.NoViewException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Whether a contender did in one unmeasured round what it is measured for.
 *
 * @param problem why it did not; null if it did
 * @param cgroups how many cgroups its container was in
 * @param namespaces the container's own namespaces
 * @param mounts how many mounts the container saw
 */
record Verification(
    String contender, @Nullable String problem, int cgroups, List<String> namespaces, int mounts) {

  boolean passed() {
    return problem == null;
  }

  /**
   * Runs {@code contender} once with a workload that writes a line and exits with 42, and looks at
   * the parked container between {@code create} and {@code start}.
   *
   * @param workload {@link Workload#MARK} or {@link Workload#DOCKER_MARK}
   */
  static Verification of(Contender contender, Place place, Workload workload, Driver driver)
      throws IOException, InterruptedException, NoViewException {
    Optional<Plan> plan = Scenario.lifecycle(contender, place, workload);
    if (plan.isEmpty()) {
      return new Verification(contender.id(), null, 0, List.of(), 0);
    }
    Driver.Run run = driver.run(place.view(), List.of("--inspect"), List.of(plan.get()));
    String error = run.error(contender.id());
    if (error != null) {
      return failed(contender, error + " (" + firstLine(run.stderr()) + ")");
    }
    if (contender instanceof Contender.FloorAlone) {
      // Never parked, and with the exit status of `true` instead of the marker.
      return new Verification(contender.id(), null, 0, List.of(), 0);
    }
    if (!run.stderr().contains(Workload.MARKER)) {
      return failed(contender, "the workload did not write its line");
    }
    return inspected(contender, place, run);
  }

  private static Verification inspected(Contender contender, Place place, Driver.Run run) {
    int expected = Math.max(1, place.hierarchies().size());
    for (Line line : run.lines()) {
      if (line.cgroup() == null || line.namespaces() == null || line.mounts() == null) {
        continue;
      }
      Predicate<String> own = l -> l.endsWith(":/" + place.cgroup(contender.id()));
      int cgroups = (int) line.cgroup().lines().filter(own).count();
      String problem =
          cgroups < expected
              ? "its container was in " + cgroups + " of " + expected + " cgroups"
              : null;
      List<String> namespaces = new ArrayList<>(line.namespaces());
      return new Verification(contender.id(), problem, cgroups, namespaces, line.mounts());
    }
    return failed(contender, "there was no parked container to look at");
  }

  private static Verification failed(Contender contender, String problem) {
    return new Verification(contender.id(), problem, 0, List.of(), 0);
  }

  private static String firstLine(String text) {
    return text.lines().findFirst().orElse("it said nothing").strip();
  }
}
