package dev.coracle.it;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;
import dev.coracle.it.harness.Bundle;
import dev.coracle.it.harness.Cgroups;
import dev.coracle.it.harness.ContainerTest;
import dev.coracle.it.harness.Json;
import dev.coracle.it.harness.Result;
import dev.coracle.it.harness.Testbed;
import dev.coracle.it.harness.Unsupported;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import org.junit.jupiter.api.Test;

@ContainerTest
class LogFileIT {

  @Unsupported(
      runtime = "runc",
      reason = "warns that it cannot count oom kills",
      views = Cgroups.View.V2,
      expect = Unsupported.Expect.EITHER)
  @Test
  void hasTheErrorAsOneJsonObject(Testbed bed) throws IOException {
    Path log = bed.directory().resolve("log.json");
    Bundle bundle = bed.bundle().args("nosuch");
    Result result =
        bed.oci(
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
    String text = Files.readString(log);
    assertThat(text.strip().lines()).hasSize(1);
    JsonObject line = Json.parseObject(text);
    assertThat(line.get("level").getAsString()).isEqualTo("error");
    assertThat(line.get("msg").getAsString()).contains("nosuch", "not found in $PATH");
    Instant.parse(line.get("time").getAsString());
    assertThat(result.stderr()).contains("nosuch"); // conmon reads it there
  }

  @Unsupported(runtime = "crun", reason = "1.8.1 tells nothing of a run that goes well")
  @Test
  void debugMessagesGoThere(Testbed bed) throws IOException {
    Path log = bed.directory().resolve("log");
    Bundle bundle = bed.bundle().sh("echo done");
    String directory = bundle.write().toString();
    Result result =
        bed.oci("--debug", "--log", log.toString(), "run", "--bundle", directory, bundle.id())
            .execute()
            .ok();
    assertThat(Files.readString(log)).contains("level=debug");
    assertThat(result.stderr()).doesNotContain("level=debug");
    result = bed.oci("--debug", "run", "--bundle", directory, bundle.id()).execute().ok();
    assertThat(result.stderr()).contains("level=debug");
    assertThat(result.line()).isEqualTo("done");
  }

  @Test
  void hasTheErrorAsText(Testbed bed) throws IOException {
    Path log = bed.directory().resolve("log");
    Bundle bundle = bed.bundle().args("nosuch");
    bed.oci("--log", log.toString(), "create", "--bundle", bundle.write().toString(), bundle.id())
        .execute()
        .exitsWith(1);
    assertThat(Files.readString(log)).contains("nosuch");
  }

  @Test
  void isEmptyWhenAllIsWell(Testbed bed) {
    Path log = bed.directory().resolve("log.json");
    Bundle bundle = bed.bundle();
    Result result =
        bed.oci(
                "--log",
                log.toString(),
                "--log-format",
                "json",
                "run",
                "--bundle",
                bundle.write().toString(),
                bundle.id())
            .execute()
            .ok();
    assertThat(result.stderr()).isEmpty();
    if (Files.exists(log)) {
      assertThat(log).isEmptyFile();
    }
  }

  @Test
  void isAppendedTo(Testbed bed) throws IOException {
    Path log = bed.directory().resolve("log.json");
    for (int i = 0; i < 2; i++) {
      bed.oci("--log", log.toString(), "--log-format=json", "state", "nobody")
          .execute()
          .exitsWith(1);
    }
    assertThat(Files.readAllLines(log)).hasSize(2);
  }

  @Test
  void ofAnUnknownFormatIsAnError(Testbed bed) {
    bed.oci("--log-format", "poem", "list").execute().exitsWith(1);
  }
}
