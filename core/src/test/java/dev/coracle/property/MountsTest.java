package dev.coracle.property;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.abi.Mount;
import dev.coracle.config.ConfigReader;
import dev.coracle.idmap.MountIdMaps;
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
      List.of(new Action.Hierarchy("pids", "pids", "/cg/pids/id", "/cg/pids"));
  private static final List<Action.Hierarchy> V2 =
      List.of(new Action.Hierarchy("", null, "/cg/id", "/cg"));

  private final Problems problems = new Problems();
  private MountIdMaps.@Nullable UserNamespace own;

  private List<Step> plan(String mounts, List<Action.Hierarchy> cgroups, @Nullable String label) {
    String config = "{\"ociVersion\": \"1.3.0\", \"mounts\": [" + mounts.replace('\'', '"') + "]}";
    byte[] json = config.getBytes(UTF_8);
    Spec spec = requireNonNull(ConfigReader.read(json, 0, json.length, -1, problems));
    PlanBuilder plan = new PlanBuilder();
    MountIdMaps idMaps = new MountIdMaps(own);
    idMaps.plan(spec.mounts(), plan, problems);
    Mounts.Setting setting =
        new Mounts.Setting(
            new Mounts.Sources("/bundle", "/bundle/rootfs"), cgroups, true, label, idMaps);
    Mounts.plan(spec.mounts(), setting, plan, problems);
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

  private static String bind(String destination, String more) {
    String rest = more.isEmpty() ? "" : ", " + more;
    return "{'destination': '" + destination + "', 'source': '/s'" + rest + "}";
  }

  private static String maps(int container, int host) {
    String one = "[{'containerID': " + container + ", 'hostID': " + host + ", 'size': 9}]";
    return "'uidMappings': " + one + ", 'gidMappings': " + one;
  }

  @Test
  void oneUserNamespaceIsMadeForEachMapping() {
    String bound = "'options': ['bind']";
    String mounts =
        bind("/a", "'options': ['bind', 'idmap'], " + maps(0, 1000))
            + ","
            + bind("/b", "'options': ['rbind', 'ridmap'], " + maps(0, 1000))
            + ","
            + bind("/c", bound + ", " + maps(0, 7))
            + ","
            + bind("/d", bound);
    List<Step> steps = plan(mounts, V2, null);
    assertThat(problems.all()).isEmpty();
    assertThat(steps.stream().filter(s -> s.phase() == Phase.PARENT_BEFORE).map(Step::action))
        .containsExactly(
            new Action.MakeIdMapping(0, "0 1000 9\n", "0 1000 9\n"),
            new Action.MakeIdMapping(1, "0 7 9\n", "0 7 9\n"));
    List<Action.IdMapped> mapped = new ArrayList<>();
    for (Step step : steps.subList(2, 6)) {
      mapped.add(make(step).idMapped());
    }
    assertThat(mapped)
        .containsExactly(
            new Action.IdMapped(0, false),
            new Action.IdMapped(0, true),
            new Action.IdMapped(1, false),
            null);
  }

  @Test
  void theContainersMappingsAreUsedWhereAMountGivesNone() {
    own = new MountIdMaps.UserNamespace(List.of(), List.of(), true);
    List<Step> steps = plan(bind("/a", "'options': ['bind', 'ridmap']"), V2, null);
    assertThat(problems.all()).isEmpty();
    assertThat(make(steps.get(0)).idMapped()).isEqualTo(new Action.IdMapped(-1, true));
  }

  @Test
  void mistakesOfIdMappedMountsAreTold() {
    String one = "[{'containerID': 0, 'hostID': 7, 'size': 9}]";
    String mounts =
        bind("/a", "'options': ['bind', 'idmap']")
            + ","
            + bind("/b", "'options': ['bind'], 'uidMappings': " + one)
            + ","
            + "{'destination': '/c', 'type': 'tmpfs', "
            + maps(0, 1)
            + "},"
            + bind("/d", "'options': ['bind', 'idmap=uids=0-1-2;gids=0-1-2']");
    assertThat(plan(mounts, V2, null)).isNotEmpty();
    assertThat(texts())
        .contains(
            "config.json /mounts/0: an id-mapped mount needs uidMappings and gidMappings, or a user"
                + " namespace of the container",
            "config.json /mounts/1/gidMappings: is required beside uidMappings",
            "config.json /mounts/2: only a bind mount can be id-mapped",
            "config.json /mounts/3/options/1: \"idmap=uids=0-1-2;gids=0-1-2\" is not supported; write"
                + " uidMappings and gidMappings for the mount");
    own = new MountIdMaps.UserNamespace(List.of(), List.of(), false);
    assertThat(plan(bind("/a", "'options': ['bind', 'idmap']"), V2, null)).isNotEmpty();
    assertThat(texts()).contains("config.json /mounts/0: without root a mount cannot be id-mapped");
  }

  /** CVE-2021-43784: what would not fit is refused before anything is made of it. */
  @Test
  void hugeMappingsAreRefused() {
    StringBuilder many = new StringBuilder();
    for (int i = 0; i < 100_000; i++) {
      many.append(i == 0 ? "" : ",").append("{'containerID':").append(i);
      many.append(",'hostID':").append(i).append(",'size':1}");
    }
    String one = "[{'containerID': 4294967290, 'hostID': 0, 'size': 4294967295}]";
    String mounts =
        bind("/a", "'options': ['bind'], 'uidMappings': [" + many + "], 'gidMappings': " + one);
    assertThat(plan(mounts, V2, null)).isNotEmpty();
    assertThat(texts())
        .contains(
            "config.json /mounts/0/uidMappings: must have at most 340 entries, not 100000",
            "config.json /mounts/0/gidMappings/0/size: goes beyond the last id, 4294967294");
  }
}
