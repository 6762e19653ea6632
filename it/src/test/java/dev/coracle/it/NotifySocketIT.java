package dev.coracle.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.it.harness.Bundle;
import dev.coracle.it.harness.Command;
import dev.coracle.it.harness.Container;
import dev.coracle.it.harness.ContainerTest;
import dev.coracle.it.harness.CoracleOnly;
import dev.coracle.it.harness.Poll;
import dev.coracle.it.harness.Testbed;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/** sd_notify(3): a small service manager in Python listens, and writes down what it is told. */
@CoracleOnly("crun shows the socket in another place, and runc relays READY only")
@ContainerTest
class NotifySocketIT {
  private static final String MANAGER =
      """
      import os, socket, sys
      s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
      s.bind(sys.argv[1])
      with open(sys.argv[2], "a") as log:
          log.write("listening\\n"); log.flush()
          while True:
              data, fds, _, _ = socket.recv_fds(s, 4096, 4)
              log.write(data.decode().strip() + "\\n"); log.flush()
              for fd in fds:
                  os.close(fd)
      """;

  private static final String TELL =
      "import socket, sys; s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM);"
          + " s.connect(sys.argv[1]); s.send(sys.argv[2].encode())";

  private static Command.Running manager(Testbed bed, Path socket, Path log) throws IOException {
    Files.createFile(log);
    Path script = bed.file("manager.py", MANAGER);
    Command.Running running =
        bed.program("python3", script.toString(), socket.toString(), log.toString()).start();
    Poll.until("manager", () -> read(log).contains("listening"));
    return running;
  }

  private static String read(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  /** Busybox has no client of a datagram socket: the host tells in the container's name. */
  private static Bundle telling(Testbed bed) {
    return bed.bundle().lasting();
  }

  @Test
  void startWaitsUntilTheContainerIsReadyAndTellsItsPid(Testbed bed) throws IOException {
    Path socket = bed.directory().resolve("manager.sock");
    Path log = bed.directory().resolve("manager.log");
    Command.Running manager = manager(bed, socket, log);
    Bundle bundle = telling(bed);
    try (Container c =
        bed.created(
            bundle.id(), bed.createCommand(bundle).env("NOTIFY_SOCKET", socket.toString()))) {
      Command.Running start =
          bed.oci("start", c.id()).env("NOTIFY_SOCKET", socket.toString()).start();
      Path inside = Path.of("/proc/" + c.pid() + "/root/run/notify/notify.sock");
      Poll.until("socket in the container", () -> Files.exists(inside));
      c.awaitStatus("running");
      assertThat(start.isRunning()).as("start waits").isTrue();
      bed.program("python3", "-c", TELL, inside.toString(), "STATUS=almost\nMAINPID=1")
          .execute()
          .ok();
      bed.program("python3", "-c", TELL, inside.toString(), "READY=1").execute().ok();
      start.end().ok();
      Poll.until("the pid is told", () -> read(log).contains("BARRIER=1"));
      assertThat(read(log))
          .isEqualTo("listening\nSTATUS=almost\nREADY=1\nMAINPID=" + c.pid() + "\nBARRIER=1\n");
      assertThat(c.exec("cat", "/proc/1/environ").ok().stdout())
          .contains("NOTIFY_SOCKET=/run/notify/notify.sock");
    } finally {
      dev.coracle.it.harness.Libc.kill(manager.pid(), dev.coracle.it.harness.Libc.SIGKILL);
      assertThat(manager.end().exitCode()).isNotZero();
    }
  }

  @Test
  void startEndsWithAContainerThatNeverWasReady(Testbed bed) throws IOException {
    Path socket = bed.directory().resolve("manager.sock");
    Path log = bed.directory().resolve("manager.log");
    Command.Running manager = manager(bed, socket, log);
    Bundle bundle = bed.bundle().args("true");
    try {
      bed.runCommand(bundle, "--detach").env("NOTIFY_SOCKET", socket.toString()).execute().ok();
      bed.oci("delete", "--force", bundle.id()).execute().ok();
      assertThat(read(log)).isEqualTo("listening\n");
    } finally {
      dev.coracle.it.harness.Libc.kill(manager.pid(), dev.coracle.it.harness.Libc.SIGKILL);
      assertThat(manager.end().exitCode()).isNotZero();
    }
  }
}
