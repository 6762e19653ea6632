package dev.coracle.lifecycle;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.coracle.bus.FakeSystemd;
import dev.coracle.execute.Kept;
import dev.coracle.kernel.Errno;
import dev.coracle.kernel.RecordingKernel;
import dev.coracle.lifecycle.FakeHost.Layout;
import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A container whose cgroup is a scope: the plan, its order, and what is undone. */
class SystemdScopeTest {
  private static final String CONFIG =
      """
      {"ociVersion": "1.0.0", "root": {"path": "rootfs"},
       "process": {"cwd": "/", "args": ["sh"]},
       "annotations": {"org.systemd.property.TimeoutStopSec": "7"},
       "linux": {"namespaces": [{"type": "mount"}, {"type": "pid"}, {"type": "cgroup"}],
                 "cgroupsPath": "a-b.slice:p:n",
                 "resources": {"pids": {"limit": 7}}}}
      """;
  private static final String CGROUP = "/sys/fs/cgroup/a.slice/a-b.slice/p-n.scope";

  private final FakeSystemd systemd = new FakeSystemd();

  private FakeHost host(Layout layout) {
    FakeHost host = new FakeHost(layout, CONFIG);
    host.kernel.peer("/run/systemd/private", systemd).childSays("R");
    host.kernel.file(CGROUP + "/cgroup.procs", "1\n4242\n");
    return host;
  }

  private static Create.Request request() {
    return new Create.Request(
        "id",
        "/bundle",
        "/pid",
        null,
        -1,
        null,
        Kept.NOTHING,
        false,
        true,
        true,
        null,
        CalledAs.CORACLE);
  }

  private static int index(List<String> calls, String part) {
    for (int i = 0; i < calls.size(); i++) {
      if (calls.get(i).contains(part)) {
        return i;
      }
    }
    throw new AssertionError("no " + part + " among " + calls);
  }

  @ParameterizedTest
  @EnumSource
  void golden(Layout layout) throws Failure, IOException {
    FakeHost host = host(layout);
    String plan = PlanReport.report(host.environment(), request(), false);
    Golden.check("scope-" + layout.name().toLowerCase(java.util.Locale.ROOT) + ".txt", plan);
    assertThat(host.kernel.openDescriptors()).isEmpty();
    assertThat(host.kernel.made()).isEmpty();
  }

  @Test
  void theScopeIsStartedWithTheProcessThatWaits() throws Failure {
    FakeHost host = host(Layout.V2);
    Create.create(host.environment(), request());
    assertThat(systemd.calls())
        .containsExactly(
            "0|AUTH EXTERNAL|DATA|BEGIN|",
            "Get Version",
            "Get ControlGroup",
            "StartTransientUnit p-n.scope");
    List<String> calls = host.kernel.calls();
    int clone = index(calls, "clone3(");
    int procs = index(calls, CGROUP + "/cgroup.procs");
    int limit = index(calls, CGROUP + "/pids.max");
    assertThat(calls.get(clone)).doesNotContain("CLONE_INTO_CGROUP");
    assertThat(List.of(clone, procs, limit)).isSorted();
    assertThat(host.kernel.made()).noneMatch(made -> made.startsWith("/sys"));
    assertThat(host.kernel.file("/run/coracle/id/state.json"))
        .contains("\"scope\":\"system p-n.scope\"", CGROUP);
    // The state, the child's socket and its pidfd; not the way to systemd.
    assertThat(host.kernel.openDescriptors()).hasSize(3);
  }

  @Test
  void theScopeIsStoppedWhenALimitFails() {
    FakeHost host = host(Layout.V2);
    host.kernel.broken(CGROUP + "/pids.max", Errno.EACCES);
    assertThatThrownBy(() -> Create.create(host.environment(), request()))
        .isInstanceOf(Failure.class)
        .hasMessageStartingWith("config.json /linux/resources/pids/limit: cannot write \"7\"");
    assertThat(systemd.calls()).contains("StopUnit p-n.scope", "ResetFailedUnit p-n.scope");
    assertNothingLeft(host);
  }

  @Test
  void aUnitOfSomeoneElseIsLeftAlone() {
    String exists = "org.freedesktop.systemd1.UnitExists";
    systemd.answers("StartTransientUnit", exists, exists);
    FakeHost host = host(Layout.V2);
    assertThatThrownBy(() -> Create.create(host.environment(), request()))
        .hasMessage(
            "config.json /linux/cgroupsPath: cannot start scope \"p-n.scope\" in \"a-b.slice\":"
                + " StartTransientUnit(\"p-n.scope\"): "
                + exists
                + ": because of the test");
    assertThat(systemd.calls()).doesNotContain("StopUnit p-n.scope");
    assertNothingLeft(host);
  }

  @Test
  void aProcessThatStandsElsewhereIsAFailure() {
    FakeHost host = host(Layout.V2);
    host.kernel.file(CGROUP + "/cgroup.procs", "42\n424\n42420\n");
    assertThatThrownBy(() -> Create.create(host.environment(), request()))
        .hasMessageEndingWith("systemd put process 4242 not into \"" + CGROUP + "\"");
    assertThat(systemd.calls()).contains("StopUnit p-n.scope");
    assertNothingLeft(host);
  }

  private static void assertNothingLeft(FakeHost host) {
    assertThat(host.kernel.made()).isEmpty();
    assertThat(host.kernel.children()).isEmpty();
    assertThat(host.kernel.openDescriptors()).isEmpty();
  }

  @ParameterizedTest
  @EnumSource
  void whatIsLeftOfAKilledCreateIsDeleted(Layout layout) throws Failure {
    for (int n = 1; ; n++) {
      FakeHost host = host(layout);
      host.kernel.dieAt(n);
      try {
        Create.create(host.environment(), request());
        return;
      } catch (RecordingKernel.Ended killed) {
        host.kernel.dieAt(1_000_000);
        host.kernel.broken("/proc/4242/stat", Errno.ENOENT); // it dies with the runtime
        Delete.delete(host.environment(), "id", true);
        assertThat(host.kernel.made())
            .as("killed before call " + n)
            // Where the caller wants the pid is not ours to clean up.
            .isSubsetOf("/.pid.coracle", "/pid");
      }
    }
  }

  @Test
  void deletionTellsWhatSystemdSays() throws Failure {
    FakeHost host = host(Layout.V2);
    Create.create(host.environment(), request());
    host.kernel.broken("/proc/4242/stat", Errno.ENOENT);
    String denied = "org.freedesktop.DBus.Error.AccessDenied";
    systemd.answers("StopUnit", denied, denied);
    assertThatThrownBy(() -> Delete.delete(host.environment(), "id", false))
        .hasMessage("StopUnit(\"p-n.scope\"): " + denied + ": because of the test");
    Delete.delete(host.environment(), "id", true);
    assertThat(host.warned).hasSize(1);
    assertThat(host.kernel.file("/run/coracle/id/state.json")).isEmpty();
  }
}
