package dev.coracle.property;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.spec.Vm;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class VmTest {
  private final Reading reading = new Reading();

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "{'vm': []} | /vm: must be an object, not an array",
        "{'vm': {'hwConfig': {}}} | /vm/kernel: is required",
        "{'vm': {'kernel': {}}} | /vm/kernel/path: is required",
        "{'vm': {'kernel': {'path': 'k'}}} | /vm/kernel/path: must be absolute, not \"k\"",
        "{'vm': {'kernel': {'path': '/k', 'initrd': 'i'}}} | /vm/kernel/initrd: must be absolute",
        "{'vm': {'kernel': {'path': '/k'}, 'hypervisor': {'path': 'q'}}} | /vm/hypervisor/path: must",
        "{'vm': {'kernel': {'path': '/k'}, 'image': {'path': '/i'}}} | /vm/image/format: is required",
        "{'vm': {'kernel': {'path': '/k'}, 'image': {'path': '/i', 'format': 'iso'}}} | /vm/image/format: must be raw, qcow2, vdi, vmdk or vhd, not \"iso\"",
        "{'vm': {'kernel': {'path': '/k'}, 'hwConfig': {'vcpus': -1}}} | /vm/hwConfig/vcpus: must be",
        "{'vm': {'kernel': {'path': '/k'}, 'hwConfig': {'irqs': [3]}}} | /vm/hwConfig/irqs: is not supported: it is for guests of Xen",
        "{'vm': {'kernel': {'path': '/k'}, 'hwConfig': {'deviceTree': '/d'}}} | /vm/hwConfig/deviceTree: is not supported",
      })
  void whatIsWrongIsToldWithItsPlace(String config, String problem) {
    Vm vm = dev.coracle.property.Vm.read(reading.at("", config));
    assertThat(reading.problems()).hasSize(1);
    assertThat(reading.problems().get(0)).startsWith(problem);
    assertThat(vm == null).isEqualTo(config.contains("[]"));
  }

  @Test
  void anEmptySectionAsksForNothing() {
    assertThat(dev.coracle.property.Vm.read(reading.at("", "{'vm': {}}"))).isNull();
    assertThat(dev.coracle.property.Vm.read(reading.at("", "{}"))).isNull();
    assertThat(reading.problems()).isEmpty();
  }

  @Test
  void allOfItIsRead() {
    String config =
        """
        {'vm': {'hypervisor': {'path': '/q', 'parameters': ['-S']},
                'kernel': {'path': '/k', 'parameters': ['a', 'b=c'], 'initrd': '/i'},
                'image': {'path': '/d', 'format': 'qcow2'},
                'hwConfig': {'vcpus': 2, 'memory': 268435456, 'irqs': []}}}
        """;
    Vm vm = Objects.requireNonNull(dev.coracle.property.Vm.read(reading.at("", config)));
    assertThat(reading.problems()).isEmpty();
    assertThat(vm)
        .isEqualTo(
            new Vm(
                "/q", List.of("-S"), "/k", List.of("a", "b=c"), "/i", "/d", "qcow2", 2L, 1L << 28));
  }
}
