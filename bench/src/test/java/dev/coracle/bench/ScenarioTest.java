package dev.coracle.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ScenarioTest {
  @TempDir Path work;

  @Test
  void aRuntimesLifecycleIsThreeCommandsAndAWait() throws IOException {
    Contender crun = new Contender.Runtime("crun", Path.of("/usr/bin/crun"));
    String plan = Scenario.LIFECYCLE.plan(crun, place(Set.of())).orElseThrow().text();
    assertThat(plan.lines().map(l -> l.replace('\t', ' ').replace(work.toString(), "W")))
        .containsExactly(
            "contender crun",
            "do create /usr/bin/crun --root W/state/crun create --bundle W/crun-true"
                + " --pid-file W/state/crun.pid bench-crun",
            "do start /usr/bin/crun --root W/state/crun start bench-crun",
            "wait W/state/crun.pid 0",
            "do delete /usr/bin/crun --root W/state/crun delete bench-crun");
  }

  @Test
  void theBundleHasTheFeaturesOfThePlace() throws IOException {
    Contender crun = new Contender.Runtime("crun", Path.of("/usr/bin/crun"));
    Scenario.LIFECYCLE.plan(crun, place(Set.of(Feature.TIME_NAMESPACE)));
    String config = Files.readString(work.resolve("crun-true/config.json"));
    assertThat(config).contains("\"time\"", "\"/p-crun\"").doesNotContain("\"devices\"");
    Scenario.LIFECYCLE.plan(crun, place(Set.of(Feature.DEVICE_RULES)));
    config = Files.readString(work.resolve("crun-true/config.json"));
    assertThat(config).contains("\"devices\"").doesNotContain("\"time\"");
  }

  @Test
  void dockersBundleIsForRuntimesAlone() throws IOException {
    Contender crun = new Contender.Runtime("crun", Path.of("/usr/bin/crun"));
    Place place = place(Set.of(Feature.LIMITS));
    assertThat(Scenario.DOCKER.plan(new Contender.Floor(), place)).isEmpty();
    assertThat(Scenario.DOCKER.plan(crun, place).orElseThrow().text()).contains("crun-docker-true");
    String config = Files.readString(work.resolve("crun-docker-true/config.json"));
    assertThat(config)
        .contains("SCMP_ACT_ERRNO", "CAP_NET_RAW", "/etc/resolv.conf", "\"pids\":{\"limit\":100}")
        .doesNotContain("\"devices\"");
  }

  @Test
  void execIsTimedWithTheEndOfItsProcess() throws IOException {
    Contender crun = new Contender.Runtime("crun", Path.of("/usr/bin/crun"));
    String plan = Scenario.EXEC.plan(crun, place(Set.of())).orElseThrow().text();
    assertThat(plan.lines().map(l -> l.split("\t", -1)[0]))
        .containsExactly("contender", "before", "before", "do", "wait", "after");
    assertThat(plan).contains("wait\t" + work.resolve("state/crun-exec.pid") + "\t0");
    assertThat(Files.readString(work.resolve("crun-docker-sleep/process.json")))
        .contains("\"/bin/true\"", "CAP_NET_RAW");
  }

  @Test
  void onlyRuntimesAnswerState() throws IOException {
    Place place = place(Set.of());
    assertThat(Scenario.STATE_RUNNING.plan(new Contender.Floor(), place)).isEmpty();
    assertThat(Scenario.VERSION.plan(new Contender.Nothing(), place)).isPresent();
  }

  @Test
  void aPlanRefusesWhatWouldBreakItsLines() {
    assertThatThrownBy(() -> new Plan("x").after(List.of("a\tb")))
        .isInstanceOf(IllegalArgumentException.class);
  }

  private Place place(Set<Feature> features) {
    return new Place(CgroupView.V2, List.of(), features, Path.of("/tools"), work, "p-");
  }
}
