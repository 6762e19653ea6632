package dev.coracle.lifecycle;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.assertj.core.api.Assertions.fail;

import dev.coracle.execute.Kept;
import dev.coracle.kernel.Errno;
import dev.coracle.kernel.RecordingKernel;
import dev.coracle.lifecycle.FakeHost.Layout;
import dev.coracle.state.StateStore;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** start, kill, exec, delete and state on a container that the recording kernel holds. */
class VerbsTest {
  private static final String STAT = "/proc/4242/stat";
  private static final String FIFO = FakeHost.ROOT + "/id/exec.fifo";

  private interface Verb {
    void run(Environment e) throws Failure;
  }

  private static FakeHost created(String bundle) {
    FakeHost host = new FakeHost(Layout.V2, FakeHost.bundle(bundle));
    boolean hooks = bundle.equals("hooks");
    host.kernel.childSays(hooks ? new String[] {"H", "R"} : new String[] {"R"});
    try {
      Create.create(host.environment(), FakeHost.request(null));
    } catch (Failure failure) {
      throw new AssertionError(failure);
    }
    host.kernel.file(FIFO, "");
    return host;
  }

  private static FakeHost running(String bundle) {
    FakeHost host = created(bundle);
    host.kernel.broken(FIFO, Errno.ENOENT);
    return host;
  }

  private static FakeHost stopped(String bundle) {
    return running(bundle).without(STAT);
  }

  private static List<String> since(FakeHost host, Verb verb) throws Failure {
    int before = host.kernel.calls().size();
    verb.run(host.environment());
    return host.kernel.calls().subList(before, host.kernel.calls().size());
  }

  private static void refused(FakeHost host, Verb verb, String message) {
    List<String> made = List.copyOf(host.kernel.made());
    assertThatThrownBy(() -> verb.run(host.environment()))
        .isInstanceOf(Failure.class)
        .hasMessage(message);
    assertThat(host.kernel.made()).isEqualTo(made);
  }

  private static void start(Environment e) throws Failure {
    Start.start(e, "id");
  }

  private static void delete(Environment e) throws Failure {
    Delete.delete(e, "id", false);
  }

  private static void deleteForce(Environment e) throws Failure {
    Delete.delete(e, "id", true);
  }

  private static void kill(Environment e) throws Failure {
    Signals.kill(e, "id", "TERM", false);
  }

  private static Exec.Request execRequest(@Nullable String processFile, String... args) {
    return new Exec.Request(
        "id",
        processFile,
        List.of(args),
        List.of(),
        null,
        null,
        List.of(),
        List.of(),
        false,
        null,
        null,
        List.of(),
        false,
        null,
        -1,
        "/exec.pid",
        null,
        Kept.NOTHING,
        false);
  }

  private static void exec(Environment e) throws Failure {
    Exec.Executed executed = Exec.exec(e, execRequest(null, "ls"));
    assertThat(executed.terminal()).isFalse();
  }

  // --- start ---

  @Test
  void startLetsTheProcessGo() throws Failure {
    FakeHost host = created("minimal");
    assertThat(since(host, VerbsTest::start))
        .anyMatch(c -> c.startsWith("write(") && c.contains("\"!\", 1"))
        .anyMatch(c -> c.startsWith("poll(") && c.endsWith(", -1)"));
    assertThat(host.kernel.made()).doesNotContain(FIFO);
  }

  @Test
  void startIsRefused() {
    refused(running("minimal"), VerbsTest::start, "cannot start an already running container");
    refused(stopped("minimal"), VerbsTest::start, "cannot start a container that has stopped");
    FakeHost raced = created("minimal");
    raced.kernel.answers("flock", -Errno.EAGAIN);
    refused(raced, VerbsTest::start, "cannot start an already running container");
  }

  @Test
  void whatTheProcessLeavesInTheFifoIsTheError() {
    FakeHost host = created("minimal");
    host.kernel.file(FIFO, "config.json /process/args: cannot execute");
    assertThatThrownBy(() -> start(host.environment()))
        .hasMessage("config.json /process/args: cannot execute");
  }

  @Test
  void aFailingPoststartHookEndsTheContainer() {
    FakeHost host = created("hooks");
    host.kernel.fail("pipe2", 1, Errno.EMFILE);
    assertThatThrownBy(() -> start(host.environment()))
        .hasMessageStartingWith(
            "config.json /hooks/poststart/0: error running poststart hook #0: \"/bin/poststart\""
                + " cannot be run: pipe2(")
        .hasMessageEndingWith(": EMFILE (too many open files)");
    assertThat(host.kernel.calls()).anyMatch(c -> c.startsWith("pidfd_send_signal("));
  }

  // --- kill ---

  @Test
  void killSignalsTheFirstProcess() throws Failure {
    assertThat(since(created("minimal"), VerbsTest::kill))
        .anyMatch(c -> c.matches("pidfd_send_signal\\(\\d+, 15\\)"));
    assertThat(since(running("minimal"), VerbsTest::kill))
        .anyMatch(c -> c.matches("pidfd_send_signal\\(\\d+, 15\\)"));
  }

  @Test
  void killAllSignalsEveryProcess() throws Failure {
    FakeHost host = running("minimal");
    host.kernel.file("/sys/fs/cgroup/s/id/cgroup.procs", "4242\n77\n");
    host.kernel.file("/sys/fs/cgroup/s/id/cgroup.events", "populated 1\nfrozen 1\nfrozen 0\n");
    List<String> calls = since(host, e -> Signals.kill(e, "id", "15", true));
    assertThat(calls).contains("kill(4242, 15)", "kill(77, 15)");
    assertThat(
            calls.stream()
                .filter(c -> c.startsWith("write("))
                .map(c -> c.replaceAll(".*, \"", "\"")))
        .as("they stand still meanwhile")
        .containsExactly("\"1\", 1)", "\"0\", 1)");
  }

  @Test
  void killAllOfSigkillIsOneWrite() throws Failure {
    FakeHost host = running("minimal");
    assertThat(since(host, e -> Signals.kill(e, "id", "9", true)))
        .anyMatch(c -> c.contains("/sys/fs/cgroup/s/id/cgroup.kill"))
        .noneMatch(c -> c.startsWith("kill("));
  }

  @Test
  void sigkillWithoutAPidNamespaceKillsAll() throws Failure {
    FakeHost host = running("minimal");
    host.kernel.file("/proc/4242/status", "Name:\tx\nNSpid:\t4242\t1\nNSpgid:\t7\n");
    assertThat(since(host, e -> Signals.kill(e, "id", "9", false)))
        .noneMatch(c -> c.contains("cgroup.kill"));
    host.kernel.file("/proc/4242/status", "Name:\tx\nNSpid:\t4242\nNSpgid:\t7\n");
    assertThat(since(host, e -> Signals.kill(e, "id", "9", false)))
        .anyMatch(c -> c.contains("/sys/fs/cgroup/s/id/cgroup.kill"));
    assertThat(since(host, e -> Signals.kill(e, "id", "15", false)))
        .noneMatch(c -> c.contains("cgroup.kill"));
  }

  @Test
  void whatAFirstProcessLeftBehindCanBeKilled() throws Failure {
    FakeHost host = stopped("minimal");
    host.kernel.file("/sys/fs/cgroup/s/id/cgroup.procs", "77\n");
    assertThat(since(host, e -> Signals.kill(e, "id", "KILL", false)))
        .anyMatch(c -> c.contains("/sys/fs/cgroup/s/id/cgroup.kill"));
  }

  @Test
  void signalZeroAsksWhetherItRuns() throws Failure {
    assertThat(since(running("minimal"), e -> Signals.kill(e, "id", "0", false)))
        .anyMatch(c -> c.matches("pidfd_send_signal\\(\\d+, 0\\)"));
    refused(
        stopped("minimal"),
        e -> Signals.kill(e, "id", "0", false),
        "container not running: kill: no such process");
  }

  @Test
  void killIsRefused() {
    // Both containerd and CRI-O look for their words in it.
    refused(stopped("minimal"), VerbsTest::kill, "container not running: kill: no such process");
    refused(
        running("minimal"), e -> Signals.kill(e, "id", "NONE", false), "unknown signal \"NONE\"");
  }

  @Test
  void aPidThatIsAnotherProcessNowIsNotSignalled() throws Failure {
    FakeHost host = running("minimal");
    host.kernel.file(STAT, FakeHost.STAT.replace("987654", "987655"));
    assertThatThrownBy(() -> kill(host.environment())).hasMessageContaining("not running");
    assertThat(host.kernel.calls()).noneMatch(c -> c.startsWith("pidfd_send_signal("));
  }

  // --- delete ---

  @ParameterizedTest
  @ValueSource(strings = {"minimal", "hooks"})
  void deleteRemovesAll(String bundle) throws Failure {
    FakeHost host = stopped(bundle);
    delete(host.environment());
    assertThat(host.kernel.made()).containsExactly("/pid");
  }

  @Test
  void deleteRunsPoststopHooksAndPassesOverTheirFailure() throws Failure {
    FakeHost host = stopped("hooks");
    host.kernel.fail("clone3", 1, Errno.EAGAIN);
    delete(host.environment());
    assertThat(host.warned)
        .singleElement()
        .asString()
        .startsWith(
            "config.json /hooks/poststop/0: error running poststop hook #0: \"/bin/poststop\""
                + " cannot be run: clone3(")
        .endsWith(": EAGAIN (resource temporarily unavailable)");
    assertThat(host.kernel.made()).containsExactly("/pid");
  }

  @ParameterizedTest
  @ValueSource(ints = {Errno.ENOSYS, Errno.EPERM})
  void aHookIsForkedWhereAFilterRefusesClone3(int errno) throws Failure {
    FakeHost host = stopped("hooks");
    host.kernel.fail("clone3", 1, errno);
    delete(host.environment());
    assertThat(host.warned).isEmpty();
    assertThat(host.kernel.calls()).contains("fork([1])");
  }

  @Test
  void deleteOfARunningContainerNeedsForce() throws Failure {
    refused(
        running("minimal"),
        VerbsTest::delete,
        "cannot delete container \"id\" that is not stopped: running");
    FakeHost host = running("minimal");
    assertThat(since(host, VerbsTest::deleteForce))
        .anyMatch(c -> c.matches("pidfd_send_signal\\(\\d+, 9\\)"));
    assertThat(host.kernel.made()).containsExactly("/pid");
  }

  @Test
  void deleteOfACreatedContainerKillsIt() throws Failure {
    FakeHost host = created("minimal");
    assertThat(since(host, VerbsTest::delete))
        .anyMatch(c -> c.matches("pidfd_send_signal\\(\\d+, 9\\)"));
    assertThat(host.kernel.made()).containsExactly("/pid");
  }

  @Test
  void aContainerThatIsNotThere() throws Failure {
    for (Verb verb :
        List.<Verb>of(VerbsTest::start, VerbsTest::kill, VerbsTest::delete, VerbsTest::exec)) {
      FakeHost host = new FakeHost(Layout.V2, "{}");
      host.without(FakeHost.ROOT + "/id").without(FakeHost.ROOT + "/id/state.json");
      refused(host, verb, "container \"id\" does not exist");
    }
    FakeHost host = new FakeHost(Layout.V2, "{}");
    host.without(FakeHost.ROOT + "/id").without(FakeHost.ROOT + "/id/state.json");
    deleteForce(host.environment());
  }

  // --- exec ---

  @Test
  void execReturnsOnceTheProgramRuns() throws Failure {
    FakeHost host = running("minimal");
    host.kernel.childSays("R");
    exec(host.environment());
    assertThat(host.kernel.file("/exec.pid")).isEqualTo("4243");
  }

  @Test
  void execIsRefused() {
    refused(
        stopped("minimal"),
        VerbsTest::exec,
        "cannot exec in a stopped container: container not running");
    refused(
        running("minimal"),
        e -> Exec.exec(e, execRequest(null)),
        "exec needs a program and its arguments, or --process");
    FakeHost host = running("minimal");
    host.kernel.file("/p.json", "{\"cwd\":\"x\",\"args\":[\"ls\"],\"env\":[\"A\"]}");
    refused(
        host,
        e -> Exec.exec(e, execRequest("/p.json")),
        "--process \"/p.json\": config.json /cwd: must be absolute, not \"x\"\n"
            + "config.json /env/0: must be NAME=value, not \"A\"");
  }

  @Test
  void aProgramThatCannotRunLeavesNoPidFile() {
    FakeHost host = running("minimal");
    host.kernel.childSays("R", "Fconfig.json /process/args: cannot execute \"ls\"");
    assertThatThrownBy(() -> exec(host.environment()))
        .hasMessage("config.json /process/args: cannot execute \"ls\"");
    assertThat(host.kernel.made()).doesNotContain("/exec.pid", "/.exec.pid.coracle");
  }

  // --- state ---

  @Test
  void stateFollowsTheKernel() throws Failure {
    assertThat(StateReport.state(created("minimal").environment(), "id"))
        .contains("\"status\": \"created\"", "\"pid\": 4242");
    assertThat(StateReport.state(running("minimal").environment(), "id"))
        .contains("\"status\": \"running\"", "\"pid\": 4242");
    assertThat(StateReport.state(stopped("minimal").environment(), "id"))
        .contains("\"status\": \"stopped\"", "\"pid\": 0");
    FakeHost zombie = running("minimal");
    zombie.kernel.file(STAT, FakeHost.STAT.replace(") S", ") Z"));
    assertThat(StateReport.state(zombie.environment(), "id")).contains("\"status\": \"stopped\"");
  }

  @Test
  void stateHasTheShapeThatEnginesRead() throws Failure {
    assertThat(StateReport.state(running("hooks").environment(), "id"))
        .isEqualTo(
            """
            {
              "ociVersion": "1.0.2",
              "id": "id",
              "pid": 4242,
              "status": "running",
              "bundle": "/bundle",
              "rootfs": "/bundle/rootfs",
              "created": "2025-06-15T15:06:40Z",
              "annotations": {
                "org.example": "yes"
              },
              "owner": ""
            }
            """);
  }

  @Test
  void listsOfNothing() throws Failure {
    FakeHost host = new FakeHost(Layout.V2, "{}");
    assertThat(StateReport.list(host.environment(), StateReport.Format.JSON, true))
        .isEqualTo("null");
    assertThat(StateReport.list(host.environment(), StateReport.Format.IDS, true)).isEmpty();
    assertThat(StateReport.list(host.environment(), StateReport.Format.TABLE, true))
        .isEqualTo("ID          PID         STATUS      BUNDLE      CREATED     OWNER\n");
    host.without(FakeHost.ROOT);
    assertThat(StateReport.list(host.environment(), StateReport.Format.IDS, false)).isEmpty();
    assertThatThrownBy(() -> StateReport.list(host.environment(), StateReport.Format.IDS, true))
        .hasMessageStartingWith("state root \"/run/coracle\" cannot be read: openat2(");
  }

  @Test
  void owners() {
    String passwd = "root:x:0:0:root:/root:/bin/sh\nbad\nuser:x:1000:1000::/home/user:\n";
    assertThat(StateReport.owner(passwd, 0)).isEqualTo("root");
    assertThat(StateReport.owner(passwd, 1000)).isEqualTo("user");
    assertThat(StateReport.owner(passwd, 100)).isEqualTo("#100");
    assertThat(StateReport.owner("", 0)).isEqualTo("#0");
  }

  @ParameterizedTest
  @ValueSource(strings = {"a", "A-b_c+d.e", "0", "_", "x.."})
  void goodIds(String id) {
    assertThat(StateStore.defect(id)).isNull();
  }

  @ParameterizedTest
  @ValueSource(strings = {"", ".", "..", ".a", "a/b", "a b", "\u00e9", "a\0", "a\n"})
  void badIds(String id) {
    assertThat(StateStore.defect(id)).isNotNull();
    FakeHost host = new FakeHost(Layout.V2, "{}");
    assertThatThrownBy(() -> Start.start(host.environment(), id)).isInstanceOf(Failure.class);
    assertThatThrownBy(() -> Delete.delete(host.environment(), id, true))
        .isInstanceOf(Failure.class);
    assertThat(host.kernel.calls()).isEmpty();
  }

  // --- failing calls ---

  private static FakeHost host(String state) {
    return switch (state) {
      case "created" -> created("minimal");
      case "running" -> running("minimal");
      case "hooked" -> stopped("hooks");
      default -> stopped("minimal");
    };
  }

  private static Verb verb(String name) {
    return switch (name) {
      case "start" -> VerbsTest::start;
      case "kill" -> VerbsTest::kill;
      case "delete" -> VerbsTest::delete;
      case "force" -> VerbsTest::deleteForce;
      default -> VerbsTest::exec;
    };
  }

  /** Whatever call of a verb fails: an error or success, and then delete --force leaves nothing. */
  @ParameterizedTest
  @CsvSource({
    "start, created",
    "kill, running",
    "exec, running",
    "delete, stopped",
    "delete, created",
    "delete, hooked",
    "force, running"
  })
  void everyCallOfAVerbMayFail(String name, String state) {
    for (int n = 1; ; n++) {
      FakeHost host = host(state);
      host.kernel.childSays("R").fail("*", n, Errno.EIO);
      Throwable thrown = catchThrowable(() -> verb(name).run(host.environment()));
      String call = host.kernel.failed();
      if (thrown instanceof IllegalStateException && call.startsWith("close(")) {
        continue; // a bug of ours by contract
      }
      if (thrown != null && !(thrown instanceof Failure)) {
        fail(name + ": " + call, thrown);
      }
      if (call.isEmpty()) {
        assertThat(thrown).isNull();
        return;
      }
      host.without(STAT);
      Throwable cleaned = catchThrowable(() -> deleteForce(host.environment()));
      assertThat(cleaned).as(name + ": " + call).isNull();
      assertThat(host.kernel.made()).as(name + ": " + call).isSubsetOf("/pid", "/exec.pid");
    }
  }

  /** Killed at any call, create leaves something that delete --force cleans up entirely. */
  @ParameterizedTest
  @CsvSource({"minimal,V1", "minimal,V2", "hooks,HYBRID", "docker,V1"})
  void createMayBeKilledAtEveryCall(String bundle, String layout) {
    boolean hooks = !bundle.equals("minimal");
    List<String> left = new ArrayList<>();
    for (int n = 1; ; n++) {
      FakeHost host =
          new FakeHost(Layout.valueOf(layout.toUpperCase(Locale.ROOT)), FakeHost.bundle(bundle));
      host.kernel.childSays(hooks ? new String[] {"H", "R"} : new String[] {"R"}).dieAt(n);
      Throwable thrown =
          catchThrowable(() -> Create.create(host.environment(), FakeHost.request(null)));
      if (thrown == null) {
        break;
      }
      assertThat(thrown).isInstanceOf(RecordingKernel.Ended.class);
      host.kernel.dieAt(Integer.MAX_VALUE / 2);
      // The kernel kills the child with the runtime.
      host.without(STAT);
      Throwable cleaned = catchThrowable(() -> deleteForce(host.environment()));
      assertThat(cleaned).as(thrown.getMessage()).isNull();
      left.addAll(host.kernel.made());
    }
    assertThat(left).isSubsetOf("/pid", "/.pid.coracle");
  }
}
