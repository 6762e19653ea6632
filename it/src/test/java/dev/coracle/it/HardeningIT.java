package dev.coracle.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.it.harness.Bundle;
import dev.coracle.it.harness.Command;
import dev.coracle.it.harness.Container;
import dev.coracle.it.harness.ContainerTest;
import dev.coracle.it.harness.Testbed;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import org.junit.jupiter.api.Test;

/** The runtime's own program against those that it runs. */
@ContainerTest
class HardeningIT {

  @Test
  void theRuntimesProgramCannotBeWritten(Testbed bed) throws IOException {
    Path copy = bed.directory().resolve(bed.runtime().name());
    Files.copy(bed.runtime().binary(), copy, StandardCopyOption.COPY_ATTRIBUTES);
    byte[] before = Files.readAllBytes(copy);
    // Its first process is the runtime itself until start; another in its PID namespace looks for
    // it.
    Bundle first =
        bed.bundle().lasting().capabilities("CAP_SYS_PTRACE", "CAP_DAC_OVERRIDE", "CAP_SYS_ADMIN");
    try (Container c = bed.start(first)) {
      Bundle second = bed.bundle().namespace("pid", Path.of("/proc/" + c.pid() + "/ns/pid"));
      Command create =
          bed.program(
              copy.toString(),
              "--root",
              bed.stateRoot().toString(),
              "create",
              "--bundle",
              second.write().toString(),
              second.id());
      try (Container parked = bed.created(second.id(), create)) {
        assertThat(parked.status()).isEqualTo("created");
        c.exec(
            "sh",
            "-c",
            "for p in /proc/[0-9]*; do (echo overwritten > $p/exe) 2>/dev/null; done; true");
      }
    }
    assertThat(Files.readAllBytes(copy)).isEqualTo(before);
  }
}
