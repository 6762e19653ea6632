package dev.coracle.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.it.harness.Cgroups;
import dev.coracle.it.harness.HostUser;
import dev.coracle.it.harness.Podman;
import dev.coracle.it.harness.RootlessPodman;
import java.nio.file.Path;
import java.util.Objects;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The runtime under the podman of a user who was given a cgroup v2 with controllers: its containers
 * have limits. runc is the control.
 */
class RootlessPodmanCgroupIT {
  private static final Path CGROUP =
      Path.of("/sys/fs/cgroup/coracle-it-" + ProcessHandle.current().pid() + "-podman");

  private static @Nullable RootlessPodman podman;

  @BeforeAll
  static void up() {
    boolean v2 = Cgroups.here().view() == Cgroups.View.V2;
    Assumptions.assumeTrue(
        v2 && Cgroups.here().hasController("pids"), "needs cgroup v2 with controllers");
    podman = new RootlessPodman(HostUser.delegate(CGROUP));
  }

  @AfterAll
  static void down() {
    if (podman != null) {
      podman.close();
      Cgroups.destroy(CGROUP);
    }
  }

  static Stream<String> runtimes() {
    return RootlessPodman.runtimes().stream().distinct();
  }

  private static String podman(String runtime, String... args) {
    return Objects.requireNonNull(podman).client(runtime, args).execute().ok().line();
  }

  @ParameterizedTest
  @MethodSource("runtimes")
  void limits(String runtime) {
    String look = "cat /proc/self/cgroup /sys/fs/cgroup/memory.max /sys/fs/cgroup/pids.max";
    String[] run = {
      "run",
      "--rm",
      "--network",
      "none",
      "--memory",
      "64m",
      "--pids-limit",
      "55",
      Podman.IMAGE,
      "sh",
      "-c",
      look
    };
    assertThat(podman(runtime, run)).isEqualTo("0::/\n67108864\n55");
  }

  @ParameterizedTest
  @MethodSource("runtimes")
  void lifecycle(String runtime) {
    String id =
        podman(
            runtime,
            "run",
            "-d",
            "--network",
            "none",
            Podman.IMAGE,
            "sh",
            "-c",
            "trap 'exit 3' TERM; while :; do sleep 1000 & wait; done");
    String pid = podman(runtime, "inspect", "-f", "{{.State.Pid}}", id);
    String cgroup = Cgroups.read(Path.of("/proc", pid, "cgroup")).strip().substring("0::".length());
    assertThat(cgroup).startsWith("/" + CGROUP.getFileName() + "/").contains(id);
    assertThat(podman(runtime, "exec", id, "cat", "/proc/self/cgroup")).isEqualTo("0::/");
    podman(runtime, "pause", id);
    assertThat(podman(runtime, "inspect", "-f", "{{.State.Status}}", id)).isEqualTo("paused");
    podman(runtime, "unpause", id);
    assertThat(podman(runtime, "stats", "--no-stream", "--format", "{{.PIDs}}", id)).isEqualTo("2");
    podman(runtime, "stop", "--time", "20", id);
    assertThat(podman(runtime, "wait", id)).isEqualTo("3");
    podman(runtime, "rm", id);
    assertThat(Path.of("/sys/fs/cgroup" + cgroup)).doesNotExist();
  }
}
