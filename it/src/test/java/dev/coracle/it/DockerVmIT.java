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
import org.junit.jupiter.api.Test;

/**
 * `docker run` of containers in virtual machines. Most tests ask one machine, which stays up; what
 * needs one of its own boots it.
 */
@Tag("vm")
class DockerVmIT {
  private static final String UP = "up";
  private static @Nullable Docker daemon;

  @BeforeAll
  static void up() throws IOException {
    daemon = Docker.withMachines();
    Files.createDirectories(shared());
    docker(
        "run",
        "-d",
        "--name",
        UP,
        "--runtime",
        "vm",
        "--hostname",
        "guest",
        "--memory",
        "200m",
        "--cpus",
        "1.5",
        "--env",
        "A=B",
        "--workdir",
        "/tmp",
        "--ulimit",
        "nofile=77:88",
        "--tmpfs",
        "/scratch:size=1m",
        "--volume",
        shared() + ":/shared",
        "--sysctl",
        "net.ipv4.ip_forward=1",
        Docker.IMAGE,
        "sh",
        "-c",
        "trap 'echo bye; exit 77' TERM; echo ready; while :; do sleep 0.1; done");
    Poll.until(
        "the machine is up", Duration.ofSeconds(60), () -> docker("logs", UP).contains("ready"));
  }

  @AfterAll
  static void down() {
    if (daemon != null) {
      daemon.close();
    }
  }

  private static Path shared() {
    return docker().directory().resolve("shared");
  }

  private static Docker docker() {
    return Objects.requireNonNull(daemon);
  }

  private static String docker(String... args) {
    return docker().run(args).execute().ok().line();
  }

  private static Command exec(String... flagsAndCommand) {
    List<String> all = new ArrayList<>(List.of("exec"));
    all.addAll(List.of(flagsAndCommand));
    return docker().run(all.toArray(String[]::new));
  }

  private static String says(String command) {
    return exec(UP, "sh", "-c", command).execute().ok().line();
  }

  private static Result run(String... flagsAndCommand) {
    List<String> all = new ArrayList<>(List.of("run", "--rm", "--runtime", "vm"));
    all.addAll(List.of(flagsAndCommand));
    return docker().run(all.toArray(String[]::new)).execute();
  }

  @Test
  void theStreamsStayApartAndTheExitCodeComesBack() {
    Result result =
        run(
                Docker.IMAGE,
                "sh",
                "-c",
                "for i in $(seq 2000); do echo $i; done; echo err >&2; exit 42")
            .exitsWith(42);
    assertThat(result.stdout().lines()).hasSize(2000).endsWith("2000");
    assertThat(result.stderr()).isEqualTo("err\n");
  }

  @Test
  void aMissingProgramIs127() {
    assertThat(run(Docker.IMAGE, "/no/such").exitsWith(127).stderr())
        .contains("no such file or directory");
  }

  @Test
  void theKernelIsTheGuestsOwn() throws IOException {
    assertThat(says("uname -r"))
        .contains("cloud")
        .isNotEqualTo(Files.readString(Path.of("/proc/sys/kernel/osrelease")).strip());
  }

  @Test
  void nameEnvironmentDirectoryLimitsAndParameters() {
    assertThat(
            says("hostname; pwd; echo $A; ulimit -n; cat /proc/sys/net/ipv4/ip_forward; cat /proc/1/comm")
                .split("\n"))
        .containsExactly("guest", "/tmp", "B", "77", "1", "sh");
    long kib = Long.parseLong(says("sed -n 's/^MemTotal: *\\([0-9]*\\) kB/\\1/p' /proc/meminfo"));
    assertThat(kib).isBetween(100_000L, 205_000L);
    assertThat(says("grep -c ^processor /proc/cpuinfo")).isEqualTo("2");
    assertThat(says("sed -n 's/^Seccomp:\\t//p' /proc/self/status")).isEqualTo("2");
    assertThat(says("df /scratch | tail -n 1")).contains("/scratch");
  }

  @Test
  void aVolumeLivesBothWays() throws IOException {
    Files.writeString(shared().resolve("from-host"), "1\n");
    assertThat(says("cat /shared/from-host; echo 2 > /shared/from-guest")).isEqualTo("1");
    assertThat(shared().resolve("from-guest")).hasContent("2\n");
  }

  @Test
  void theNetworkIsTheContainers() {
    String ip = docker("inspect", "-f", "{{.NetworkSettings.IPAddress}}", UP);
    String mac = docker("inspect", "-f", "{{.NetworkSettings.MacAddress}}", UP);
    assertThat(says("ip addr show eth0")).contains(ip).contains(mac);
    assertThat(says("ping -c 2 172.31.249.1 | grep received")).contains("2 packets received");
  }

  @Test
  void execHasItsUserItsInputAndItsCode() {
    assertThat(exec("-i", UP, "cat").stdin("from the host").execute().ok().stdout())
        .isEqualTo("from the host");
    assertThat(
            exec(
                    "-u",
                    "5:6",
                    "-e",
                    "X=Y",
                    "-w",
                    "/bin",
                    UP,
                    "sh",
                    "-c",
                    "id -u; id -g; echo $X; pwd")
                .execute()
                .ok()
                .stdout())
        .isEqualTo("5\n6\nY\n/bin\n");
    exec(UP, "sh", "-c", "exit 9").execute().exitsWith(9);
    exec(UP, "sh", "-c", "kill -9 $$").execute().exitsWith(137);
    exec(UP, "nosuch").execute().exitsWith(127);
  }

  @Test
  void anExecHasATerminal() {
    Result result =
        docker()
            .command(
                "script",
                "-qec",
                docker().client() + " exec -it " + UP + " sh -c 'tty; exit 3'",
                "/dev/null")
            .execute();
    assertThat(result.exitCode()).isEqualTo(3);
    assertThat(result.stdout()).contains("/dev/pts/");
  }

  @Test
  void pauseAndResume() {
    docker("pause", UP);
    assertThat(docker("inspect", "-f", "{{.State.Status}}", UP)).isEqualTo("paused");
    docker("unpause", UP);
    assertThat(says("echo still")).isEqualTo("still");
  }

  @Test
  void stopIsGracefulAndKillIsNot() {
    String id =
        docker(
            "run",
            "-d",
            "--runtime",
            "vm",
            Docker.IMAGE,
            "sh",
            "-c",
            "trap 'echo bye; exit 77' TERM; echo ready; while :; do sleep 0.1; done");
    Poll.until("it is up", Duration.ofSeconds(60), () -> docker("logs", id).contains("ready"));
    docker("stop", "-t", "20", id);
    assertThat(docker("inspect", "-f", "{{.State.ExitCode}}", id)).isEqualTo("77");
    assertThat(docker("logs", id)).contains("bye");
    docker("start", id);
    Poll.until(
        "it is up again",
        Duration.ofSeconds(60),
        () -> docker("logs", id).lastIndexOf("ready") > docker("logs", id).indexOf("bye"));
    docker("kill", id);
    docker("wait", id);
    assertThat(docker("inspect", "-f", "{{.State.ExitCode}}", id)).isEqualTo("137");
    docker("rm", id);
  }

  @Test
  void theHostsNetworkIsRefused() {
    assertThat(run("--network", "host", Docker.IMAGE, "true").fails().stderr())
        .contains("cannot have the host's network");
  }
}
