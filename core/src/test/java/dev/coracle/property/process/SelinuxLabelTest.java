package dev.coracle.property.process;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.plan.Phase;
import dev.coracle.property.Reading;
import org.junit.jupiter.api.Test;

class SelinuxLabelTest {
  private final Reading reading = new Reading();

  @Test
  void isReadAndPlanned() {
    String read = SelinuxLabel.read(reading.at("/process", "{'selinuxLabel': 'a name'}"));
    SelinuxLabel.plan(read, Phase.CHILD_BEFORE_PIVOT, reading.plan());
    assertThat(reading.problems()).isEmpty();
    assertThat(reading.steps())
        .containsExactly(
            "CHILD_BEFORE_PIVOT SetSelinuxLabel[label=a name] config.json /process/selinuxLabel");
  }

  @Test
  void anEmptyOneIsNone() {
    assertThat(SelinuxLabel.read(reading.at("/process", "{'selinuxLabel': ''}"))).isNull();
    assertThat(SelinuxLabel.read(reading.at("/process", "{}"))).isNull();
    SelinuxLabel.plan(null, Phase.CHILD_SETUP, reading.plan());
    assertThat(reading.steps()).isEmpty();
  }

  @Test
  void anotherTypeIsRefused() {
    assertThat(SelinuxLabel.read(reading.at("/process", "{'selinuxLabel': 7}"))).isNull();
    assertThat(reading.problems())
        .containsExactly("/process/selinuxLabel: must be a string, not the number 7");
  }
}
