package dev.coracle.property.process;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.property.Reading;
import dev.coracle.spec.Process.ExecCpuAffinity;
import org.junit.jupiter.api.Test;

class ExecCPUAffinityTest {
  private final Reading reading = new Reading();

  @Test
  void bothAreReadAndPlannedAtTheirPlaces() {
    ExecCpuAffinity affinity =
        ExecCPUAffinity.read(
            reading.at("/process", "{'execCPUAffinity': {'initial': '0-3, 7', 'final': '1'}}"));
    assertThat(affinity).isEqualTo(new ExecCpuAffinity("0-3, 7", "1"));
    ExecCPUAffinity.planInitial(affinity, reading.plan());
    ExecCPUAffinity.planFinal(affinity, reading.plan());
    assertThat(reading.steps())
        .containsExactly(
            "PARENT_BEFORE SetCpuAffinity[cpus=0-3, 7] config.json"
                + " /process/execCPUAffinity/initial",
            "CHILD_PROCESS SetCpuAffinity[cpus=1] config.json /process/execCPUAffinity/final");
  }

  @Test
  void withoutAFinalOneTheCpusOfTheCgroupCount() {
    ExecCPUAffinity.planFinal(new ExecCpuAffinity("0", null), reading.plan());
    ExecCPUAffinity.planFinal(null, reading.plan());
    ExecCPUAffinity.planInitial(null, reading.plan());
    assertThat(reading.steps())
        .hasSize(2)
        .containsOnly("CHILD_PROCESS ResetCpuAffinity[] default CPU affinity");
  }

  @Test
  void anEmptyListIsNone() {
    assertThat(
            ExecCPUAffinity.read(
                reading.at("/process", "{'execCPUAffinity': {'initial': '', 'final': ''}}")))
        .isEqualTo(new ExecCpuAffinity(null, null));
    assertThat(reading.problems()).isEmpty();
  }

  @Test
  void malformedLists() {
    ExecCPUAffinity.read(
        reading.at("/process", "{'execCPUAffinity': {'initial': '3-1', 'final': ' , '}}"));
    assertThat(reading.problems())
        .containsExactly(
            "/process/execCPUAffinity/initial: must be a list of CPUs such as 0-3,7, not \"3-1\"",
            "/process/execCPUAffinity/final: must be a list of CPUs such as 0-3,7, not \" , \"");
  }
}
