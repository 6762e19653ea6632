package dev.coracle.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.it.harness.Command;
import dev.coracle.it.harness.Docker;
import dev.coracle.it.harness.Libc;
import dev.coracle.it.harness.NameServer;
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
 * needs one of its own has one. All are copies of machines that were booted before.
 */
@Tag("vm")
class DockerVmIT {
  private static final String UP = "up";

  /** A template is made first, and where its guest hangs, another one is. */
  private static final Duration PATIENCE = Duration.ofSeconds(100);

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
    Poll.until("the machine is up", PATIENCE, () -> logs(UP).contains("ready"));
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

  /** What a container has said, which must still run. */
  private static String logs(String container) {
    Result logs = docker().run("logs", container).execute().ok();
    assertThat(docker("inspect", "-f", "{{.State.Status}}", container))
        .as(logs.stdout() + logs.stderr())
        .isEqualTo("running");
    return logs.stdout();
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
    return docker().run(all.toArray(String[]::new)).timeout(PATIENCE).execute();
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

  /** All of these are the same in the machines that it was copied from. */
  @Test
  void twoCopiesAreTwoMachines() {
    String what =
        "cat /proc/sys/kernel/random/uuid; hostname; cat /sys/class/net/eth0/address; date +%s";
    List<String> one = run(Docker.IMAGE, "sh", "-c", what).ok().stdout().lines().toList();
    List<String> other = run(Docker.IMAGE, "sh", "-c", what).ok().stdout().lines().toList();
    for (int i = 0; i < 2; i++) {
      assertThat(one.get(i)).isNotEmpty().isNotEqualTo(other.get(i));
    }
    String mac = docker("inspect", "-f", "{{.NetworkSettings.MacAddress}}", UP);
    assertThat(one.get(2)).startsWith("02:42:").isNotEqualTo(mac);
    long now = System.currentTimeMillis() / 1000;
    assertThat(now - Long.parseLong(other.get(3))).isBetween(-2L, 30L);
    assertThat(Long.parseLong(other.get(3))).isGreaterThanOrEqualTo(Long.parseLong(one.get(3)));
  }

  /** The files of a copy come by another way than those of a machine that was booted. */
  @Test
  void largeFilesAreWhole() {
    String[] sums =
        says("dd if=/dev/urandom of=/shared/large bs=1M count=20 2>/dev/null; sync;"
                + " md5sum < /shared/large; cp /shared/large /tmp/large; md5sum < /tmp/large;"
                + " for i in 1 2 3; do cat /shared/large /tmp/large | md5sum & done; wait")
            .split("\n");
    assertThat(sums).hasSize(5);
    assertThat(sums[1]).isEqualTo(sums[0]);
    assertThat(sums[3]).isEqualTo(sums[2]);
    assertThat(sums[4]).isEqualTo(sums[2]);
    String host =
        docker().command("md5sum", shared().resolve("large").toString()).execute().ok().line();
    assertThat(host).startsWith(sums[0].substring(0, 32));
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
    Poll.until("it is up", PATIENCE, () -> logs(id).contains("ready"));
    docker("stop", "-t", "20", id);
    assertThat(docker("inspect", "-f", "{{.State.ExitCode}}", id)).isEqualTo("77");
    assertThat(docker("logs", id)).contains("bye");
    docker("start", id);
    Poll.until(
        "it is up again", PATIENCE, () -> logs(id).lastIndexOf("ready") > logs(id).indexOf("bye"));
    docker("kill", id);
    docker("wait", id);
    assertThat(docker("inspect", "-f", "{{.State.ExitCode}}", id)).isEqualTo("137");
    docker("rm", id);
  }

  /** A machine and an ordinary container on a network of their own find each other by name. */
  @Test
  void namesOnANetworkOfOnesOwn() {
    docker("network", "create", "own");
    String script = "trap 'exit 0' TERM; echo ready; while :; do sleep 0.1; done";
    List<String> flags = List.of("run", "-d", "--network", "own", "--name");
    for (String[] each : new String[][] {{"machine", "vm"}, {"ordinary", "tested"}}) {
      List<String> args = new ArrayList<>(flags);
      args.addAll(List.of(each[0], "--runtime", each[1], Docker.IMAGE, "sh", "-c", script));
      docker(args.toArray(String[]::new));
    }
    Poll.until("the machine is up", PATIENCE, () -> docker("logs", "machine").contains("ready"));
    String address = "{{.NetworkSettings.Networks.own.IPAddress}}";
    String ordinary = docker("inspect", "-f", address, "ordinary");
    String machine = docker("inspect", "-f", address, "machine");
    assertThat(in("machine", "busybox nslookup ordinary")).contains(ordinary);
    assertThat(in("machine", "busybox nslookup machine")).contains(machine);
    assertThat(in("ordinary", "busybox nslookup machine")).contains(machine);
    assertThat(in("ordinary", "busybox ping -c 1 machine")).contains("1 packets received");
    assertThat(in("machine", "busybox ping -c 1 ordinary")).contains("1 packets received");
    // By TCP: id 7, and one question of a name of one part, for its address.
    String query =
        "\\000\\032\\000\\007\\001\\000\\000\\001\\000\\000\\000\\000\\000\\000"
            + "\\010ordinary\\000\\000\\001\\000\\001";
    String answer =
        in(
            "machine",
            "printf '" + query + "' | nc 127.0.0.11 53 | od -An -v -tu1 | tr -s ' \\n' .");
    assertThat(answer).endsWith(".4." + ordinary + ".");
    docker("rm", "-f", "machine", "ordinary");
    docker("network", "rm", "own");
  }

  /** Docker's client in a machine asks the daemon of the host, which gives it a container. */
  @Test
  void theDaemonsSocketIsBoundIn() {
    String script =
        "head -c 2000000 /dev/urandom > /tmp/in;"
            + " docker run -i --rm "
            + Docker.IMAGE
            + " sh -c 'cat; exit 7' < /tmp/in > /tmp/out; echo $?; cmp /tmp/in /tmp/out && echo same";
    Result result =
        run(
            "-v",
            docker().directory() + "/sock:/var/run/docker.sock",
            "-v",
            "/usr:/usr:ro",
            "-v",
            "/usr/lib:/lib:ro",
            "-v",
            "/usr/lib64:/lib64:ro",
            "-e",
            "PATH=/bin:/usr/bin",
            "-e",
            "DOCKER_API_VERSION=1.41",
            Docker.IMAGE,
            "sh",
            "-c",
            script);
    assertThat(result.ok().stdout()).isEqualTo("7\nsame\n");
  }

  /** Docker's server asks another one for what it does not know, from the container's namespace. */
  @Test
  void namesOutsideOfANetworkOfOnesOwn() {
    String address = "172.31.249.1";
    Command.Running server = docker().inItsNetwork(NameServer.command(address)).start();
    Poll.until("the server is up", () -> server.stdout().contains("ready"));
    docker("network", "create", "asking");
    String script = "busybox nslookup outside.example; busybox ping -c 1 " + address;
    assertThat(
            run("--network", "asking", "--dns", address, Docker.IMAGE, "sh", "-c", script)
                .ok()
                .stdout())
        .contains("203.0.113.9")
        .contains("1 packets received");
    docker("network", "rm", "asking");
    Libc.kill(server.pid(), Libc.SIGKILL);
    assertThat(server.end().exitCode()).isEqualTo(137);
  }

  private static String in(String container, String command) {
    return exec(container, "sh", "-c", command).execute().ok().stdout().strip();
  }

  @Test
  void theHostsNetworkIsRefused() {
    assertThat(run("--network", "host", Docker.IMAGE, "true").fails().stderr())
        .contains("cannot have the host's network");
  }
}
