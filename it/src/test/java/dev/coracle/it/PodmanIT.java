package dev.coracle.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.it.harness.Command;
import dev.coracle.it.harness.OciRuntime;
import dev.coracle.it.harness.Podman;
import java.util.Objects;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The runtime under podman; runc is the control. */
@Tag("engine")
class PodmanIT {
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
    return Stream.of("/usr/sbin/runc", OciRuntime.underTest().binary().toString()).distinct();
  }

  private static Podman podman() {
    return Objects.requireNonNull(podman);
  }

  private static Command run(String runtime, String... command) {
    return podman().run(runtime, "run", "--rm", "--network", "none", command);
  }

  @ParameterizedTest
  @MethodSource("runtimes")
  void theOutputAndTheExitCode(String runtime) {
    assertThat(run(runtime, "echo", "hello").execute().ok().stdout()).isEqualTo("hello\n");
    run(runtime, "sh", "-c", "exit 42").execute().exitsWith(42);
  }

  @ParameterizedTest
  @MethodSource("runtimes")
  void aMissingCommandIs127(String runtime) {
    run(runtime, "nosuch").execute().exitsWith(127);
  }

  @ParameterizedTest
  @MethodSource("runtimes")
  void aFileThatIsNoProgramIs126(String runtime) {
    run(runtime, "/etc/passwd").execute().exitsWith(126);
  }

  @ParameterizedTest
  @MethodSource("runtimes")
  void execStopAndRemove(String runtime) {
    String id =
        podman()
            .run(
                runtime,
                "run",
                "-d",
                "--network",
                "none",
                "sh",
                "-c",
                "trap 'exit 3' TERM; while :; do sleep 1000 & wait; done")
            .execute()
            .ok()
            .line();
    assertThat(podman().client(runtime, "exec", id, "echo", "in").execute().ok().line())
        .isEqualTo("in");
    podman().client(runtime, "exec", id, "sh", "-c", "exit 9").execute().exitsWith(9);
    podman().client(runtime, "stop", "-t", "20", id).execute().ok();
    assertThat(podman().client(runtime, "wait", id).execute().ok().line()).isEqualTo("3");
    podman().client(runtime, "rm", id).execute().ok();
  }

  @ParameterizedTest
  @MethodSource("runtimes")
  void aTerminal(String runtime) {
    // podman 4.3 may lose what is written just before the end, with any runtime: hence the sleep.
    String command =
        podman().shell(runtime)
            + " run --rm -it --network none "
            + Podman.IMAGE
            + " sh -c '[ -t 0 ] && echo terminal; sleep 1; exit 5'";
    assertThat(
            podman()
                .command("script", "-qefc", command, "/dev/null")
                .execute()
                .exitsWith(5)
                .stdout())
        .contains("terminal");
  }
}
