package dev.coracle.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.it.harness.HostUser;
import dev.coracle.it.harness.Podman;
import dev.coracle.it.harness.Result;
import dev.coracle.it.harness.RootlessPodman;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
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

/**
 * The runtime under the podman of a user who is not root; runc is the control.
 *
 * <p>On cgroup v1 such a user has no cgroups: podman asks for no limits, and its containers stay in
 * the user's own.
 */
@Tag("engine")
class RootlessPodmanIT {
  private static @Nullable RootlessPodman podman;

  @BeforeAll
  static void up() {
    podman = new RootlessPodman();
  }

  @AfterAll
  static void down() {
    if (podman != null) {
      podman.close();
    }
  }

  static Stream<String> runtimes() {
    return RootlessPodman.runtimes().stream();
  }

  private static RootlessPodman podman() {
    return Objects.requireNonNull(podman);
  }

  private static String podman(String runtime, String... args) {
    return podman().client(runtime, args).execute().ok().line();
  }

  private static Result run(String runtime, List<String> flags, String script) {
    List<String> args = new ArrayList<>(List.of("run", "--rm", "--network", "none"));
    args.addAll(flags);
    args.addAll(List.of(Podman.IMAGE, "sh", "-c", script));
    return podman().client(runtime, args.toArray(String[]::new)).execute();
  }

  private static List<String> map(String lines) {
    return lines.lines().map(l -> l.strip().replaceAll(" +", " ")).toList();
  }

  @ParameterizedTest
  @MethodSource("runtimes")
  void theOutputAndTheExitCode(String runtime) {
    assertThat(run(runtime, List.of(), "echo hello; id -u; touch /x; stat -c %u /x").ok().line())
        .isEqualTo("hello\n0\n0");
    run(runtime, List.of(), "exit 42").exitsWith(42);
    podman()
        .client(runtime, "run", "--rm", "--network", "none", Podman.IMAGE, "nosuch")
        .execute()
        .exitsWith(127);
  }

  @ParameterizedTest
  @MethodSource("runtimes")
  void theUsersIdsAreMapped(String runtime) {
    assertThat(map(run(runtime, List.of(), "cat /proc/self/uid_map").ok().line()))
        .containsExactly("0 " + HostUser.ID + " 1", "1 " + HostUser.RANGE + " 65536");
    Result kept = run(runtime, List.of("--userns", "keep-id"), "id -u; cat /proc/self/uid_map");
    assertThat(map(kept.ok().line())).first().isEqualTo(HostUser.ID + "");
  }

  @ParameterizedTest
  @MethodSource("runtimes")
  void execStopAndRemove(String runtime) {
    String script = "trap 'exit 3' TERM; echo up; while :; do sleep 1000 & wait; done";
    String id = podman(runtime, "run", "-d", "--network", "none", Podman.IMAGE, "sh", "-c", script);
    assertThat(podman(runtime, "exec", id, "sh", "-c", "echo in; id -u")).isEqualTo("in\n0");
    assertThat(podman(runtime, "exec", "-u", "1000:1000", id, "id", "-u")).isEqualTo("1000");
    podman().client(runtime, "exec", id, "sh", "-c", "exit 9").execute().exitsWith(9);
    assertThat(podman(runtime, "logs", id)).isEqualTo("up");
    assertThat(podman(runtime, "top", id, "pid", "comm")).contains("sleep");
    podman(runtime, "stop", "--time", "20", id);
    assertThat(podman(runtime, "wait", id)).isEqualTo("3");
    podman(runtime, "rm", id);
  }

  @ParameterizedTest
  @MethodSource("runtimes")
  void aTerminal(String runtime) {
    // podman 4.3 may lose what is written just before the end, with any runtime: hence the sleep.
    String args =
        "run --rm -it --network none "
            + Podman.IMAGE
            + " sh -c '[ -t 0 ] && echo terminal; sleep 1; exit 5'";
    assertThat(podman().onTerminal(runtime, args).execute().exitsWith(5).stdout())
        .contains("terminal");
  }

  @ParameterizedTest
  @MethodSource("runtimes")
  void bindMountsAndVolumes(String runtime) throws IOException {
    Path shared = podman().home().resolve("shared-" + Path.of(runtime).getFileName());
    podman(runtime, "unshare", "mkdir", shared.toString());
    List<String> flags = List.of("-v", shared + ":/shared", "-v", "named:/named");
    String script = "echo in > /shared/file; chown 5 /shared/file; echo kept > /named/file";
    run(runtime, flags, script).ok();
    assertThat(shared.resolve("file")).hasContent("in");
    assertThat(Files.getAttribute(shared.resolve("file"), "unix:uid"))
        .isEqualTo(HostUser.RANGE + 4);
    assertThat(run(runtime, flags, "cat /named/file").ok().line()).isEqualTo("kept");
    podman(runtime, "volume", "rm", "named");
  }

  @ParameterizedTest
  @MethodSource("runtimes")
  void theHostsNetwork(String runtime) {
    assertThat(
            podman(
                runtime,
                "run",
                "--rm",
                "--network",
                "host",
                Podman.IMAGE,
                "readlink",
                "/proc/self/ns/net"))
        .isEqualTo(
            podman()
                .client(runtime, "unshare", "readlink", "/proc/self/ns/net")
                .execute()
                .ok()
                .line());
  }

  @ParameterizedTest
  @MethodSource("runtimes")
  void privilegesWithinTheUsersNamespace(String runtime) {
    List<String> readonly = List.of("--read-only", "--tmpfs", "/t", "--cap-drop", "all");
    String touch = "touch /x 2>/dev/null || echo no; touch /t/x && echo yes";
    assertThat(run(runtime, readonly, touch).ok().line()).isEqualTo("no\nyes");
    String mount = "mount -t tmpfs x /tmp && echo mounted";
    assertThat(run(runtime, List.of("--privileged"), mount).ok().line()).isEqualTo("mounted");
  }

  @ParameterizedTest
  @MethodSource("runtimes")
  void aPodSharesItsNamespaces(String runtime) {
    String[] create = {
      "pod",
      "create",
      "--name",
      "pod",
      "--network",
      "none",
      "--infra-image",
      Podman.IMAGE,
      "--infra-command",
      "/bin/sleep 1000"
    };
    podman(runtime, create);
    try {
      podman(runtime, "run", "-d", "--pod", "pod", "--name", "one", Podman.IMAGE, "sleep", "1000");
      String look = "readlink /proc/self/ns/net; readlink /proc/self/ns/ipc; hostname";
      String other = podman(runtime, "run", "--rm", "--pod", "pod", Podman.IMAGE, "sh", "-c", look);
      assertThat(podman(runtime, "exec", "one", "sh", "-c", look)).isEqualTo(other);
      assertThat(other).endsWith("\npod");
    } finally {
      podman(runtime, "pod", "rm", "--force", "--time", "0", "pod");
    }
  }
}
