package dev.coracle.bench;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** Someone who is measured. */
sealed interface Contender {
  /** A word for cgroups, files and options. */
  String id();

  /** What tables and charts say. */
  String name();

  /** A container runtime with runc's command line. */
  record Runtime(String id, Path binary) implements Contender {
    @Override
    public String name() {
      return id;
    }

    List<String> command(Place place, String... words) {
      List<String> all = new ArrayList<>(List.of(binary.toString(), "--root"));
      all.add(place.state().resolve(id).toString());
      all.addAll(List.of(words));
      return all;
    }

    /** {@code create} of a bundle for {@code workload}, with a pid file. */
    List<String> create(Place place, Workload workload) throws IOException {
      String bundle = place.bundle(id, workload).toString();
      String pidFile = pidFile(place).toString();
      return command(place, "create", "--bundle", bundle, "--pid-file", pidFile, containerId());
    }

    /**
     * {@code exec} as engines call it: a process in a file, in the background, with a pid file.
     *
     * @param of what the container runs
     */
    List<String> exec(Place place, Workload of, Workload workload) throws IOException {
      Path process = place.bundle(id, of).resolve("process.json");
      Bundle.writeJson(process, DockerBundle.process(workload));
      return command(
          place,
          "exec",
          "--process",
          process.toString(),
          "--detach",
          "--pid-file",
          execPidFile(place).toString(),
          containerId());
    }

    List<String> verb(Place place, String... words) {
      List<String> all = new ArrayList<>(List.of(words));
      all.add(containerId());
      return command(place, all.toArray(String[]::new));
    }

    Path execPidFile(Place place) {
      return place.state().resolve(id + "-exec.pid");
    }

    Path pidFile(Place place) {
      return place.state().resolve(id + ".pid");
    }

    private String containerId() {
      return "bench-" + id;
    }
  }

  /** The C floor in three processes, as a runtime's life cycle has. */
  record Floor() implements Contender {
    @Override
    public String id() {
      return "floor3";
    }

    @Override
    public String name() {
      return "floor, 3 processes";
    }

    Plan lifecycle(Place place, Workload workload) {
      String floor = place.tools().resolve("floor").toString();
      Path state = place.state().resolve(id());
      Path pidFile = place.state().resolve(id() + ".pid");
      List<String> create = new ArrayList<>(List.of(floor, "create"));
      create.addAll(container(place, id()));
      create.addAll(List.of(state.toString(), pidFile.toString()));
      create.addAll(workload.args());
      return new Plan(id())
          .timed("create", create)
          .timed("start", List.of(floor, "start", state.toString()))
          .await(pidFile, workload.status())
          .timed(
              "delete",
              List.of(floor, "delete", view(place), place.cgroup(id()), state.toString()));
    }
  }

  /** The C floor in one process: less than any life cycle of three commands can be. */
  record FloorAlone() implements Contender {
    @Override
    public String id() {
      return "floor1";
    }

    @Override
    public String name() {
      return "floor, 1 process";
    }

    /** Its exit status is the workload's, so only {@link Workload#TRUE} is a success. */
    Plan lifecycle(Place place) {
      List<String> run = new ArrayList<>(List.of(place.tools().resolve("floor").toString(), "run"));
      run.addAll(container(place, id()));
      run.addAll(Workload.TRUE.args());
      return new Plan(id()).timed("run", run);
    }
  }

  /** {@code int main(void) { return 0; }} */
  record Nothing() implements Contender {
    @Override
    public String id() {
      return "nothing";
    }

    @Override
    public String name() {
      return "nothing";
    }
  }

  /** The view as {@code floor.c} wants it. */
  private static String view(Place place) {
    return place.view() == CgroupView.V1
        ? "v1:" + String.join(":", place.hierarchies())
        : place.view().word;
  }

  private static List<String> container(Place place, String id) {
    return List.of(
        view(place), flags(place.features()), place.rootfs().toString(), place.cgroup(id));
  }

  private static String flags(Set<Feature> features) {
    return "-"
        + (features.contains(Feature.TIME_NAMESPACE) ? "t" : "")
        + (features.contains(Feature.DEVICE_RULES) ? "d" : "");
  }
}
