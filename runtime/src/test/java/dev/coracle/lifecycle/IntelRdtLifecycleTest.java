package dev.coracle.lifecycle;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.coracle.json.Json;
import dev.coracle.kernel.Errno;
import dev.coracle.kernel.RecordingKernel;
import dev.coracle.lifecycle.FakeHost.Layout;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Groups of resctrl on the recording kernel: no machine of ours has the hardware. */
class IntelRdtLifecycleTest {
  private static final String MOUNTS =
      "2 1 0:2 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"
          + "3 1 0:3 / /mnt/resctrl rw,relatime - resctrl resctrl rw\n";

  private static FakeHost host(String rdt) {
    String config =
        FakeHost.bundle("minimal")
            .replace("\"linux\": {", "\"linux\": {\"intelRdt\": " + rdt + ",");
    assertThat(config).contains("intelRdt");
    FakeHost host = new FakeHost(Layout.V2, config);
    host.kernel.file("/proc/self/mountinfo", MOUNTS);
    return host;
  }

  private static void create(FakeHost host) throws Failure {
    assertThat(Create.create(host.environment(), FakeHost.request(null)).terminal()).isFalse();
  }

  private static List<String> calls(FakeHost host) {
    List<String> out = new ArrayList<>();
    for (String call : host.kernel.calls()) {
      if (call.contains("resctrl")
          && !call.contains("state.json")
          && !call.contains("ociVersion")) {
        out.add(call);
      }
    }
    return out;
  }

  @Test
  void aGroupOfTheContainersOwn() throws Failure {
    FakeHost host =
        host(
            "{\"l3CacheSchema\": \"L3:0=f\\nMB:0=1\", \"memBwSchema\": \"MB:0=20\","
                + " \"schemata\": [\"L2:0=1\"], \"enableMonitoring\": true}");
    host.kernel.broken("/mnt/resctrl/id", Errno.ENOENT);
    host.kernel.broken("/mnt/resctrl/id/mon_groups/id", Errno.ENOENT);
    host.kernel.childSays("R");
    assertThat(
            new ArrayList<>(
                List.of(
                    PlanReport.report(host.environment(), FakeHost.request(null), false)
                        .split("\n"))))
        .contains(
            "  make resctrl group \"/id\"  [config.json /linux/intelRdt]",
            "  make resctrl group \"/id/mon_groups/id\"  [config.json"
                + " /linux/intelRdt/enableMonitoring]",
            "  join resctrl group \"/id\"  [config.json /linux/intelRdt]");
  }

  @Test
  void theLinesStandInTheOrderOfTheSpec() throws Failure {
    FakeHost host =
        host(
            "{\"closID\": \"gold\", \"l3CacheSchema\": \"L3:0=f\\nMB:0=1\","
                + " \"memBwSchema\": \"MB:0=20\", \"schemata\": [\"L2:0=1\"]}");
    host.kernel.childSays("R");
    create(host);
    assertThat(host.kernel.file("/mnt/resctrl/gold/schemata"))
        .isEqualTo("L3:0=f\nMB:0=20\nL2:0=1\n");
  }

  @Test
  void theProcessJoinsByItself() {
    FakeHost host = host("{\"closID\": \"/\", \"enableMonitoring\": true}");
    host.kernel.asChild();
    assertThatThrownBy(() -> create(host)).isInstanceOf(RecordingKernel.Ended.class);
    assertThat(host.kernel.file("/mnt/resctrl/tasks")).isEqualTo("0");
    assertThat(host.kernel.file("/mnt/resctrl/mon_groups/id/tasks")).isEqualTo("0");
    assertThat(calls(host)).noneMatch(c -> c.startsWith("mkdirat") && c.contains("resctrl\""));
  }

  @Test
  void oneThatIsNamedWithoutSchemataMustBeThere() {
    FakeHost host = host("{\"closID\": \"gold\"}");
    host.kernel.broken("/mnt/resctrl/gold", Errno.ENOENT);
    assertThatThrownBy(() -> create(host))
        .hasMessage(
            "config.json /linux/intelRdt/closID: cannot find resctrl group \"/gold\":"
                + " \"/mnt/resctrl/gold\" must exist: no schemata are given for it");
  }

  @Test
  void withoutResctrlItIsAnError() {
    FakeHost host = host("{\"closID\": \"gold\"}");
    host.kernel.file("/proc/self/mountinfo", "2 1 0:2 / /sys/fs/cgroup rw - cgroup2 c rw\n");
    assertThatThrownBy(() -> create(host))
        .hasMessageContaining("/linux/intelRdt/closID")
        .hasMessageContaining("resctrl is not mounted on this host");
  }

  @Test
  void whatWasMadeIsRemovedWhenCreateFails() {
    FakeHost host = host("{\"memBwSchema\": \"MB:0=20\", \"enableMonitoring\": true}");
    host.kernel.childSays("Fno");
    assertThatThrownBy(() -> create(host)).hasMessage("no");
    assertThat(host.kernel.made()).isEmpty();
    assertThat(calls(host))
        .containsSubsequence(
            "unlinkat(AT_FDCWD, \"/mnt/resctrl/id/mon_groups/id\", AT_REMOVEDIR)",
            "unlinkat(AT_FDCWD, \"/mnt/resctrl/id\", AT_REMOVEDIR)");
  }

  @Test
  void updateWritesTheSchemata() throws Failure {
    FakeHost host = host("{\"closID\": \"gold\", \"memBwSchema\": \"MB:0=20\"}");
    host.kernel.childSays("R");
    create(host);
    Update.update(
        host.environment(),
        "id",
        null,
        new Json.Obj(new ArrayList<>(), new ArrayList<>()),
        "MB:0=50\n");
    assertThat(host.kernel.file("/mnt/resctrl/gold/schemata")).contains("MB:0=50\n");
  }

  @Test
  void updateOfAContainerWithoutIsAnError() throws Failure {
    FakeHost host = new FakeHost(Layout.V2, FakeHost.bundle("minimal"));
    host.kernel.childSays("R");
    create(host);
    assertThatThrownBy(
            () ->
                Update.update(
                    host.environment(),
                    "id",
                    null,
                    new Json.Obj(new ArrayList<>(), new ArrayList<>()),
                    "MB:0=50\n"))
        .hasMessageContaining("the container was made without /linux/intelRdt");
  }
}
