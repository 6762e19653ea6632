package dev.coracle.property.linux;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.property.Reading;
import dev.coracle.spec.Linux;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class MemoryPolicyTest {
  private final Reading reading = new Reading();

  private Linux.@Nullable MemoryPolicy read(String value) {
    return MemoryPolicy.read(reading.at("/linux", "{'memoryPolicy': " + value + "}"));
  }

  @ParameterizedTest
  @CsvSource({
    "DEFAULT,0,''",
    "PREFERRED,1,0",
    "PREFERRED,1,''",
    "BIND,2,0-1",
    "INTERLEAVE,3,0",
    "LOCAL,4,''",
    "PREFERRED_MANY,5,0",
    "WEIGHTED_INTERLEAVE,6,0"
  })
  void modes(String name, int mode, String nodes) {
    assertThat(read("{'mode': 'MPOL_" + name + "', 'nodes': '" + nodes + "'}"))
        .isEqualTo(new Linux.MemoryPolicy(mode, 0, nodes));
    assertThat(reading.problems()).isEmpty();
  }

  @ParameterizedTest
  @CsvSource({"NUMA_BALANCING,0x2000", "RELATIVE_NODES,0x4000", "STATIC_NODES,0x8000"})
  void flags(String name, String flag) {
    Linux.MemoryPolicy policy =
        read("{'mode': 'MPOL_BIND', 'nodes': '0', 'flags': ['MPOL_F_" + name + "']}");
    assertThat(policy).isEqualTo(new Linux.MemoryPolicy(2, Integer.decode(flag), "0"));
    MemoryPolicy.plan(policy, reading.plan());
    assertThat(reading.steps())
        .containsExactly(
            "CHILD_PROCESS SetMemoryPolicy[mode="
                + (2 | Integer.decode(flag))
                + ", nodes=0] config.json /linux/memoryPolicy");
  }

  @Test
  void nodesMayBeAbsent() {
    assertThat(read("{'mode': 'MPOL_LOCAL'}")).isEqualTo(new Linux.MemoryPolicy(4, 0, ""));
    assertThat(reading.problems()).isEmpty();
  }

  @Test
  void allThatIsWrong() {
    read("{'nodes': '1-0', 'flags': ['X']}");
    read("{'mode': 'BIND'}");
    read("{'mode': 'MPOL_LOCAL', 'nodes': '0'}");
    read("{'mode': 'MPOL_BIND'}");
    read(
        "{'mode': 'MPOL_PREFERRED', 'nodes': '1024',"
            + " 'flags': ['MPOL_F_STATIC_NODES', 'MPOL_F_RELATIVE_NODES']}");
    assertThat(reading.problems())
        .containsExactly(
            "/linux/memoryPolicy/mode: is required",
            "/linux/memoryPolicy/nodes: must be a list of nodes such as 0-1, not \"1-0\"",
            "/linux/memoryPolicy/flags/0: unknown memory policy flag \"X\"",
            "/linux/memoryPolicy/mode: unknown memory policy \"BIND\"",
            "/linux/memoryPolicy/nodes: must be empty for MPOL_LOCAL",
            "/linux/memoryPolicy/nodes: must not be empty for MPOL_BIND",
            "/linux/memoryPolicy/nodes: must be a list of nodes such as 0-1, not \"1024\"",
            "/linux/memoryPolicy/flags: MPOL_F_STATIC_NODES and MPOL_F_RELATIVE_NODES exclude each"
                + " other");
  }
}
