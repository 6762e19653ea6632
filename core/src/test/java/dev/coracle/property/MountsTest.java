package dev.coracle.property;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.abi.Mount;
import dev.coracle.config.ConfigReader;
import dev.coracle.plan.Action;
import dev.coracle.plan.Phase;
import dev.coracle.plan.PlanBuilder;
import dev.coracle.plan.Step;
import dev.coracle.problem.Problem;
import dev.coracle.problem.Problems;
import dev.coracle.spec.Spec;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class MountsTest {
  private static final List<Action.Hierarchy> V1 =
      List.of(new Action.Hierarchy("pids", "pids", "/cg/pids/id"));
  private static final List<Action.Hierarchy> V2 =
      List.of(new Action.Hierarchy("", null, "/cg/id"));

  private final Problems problems = new Problems();

  private List<Step> plan(String mounts, List<Action.Hierarchy> cgroups, @Nullable String label) {
    String config = "{\"ociVersion\": \"1.3.0\", \"mounts\": [" + mounts.replace('\'', '"') + "]}";
    byte[] json = config.getBytes(UTF_8);
    Spec spec = requireNonNull(ConfigReader.read(json, 0, json.length, -1, problems));
    PlanBuilder plan = new PlanBuilder();
    Mounts.plan(spec.mounts(), new Mounts.Setting("/bundle", cgroups, true, label), plan, problems);
    return plan.build().steps();
  }

  private List<String> texts() {
    List<String> out = new ArrayList<>();
    for (Problem p : problems.all()) {
      out.add(p.toString());
    }
    return out;
  }

  private Action.MakeMount one(String mount) {
    return make(plan(mount, V2, null).get(0));
  }

  private static Action.MakeMount make(Step step) {
    return (Action.MakeMount) step.action();
  }

  @Test
  void severalOptionsOfAFilesystemMayStandInOneString() {
    String options = "'size=1m,mode=755', 'lower=/a\\\\,b:/c', ',uid=7,'";
    assertThat(one("{'destination': '/m', 'type': 'x', 'options': [" + options + "]}").options())
        .extracting(o -> o.data())
        .isEqualTo(List.of("size=1m", "mode=755", "lower=/a\\,b:/c", "uid=7"));
  }

  @Test
  void theQuotesOfAContextAreForTheTextOfAllOptionsOnly() {
    String options = "'context=\\\"system_u:object_r:x:s0:c1,c2\\\",mode=755'";
    assertThat(one("{'destination': '/m', 'type': 'x', 'options': [" + options + "]}").options())
        .extracting(o -> o.data())
        .isEqualTo(List.of("context=system_u:object_r:x:s0:c1,c2", "mode=755"));
  }

  @Test
  void theMountLabelIsTheContextOfNewFilesystems() {
    String mounts =
        "{'destination': '/proc', 'type': 'proc'}, {'destination': '/sys', 'type': 'sysfs'},"
            + " {'destination': '/q', 'type': 'mqueue'}, {'destination': '/m', 'type': 'tmpfs'},"
            + " {'destination': '/p', 'type': 'devpts', 'options': ['mode=620']},"
            + " {'destination': '/b', 'source': '/s', 'options': ['bind']},"
            + " {'destination': '/r', 'options': ['remount', 'ro']}";
    String label = "system_u:object_r:container_file_t:s0:c10,c20";
    List<String> data = new ArrayList<>();
    for (Step step : plan(mounts, V2, label)) {
      data.add(make(step).destination() + " " + make(step).options().data());
    }
    assertThat(data)
        .containsExactly(
            "/proc []",
            "/sys []",
            "/q []",
            "/m [context=" + label + "]",
            "/p [mode=620, context=" + label + "]",
            "/b []",
            "/r []");
  }

  @Test
  void aReadOnlyTmpfsIsFilledBefore() {
    String mounts =
        "{'destination': '/dev', 'type': 'tmpfs', 'options': ['nosuid', 'ro']},"
            + " {'destination': '/b', 'source': '/s', 'options': ['bind', 'ro']}";
    List<Step> steps = plan(mounts, V2, null);
    assertThat(steps).hasSize(3);
    assertThat(make(steps.get(0)).options().attrSet()).isEqualTo(Mount.MOUNT_ATTR_NOSUID);
    assertThat(make(steps.get(0)).options().superFlags()).isEmpty();
    assertThat(make(steps.get(1)).options().attrSet()).isEqualTo(Mount.MOUNT_ATTR_RDONLY);
    assertThat(steps.get(2).phase()).isEqualTo(Phase.CHILD_AFTER_PIVOT);
    assertThat(make(steps.get(2)).destination()).isEqualTo("/dev");
    assertThat(make(steps.get(2)).options().remount()).isTrue();
    assertThat(make(steps.get(2)).options().attrSet()).isEqualTo(Mount.MOUNT_ATTR_RDONLY);
  }

  @Test
  void theRootAndProcAreKnownHoweverTheyAreWritten() {
    for (String root : List.of("/", "//", "/./", "/..", "/a/..")) {
      assertThat(one("{'destination': '" + root + "', 'type': 'tmpfs'}").destination())
          .isEqualTo("/");
    }
    for (String proc : List.of("/proc/", "/./proc", "/x/../proc", "proc")) {
      assertThat(one("{'destination': '" + proc + "', 'type': 'proc'}").destination())
          .isEqualTo("/proc");
    }
    assertThat(one("{'destination': '/a/../b', 'type': 'tmpfs'}").destination())
        .isEqualTo("/a/../b");
  }

  @Test
  void mistakesAreTold() {
    String mounts =
        "{'destination': '/m', 'type': 'ramfs', 'options': ['ro', 'tmpcopyup']},"
            + " {'destination': '/x/../proc', 'type': 'tmpfs'},"
            + " {'destination': '/cg', 'type': 'cgroup', 'options': ['ro', 'nsdelegate']}";
    assertThat(plan(mounts, V1, null)).isNotEmpty();
    assertThat(texts())
        .contains(
            "config.json /mounts/0/options/1: \"tmpcopyup\" is for a tmpfs only",
            "config.json /mounts/1/destination: \"/proc\" may be covered by a mount of type proc"
                + " only",
            "config.json /mounts/2: \"nsdelegate\": the mount of cgroup v1 takes no options of a"
                + " filesystem");
  }
}
