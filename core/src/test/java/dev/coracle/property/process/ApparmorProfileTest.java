package dev.coracle.property.process;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.plan.Phase;
import dev.coracle.property.Reading;
import org.junit.jupiter.api.Test;

class ApparmorProfileTest {
  private final Reading reading = new Reading();

  @Test
  void isReadAndPlanned() {
    String read = ApparmorProfile.read(reading.at("/process", "{'apparmorProfile': 'a name'}"));
    ApparmorProfile.plan(read, Phase.CHILD_BEFORE_PIVOT, reading.plan());
    assertThat(reading.problems()).isEmpty();
    assertThat(reading.steps())
        .containsExactly(
            "CHILD_BEFORE_PIVOT SetApparmorProfile[profile=a name] config.json /process/apparmorProfile");
  }

  @Test
  void anEmptyOneIsNone() {
    assertThat(ApparmorProfile.read(reading.at("/process", "{'apparmorProfile': ''}"))).isNull();
    assertThat(ApparmorProfile.read(reading.at("/process", "{}"))).isNull();
    ApparmorProfile.plan(null, Phase.CHILD_SETUP, reading.plan());
    assertThat(reading.steps()).isEmpty();
  }

  @Test
  void anotherTypeIsRefused() {
    assertThat(ApparmorProfile.read(reading.at("/process", "{'apparmorProfile': 7}"))).isNull();
    assertThat(reading.problems())
        .containsExactly("/process/apparmorProfile: must be a string, not the number 7");
  }
}
