package dev.coracle.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.it.harness.Bundle;
import dev.coracle.it.harness.Command;
import dev.coracle.it.harness.ContainerTest;
import dev.coracle.it.harness.CoracleOnly;
import dev.coracle.it.harness.Json;
import dev.coracle.it.harness.Libc;
import dev.coracle.it.harness.Testbed;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

@ContainerTest
@CoracleOnly("called by the name runproc, the binary answers as runproc does")
class RunprocIT {

  private static Command runproc(Testbed bed, String... args) throws IOException {
    Path link = bed.folder("bin").resolve("runproc");
    if (!Files.isSymbolicLink(link)) {
      Files.createSymbolicLink(link, bed.runtime().binary());
    }
    List<String> argv = new ArrayList<>(List.of(link.toString()));
    argv.addAll(List.of(args));
    return bed.program(argv.toArray(String[]::new))
        .env("RUNPROC_STATE_DIR", bed.stateRoot().toString());
  }

  private static Bundle seeing(Testbed bed) {
    return bed.bundle().args("/bin/cat", bed.file("on-the-host", "seen").toString());
  }

  @Test
  void itsVersionHasItsName(Testbed bed) throws IOException {
    assertThat(runproc(bed, "--version").execute().ok().line()).startsWith("runproc version ");
  }

  @Test
  void theAnnotationMakesAProcessOfTheHost(Testbed bed) throws IOException {
    Bundle bundle = seeing(bed).set("/annotations", Json.object("runproc.host", "1"));
    String path = bundle.write().toString();
    assertThat(runproc(bed, "run", "--bundle", path, bundle.id()).execute().ok().line())
        .isEqualTo("seen");
  }

  @Test
  void theEnvironmentMakesAProcessOfTheHost(Testbed bed) throws IOException {
    Bundle bundle = seeing(bed);
    String path = bundle.write().toString();
    Command run = runproc(bed, "run", "--bundle", path, bundle.id());
    assertThat(run.env("RUNPROC_HOST", "1").execute().ok().line()).isEqualTo("seen");
  }

  @Test
  void withoutEitherTheFilesOfTheHostAreNotSeen(Testbed bed) throws IOException {
    Bundle bundle = seeing(bed);
    runproc(bed, "run", "--bundle", bundle.write().toString(), bundle.id()).execute().exitsWith(1);
  }

  @Test
  void unknownFlagsArePassedOver(Testbed bed) throws IOException {
    Bundle bundle = bed.bundle().args("/bin/true");
    String path = bundle.write().toString();
    runproc(bed, "--not-a-flag", "run", "--neither=this", "--bundle", path, bundle.id())
        .execute()
        .ok();
  }

  @Test
  void aProcessThatWasKilledIsStopped(Testbed bed) throws IOException {
    Bundle bundle = bed.bundle().lasting();
    String path = bundle.write().toString();
    Command create = runproc(bed, "create", "--bundle", path, bundle.id());
    try (var container = bed.created(bundle.id(), create.env("RUNPROC_HOST", "1"))) {
      runproc(bed, "start", bundle.id()).execute().ok();
      assertThat(container.status()).isEqualTo("running");
      Libc.kill(container.pid(), Libc.SIGKILL);
      container.awaitStatus("stopped");
    }
  }
}
