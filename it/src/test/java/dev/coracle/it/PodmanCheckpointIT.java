package dev.coracle.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.it.harness.CriuProgram;
import dev.coracle.it.harness.OciRuntime;
import dev.coracle.it.harness.Podman;
import dev.coracle.it.harness.Poll;
import java.util.Objects;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** `podman container checkpoint` and `restore`; runc is the control. */
@Tag("engine")
@EnabledIfSystemProperty(named = CriuProgram.PROPERTY, matches = ".+")
class PodmanCheckpointIT {
  private static final String COUNT =
      "i=0; while :; do i=$((i+1)); echo $i > /tmp/count; sleep 0.05; done";

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

  private static String podman(String runtime, String... args) {
    return podman().client(runtime, args).execute().ok().line();
  }

  private static String counting(String runtime) {
    String id = podman(runtime, "run", "-d", "--network", "none", Podman.IMAGE, "sh", "-c", COUNT);
    awaitCount(runtime, id, 3);
    return id;
  }

  private static int count(String runtime, String id) {
    String text = podman().client(runtime, "exec", id, "cat", "/tmp/count").execute().line();
    return text.isEmpty() ? 0 : Integer.parseInt(text);
  }

  private static void awaitCount(String runtime, String id, int least) {
    Poll.until("a count of " + least, () -> count(runtime, id) >= least);
  }

  private static String status(String runtime, String id) {
    return podman(runtime, "inspect", "-f", "{{.State.Status}} {{.State.Checkpointed}}", id);
  }

  @ParameterizedTest
  @MethodSource("runtimes")
  void itGoesOnWhereItWasAndDoesSoAgain(String runtime) {
    String id = counting(runtime);
    for (int i = 0; i < 2; i++) {
      int count = count(runtime, id);
      podman(runtime, "container", "checkpoint", id);
      assertThat(status(runtime, id)).isEqualTo("exited true");
      podman(runtime, "container", "restore", id);
      assertThat(status(runtime, id)).isEqualTo("running false");
      awaitCount(runtime, id, count + 3);
    }
    podman().client(runtime, "exec", id, "sh", "-c", "exit 9").execute().exitsWith(9);
    podman(runtime, "stop", "--time", "0", id);
    assertThat(podman(runtime, "wait", id)).isEqualTo("137");
    podman(runtime, "rm", id);
  }

  @ParameterizedTest
  @MethodSource("runtimes")
  void itMayBeLeftRunning(String runtime) {
    String id = counting(runtime);
    podman(runtime, "container", "checkpoint", "--leave-running", id);
    assertThat(status(runtime, id)).startsWith("running");
    awaitCount(runtime, id, count(runtime, id) + 3);
    podman(runtime, "rm", "--force", "--time", "0", id);
  }

  @ParameterizedTest
  @MethodSource("runtimes")
  void itMovesAsAFile(String runtime) {
    String id = counting(runtime);
    int count = count(runtime, id);
    String file = podman().directory().resolve(id + ".tar").toString();
    podman(runtime, "container", "checkpoint", "--export", file, id);
    podman(runtime, "rm", "--force", id);
    podman(runtime, "container", "restore", "--import", file, "--name", "moved");
    awaitCount(runtime, "moved", count + 3);
    podman(runtime, "rm", "--force", "--time", "0", "moved");
  }
}
