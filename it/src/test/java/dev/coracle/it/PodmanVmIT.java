package dev.coracle.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.it.harness.Command;
import dev.coracle.it.harness.MachineKernels;
import dev.coracle.it.harness.Podman;
import dev.coracle.it.harness.Poll;
import dev.coracle.it.harness.Result;
import java.time.Duration;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Containers in virtual machines under podman. */
@Tag("vm")
class PodmanVmIT {
  private static final Duration BOOT = Duration.ofSeconds(90);
  private static @Nullable Podman podman;

  @BeforeAll
  static void up() {
    podman = Podman.withMachines();
  }

  @AfterAll
  static void down() {
    if (podman != null) {
      podman.close();
    }
  }

  private static Podman podman() {
    return Objects.requireNonNull(podman);
  }

  private static String runtime() {
    return MachineKernels.runtime().toString();
  }

  private static Command run(String... command) {
    return podman().run(runtime(), "run", "--rm", "--network", "none", command).timeout(BOOT);
  }

  private static Result client(String... args) {
    return podman().client(runtime(), args).timeout(BOOT).execute();
  }

  @Test
  void theStreamsStayApartAndTheExitCodeComesBack() {
    Result result =
        run("sh", "-c", "for i in $(seq 2000); do echo $i; done; echo err >&2; exit 42")
            .execute()
            .exitsWith(42);
    assertThat(result.stdout().lines()).hasSize(2000).endsWith("2000");
    assertThat(result.stderr()).isEqualTo("err\n");
  }

  @Test
  void aProgramThatIsMissingOrNone() {
    run("/no/such").execute().exitsWith(127);
    run("/etc/passwd").execute().exitsWith(126);
  }

  @Test
  void whatItReadsEnds() {
    assertThat(
            podman()
                .run(runtime(), "run", "--rm", "-i", "--network=none", "cat")
                .timeout(BOOT)
                .stdin("from the host")
                .execute()
                .ok()
                .stdout())
        .isEqualTo("from the host");
  }

  @Test
  void aContainerInTheBackground() {
    String id =
        podman()
            .run(
                runtime(),
                "run",
                "-d",
                "--network",
                "none",
                "sh",
                "-c",
                "uname -r; trap 'echo bye; exit 77' TERM; echo ready; while :; do sleep 0.1; done")
            .execute()
            .ok()
            .line();
    Poll.until("it is up", BOOT, () -> client("logs", id).stdout().contains("ready"));
    assertThat(client("logs", id).stdout()).contains("cloud");
    assertThat(
            client(
                    "exec",
                    "-e",
                    "X=Y",
                    "-w",
                    "/bin",
                    "-u",
                    "5:6",
                    id,
                    "sh",
                    "-c",
                    "id -u; echo $X; pwd")
                .ok()
                .stdout())
        .isEqualTo("5\nY\n/bin\n");
    client("exec", id, "sh", "-c", "exit 9").exitsWith(9);
    client("exec", id, "nosuch").exitsWith(127);
    assertThat(
            podman()
                .client(runtime(), "exec", "-i", id, "cat")
                .stdin("to the exec")
                .execute()
                .ok()
                .stdout())
        .isEqualTo("to the exec");
    client("stop", "-t", "30", id).ok();
    assertThat(client("wait", id).ok().line()).isEqualTo("77");
    assertThat(client("logs", id).stdout()).endsWith("bye\n");
    client("rm", id).ok();
  }

  /** In a network namespace that was made before, with the address that is there. */
  @Test
  void theAddressOfItsNamespace() {
    Command command =
        podman()
            .run(runtime(), "run", "--rm", "--network", "ns:/run/netns/pod", "ip", "addr")
            .timeout(BOOT)
            .after(
                "exec /usr/bin/unshare -m -n --propagation private /bin/sh -c '"
                    + "PATH=$PATH:/usr/sbin:/sbin; mkdir -p /run/netns; mount -t tmpfs tmpfs /run/netns;"
                    + " ip netns add pod; ip -n pod link add eth0 type veth peer name peer;"
                    + " ip -n pod link set eth0 address 02:42:c0:00:02:07;"
                    + " ip -n pod addr add 192.0.2.7/24 dev eth0; ip -n pod link set eth0 up;"
                    + " exec \"$@\"' sh \"$@\"");
    assertThat(command.execute().ok().stdout())
        .contains("link/ether 02:42:c0:00:02:07")
        .contains("inet 192.0.2.7/24");
  }
}
