package dev.coracle.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.it.harness.Command;
import dev.coracle.it.harness.Containerd;
import dev.coracle.it.harness.CriuProgram;
import dev.coracle.it.harness.OciRuntime;
import dev.coracle.it.harness.Poll;
import dev.coracle.it.harness.Result;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The runtime under containerd and its shim, without dockerd; runc is the control. */
@Tag("engine")
class ContainerdIT {
  private static final String COUNT =
      "i=0; while :; do i=$((i+1)); echo $i > /tmp/count; sleep 0.05; done";

  private static @Nullable Containerd daemon;
  private static int names;

  @BeforeAll
  static void up() {
    daemon = new Containerd();
  }

  @AfterAll
  static void down() {
    if (daemon != null) {
      daemon.close();
    }
  }

  static Stream<String> runtimes() {
    return Stream.of("/usr/sbin/runc", OciRuntime.underTest().binary().toString());
  }

  private static Containerd containerd() {
    return Objects.requireNonNull(daemon);
  }

  private static Result ctr(String... args) {
    return containerd().client(args).execute();
  }

  private static String name() {
    return "c" + ++names;
  }

  private static String start(String runtime, String script) {
    String id = name();
    ctr("run", "-d", "--runc-binary", runtime, Containerd.IMAGE, id, "sh", "-c", script).ok();
    return id;
  }

  private static Result exec(String id, String... command) {
    String[] args = new String[command.length + 5];
    args[0] = "task";
    args[1] = "exec";
    args[2] = "--exec-id";
    args[3] = name();
    args[4] = id;
    System.arraycopy(command, 0, args, 5, command.length);
    return ctr(args);
  }

  private static int count(String id) {
    String text = exec(id, "cat", "/tmp/count").line();
    return text.isEmpty() ? 0 : Integer.parseInt(text);
  }

  private static String status(String id) {
    return ctr("task", "ls")
        .ok()
        .stdout()
        .lines()
        .filter(line -> line.startsWith(id + " "))
        .map(line -> line.substring(line.lastIndexOf(' ') + 1))
        .findFirst()
        .orElse("");
  }

  private static void remove(String id) {
    ctr("task", "kill", "-s", "KILL", id);
    Poll.until("stopped", () -> !status(id).equals("RUNNING"));
    ctr("task", "rm", id);
    ctr("container", "rm", id).ok();
  }

  @ParameterizedTest
  @MethodSource("runtimes")
  void theOutputAndTheExitCode(String runtime) {
    Command run =
        containerd()
            .client(
                "run",
                "--rm",
                "--runc-binary",
                runtime,
                Containerd.IMAGE,
                name(),
                "sh",
                "-c",
                "echo hello; exit 42");
    assertThat(run.execute().exitsWith(42).stdout()).isEqualTo("hello\n");
  }

  @ParameterizedTest
  @MethodSource("runtimes")
  void execPauseAndKill(String runtime) {
    String id = start(runtime, "trap 'exit 3' TERM; while :; do sleep 0.05; done");
    exec(id, "sh", "-c", "exit 9").exitsWith(9);
    assertThat(exec(id, "echo", "in").ok().line()).isEqualTo("in");
    ctr("task", "pause", id).ok();
    assertThat(status(id)).isEqualTo("PAUSED");
    ctr("task", "resume", id).ok();
    assertThat(status(id)).isEqualTo("RUNNING");
    ctr("task", "kill", id).ok();
    Poll.until("stopped", () -> status(id).equals("STOPPED"));
    assertThat(ctr("task", "rm", id).stderr()).contains("exit code 3");
    ctr("container", "rm", id).ok();
  }

  @ParameterizedTest
  @MethodSource("runtimes")
  @EnabledIfSystemProperty(named = CriuProgram.PROPERTY, matches = ".+")
  void aTaskIsWrittenToFilesAndGoesOn(String runtime) throws IOException {
    String id = start(runtime, COUNT);
    Poll.until("counting", () -> count(id) > 3);
    Path images = Files.createDirectories(containerd().directory().resolve("images-" + id));
    Path work = Files.createDirectories(containerd().directory().resolve("work-" + id));
    ctr("task", "checkpoint", "--image-path", images.toString(), "--work-path", work.toString(), id)
        .ok();
    assertThat(images).isDirectoryContaining("glob:**.img");
    assertThat(work.resolve("dump.log")).exists();
    assertThat(status(id)).isEqualTo("RUNNING");
    int count = count(id);
    Poll.until("counting on", () -> count(id) > count + 3);
    remove(id);
  }

  @ParameterizedTest
  @MethodSource("runtimes")
  @EnabledIfSystemProperty(named = CriuProgram.PROPERTY, matches = ".+")
  void aCheckpointIsAnImageFromWhichAnotherGoesOn(String runtime) {
    String id = start(runtime, COUNT);
    Poll.until("counting", () -> count(id) > 3);
    String image = "localhost/checkpoint-" + id + ":1";
    ctr("container", "checkpoint", "--task", "--rw", "--image", id, image).ok();
    int count = count(id);
    remove(id);
    String other = name();
    ctr("container", "restore", "--live", other, image).ok();
    assertThat(status(other)).isEqualTo("RUNNING");
    Poll.until("counting on", () -> count(other) > count + 3);
    remove(other);
    ctr("image", "rm", image).ok();
  }
}
