package dev.coracle.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.it.harness.Container;
import dev.coracle.it.harness.ContainerTest;
import dev.coracle.it.harness.CoracleOnly;
import dev.coracle.it.harness.Json;
import dev.coracle.it.harness.Testbed;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

@ContainerTest
class MemoryPolicyIT {
  private static final String SHOW = "grep -m 1 stack /proc/self/numa_maps | cut -d ' ' -f 2";

  private static boolean kernelHasNodes() {
    return java.nio.file.Files.exists(Path.of("/proc/self/numa_maps"));
  }

  @CoracleOnly("runc has it since 1.4, crun since 1.24")
  @Test
  void theProcessHasIt(Testbed bed) {
    var bundle =
        bed.bundle()
            .set(
                "/linux/memoryPolicy",
                Json.object(
                    "mode", "MPOL_BIND", "nodes", "0", "flags", List.of("MPOL_F_STATIC_NODES")))
            .sh(SHOW);
    if (kernelHasNodes()) {
      assertThat(bed.outputOf(bundle)).isEqualTo("bind=static:0");
    } else {
      assertThat(bed.run(bundle).fails().error())
          .contains("config.json /linux/memoryPolicy: cannot set the memory policy")
          .contains("ENOSYS");
    }
  }

  @CoracleOnly("runc has it since 1.4, crun since 1.24")
  @Test
  void execHasItToo(Testbed bed) {
    if (!kernelHasNodes()) {
      return; // theProcessHasIt shows what is said then
    }
    try (Container c =
        bed.start(
            bed.bundle()
                .set("/linux/memoryPolicy", Json.object("mode", "MPOL_INTERLEAVE", "nodes", "0"))
                .lasting())) {
      assertThat(c.exec("sh", "-c", SHOW).ok().line()).isEqualTo("interleave:0");
    }
  }

  @CoracleOnly("peers name no property")
  @Test
  void aNodeThatIsNotThereIsRefused(Testbed bed) {
    assertThat(
            bed.run(
                    bed.bundle()
                        .set(
                            "/linux/memoryPolicy", Json.object("mode", "MPOL_BIND", "nodes", "900"))
                        .args("true"))
                .fails()
                .error())
        .contains("config.json /linux/memoryPolicy: cannot set the memory policy: set_mempolicy(");
  }
}
