package dev.coracle.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.it.harness.Bundle;
import dev.coracle.it.harness.ConsoleSocket;
import dev.coracle.it.harness.ConsoleSocket.Terminal;
import dev.coracle.it.harness.Container;
import dev.coracle.it.harness.ContainerTest;
import dev.coracle.it.harness.Json;
import dev.coracle.it.harness.Result;
import dev.coracle.it.harness.Testbed;
import dev.coracle.it.harness.Unsupported;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

@ContainerTest
class TerminalIT {

  @Test
  void isSentToTheConsoleSocket(Testbed bed) {
    Bundle bundle =
        bed.bundle()
            .set("/process/terminal", true)
            .sh("tty; stat -c %t:%T $(tty); read line; echo got $line");
    try (ConsoleSocket socket = new ConsoleSocket(bed);
        Container c = bed.create(bundle, "--console-socket", socket.path().toString());
        Terminal terminal = socket.receive()) {
      assertThat(terminal.received().payload()).isNotEmpty();
      assertThat(terminal.received().controlLength())
          .isEqualTo(20); // CMSG_LEN(sizeof(int)): conmon insists
      c.start();
      terminal.readUntil("88:0");
      terminal.type("hello\n");
      assertThat(terminal.readUntil("got hello")).contains("/dev/");
      assertThat(c.awaitExit()).isZero();
    }
  }

  @Test
  void isTheControllingOne(Testbed bed) {
    Bundle bundle =
        bed.bundle()
            .set("/process/terminal", true)
            .sh(
                "trap 'echo interrupted; exit 9' INT; echo ready; while :; do sleep 100 & wait; done");
    try (ConsoleSocket socket = new ConsoleSocket(bed);
        Container c = bed.create(bundle, "--console-socket", socket.path().toString());
        Terminal terminal = socket.receive()) {
      c.start();
      terminal.readUntil("ready");
      terminal.type("\u0003");
      terminal.readUntil("interrupted");
      assertThat(c.awaitExit()).isEqualTo(9);
    }
  }

  @Test
  void hasItsSize(Testbed bed) {
    Bundle bundle = bed.bundle().set("/process/terminal", true).sh("stty size; echo end");
    bundle.set("/process/consoleSize", Json.object("height", 33, "width", 111));
    try (ConsoleSocket socket = new ConsoleSocket(bed);
        Container c = bed.create(bundle, "--console-socket", socket.path().toString());
        Terminal terminal = socket.receive()) {
      c.start();
      assertThat(terminal.readUntil("end")).contains("33 111");
      c.awaitExit();
    }
  }

  @Test
  void devConsoleIsIt(Testbed bed) {
    Bundle bundle =
        bed.bundle()
            .set("/process/terminal", true)
            .sh(
                "echo to-console > /dev/console; ls -l /dev/console | cut -c1; stat -c %a /dev/console");
    try (ConsoleSocket socket = new ConsoleSocket(bed);
        Container c = bed.create(bundle, "--console-socket", socket.path().toString());
        Terminal terminal = socket.receive()) {
      c.start();
      terminal.readUntil("to-console");
      terminal.readUntil("c\r\n");
      c.awaitExit();
    }
  }

  @Test
  void belongsToTheUser(Testbed bed) {
    Bundle bundle =
        bed.bundle()
            .set("/process/terminal", true)
            .set("/process/user", Json.object("uid", 1000, "gid", 1000));
    bundle.sh("stat -c %u /dev/console; : > /dev/tty && echo opened");
    try (ConsoleSocket socket = new ConsoleSocket(bed);
        Container c = bed.create(bundle, "--console-socket", socket.path().toString());
        Terminal terminal = socket.receive()) {
      c.start();
      assertThat(terminal.readUntil("opened")).contains("1000");
      c.awaitExit();
    }
  }

  @Test
  void aSocketWithoutATerminalIsAnError(Testbed bed) {
    bed.createCommand(bed.bundle(), "--console-socket", bed.directory() + "/sock")
        .execute()
        .exitsWith(1);
  }

  @Test
  void createNeedsASocket(Testbed bed) {
    bed.createCommand(bed.bundle().set("/process/terminal", true)).execute().exitsWith(1);
  }

  @Test
  void runInTheForegroundUsesTheCallers(Testbed bed) {
    Bundle bundle =
        bed.bundle()
            .set("/process/terminal", true)
            .sh("tty; [ -t 0 ] && [ -t 1 ] && [ -t 2 ] && echo all; exit 6");
    bundle.write();
    String command =
        "%s --root %s run --bundle %s %s"
            .formatted(bed.runtime().binary(), bed.stateRoot(), bundle.directory(), bundle.id());
    Result result = bed.program("script", "-qefc", command, "/dev/null").execute().exitsWith(6);
    assertThat(result.stdout()).contains("/dev/", "all");
  }

  @Test
  @Unsupported(runtime = "crun", reason = "1.8.1 lets the terminal end lines with CR LF")
  void linesEndAsTheyWereWrittenWhereOutputIsAFile(Testbed bed) throws IOException {
    Bundle bundle = bed.bundle().set("/process/terminal", true).sh("echo one; echo two");
    bundle.write();
    Path file = bed.directory().resolve("output");
    String command =
        "%s --root %s run --bundle %s %s > %s"
            .formatted(
                bed.runtime().binary(), bed.stateRoot(), bundle.directory(), bundle.id(), file);
    bed.program("script", "-qefc", command, "/dev/null").execute().ok();
    // script(1) passes its own end of input on, which may be echoed anywhere.
    assertThat(Files.readString(file).replace("^@", ""))
        .contains("one\ntwo\n")
        .doesNotContain("\r");
  }

  @Test
  void execCanHaveOne(Testbed bed) {
    try (ConsoleSocket socket = new ConsoleSocket(bed);
        Container c = bed.start(bed.bundle().lasting())) {
      bed.oci(
              "exec",
              "--tty",
              "--detach",
              "--console-socket",
              socket.path().toString(),
              c.id(),
              "sh",
              "-c",
              "tty; read x; echo got $x")
          .execute()
          .ok();
      try (Terminal terminal = socket.receive()) {
        terminal.readUntil("/dev/");
        terminal.type("word\n");
        terminal.readUntil("got word");
      }
    }
  }

  @Test
  void execInTheForegroundUsesTheCallers(Testbed bed) {
    try (Container c = bed.start(bed.bundle().lasting())) {
      String command =
          "%s --root %s exec -t %s sh -c '[ -t 0 ] && [ -t 1 ] && echo all; exit 6'"
              .formatted(bed.runtime().binary(), bed.stateRoot(), c.id());
      assertThat(
              bed.program("script", "-qefc", command, "/dev/null").execute().exitsWith(6).stdout())
          .contains("all");
    }
  }
}
