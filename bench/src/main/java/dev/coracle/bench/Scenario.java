package dev.coracle.bench;

import dev.coracle.bench.Contender.Floor;
import dev.coracle.bench.Contender.FloorAlone;
import dev.coracle.bench.Contender.Nothing;
import dev.coracle.bench.Contender.Runtime;
import java.io.IOException;
import java.util.List;
import java.util.Optional;

/** One thing that is measured. */
enum Scenario {
  /** A whole container. */
  LIFECYCLE("create + start + wait + delete", List.of()),
  /** A whole container when every file must come from the disk. */
  COLD("create + start + wait + delete, cold page cache", List.of("--cold")),
  /** A whole container as docker runs it. */
  DOCKER("create + start + wait + delete, Docker's default bundle", List.of()),
  /** One more process in such a container. */
  EXEC("exec + wait, Docker's default bundle", List.of()),
  /** {@code state} before {@code start}. */
  STATE_CREATED("state of a created container", List.of()),
  /** {@code state} after {@code start}. */
  STATE_RUNNING("state of a running container", List.of()),
  /** {@code --version}: what it costs to start at all. */
  VERSION("--version", List.of()),
  /** The most memory that any process of the runtime ever had, during a life cycle. */
  MEMORY("peak memory of the runtime's processes", List.of("--peaks"));

  final String title;

  /** The driver's options. */
  final List<String> options;

  Scenario(String title, List<String> options) {
    this.title = title;
    this.options = options;
  }

  /** What {@code contender} runs in this scenario, if it takes part. */
  Optional<Plan> plan(Contender contender, Place place) throws IOException {
    return switch (this) {
      case LIFECYCLE, COLD -> lifecycle(contender, place, Workload.TRUE);
      case DOCKER -> lifecycle(contender, place, Workload.DOCKER_TRUE);
      case EXEC -> contender instanceof Runtime r ? Optional.of(exec(r, place)) : Optional.empty();
      // The one-process floor is its workload's parent, whose memory would be counted as its own.
      case MEMORY ->
          contender instanceof FloorAlone
              ? Optional.empty()
              : lifecycle(contender, place, Workload.TRUE);
      case STATE_CREATED, STATE_RUNNING ->
          contender instanceof Runtime r ? Optional.of(state(r, place)) : Optional.empty();
      case VERSION -> version(contender, place);
    };
  }

  /** Whether its containers are Docker's. */
  boolean isDocker() {
    return this == DOCKER || this == EXEC;
  }

  /** A whole container with any workload; the floors know one bundle, and one only the headline. */
  static Optional<Plan> lifecycle(Contender contender, Place place, Workload workload)
      throws IOException {
    if (workload.shape() == Workload.Shape.DOCKER && !(contender instanceof Runtime)) {
      return Optional.empty();
    }
    return switch (contender) {
      case Runtime r ->
          Optional.of(
              new Plan(r.id())
                  .timed("create", r.create(place, workload))
                  .timed("start", r.verb(place, "start"))
                  .await(r.pidFile(place), workload.status())
                  .timed("delete", r.verb(place, "delete")));
      case Floor f -> Optional.of(f.lifecycle(place, workload));
      case FloorAlone f -> Optional.of(f.lifecycle(place));
      case Nothing n -> Optional.empty();
    };
  }

  private Plan state(Runtime r, Place place) throws IOException {
    Plan plan = new Plan(r.id()).before(r.create(place, Workload.SLEEP));
    if (this == STATE_RUNNING) {
      plan.before(r.verb(place, "start"));
    }
    return plan.timed("state", r.verb(place, "state")).after(r.verb(place, "delete", "--force"));
  }

  private static Plan exec(Runtime r, Place place) throws IOException {
    Workload of = Workload.DOCKER_SLEEP;
    return new Plan(r.id())
        .before(r.create(place, of))
        .before(r.verb(place, "start"))
        .timed("exec", r.exec(place, of, Workload.DOCKER_TRUE))
        .await(r.execPidFile(place), 0)
        .after(r.verb(place, "delete", "--force"));
  }

  private static Optional<Plan> version(Contender contender, Place place) {
    return switch (contender) {
      case Runtime r ->
          Optional.of(
              new Plan(r.id()).timed("version", List.of(r.binary().toString(), "--version")));
      case Nothing n ->
          Optional.of(
              new Plan(n.id())
                  .timed("version", List.of(place.tools().resolve("nothing").toString())));
      case Floor f -> Optional.empty();
      case FloorAlone f -> Optional.empty();
    };
  }
}
