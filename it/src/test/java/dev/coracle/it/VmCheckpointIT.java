package dev.coracle.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.it.harness.Bundle;
import dev.coracle.it.harness.Checkpoints;
import dev.coracle.it.harness.Command;
import dev.coracle.it.harness.ConsoleSocket;
import dev.coracle.it.harness.Container;
import dev.coracle.it.harness.ContainerTest;
import dev.coracle.it.harness.CoracleOnly;
import dev.coracle.it.harness.Json;
import dev.coracle.it.harness.Libc;
import dev.coracle.it.harness.MachineKernels;
import dev.coracle.it.harness.Poll;
import dev.coracle.it.harness.Result;
import dev.coracle.it.harness.Testbed;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Checkpoint and restore of a virtual machine. */
@ContainerTest
@Tag("vm")
@CoracleOnly("no peer runs virtual machines")
class VmCheckpointIT {
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  private static Bundle bundle(Testbed bed, String script) {
    return bed.bundle()
        .set("/annotations/dev.coracle.sandbox", "microvm")
        .set("/annotations/dev.coracle.vm.memory", "128M")
        .mount("/run", "tmpfs", "tmpfs")
        .sh(script);
  }

  private static Command withConfig(Command command) {
    return command.env("CORACLE_CONFIG", MachineKernels.templates().toString()).timeout(PATIENCE);
  }

  /** Starts it, with what it writes in a file. */
  private static Container started(Testbed bed, Bundle bundle) {
    Command create = withConfig(bed.createCommand(bundle));
    return bed.created(bundle.id(), create.after(into(bed, 0))).start();
  }

  private static Path out(Testbed bed, int number) {
    return bed.directory().resolve("out" + number);
  }

  private static Path errors(Testbed bed, int number) {
    return bed.directory().resolve("errors" + number);
  }

  private static String into(Testbed bed, int number) {
    return "exec > " + out(bed, number) + " 2> " + errors(bed, number);
  }

  private static String images(Testbed bed) {
    return bed.directory().resolve("images").toString();
  }

  private static Command command(Testbed bed, Bundle bundle, String verb, String... flags) {
    List<String> args = new ArrayList<>(List.of(verb, "--image-path", images(bed)));
    if (verb.equals("restore")) {
      args.addAll(List.of("--bundle", bundle.directory().toString()));
    }
    args.addAll(Arrays.asList(flags));
    args.add(bundle.id());
    return withConfig(bed.oci(args.toArray(String[]::new)));
  }

  private static void checkpoint(Testbed bed, Bundle bundle, String... flags) {
    command(bed, bundle, "checkpoint", flags).execute().ok();
  }

  private static Command restore(Testbed bed, Bundle bundle, int number, String... flags) {
    List<String> all = new ArrayList<>(List.of("--detach"));
    all.addAll(Arrays.asList(flags));
    return command(bed, bundle, "restore", all.toArray(String[]::new)).after(into(bed, number));
  }

  private static Container restored(Testbed bed, Bundle bundle, int number, String... flags) {
    return bed.created(bundle.id(), restore(bed, bundle, number, flags));
  }

  private static void await(Bundle bundle, String file, int least) {
    Path path = bundle.inRootfs(file);
    Poll.until(file + " is " + least, PATIENCE, () -> Checkpoints.number(path) >= least);
  }

  @Test
  void allGoesOnWhereItWasAndDoesSoAgain(Testbed bed) throws IOException {
    // A file that is read and one that is written, a tmpfs, a child, a trap, and what is cached.
    String script =
        "cat /etc/lines > /dev/null; cd /work; exec 3< /etc/lines 4> kept; echo secret > /run/mine;"
            + "trap 'cat /run/mine; exit 7' TERM; sleep 100000 & "
            + "i=0; while read line <&3; do i=$((i+1)); echo $line >&4; ls / > /dev/null;"
            + " echo $i > /work/count; usleep 100000; done";
    StringBuilder lines = new StringBuilder();
    for (int i = 0; i < 2000; i++) {
      lines.append("line ").append(i).append('\n');
    }
    Bundle bundle = bundle(bed, script).file("/etc/lines", lines.toString()).file("/work/x", "");
    Container c = started(bed, bundle);
    await(bundle, "/work/count", 3);
    for (int i = 1; i <= 3; i++) {
      checkpoint(bed, bundle);
      assertThat(bed.oci("state", bundle.id()).execute().exitCode()).isNotZero();
      bed.assertNothingLeft("checkpointed");
      int count = Checkpoints.number(bundle.inRootfs("/work/count"));
      c = restored(bed, bundle, i);
      assertThat(c.status()).isEqualTo("running");
      await(bundle, "/work/count", count + 3);
      assertThat(c.exec("sh", "-c", "cat /run/mine; ls /work").ok().stdout())
          .isEqualTo("secret\ncount\nkept\nx\n");
    }
    c.kill("TERM").ok();
    c.awaitStatus("stopped");
    c.close();
    assertThat(out(bed, 3)).hasContent("secret");
    for (int i = 0; i < 3; i++) {
      assertThat(out(bed, i)).isEmptyFile();
    }
    String kept = Files.readString(bundle.inRootfs("/work/kept"));
    assertThat(lines.toString()).startsWith(kept);
    assertThat(kept.lines().count()).isGreaterThanOrEqualTo(12);
  }

  @Test
  void ofWhatIsWrittenNothingIsLostAndNothingComesTwice(Testbed bed) {
    String script =
        "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); echo $i; echo e$i >&2; done; exec sleep 100000";
    Bundle bundle = bundle(bed, script);
    Container c = started(bed, bundle);
    for (int i = 1; i <= 3; i++) {
      Path out = out(bed, i - 1);
      Poll.until("it writes", PATIENCE, () -> !read(out).isEmpty());
      checkpoint(bed, bundle);
      c = restored(bed, bundle, i);
    }
    StringBuilder numbers = new StringBuilder();
    StringBuilder errors = new StringBuilder();
    for (int i = 1; i <= 20000; i++) {
      numbers.append(i).append('\n');
      errors.append('e').append(i).append('\n');
    }
    Poll.until("all was written", PATIENCE, () -> all(bed, true).endsWith("e20000\n"));
    assertThat(all(bed, false).equals(numbers.toString())).isTrue();
    assertThat(all(bed, true).equals(errors.toString())).isTrue();
    c.close();
  }

  private static String all(Testbed bed, boolean ofErrors) {
    StringBuilder all = new StringBuilder();
    for (int i = 0; i <= 3; i++) {
      all.append(read(ofErrors ? errors(bed, i) : out(bed, i)));
    }
    return all.toString();
  }

  @Test
  void itMayGoOn(Testbed bed) {
    Bundle bundle = bundle(bed, Checkpoints.COUNT);
    try (Container c = started(bed, bundle)) {
      await(bundle, "/tmp/count", 3);
      for (int i = 0; i < 2; i++) {
        checkpoint(bed, bundle, "--leave-running");
        assertThat(c.status()).isEqualTo("running");
        await(bundle, "/tmp/count", Checkpoints.number(bundle.inRootfs("/tmp/count")) + 3);
      }
      c.exec("sh", "-c", "exit 9").exitsWith(9);
    }
    int count = Checkpoints.number(bundle.inRootfs("/tmp/count"));
    try (Container c = restored(bed, bundle, 1)) {
      assertThat(c.status()).isEqualTo("running");
      // It counts on from where it was then.
      Poll.until(
          "it counts",
          PATIENCE,
          () -> {
            int now = Checkpoints.number(bundle.inRootfs("/tmp/count"));
            return now != 0 && now != count;
          });
    }
  }

  @Test
  void itsInterfacesAreThoseOfTheNamespaceThatItHasNow(Testbed bed) throws IOException {
    Path wanted = bed.directory().resolve("wanted");
    String pid = "$(grep -o '\"pid\": *[0-9]*' | grep -o '[0-9]*$')";
    String inside = "nsenter -t " + pid + " -n sh -c '";
    String hook =
        "PATH=/usr/sbin:/usr/bin:/sbin:/bin; set -e; read mac addresses < "
            + wanted
            + "; export mac addresses; "
            + inside
            + "set -e; ip link add eth0 address $mac type veth peer name eth1;"
            + " for a in $addresses; do ip addr add $a dev eth0 nodad; done;"
            + " ip link set eth0 up; ip link set eth1 up'";
    Bundle bundle = bundle(bed, Checkpoints.COUNT);
    bundle.add(
        "/hooks/createRuntime", Json.object("path", "/bin/sh", "args", List.of("sh", "-c", hook)));
    Files.writeString(wanted, "02:42:00:00:00:07 192.0.2.7/24 2001:db8::7/64\n");
    Container first = started(bed, bundle);
    await(bundle, "/tmp/count", 3);
    String before = first.exec("ip", "addr", "show", "eth0").ok().stdout();
    assertThat(before).contains("02:42:00:00:00:07", "192.0.2.7/24", "2001:db8::7/64");
    checkpoint(bed, bundle);
    Files.writeString(wanted, "02:42:00:00:00:09 192.0.2.9/25 192.0.2.7/24\n");
    try (Container c = restored(bed, bundle, 1)) {
      assertThat(c.exec("ip", "addr", "show", "eth0").ok().stdout())
          .contains("02:42:00:00:00:09", "192.0.2.9/25", "192.0.2.7/24")
          .doesNotContain("2001:db8::7");
    }
  }

  @Test
  void aTerminalIsSentAgain(Testbed bed) {
    Bundle bundle = bundle(bed, "while read line; do echo got $line; done");
    bundle.set("/process/terminal", true);
    try (ConsoleSocket console = new ConsoleSocket(bed)) {
      String path = console.path().toString();
      withConfig(bed.createCommand(bundle, "--console-socket", path)).execute().ok();
      try (ConsoleSocket.Terminal terminal = console.receive()) {
        withConfig(bed.oci("start", bundle.id())).execute().ok();
        terminal.type("one\n");
        terminal.readUntil("got one");
        checkpoint(bed, bundle);
      }
      try (Container c = restored(bed, bundle, 1, "--console-socket", path);
          ConsoleSocket.Terminal terminal = console.receive()) {
        assertThat(c.status()).isEqualTo("running");
        terminal.type("two\n");
        terminal.readUntil("got two");
      }
    }
  }

  /** Fails, the container runs on, and there are no files. */
  private static String refused(Testbed bed, Bundle bundle, Container c, String... flags) {
    Result result = command(bed, bundle, "checkpoint", flags).execute().fails();
    assertThat(c.status()).isIn("running", "paused");
    Path images = Path.of(images(bed));
    assertThat(Files.exists(images) ? images.toFile().list() : new String[0]).isEmpty();
    return result.error();
  }

  @Test
  void whatCannotBeSavedIsSaid(Testbed bed) {
    Bundle bundle =
        bundle(
            bed,
            "echo x > /gone; exec 3< /gone; rm /gone;"
                + " while read i < /dev/null; do :; done; echo 1 > /tmp/count; exec sleep 100000");
    try (Container c = started(bed, bundle)) {
      await(bundle, "/tmp/count", 1);
      assertThat(refused(bed, bundle, c)).contains("open file", "no name");
      assertThat(refused(bed, bundle, c, "--pre-dump", "--lazy-pages", "--status-fd", "2"))
          .contains("--pre-dump, --status-fd, --lazy-pages: not for a virtual machine");
      Command.Running exec = bed.oci("exec", bundle.id(), "sleep", "3").start();
      Poll.until(
          "it is refused",
          () -> refused(bed, bundle, c).contains("processes of exec run in the machine: 1"));
      exec.end().ok();
      bed.oci("pause", bundle.id()).execute().ok();
      assertThat(refused(bed, bundle, c)).contains("resume it first");
      bed.oci("resume", bundle.id()).execute().ok();
      assertThat(c.exec("cat", "/proc/1/fd/3").ok().stdout()).isEqualTo("x\n");
    }
  }

  /** Killed anywhere it leaves no whole checkpoint, and a machine that goes on. */
  @Test
  void whoMakesACheckpointMayBeKilled(Testbed bed) throws IOException {
    Bundle bundle = bundle(bed, Checkpoints.COUNT);
    Path state = Path.of(images(bed), "machine.state");
    try (Container c = started(bed, bundle)) {
      await(bundle, "/tmp/count", 3);
      for (int i = 0; i < 4; i++) {
        long least = i * 10_000_000L;
        Files.deleteIfExists(state);
        Command.Running running = command(bed, bundle, "checkpoint", "--leave-running").start();
        Poll.until("it writes", PATIENCE, () -> !running.isRunning() || size(state) > least);
        Libc.kill(running.pid(), Libc.SIGKILL);
        int status = running.end().exitCode();
        assertThat(Files.exists(Path.of(images(bed), "machine.json"))).isEqualTo(status == 0);
        int count = Checkpoints.number(bundle.inRootfs("/tmp/count"));
        await(bundle, "/tmp/count", count + 3);
        c.exec("sh", "-c", "exit 9").exitsWith(9);
      }
      checkpoint(bed, bundle, "--leave-running");
    }
  }

  private static long size(Path file) {
    return file.toFile().length();
  }

  @Test
  void oneThatWasBootedIsRefused(Testbed bed) {
    Bundle bundle = bundle(bed, Checkpoints.COUNT);
    bundle.set("/annotations/dev.coracle.vm.template", "false");
    try (Container c = started(bed, bundle)) {
      await(bundle, "/tmp/count", 1);
      assertThat(refused(bed, bundle, c)).contains("only one that is a copy can be checkpointed");
    }
  }

  @Test
  void whatCannotBeRestoredIsSaidAndLeavesNothing(Testbed bed) throws IOException {
    Bundle bundle = bundle(bed, "exec 3< /etc/mine; " + Checkpoints.COUNT);
    bundle.file("/etc/mine", "mine");
    started(bed, bundle);
    await(bundle, "/tmp/count", 3);
    checkpoint(bed, bundle);
    Path mine = bundle.inRootfs("/etc/mine");
    Files.delete(mine);
    assertThat(notRestored(bed, bundle)).contains("etc/mine");
    Files.writeString(mine, "again");
    bundle.set("/annotations/dev.coracle.vm.memory", "160M").write();
    assertThat(notRestored(bed, bundle)).contains("not the one of the checkpoint", "128", "160");
    bundle.set("/annotations/dev.coracle.vm.memory", "128M").write();
    Path machine = Path.of(images(bed), "machine.json");
    String text = Files.readString(machine);
    Files.writeString(machine, text.replace("\"version\": 1", "\"version\": 2"));
    assertThat(notRestored(bed, bundle)).contains("not whole, or of another version");
    Files.delete(machine);
    Result result = restore(bed, bundle, 1).execute().fails();
    assertThat(result.error() + read(errors(bed, 1)))
        .contains("--image-path", "machine.json", "ENOENT");
    Files.writeString(machine, text);
    try (Container c = restored(bed, bundle, 1)) {
      assertThat(c.status()).isEqualTo("running");
      // What the guest knew of it, its size too, holds for a second.
      Poll.until("it is seen", () -> c.exec("cat", "/etc/mine").ok().stdout().equals("again"));
    }
  }

  private static String read(Path path) {
    try {
      return Files.exists(path) ? Files.readString(path) : "";
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** What is said of it, by the container's stderr or the runtime's. */
  private static String notRestored(Testbed bed, Bundle bundle) {
    Result result = restore(bed, bundle, 1).execute().fails();
    assertThat(bed.oci("state", bundle.id()).execute().exitCode()).isNotZero();
    bed.assertNothingLeft("not restored");
    return result.error() + read(errors(bed, 1));
  }
}
