package dev.coracle.lifecycle;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.assertj.core.api.Assertions.fail;

import dev.coracle.execute.Kept;
import dev.coracle.kernel.Errno;
import dev.coracle.kernel.RecordingKernel;
import dev.coracle.lifecycle.FakeHost.Layout;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Create on the recording kernel: its calls in order, and the failure of each of them. */
class CreateTest {
  // Calls of the runtime whose failure is passed over, each with its reason.
  private static final List<String> PARENT_TOLERATES =
      List.of(
          // Not to be told is like not a pure v2: then mountinfo says how cgroups are mounted.
          "statfs(\"/sys/fs/cgroup\")",
          // They cannot fail; an unknown time or user is no reason to refuse a container.
          "clock_gettime",
          "geteuid",
          // Controllers that nothing asked for, but for the statistics of engines.
          "cgroup.subtree_control\"",
          "+io",
          // Without its cache a filter is compiled.
          "/.seccomp",
          "\"\", AT_EMPTY_PATH, STATX_BASIC_STATS",
          "close(");

  // Calls of the container's process whose failure is passed over.
  private static final List<String> CHILD_TOLERATES =
      List.of(
          // One directory of PATH that cannot be searched: another one has the program.
          "statx(AT_FDCWD, \"/usr/local/sbin/sh\"",
          "faccessat2(AT_FDCWD, \"/usr/local/sbin/sh\"",
          // It cannot fail.
          "geteuid()",
          // Without /etc/passwd HOME is the root directory.
          "openat2(AT_FDCWD, \"/etc/passwd\"",
          "read(",
          "close(");

  // What stands in front where no step failed, but the runtime's own work around them.
  private static final String OWN_WORK =
      "(?s)(bundle \"|cannot make state directory|cannot write the state: |cannot write pid file"
          + "|cannot connect to --console-socket|cannot prepare the container's process: "
          + "|cannot return to the runtime.s mount namespace|cannot find our own pid|cannot wait for hooks|cannot hear the container's process"
          + "|default host: ).*";

  private static Create.@Nullable Created create(FakeHost host, boolean console) throws Failure {
    Create.Request r = FakeHost.request(null);
    Create.Request request =
        new Create.Request(
            r.id(),
            r.bundle(),
            r.pidFile(),
            console ? "/console" : null,
            -1,
            null,
            Kept.NOTHING,
            false,
            true,
            false,
            null,
            CalledAs.CORACLE);
    return Create.create(host.environment(), request);
  }

  private static FakeHost host(String bundle, String layout) {
    String config = FakeHost.bundle(bundle);
    FakeHost host = new FakeHost(Layout.valueOf(layout.toUpperCase(Locale.ROOT)), config);
    if (bundle.equals("runc")) {
      host.kernel.answers("fstatfsType", 0x1cd1); // a terminal needs a devpts
    }
    return host;
  }

  private static String[] script(String bundle) {
    if (bundle.equals("notify")) {
      return new String[] {"N7", "R"};
    }
    if (bundle.equals("userns")) {
      return new String[] {"U", "R"};
    }
    boolean hooks = bundle.equals("docker") || bundle.equals("hooks");
    return hooks ? new String[] {"H", "R"} : new String[] {"R"};
  }

  /** The calls, but only the first of the forty that drop a capability. */
  private static String lines(List<String> calls) {
    StringBuilder out = new StringBuilder();
    for (String call : calls) {
      if (!call.matches("prctl\\(PR_CAPBSET_DROP, [1-9].*")) {
        out.append(call).append('\n');
      }
    }
    return out.toString();
  }

  @Test
  void callsOfTheRuntime() throws Failure, IOException {
    FakeHost host = host("minimal", "v2");
    host.kernel.childSays("R");
    create(host, false);
    Golden.check("create-minimal-runtime.txt", lines(host.kernel.calls()));
    assertThat(host.kernel.made())
        .containsExactlyInAnyOrder(
            "/run/coracle/id",
            "/run/coracle/id/state.json",
            "/run/coracle/id/exec.fifo",
            "/sys/fs/cgroup/s/id",
            "/pid");
    assertThat(host.kernel.file("/pid")).isEqualTo("4242");
    assertThat(host.kernel.file("/run/coracle/id/state.json"))
        .startsWith("{\"pid\":      4242,\"start\":              987654,\"ociVersion\":\"1.0.0\"");
    // The state, the child's socket and its pidfd: run needs them, and create ends.
    assertThat(host.kernel.openDescriptors()).hasSize(3);
  }

  @Test
  void aProcessThatIsStartedAtOnceNeedsNoHandlers() {
    FakeHost host = host("minimal", "v2");
    host.kernel.asChild();
    assertThatThrownBy(() -> Create.createToStart(host.environment(), FakeHost.request(null)))
        .hasMessageStartingWith("execve(");
    assertThat(host.kernel.calls()).contains("rt_sigprocmask(SIG_SETMASK, [])");
    assertThat(host.kernel.calls()).noneMatch(c -> c.startsWith("rt_sigaction("));
  }

  @Test
  void callsOfTheContainersProcess() throws IOException {
    FakeHost host = host("minimal", "v2");
    host.kernel.asChild();
    assertThatThrownBy(() -> create(host, false))
        .isInstanceOf(RecordingKernel.Ended.class)
        .hasMessage("execve(\"/usr/local/sbin/sh\", [\"sh\"], [\"HOME=/\"])");
    List<String> calls = host.kernel.calls();
    Golden.check(
        "create-minimal-process.txt", lines(calls.subList(cloneAt(calls) + 1, calls.size())));
    assertThat(host.kernel.said()).isEqualTo("R");
  }

  private static int cloneAt(List<String> calls) {
    for (int i = 0; i < calls.size(); i++) {
      if (calls.get(i).startsWith("clone3(")) {
        return i;
      }
    }
    throw new AssertionError("no clone3");
  }

  @Test
  void aListenerIsSentToItsAgent() throws Failure {
    FakeHost host = host("notify", "v2");
    host.kernel.childSays("N7", "R");
    create(host, false);
    List<String> calls = host.kernel.calls();
    assertThat(calls).anyMatch(c -> c.startsWith("pidfd_getfd(") && c.endsWith(", 7, 0)"));
    assertThat(calls).anyMatch(c -> c.contains("\"/bundle/agent.sock\""));
    String state =
        "{\"ociVersion\":\"1.3.0\",\"fds\":[\"seccompFd\"],\"pid\":4242,\"metadata\":\"m\",\"state\":"
            + "{\"ociVersion\":\"1.3.0\",\"id\":\"id\",\"status\":\"creating\",\"pid\":4242,"
            + "\"bundle\":\"/bundle\"}}";
    assertThat(calls).anyMatch(c -> c.startsWith("sendmsg(") && c.contains(state));
  }

  @Test
  void debugTellsEveryStep() throws Failure {
    FakeHost host = host("docker", "v2");
    host.debugs = true;
    host.kernel.childSays("H", "R");
    create(host, false);
    assertThat(host.debugged)
        .contains(
            "config.json /process/cwd: go to working directory \"/\"", "seccomp filter flags: 4")
        .endsWith("init: closing the pipe to signal completion");
    FakeHost quiet = host("docker", "v2");
    quiet.kernel.childSays("H", "R");
    create(quiet, false);
    assertThat(quiet.debugged).isEmpty();
  }

  @Test
  void anExistingContainerStays() {
    FakeHost host = host("minimal", "v2");
    host.kernel.broken("/run/coracle/id", Errno.EEXIST);
    assertThatThrownBy(() -> create(host, false))
        .hasMessage("container with given ID already exists: \"id\"");
    assertThat(host.kernel.calls()).noneMatch(c -> c.startsWith("unlinkat"));
  }

  @Test
  void aRootWhoseDevIsOnDiskCanBeUsedAgain() {
    FakeHost host = host("minimal", "v2");
    host.kernel.asChild().answers("symlinkat", -Errno.EEXIST);
    assertThatThrownBy(() -> create(host, false)).hasMessageStartingWith("execve(");
  }

  @Test
  void aProgramIsFoundThoughTheFilterIsOld() {
    FakeHost host = host("minimal", "v2");
    host.kernel.asChild().answers("faccessat2", -Errno.EPERM);
    host.kernel.broken("/usr/local/sbin/sh/.", Errno.ENOTDIR);
    assertThatThrownBy(() -> create(host, false)).hasMessageStartingWith("execve(");
    assertThat(host.kernel.calls()).contains("faccessat(AT_FDCWD, \"/usr/local/sbin/sh\", 1)");
  }

  @Test
  void anOldFilterHidesNoDirectory() {
    FakeHost host = host("minimal", "v2");
    host.kernel.asChild().answers("faccessat2", -Errno.EPERM);
    for (String directory : List.of("local/sbin", "local/bin", "sbin", "bin")) {
      host.kernel.broken("/usr/" + directory + "/sh", Errno.ENOENT);
    }
    host.kernel.broken("/sbin/sh", Errno.ENOENT);
    assertThatThrownBy(() -> create(host, false)).hasMessage("exit_group(1)");
    assertThat(host.kernel.said()).contains("executable file not found in $PATH");
  }

  @Test
  void whatTheChildSaysIsTheError() {
    FakeHost host = host("minimal", "v2");
    host.kernel.childSays("Fconfig.json /mounts/0: cannot");
    assertThatThrownBy(() -> create(host, false)).hasMessage("config.json /mounts/0: cannot");
    assertNothingIsLeft(host.kernel, "");
  }

  @Test
  void aChildThatDiesIsTold() {
    FakeHost host = host("minimal", "v2");
    host.kernel.childSays();
    assertThatThrownBy(() -> create(host, false))
        .hasMessage("the container's process exited with status 0 while it was set up");
    assertNothingIsLeft(host.kernel, "");
  }

  @Test
  void aTerminalAndAConsoleSocketGoTogether() {
    assertThatThrownBy(() -> create(host("runc", "v2"), false))
        .hasMessage("--console-socket is required: /process/terminal is true");
    assertThatThrownBy(() -> create(host("minimal", "v2"), true))
        .hasMessage("--console-socket must not be given: /process/terminal is false");
  }

  private static void assertNothingIsLeft(RecordingKernel k, String what) {
    assertThat(k.made()).as(what + ": files and cgroups").isEmpty();
    // A hook for which wait4 fails is no longer there to be waited for.
    if (!what.startsWith("wait4(")) {
      assertThat(k.children()).as(what + ": processes").isEmpty();
    }
    assertThat(k.openDescriptors()).as(what + ": descriptors").isEmpty();
  }

  private static boolean hasOneOf(String call, List<String> parts) {
    for (String part : parts) {
      if (call.contains(part)) {
        return true;
      }
    }
    return false;
  }

  private static void assertNamesItsOrigin(String message, String call) {
    String ofStep = "(?s)(config.json /|default ).*: cannot .*";
    assertThat(message.matches(ofStep) || message.matches(OWN_WORK))
        .as(call + " -> " + message)
        .isTrue();
    // How the status of a process could not be read is of no use to anybody.
    assertThat(message)
        .as(call)
        .containsAnyOf("EIO (input/output error)", "/proc/4242/stat cannot be read");
  }

  /** A close that fails is a bug of ours by contract: nothing is written by these descriptors. */
  private static boolean isClose(String call, @Nullable Throwable thrown) {
    return call.startsWith("close(") && thrown instanceof IllegalStateException;
  }

  @ParameterizedTest
  @CsvSource({
    "minimal,v2",
    "docker,v1",
    "docker,hybrid",
    "docker,v2",
    "joined,v2",
    "userns,v2",
    "hooks,v1",
    "notify,v2",
    "runc,v2"
  })
  void everyCallOfTheRuntimeMayFail(String bundle, String layout) {
    List<String> passedOver = new ArrayList<>();
    for (int n = 1; ; n++) {
      FakeHost host = host(bundle, layout);
      host.kernel.childSays(script(bundle)).fail("*", n, Errno.EIO);
      Throwable thrown = catchThrowable(() -> create(host, bundle.equals("runc")));
      String call = host.kernel.failed();
      if (call.isEmpty()) {
        assertThat(thrown).as("nothing failed").isNull();
        break;
      }
      if (thrown == null) {
        passedOver.add(call);
      } else if (thrown instanceof Failure failure) {
        assertNamesItsOrigin(failure.getMessage(), call);
        assertNothingIsLeft(host.kernel, call);
      } else if (!isClose(call, thrown)) {
        fail(call, thrown);
      }
    }
    assertThat(passedOver).allMatch(c -> hasOneOf(c, PARENT_TOLERATES));
  }

  @ParameterizedTest
  @CsvSource({
    "minimal,v2",
    "docker,v1",
    "docker,v2",
    "joined,v2",
    "userns,v2",
    "chroot,v2",
    "hooks,v1",
    "notify,v2",
    "runc,v2"
  })
  void everyCallOfTheContainersProcessMayFail(String bundle, String layout) {
    FakeHost good = host(bundle, layout);
    good.kernel.asChild();
    assertThatThrownBy(() -> create(good, bundle.equals("runc"))).hasMessageStartingWith("execve(");
    int first = cloneAt(good.kernel.calls()) + 2;
    List<String> passedOver = new ArrayList<>();
    for (int n = first; n <= good.kernel.calls().size(); n++) {
      FakeHost host = host(bundle, layout);
      host.kernel.asChild().fail("*", n, Errno.EIO);
      Throwable thrown = catchThrowable(() -> create(host, bundle.equals("runc")));
      String call = host.kernel.failed();
      if (isClose(call, thrown)) {
        continue;
      }
      assertThat(call).as("a call was made to fail").isNotEmpty();
      assertThat(thrown).as(call).isInstanceOf(RecordingKernel.Ended.class);
      if (thrown instanceof RecordingKernel.Ended e && !"exit_group(1)".equals(e.getMessage())) {
        passedOver.add(call);
        continue;
      }
      String said = host.kernel.said();
      int failed = said.indexOf('F');
      // Once it is parked, and the runtime has left, it leaves the message in the FIFO.
      String message =
          failed >= 0
              ? said.substring(failed + 1)
              : host.kernel.file(FakeHost.ROOT + "/id/exec.fifo").replace("!", "");
      assertNamesItsOrigin(message, call);
    }
    assertThat(passedOver).allMatch(c -> hasOneOf(c, CHILD_TOLERATES));
  }
}
