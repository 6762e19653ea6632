package dev.coracle.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.it.harness.Bundle;
import dev.coracle.it.harness.Cgroups;
import dev.coracle.it.harness.Container;
import dev.coracle.it.harness.ContainerTest;
import dev.coracle.it.harness.CoracleOnly;
import dev.coracle.it.harness.Poll;
import dev.coracle.it.harness.Testbed;
import dev.coracle.it.harness.Unsupported;
import java.util.List;
import org.junit.jupiter.api.Test;

@ContainerTest
class PsIT {
  private static Bundle three(Testbed bed) {
    return bed.bundle().sh("sleep 1001 & sleep 1002 & echo ready; wait");
  }

  @Test
  @Unsupported(
      runtime = "runc",
      reason = "asks ps(1), which fails in User Mode Linux",
      views = Cgroups.View.V2,
      expect = Unsupported.Expect.EITHER)
  void aTable(Testbed bed) {
    try (Container c = bed.start(three(bed)).awaitOutput("ready")) {
      if (!bed.runtime().isCrun()) {
        // A child is the shell until it has executed its program.
        Poll.until(
            "both programs",
            () -> bed.oci("ps", c.id()).execute().ok().stdout().stripTrailing().endsWith("1002"));
      }
      List<String> lines = bed.oci("ps", c.id()).execute().ok().stdout().lines().toList();
      assertThat(lines.get(0).strip().split(" +"))
          .contains("PID")
          .hasSize(bed.runtime().isCrun() ? 1 : 8);
      assertThat(lines).hasSize(4).anyMatch(line -> line.contains("" + c.pid()));
      if (!bed.runtime().isCrun()) {
        assertThat(lines.get(1)).contains("root").contains("sh -c sleep 1001");
        assertThat(lines).anyMatch(line -> line.endsWith("sleep 1002"));
      }
    }
  }

  @Test
  @CoracleOnly("runc needs ps(1)")
  void aTableOnAHostWithoutPs(Testbed bed) {
    try (Container c = bed.start(three(bed)).awaitOutput("ready")) {
      String table = bed.oci("ps", c.id()).env("PATH", "/nowhere").execute().ok().stdout();
      assertThat(table.lines()).hasSize(4);
      assertThat(table).startsWith("UID ").contains("sleep 1001");
      assertThat(bed.oci("ps", c.id(), "-ef").env("PATH", "/nowhere").execute().fails().error())
          .contains("ps failed");
    }
  }

  @Test
  @CoracleOnly("what a process calls itself is no command to the reader's terminal")
  void namesAreHarmless(Testbed bed) {
    Bundle bundle = bed.bundle();
    bundle.args("sh", "-c", "echo ready; sleep 100; :", "\u001b[2J");
    try (Container c = bed.start(bundle).awaitOutput("ready")) {
      assertThat(bed.oci("ps", c.id()).execute().ok().stdout())
          .contains("?[2J")
          .doesNotContain("\u001b");
    }
  }

  @Test
  void numbers(Testbed bed) {
    try (Container c = bed.start(three(bed)).awaitOutput("ready")) {
      var pids = bed.oci("ps", "--format", "json", c.id()).execute().ok().json().getAsJsonArray();
      assertThat(pids).hasSize(3);
      assertThat(pids.get(0).getAsInt()).isEqualTo(c.pid());
    }
  }
}
