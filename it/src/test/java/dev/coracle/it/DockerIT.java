package dev.coracle.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.it.harness.Command;
import dev.coracle.it.harness.Docker;
import dev.coracle.it.harness.Poll;
import dev.coracle.it.harness.Result;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The runtime under dockerd.
 *
 * <p>Each test is run with runc first, as a control: what fails there too is the machine's fault.
 */
@Tag("engine")
class DockerIT {
  private static @Nullable Docker daemon;

  @BeforeAll
  static void up() {
    daemon = new Docker();
  }

  @AfterAll
  static void down() {
    if (daemon != null) {
      daemon.close();
    }
  }

  private static Docker docker() {
    return Objects.requireNonNull(daemon);
  }

  /** What a command of the client says; it must succeed. */
  private static String docker(String... args) {
    return docker().run(args).execute().ok().line();
  }

  /** `docker run --rm`: flags first, then, from the first that is none, the command. */
  private static Command run(String runtime, String... flagsAndCommand) {
    return docker().run(split(List.of("run", "--rm", "--runtime", runtime), flagsAndCommand));
  }

  private static String start(String runtime, String... flagsAndCommand) {
    return docker(split(List.of("run", "-d", "--runtime", runtime), flagsAndCommand));
  }

  /** The image goes between the flags, each of which has a value but --read-only and --init. */
  private static String[] split(List<String> before, String[] flagsAndCommand) {
    List<String> all = new ArrayList<>(before);
    int i = 0;
    while (i < flagsAndCommand.length && flagsAndCommand[i].startsWith("-")) {
      String flag = flagsAndCommand[i++];
      all.add(flag);
      if (!List.of("--read-only", "--init", "--no-such-flag").contains(flag)) {
        all.add(flagsAndCommand[i++]);
      }
    }
    all.add(Docker.IMAGE);
    all.addAll(List.of(flagsAndCommand).subList(i, flagsAndCommand.length));
    return all.toArray(String[]::new);
  }

  private static void awaitLog(String id, String text) {
    Poll.until("log of " + text, Duration.ofSeconds(20), () -> docker("logs", id).contains(text));
  }

  @ParameterizedTest
  @ValueSource(strings = {"runc", "tested"})
  void theOutputAndTheExitCode(String runtime) {
    assertThat(run(runtime, "echo", "hello").execute().ok().stdout()).isEqualTo("hello\n");
    run(runtime, "sh", "-c", "exit 42").execute().exitsWith(42);
  }

  @ParameterizedTest
  @ValueSource(strings = {"runc", "tested"})
  void aMissingCommandIs127(String runtime) {
    assertThat(run(runtime, "nosuch").execute().exitsWith(127).stderr())
        .contains("not found in $PATH");
    run(runtime, "/no/such").execute().exitsWith(127);
  }

  @ParameterizedTest
  @ValueSource(strings = {"runc", "tested"})
  void aFileThatIsNoProgramIs126(String runtime) {
    run(runtime, "/etc/passwd").execute().exitsWith(126);
    run(runtime, "/etc").execute().exitsWith(126);
  }

  @ParameterizedTest
  @ValueSource(strings = {"runc", "tested"})
  void aBadFlagIs125(String runtime) {
    run(runtime, "--no-such-flag").execute().exitsWith(125);
  }

  @ParameterizedTest
  @ValueSource(strings = {"runc", "tested"})
  void aSignalIs128More(String runtime) {
    String id = start(runtime, "sleep", "1000");
    docker("kill", id);
    assertThat(docker("wait", id)).isEqualTo("137");
    docker("rm", id);
  }

  @ParameterizedTest
  @ValueSource(strings = {"runc", "tested"})
  void aTerminal(String runtime) {
    String command =
        docker().client()
            + " run --rm -it --runtime "
            + runtime
            + " "
            + Docker.IMAGE
            + " sh -c 'tty; [ -t 0 ] && echo terminal; stty size; exit 5'";
    Result result =
        docker().command("script", "-qefc", command, "/dev/null").execute().exitsWith(5);
    assertThat(result.stdout()).contains("/dev/", "terminal");
  }

  @ParameterizedTest
  @ValueSource(strings = {"runc", "tested"})
  void execRunsBeside(String runtime) {
    String id = start(runtime, "sleep", "1000");
    assertThat(docker("exec", id, "sh", "-c", "hostname; id -u"))
        .isEqualTo(id.substring(0, 12) + "\n0");
    docker().run("exec", id, "sh", "-c", "exit 9").execute().exitsWith(9);
    assertThat(docker().run("exec", id, "nosuch").execute().exitCode())
        .isIn(126, 127); // as dockerd is old or new
    assertThat(
            docker(
                "exec",
                "-u",
                "1000:1000",
                "-w",
                "/etc",
                "-e",
                "A=b",
                id,
                "sh",
                "-c",
                "id -u; pwd; echo $A"))
        .isEqualTo("1000\n/etc\nb");
    String command =
        docker().client() + " exec -it " + id + " sh -c '[ -t 0 ] && echo terminal; exit 5'";
    assertThat(
            docker()
                .command("script", "-qefc", command, "/dev/null")
                .execute()
                .exitsWith(5)
                .stdout())
        .contains("terminal");
    docker("rm", "-f", id);
  }

  @ParameterizedTest
  @ValueSource(strings = {"runc", "tested"})
  void stopAsksFirst(String runtime) {
    String id =
        start(
            runtime,
            "sh",
            "-c",
            "trap 'echo bye; exit 3' TERM; echo ready; while :; do sleep 1000 & wait; done");
    awaitLog(id, "ready");
    docker("stop", "-t", "20", id);
    assertThat(docker("wait", id)).isEqualTo("3");
    assertThat(docker("logs", id)).contains("bye");
    docker("rm", id);
  }

  @ParameterizedTest
  @ValueSource(strings = {"runc", "tested"})
  void logsAreKept(String runtime) {
    String id = start(runtime, "sh", "-c", "echo out; echo err >&2");
    docker("wait", id);
    Result logs = docker().run("logs", id).execute().ok();
    assertThat(logs.stdout()).isEqualTo("out\n");
    assertThat(logs.stderr()).isEqualTo("err\n");
    docker("rm", id);
  }

  @ParameterizedTest
  @ValueSource(strings = {"runc", "tested"})
  void pauseTopAndRestart(String runtime) {
    String id = start(runtime, "sleep", "1000");
    docker("pause", id);
    assertThat(docker("inspect", "-f", "{{.State.Status}}", id)).isEqualTo("paused");
    docker("unpause", id);
    assertThat(docker("top", id)).contains("sleep 1000");
    docker("restart", "-t", "0", id);
    assertThat(docker("inspect", "-f", "{{.State.Status}}", id)).isEqualTo("running");
    docker("rm", "-f", id);
  }

  @ParameterizedTest
  @ValueSource(strings = {"runc", "tested"})
  void memoryIsLimited(String runtime) {
    String id = start(runtime, "-m", "32m", "/bin/probe", "touch-mib", "200");
    assertThat(docker("wait", id)).isEqualTo("137");
    docker("rm", id);
  }

  @ParameterizedTest
  @ValueSource(strings = {"runc", "tested"})
  void pidsAreLimited(String runtime) {
    assertThat(run(runtime, "--pids-limit", "8", "/bin/probe", "forks", "20").execute().ok().line())
        .isEqualTo("7");
  }

  @ParameterizedTest
  @ValueSource(strings = {"runc", "tested"})
  void theLimitsCanBeUpdated(String runtime) {
    String id = start(runtime, "--pids-limit", "50", "sleep", "1000");
    // Not fewer: runc's own threads are in the cgroup while it makes an exec's process.
    docker("update", "--pids-limit", "16", id);
    assertThat(docker("exec", id, "/bin/probe", "forks", "20")).isEqualTo("14");
    docker("rm", "-f", id);
  }

  @ParameterizedTest
  @ValueSource(strings = {"runc", "tested"})
  void theRootCanBeReadOnly(String runtime) {
    assertThat(
            run(runtime, "--read-only", "sh", "-c", "touch /x 2>/dev/null || echo no")
                .execute()
                .ok()
                .line())
        .isEqualTo("no");
  }

  @ParameterizedTest
  @ValueSource(strings = {"runc", "tested"})
  void aVolumeIsBound(String runtime) throws IOException {
    Path shared = Files.createDirectories(docker().directory().resolve("shared-" + runtime));
    Files.writeString(shared.resolve("a"), "outside");
    assertThat(
            run(runtime, "-v", shared + ":/v", "sh", "-c", "cat /v/a; echo inside > /v/b")
                .execute()
                .ok()
                .line())
        .isEqualTo("outside");
    assertThat(shared.resolve("b")).hasContent("inside");
    assertThat(
            run(runtime, "-v", shared + ":/v:ro", "sh", "-c", "touch /v/c 2>/dev/null || echo no")
                .execute()
                .ok()
                .line())
        .isEqualTo("no");
  }

  @ParameterizedTest
  @ValueSource(strings = {"runc", "tested"})
  void userAndHostname(String runtime) {
    assertThat(
            run(
                    runtime,
                    "--user",
                    "1000:1001",
                    "--hostname",
                    "boat",
                    "sh",
                    "-c",
                    "id -u; id -g; hostname")
                .execute()
                .ok()
                .line())
        .isEqualTo("1000\n1001\nboat");
  }

  @ParameterizedTest
  @ValueSource(strings = {"runc", "tested"})
  void theDefaultSeccompProfileHolds(String runtime) {
    // add_key is allowed by no capability: only the profile forbids it.
    assertThat(
            run(runtime, "/bin/probe", "syscall", "248", "0", "0", "0", "0", "0")
                .execute()
                .ok()
                .line())
        .isEqualTo("-1 EPERM");
    assertThat(
            run(
                    runtime,
                    "--security-opt",
                    "seccomp=unconfined",
                    "/bin/probe",
                    "syscall",
                    "248",
                    "0",
                    "0",
                    "0",
                    "0",
                    "0")
                .execute()
                .ok()
                .line())
        .isEqualTo("-1 EFAULT");
    assertThat(run(runtime, "grep", "^Seccomp:", "/proc/self/status").execute().ok().line())
        .endsWith("2");
  }

  @ParameterizedTest
  @ValueSource(strings = {"runc", "tested"})
  void theNetworkIsConnected(String runtime) {
    assertThat(run(runtime, "ip", "-4", "addr", "show", "eth0").execute().ok().line())
        .contains("172.31.249.");
  }

  @ParameterizedTest
  @ValueSource(strings = {"runc", "tested"})
  void anInitCanBeAdded(String runtime) {
    assertThat(run(runtime, "--init", "sh", "-c", "cat /proc/1/comm").execute().ok().line())
        .contains("init");
  }

  @ParameterizedTest
  @ValueSource(strings = {"runc", "tested"})
  void capabilitiesAreAsAsked(String runtime) {
    assertThat(
            run(
                    runtime,
                    "--cap-drop",
                    "ALL",
                    "--cap-add",
                    "CHOWN",
                    "grep",
                    "CapBnd",
                    "/proc/self/status")
                .execute()
                .ok()
                .line())
        .endsWith("0000000000000001");
  }

  @ParameterizedTest
  @ValueSource(strings = {"runc", "tested"})
  void aDeviceIsAdded(String runtime) {
    assertThat(
            run(
                    runtime,
                    "--device",
                    "/dev/zero:/dev/mine",
                    "sh",
                    "-c",
                    "head -c 3 /dev/mine | wc -c")
                .execute()
                .ok()
                .line())
        .isEqualTo("3");
  }

  @ParameterizedTest
  @ValueSource(strings = {"runc", "tested"})
  void tmpfsUlimitAndSysctl(String runtime) {
    assertThat(
            run(
                    runtime,
                    "--tmpfs",
                    "/t:size=1m",
                    "--ulimit",
                    "nofile=77:88",
                    "--sysctl",
                    "net.ipv4.ip_forward=0",
                    "sh",
                    "-c",
                    "ulimit -n; cat /proc/sys/net/ipv4/ip_forward; grep -c ' /t tmpfs' /proc/mounts")
                .execute()
                .ok()
                .line())
        .isEqualTo("77\n0\n1");
  }

  @ParameterizedTest
  @ValueSource(strings = {"runc", "tested"})
  void manyAtOnce(String runtime) {
    List<Command.Running> all = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      all.add(run(runtime, "sh", "-c", "exit " + (30 + i)).start());
    }
    for (int i = 0; i < 4; i++) {
      all.get(i).end().exitsWith(30 + i);
    }
  }
}
