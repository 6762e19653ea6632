package dev.coracle.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.it.harness.Command;
import dev.coracle.it.harness.OciRuntime;
import dev.coracle.it.harness.Podman;
import dev.coracle.it.harness.Poll;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The runtime under podman with its cgroup manager for systemd, crun first as a control. */
@Tag("systemd")
class SystemdPodmanIT {
  private static @Nullable Podman podman;

  @BeforeAll
  static void up() {
    podman = new Podman();
  }

  @AfterAll
  static void down() {
    if (podman != null) {
      podman.close();
    }
  }

  static Stream<String> runtimes() {
    return Stream.of("/usr/bin/crun", OciRuntime.underTest().binary().toString());
  }

  private static Command podman(String runtime, String... args) {
    List<String> all = new ArrayList<>(List.of("--cgroup-manager", "systemd"));
    all.addAll(List.of(args));
    return Objects.requireNonNull(podman).client(runtime, all.toArray(String[]::new));
  }

  private static String scopes() {
    return Objects.requireNonNull(podman)
        .command("systemctl", "list-units", "--all", "--plain", "--no-legend", "libpod-*.scope")
        .execute()
        .ok()
        .line();
  }

  @ParameterizedTest
  @MethodSource("runtimes")
  void limits(String runtime) {
    String script = "cat /proc/self/cgroup /sys/fs/cgroup/memory.max /sys/fs/cgroup/pids.max";
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
      script
    };
    assertThat(podman(runtime, run).execute().ok().line()).isEqualTo("0::/\n67108864\n55");
    assertThat(scopes()).isEmpty();
  }

  @ParameterizedTest
  @MethodSource("runtimes")
  void lifecycle(String runtime) {
    String id =
        podman(runtime, "run", "-d", "--network", "none", Podman.IMAGE, "sleep", "1000")
            .execute()
            .ok()
            .line();
    assertThat(scopes()).contains("libpod-" + id + ".scope loaded active running");
    String[] exec = {"exec", id, "cat", "/proc/self/cgroup"};
    assertThat(podman(runtime, exec).execute().ok().line()).isEqualTo("0::/");
    podman(runtime, "pause", id).execute().ok();
    podman(runtime, "unpause", id).execute().ok();
    podman(runtime, "rm", "--force", "--time", "0", id).execute().ok();
    Poll.until("the scope is forgotten", () -> scopes().isEmpty());
  }
}
