package dev.coracle.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.it.harness.Bundle;
import dev.coracle.it.harness.Command;
import dev.coracle.it.harness.ContainerTest;
import dev.coracle.it.harness.CoracleOnly;
import dev.coracle.it.harness.Descendants;
import dev.coracle.it.harness.EchoServer;
import dev.coracle.it.harness.Libc;
import dev.coracle.it.harness.MachineKernels;
import dev.coracle.it.harness.Poll;
import dev.coracle.it.harness.Result;
import dev.coracle.it.harness.Testbed;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Sockets of the host that are bound into a virtual machine. */
@ContainerTest
@Tag("vm")
@CoracleOnly("no peer runs virtual machines")
class VmSocketIT {
  private static final Duration PATIENCE = Duration.ofSeconds(100);

  /** How many connections there are at once (docs/vm-protocol.md). */
  private static final int MOST = 32;

  private static final String COPIED = "/annotations/dev.coracle.vm.template";

  private static Path socket(Testbed bed) {
    return bed.directory().resolve("socket");
  }

  private static Bundle bundle(Testbed bed) {
    return bed.bundle()
        .addProbe()
        .set("/annotations/dev.coracle.sandbox", "microvm")
        .set("/annotations/dev.coracle.vm.memory", "128M");
  }

  /** One that has the socket at /run/echo. */
  private static Bundle connected(Testbed bed) {
    return bundle(bed).mount("/run/echo", "bind", socket(bed), "rbind");
  }

  private static Bundle booted(Bundle bundle) {
    return bundle.set(COPIED, "false");
  }

  /** Its machine is a copy, unless it is said to be booted. */
  private static Command command(Testbed bed, Bundle bundle) {
    return bed.runCommand(bundle)
        .env("CORACLE_CONFIG", MachineKernels.templates().toString())
        .timeout(PATIENCE);
  }

  private static Result run(Testbed bed, Bundle bundle) {
    return command(bed, bundle).execute().ok();
  }

  /** It stands behind a link, in a tmpfs of the container's, of which the host knows nothing. */
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void allGoesBothWaysAndEachWayHasItsEnd(boolean copied, Testbed bed) {
    String script =
        "head -c 6000000 /dev/urandom > /sent;"
            + "probe connect /run/echo < /sent > /got; echo $?;"
            + "tail -c 4 /got; head -c 6000000 /got | cmp - /sent; wc -c < /got;"
            // Two at once, and one after the other.
            + "probe connect /run/echo < /sent | md5sum > /a &"
            + "probe connect /run/echo < /sent | md5sum > /b; wait; cmp /a /b && echo same;"
            + "for i in 1 2 3 4 5; do echo $i | probe connect /run/echo; done | tr -d '\\n'";
    Bundle bundle =
        bundle(bed)
            .set(COPIED, String.valueOf(copied))
            .symlink("/alias", "run")
            .mount("/run", "tmpfs", "tmpfs")
            .mount("/alias/echo", "bind", socket(bed), "rbind", "ro")
            .sh(script);
    try (EchoServer server = EchoServer.at(socket(bed))) {
      assertThat(run(bed, bundle).stdout())
          .isEqualTo("0\nbye\n6000004\nsame\n1bye2bye3bye4bye5bye");
      assertThat(server.received()).isEqualTo(18_000_010);
    }
  }

  @Test
  void soManyAtOnceAndTheOthersWait(Testbed bed) {
    Bundle bundle = connected(bed).probe("crowd", "/run/echo", "45", String.valueOf(MOST));
    try (EchoServer server = EchoServer.at(socket(bed))) {
      assertThat(run(bed, bundle).stdout()).isEqualTo(MOST + "\n" + (45 - MOST) + "\n");
      assertThat(server.received()).isEqualTo(45);
    }
  }

  @Test
  void whatIsWrittenLastArrives(Testbed bed) {
    Bundle bundle = connected(bed).probe("send", "/run/echo", "150000");
    try (EchoServer server = EchoServer.at(socket(bed))) {
      assertThat(run(bed, bundle).stdout()).isEmpty();
      Poll.until("all has come", Duration.ofSeconds(5), () -> server.received() == 150_000);
    }
  }

  @Test
  void nobodyAnswersForAServerThatIsGone(Testbed bed) {
    EchoServer.at(socket(bed)).close();
    Bundle bundle =
        connected(bed)
            .sh("for i in 1 2 3; do echo hello | probe connect /run/echo; done; echo over");
    String output = run(bed, bundle).stdout();
    assertThat(output).endsWith("over\n").doesNotContain("hello");
    assertThat(output.replace("write EPIPE\n", "").replace("read ECONNRESET\n", ""))
        .isEqualTo("over\n");
  }

  @Test
  void aServerThatIsKilledMeanwhile(Testbed bed) throws IOException {
    Bundle bundle =
        booted(connected(bed))
            .sh(
                "mkfifo /f; sleep 1000 > /f & echo hello > /f &"
                    + " probe connect /run/echo < /f; echo over $?");
    EchoServer server = EchoServer.at(socket(bed));
    Command.Running running = command(bed, bundle).start();
    Poll.until("it is connected", PATIENCE, () -> running.stdout().contains("hello"));
    assertThat(running.stdout()).isEqualTo("hello\n");
    assertThat(capabilities()).isEqualTo("0000000000000000");
    server.close();
    assertThat(running.end().ok().stdout()).isEqualTo("hello\nover 0\n");
  }

  /** Those of the monitor, which connects. */
  private static String capabilities() throws IOException {
    Path status = Path.of("/proc/" + Descendants.named("coracle-monitor") + "/status");
    for (String line : Files.readAllLines(status)) {
      if (line.startsWith("CapPrm:")) {
        return line.substring("CapPrm:".length()).strip();
      }
    }
    throw new AssertionError("no CapPrm in " + status);
  }

  /** Who may connect is the mode's and the owner's to say, as on the host. */
  @Test
  void theOwnerAndTheModeAreThoseOfTheHost(Testbed bed) throws IOException {
    try (EchoServer server = EchoServer.at(socket(bed))) {
      Files.setAttribute(socket(bed), "unix:uid", 1234);
      Files.setAttribute(socket(bed), "unix:gid", 77);
      Files.setAttribute(socket(bed), "unix:mode", 0600);
      String script = "stat -c '%F %a %u %g' /run/echo; echo hello | probe connect /run/echo";
      Bundle bundle = connected(bed).sh(script);
      String seen = "socket 600 1234 77\n";
      assertThat(run(bed, bundle.set("/process/user/uid", 1234)).stdout())
          .isEqualTo(seen + "hello\nbye\n");
      booted(bundle).set("/process/user/uid", 4321).sh(script + "; sleep 1000");
      Command.Running running = command(bed, bundle).start();
      String refused = seen + "connect EACCES\n";
      Poll.until("it is refused", PATIENCE, () -> running.stdout().equals(refused));
      // CAP_DAC_OVERRIDE: root itself may not write to it.
      assertThat(capabilities()).isEqualTo("0000000000000002");
      Libc.kill(Descendants.named("coracle-monitor"), Libc.SIGKILL);
      running.end().exitsWith(137);
      assertThat(server.received()).isEqualTo(6);
    }
  }

  @Test
  void thereIsAnEndToHowManyThereCanBe(Testbed bed) {
    Bundle bundle = bundle(bed).sh("true");
    for (int i = 0; i < 18; i++) {
      bundle.mount("/run/" + i, "bind", socket(bed), "rbind");
    }
    try (EchoServer server = EchoServer.at(socket(bed))) {
      assertThat(command(bed, bundle).execute().exitsWith(1).error())
          .contains("/mounts/23: a virtual machine can have 16 sockets of the host")
          .contains("/mounts/24: ")
          .doesNotContain("/mounts/22");
      assertThat(server.received()).isZero();
    }
  }
}
