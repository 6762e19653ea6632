package dev.coracle.it;

import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.WRITE;
import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.it.harness.Command;
import dev.coracle.it.harness.Container;
import dev.coracle.it.harness.ContainerTest;
import dev.coracle.it.harness.CoracleOnly;
import dev.coracle.it.harness.Libc;
import dev.coracle.it.harness.Poll;
import dev.coracle.it.harness.Testbed;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import org.junit.jupiter.api.Test;

/**
 * CVE-2019-5736: the runtime's program cannot be overwritten through /proc/PID/exe of a process
 * that runs it in a container. The attacker here is root of the host with every capability: what it
 * cannot do, no container can.
 */
@ContainerTest
class SealIT {
  /** The attack: hold the program open for reading, wait until nobody runs it, open to write. */
  private static void cannotBeWritten(int program) {
    Poll.until("the end of all who run it", () -> !attack(program).contains("Text file busy"));
    assertThat(attack(program)).isNotEqualTo("written");
  }

  private static String attack(int program) {
    try (FileChannel channel = FileChannel.open(again(program), WRITE)) {
      channel.write(ByteBuffer.wrap(new byte[] {0x7f}), 0);
      return "written";
    } catch (IOException e) {
      return String.valueOf(e.getMessage());
    }
  }

  private static Path again(int fd) {
    return Path.of("/proc/self/fd/" + fd);
  }

  @Test
  void theProgramOfAParkedProcessCannotBeOverwritten(Testbed bed) {
    int program;
    try (Container container = bed.create(bed.bundle().lasting())) {
      program = Libc.openForReading(Path.of("/proc/" + container.pid() + "/exe"));
    }
    try {
      cannotBeWritten(program);
    } finally {
      Libc.close(program);
    }
  }

  @Test
  @CoracleOnly("a mount that nobody can make writable again")
  void theReadOnlyMountCannotBeMadeWritable(Testbed bed) {
    int program;
    try (Container container = bed.create(bed.bundle().lasting())) {
      program = Libc.openForReading(Path.of("/proc/" + container.pid() + "/exe"));
      assertThat(Libc.clearReadOnly(program)).as("while it runs").isNegative();
    }
    try {
      assertThat(Libc.clearReadOnly(program)).as("when it has ended").isNegative();
      cannotBeWritten(program);
    } finally {
      Libc.close(program);
    }
  }

  /** A log that is a FIFO holds the runtime up where it has been sealed and has failed. */
  @Test
  @CoracleOnly("a copy in memory, where no mount may be made")
  void theCopyOfAUserWithoutPrivilegesCannotBeOverwritten(Testbed bed) throws IOException {
    Path folder = bed.folder("open to all");
    Files.setPosixFilePermissions(
        folder, java.nio.file.attribute.PosixFilePermissions.fromString("rwxrwxrwx"));
    // The user's own program, which the user could overwrite.
    Path own = Files.copy(bed.runtime().binary(), folder.resolve("runtime"));
    Path log = folder.resolve("log");
    assertThat(bed.program("/bin/busybox", "mkfifo", log.toString()).execute().exitCode()).isZero();
    bed.program("/bin/busybox", "chown", "-R", "65533", folder.toString()).execute().ok();
    Command.Running user =
        bed.program(
                "setpriv",
                "--reuid=65533",
                "--clear-groups",
                own.toString(),
                "--root=" + folder.resolve("state"),
                "--log=" + log,
                "run",
                "--bundle=/nowhere",
                "id")
            .start();
    Path exe = Path.of("/proc/" + user.pid() + "/exe");
    Poll.until("a sealed copy", () -> name(exe).startsWith("/memfd:"));
    int program = Libc.openForReading(exe);
    try (FileChannel reader = FileChannel.open(log, Set.of(READ))) {
      assertThat(reader.isOpen()).isTrue();
      assertThat(user.end().exitCode()).isNotZero();
      cannotBeWritten(program);
    } finally {
      Libc.close(program);
    }
  }

  private static String name(Path link) {
    try {
      return Files.readSymbolicLink(link).toString();
    } catch (IOException e) {
      return "";
    }
  }
}
