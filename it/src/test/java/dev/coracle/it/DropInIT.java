package dev.coracle.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.it.harness.Bundle;
import dev.coracle.it.harness.Command;
import dev.coracle.it.harness.Container;
import dev.coracle.it.harness.ContainerTest;
import dev.coracle.it.harness.Json;
import dev.coracle.it.harness.Result;
import dev.coracle.it.harness.Testbed;
import dev.coracle.it.harness.Unsupported;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Called by the name runc, the binary tells of failures in runc's words, and then in its own. */
@ContainerTest
class DropInIT {
  private static final String IN_INIT =
      "unable to start container process: error during container init: ";

  private static Command runc(Testbed bed, String... args) throws IOException {
    Path link = bed.folder("bin").resolve("runc");
    if (!Files.isSymbolicLink(link)) {
      Files.createSymbolicLink(link, bed.runtime().binary());
    }
    List<String> argv =
        new ArrayList<>(List.of(link.toString(), "--root", bed.stateRoot().toString()));
    argv.addAll(List.of(args));
    return bed.program(argv.toArray(String[]::new));
  }

  private static Result of(Testbed bed, String verb, Bundle bundle) throws IOException {
    return runc(bed, verb, "--bundle", bundle.write().toString(), bundle.id()).execute();
  }

  /** A script whose interpreter is missing: only execve(2) finds that out. */
  private static Bundle withScript(Bundle bundle) {
    return bundle.executable("/run.sh", "#!/not/there\n");
  }

  @Unsupported(runtime = "runc", reason = "1.1.5 does not tell the stage")
  @Unsupported(runtime = "crun", reason = "has words of its own")
  @Test
  void aMissingProgramIsAnErrorOfCreate(Testbed bed) throws IOException {
    Path log = bed.directory().resolve("log.json");
    Bundle bundle = bed.bundle().args("nosuch");
    Result result =
        runc(
                bed,
                "--log",
                log.toString(),
                "--log-format",
                "json",
                "create",
                "--bundle",
                bundle.write().toString(),
                bundle.id())
            .execute()
            .exitsWith(1);
    String message = Json.parseObject(Files.readString(log)).get("msg").getAsString();
    assertThat(message)
        .startsWith("runc create failed: " + IN_INIT)
        .endsWith("exec: \"nosuch\": executable file not found in $PATH");
    assertThat(result.stderr().strip()).isEqualTo(message);
  }

  @Unsupported(runtime = "crun", reason = "has words of its own")
  @Test
  void aMountThatFailsIsSaidToBeOne(Testbed bed) throws IOException {
    Bundle bundle = bed.bundle().args("/bin/true").mount("/mnt", "nosuchfs", "x");
    assertThat(of(bed, "run", bundle).exitsWith(1).stderr())
        .contains("runc run failed: " + IN_INIT + "error mounting", "no such device");
  }

  @Unsupported(runtime = "crun", reason = "has words of its own")
  @Test
  void whatExecveSaysStandsAlone(Testbed bed) throws IOException {
    Bundle bundle = withScript(bed.bundle().args("/run.sh"));
    assertThat(of(bed, "run", bundle).fails().stderr())
        .isEqualTo("exec /run.sh: no such file or directory\n");
  }

  @Unsupported(runtime = "runc", reason = "1.1.5 does not tell the stage")
  @Unsupported(runtime = "crun", reason = "has words of its own")
  @Test
  void ofExec(Testbed bed) throws IOException {
    try (Container c = bed.start(withScript(bed.bundle().lasting()))) {
      assertThat(runc(bed, "exec", c.id(), "/run.sh").execute().exitsWith(255).stderr())
          .isEqualTo("exec failed: " + IN_INIT + "exec /run.sh: no such file or directory\n");
      assertThat(runc(bed, "exec", c.id(), "nosuch").execute().exitsWith(255).stderr())
          .startsWith("exec failed: " + IN_INIT)
          .contains("executable file not found in $PATH");
    }
  }
}
