package dev.coracle.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.it.harness.Docker;
import dev.coracle.it.harness.HostUser;
import dev.coracle.it.harness.Poll;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The runtime under a dockerd with --userns-remap; runc is the control. */
@Tag("engine")
class DockerRemapIT {
  private static @Nullable Docker daemon;

  @BeforeAll
  static void up() {
    daemon = Docker.remapped();
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

  private static String docker(String... args) {
    return docker().run(args).execute().ok().line();
  }

  /** What a container writes: flags, and then a script. */
  private static String output(String runtime, List<String> flags, String script) {
    List<String> args = new ArrayList<>(List.of("run", "--rm", "--runtime", runtime));
    args.addAll(flags);
    args.addAll(List.of(Docker.IMAGE, "sh", "-c", script));
    return docker(args.toArray(String[]::new));
  }

  private static String start(String runtime, String script) {
    return docker("run", "-d", "--runtime", runtime, Docker.IMAGE, "sh", "-c", script);
  }

  private static String map(String container) {
    return container.replaceAll("\\s+", " ").strip();
  }

  private static int owner(Path file) throws IOException {
    return (int) Files.getAttribute(file, "unix:uid", LinkOption.NOFOLLOW_LINKS);
  }

  @ParameterizedTest
  @ValueSource(strings = {"runc", "tested"})
  void rootIsAUserOfTheHost(String runtime) throws IOException {
    String id = start(runtime, "sleep 1000");
    Path status = Path.of("/proc", docker("inspect", "-f", "{{.State.Pid}}", id), "status");
    assertThat(Files.readString(status)).containsPattern("Uid:\\s" + HostUser.RANGE + "\\s");
    assertThat(docker("exec", id, "id", "-u")).isEqualTo("0");
    assertThat(docker("exec", "-u", "1000:1000", id, "id", "-u")).isEqualTo("1000");
    assertThat(map(docker("exec", id, "cat", "/proc/self/uid_map")))
        .isEqualTo("0 " + HostUser.RANGE + " 65536");
    docker().run("exec", id, "sh", "-c", "exit 9").execute().exitsWith(9);
    docker("rm", "-f", id);
  }

  @ParameterizedTest
  @ValueSource(strings = {"runc", "tested"})
  void theOutputAndTheExitCode(String runtime) {
    assertThat(output(runtime, List.of(), "touch /made; stat -c %u /made /dev/null; hostname"))
        .startsWith("0\n");
    docker()
        .run("run", "--rm", "--runtime", runtime, Docker.IMAGE, "sh", "-c", "exit 42")
        .execute()
        .exitsWith(42);
    docker()
        .run("run", "--rm", "--runtime", runtime, Docker.IMAGE, "nosuch")
        .execute()
        .exitsWith(127);
  }

  @ParameterizedTest
  @ValueSource(strings = {"runc", "tested"})
  void stopAsksFirstAndItStartsAgain(String runtime) {
    String id =
        start(runtime, "trap 'exit 3' TERM; echo ready; while :; do sleep 1000 & wait; done");
    Poll.until("ready", () -> docker("logs", id).contains("ready"));
    docker("pause", id);
    docker("unpause", id);
    docker("stop", "-t", "20", id);
    assertThat(docker("wait", id)).isEqualTo("3");
    docker("start", id);
    assertThat(docker("inspect", "-f", "{{.State.Status}}", id)).isEqualTo("running");
    docker("rm", "-f", id);
  }

  @ParameterizedTest
  @ValueSource(strings = {"runc", "tested"})
  void aBindMountIsTheHosts(String runtime) throws IOException {
    Path theirs = Files.createDirectories(docker().directory().resolve("theirs-" + runtime));
    docker().command("chown", HostUser.RANGE + "", theirs.toString()).execute().ok();
    Path ours = Files.createDirectories(docker().directory().resolve("ours-" + runtime));
    Files.writeString(ours.resolve("told"), "of the host");
    List<String> flags = List.of("-v", theirs + ":/theirs", "-v", ours + ":/ours");
    String script =
        "cat /ours/told; stat -c ' %u' /ours; echo in > /theirs/made;"
            + " touch /ours/x 2>/dev/null && echo written || echo no";
    assertThat(output(runtime, flags, script)).isEqualTo("of the host 65534\nno");
    assertThat(theirs.resolve("made")).hasContent("in");
    assertThat(owner(theirs.resolve("made"))).isEqualTo(HostUser.RANGE);
    assertThat(ours.resolve("x")).doesNotExist();
  }

  @ParameterizedTest
  @ValueSource(strings = {"runc", "tested"})
  void aVolumeIsTheContainers(String runtime) throws IOException {
    List<String> flags = List.of("-v", "volume-" + runtime + ":/volume");
    output(runtime, flags, "echo kept > /volume/file && chown 5:6 /volume/file");
    assertThat(output(runtime, flags, "cat /volume/file; stat -c %u:%g /volume/file"))
        .isEqualTo("kept\n5:6");
    String where = docker("volume", "inspect", "-f", "{{.Mountpoint}}", "volume-" + runtime);
    assertThat(owner(Path.of(where, "file"))).isEqualTo(HostUser.RANGE + 5);
  }

  @ParameterizedTest
  @ValueSource(strings = {"runc", "tested"})
  void theNetworkIsConnectedAndLimitsHold(String runtime) {
    List<String> flags = List.of("--pids-limit", "8", "--read-only", "--tmpfs", "/t");
    String script =
        "ip -4 addr show eth0 | grep -c 172.31.249.; /bin/probe forks 20;"
            + " touch /x 2>/dev/null || echo no; touch /t/x && echo yes";
    assertThat(output(runtime, flags, script)).isEqualTo("1\n6\nno\nyes");
  }

  @ParameterizedTest
  @ValueSource(strings = {"runc", "tested"})
  void aContainerMayHaveTheHostsUsers(String runtime) {
    assertThat(map(output(runtime, List.of("--userns", "host"), "cat /proc/self/uid_map")))
        .isEqualTo("0 0 4294967295");
  }
}
