package dev.coracle.property;

import static org.assertj.core.api.Assertions.assertThat;

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
        "{'vm': {'kernel': {'path': '/k'}}} | is for a sandbox that boots a virtual machine",
        "{'vm': {'hwConfig': {}}} | is for a sandbox that boots a virtual machine",
        "{'vm': []} | must be an object, not an array",
      })
  void isRefusedInAContainer(String config, String problem) {
    Vm.check(reading.at("", config));
    assertThat(reading.problems()).hasSize(1);
    assertThat(reading.problems().get(0)).startsWith("/vm: " + problem);
  }

  @Test
  void anEmptySectionAsksForNothing() {
    Vm.check(reading.at("", "{'vm': {}}"));
    Vm.check(reading.at("", "{}"));
    assertThat(reading.problems()).isEmpty();
  }
}
