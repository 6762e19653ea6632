package dev.coracle.property.process;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.abi.Sched;
import dev.coracle.property.Reading;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class IoPriorityTest {
  private final Reading reading = new Reading();

  private dev.coracle.spec.Process.IoPriority read(String value) {
    dev.coracle.spec.Process.IoPriority read =
        IoPriority.read(reading.at("/process", "{'ioPriority': " + value + "}"));
    return java.util.Objects.requireNonNull(read);
  }

  @ParameterizedTest
  @CsvSource({"RT,0,0x2000", "BE,7,0x4007", "IDLE,3,0x6003"})
  void classes(String name, int priority, String ioprio) {
    dev.coracle.spec.Process.IoPriority p =
        read("{'class': 'IOPRIO_CLASS_" + name + "', 'priority': " + priority + "}");
    assertThat(reading.problems()).isEmpty();
    assertThat(Sched.ioprio(p.ioClass(), p.priority())).isEqualTo(Long.decode(ioprio));
    IoPriority.plan(p, reading.plan());
    assertThat(reading.steps()).hasSize(1);
  }

  @Test
  void allThatIsWrong() {
    read("{'class': 'RT', 'priority': 8}");
    read("{'priority': -1}");
    assertThat(reading.problems())
        .containsExactly(
            "/process/ioPriority/class: unknown I/O priority class \"RT\"",
            "/process/ioPriority/priority: must be from 0 to 7, not the number 8",
            "/process/ioPriority/class: is required",
            "/process/ioPriority/priority: must be from 0 to 7, not the number -1");
  }
}
