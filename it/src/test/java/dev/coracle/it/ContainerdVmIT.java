package dev.coracle.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.it.harness.Command;
import dev.coracle.it.harness.Containerd;
import dev.coracle.it.harness.MachineKernels;
import dev.coracle.it.harness.Poll;
import dev.coracle.it.harness.Result;
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
 * Containers in virtual machines under containerd and its shim, as CRI has them: the runtime by its
 * name, and a pod by its annotations and its network namespace.
 */
@Tag("vm")
class ContainerdVmIT {
  private static final Duration BOOT = Duration.ofSeconds(90);
  private static final String TYPE = "io.kubernetes.cri.container-type=";
  private static @Nullable Containerd daemon;
  private static int names;

  @BeforeAll
  static void up() {
    daemon = Containerd.withMachines();
  }

  @AfterAll
  static void down() {
    if (daemon != null) {
      daemon.close();
    }
  }

  private static Command ctr(String... args) {
    return Objects.requireNonNull(daemon).client(args).timeout(BOOT);
  }

  private static String name() {
    return "m" + ++names;
  }

  /** {@code ctr run} of an image, as a container of this id. */
  private static Command run(List<String> flags, String id, String... command) {
    List<String> args =
        new ArrayList<>(List.of("run", "--runc-binary", MachineKernels.runtime().toString()));
    args.addAll(flags);
    args.addAll(List.of(Containerd.IMAGE, id));
    args.addAll(List.of(command));
    return ctr(args.toArray(String[]::new));
  }

  private static Result exec(String id, String... command) {
    List<String> args = new ArrayList<>(List.of("task", "exec", "--exec-id", name(), id));
    args.addAll(List.of(command));
    return ctr(args.toArray(String[]::new)).execute();
  }

  private static List<String> task(String id) {
    return ctr("task", "ls")
        .execute()
        .ok()
        .stdout()
        .lines()
        .filter(line -> line.startsWith(id + " "))
        .flatMap(line -> List.of(line.trim().split(" +")).stream())
        .toList();
  }

  private static void remove(String id) {
    ctr("task", "kill", "-s", "KILL", id).execute();
    Poll.until("stopped", BOOT, () -> !task(id).contains("RUNNING"));
    ctr("task", "rm", id).execute();
    ctr("container", "rm", id).execute().ok();
  }

  @Test
  void theStreamsStayApartAndTheExitCodeComesBack() {
    Result result =
        run(List.of("--rm"), name(), "sh", "-c", "uname -r; echo err >&2; exit 42")
            .execute()
            .exitsWith(42);
    assertThat(result.stdout()).contains("cloud");
    assertThat(result.stderr()).isEqualTo("err\n");
  }

  /** ctr passes on only an end that comes once the task is there. */
  @Test
  void whatItReadsEnds() {
    String later =
        "pipe=$(mktemp -u); mkfifo $pipe; (printf 'from the host'; sleep 5) > $pipe &"
            + " exec < $pipe; rm $pipe";
    assertThat(run(List.of("--rm"), name(), "cat").after(later).execute().ok().stdout())
        .isEqualTo("from the host");
  }

  @Test
  void execPauseAndKill() {
    String id = name();
    run(List.of("-d"), id, "sh", "-c", "trap 'exit 3' TERM; touch /up; while :; do sleep 0.1; done")
        .execute()
        .ok();
    Poll.until("it is up", BOOT, () -> exec(id, "ls", "/up").exitCode() == 0);
    exec(id, "sh", "-c", "exit 9").exitsWith(9);
    ctr("task", "pause", id).execute().ok();
    assertThat(task(id)).contains("PAUSED");
    ctr("task", "resume", id).execute().ok();
    assertThat(exec(id, "echo", "still").ok().line()).isEqualTo("still");
    ctr("task", "kill", id).execute().ok();
    Poll.until("stopped", BOOT, () -> task(id).contains("STOPPED"));
    assertThat(ctr("task", "rm", id).execute().stderr()).contains("exit code 3");
    ctr("container", "rm", id).execute().ok();
  }

  /** The pod's own container is an ordinary one, and what runs in its namespaces is a machine. */
  @Test
  void aPodOfTwoContainers() {
    String pause = name();
    run(List.of("-d", "--annotation", TYPE + "sandbox"), pause, "sleep", "1000").execute().ok();
    List<String> row = task(pause);
    assertThat(row).contains("RUNNING");
    String pid = row.get(1);
    assertThat(exec(pause, "uname", "-r").ok().stdout()).doesNotContain("cloud");
    String address =
        "set -e; PATH=/usr/sbin:/sbin:/usr/bin:/bin; ip link add eth0 type veth peer name peer;"
            + " ip addr add 192.0.2.9/24 dev eth0; ip link set eth0 up";
    Objects.requireNonNull(daemon)
        .program("nsenter", "-t", pid, "-n", "sh", "-c", address)
        .execute()
        .ok();
    List<String> flags =
        List.of(
            "--rm",
            "--annotation",
            TYPE + "container",
            "--with-ns",
            "network:/proc/" + pid + "/ns/net");
    assertThat(run(flags, name(), "sh", "-c", "uname -r; ip addr").execute().ok().stdout())
        .contains("cloud")
        .contains("inet 192.0.2.9/24");
    assertThat(exec(pause, "echo", "still").ok().line()).isEqualTo("still");
    remove(pause);
  }
}
