package dev.coracle.it;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;
import dev.coracle.it.harness.Cgroups;
import dev.coracle.it.harness.Container;
import dev.coracle.it.harness.ContainerTest;
import dev.coracle.it.harness.Json;
import dev.coracle.it.harness.NeedsController;
import dev.coracle.it.harness.Testbed;
import dev.coracle.it.harness.Unsupported;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;

/** Pressure in events; needs a kernel that measures it for cgroup v2. */
@Unsupported(runtime = "crun", reason = "has no verb events")
@Unsupported(
    runtime = "runc",
    reason = "1.1.5 does not show it",
    expect = Unsupported.Expect.EITHER)
@ContainerTest
class PsiIT {
  @Test
  @NeedsController("unified")
  void pressureIsTold(Testbed bed) {
    try (Container c = bed.start(bed.bundle().lasting())) {
      Path cgroup = Cgroups.here().named("/" + c.id()).get(0);
      Assumptions.assumeTrue(Files.exists(cgroup.resolve("cpu.pressure")), "no PSI in this kernel");
      JsonObject event =
          bed.oci("events", "--stats", c.id()).execute().ok().json().getAsJsonObject();
      assertThat(Json.get(event, "/data/cpu/psi/some/total").getAsLong()).isNotNegative();
      assertThat(Json.get(event, "/data/cpu/psi/some/avg10").getAsDouble()).isNotNegative();
    }
  }
}
