package dev.coracle.property.linux;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.property.Reading;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PersonalityTest {
  private final Reading reading = new Reading();

  private @Nullable Long read(String value) {
    return Personality.read(reading.at("/linux", "{'personality': " + value + "}"));
  }

  @ParameterizedTest
  @CsvSource({"LINUX,0", "LINUX32,8"})
  void domains(String domain, long persona) {
    Long read = read("{'domain': '" + domain + "', 'flags': []}");
    assertThat(read).isEqualTo(persona);
    assertThat(reading.problems()).isEmpty();
    Personality.plan(read, reading.plan());
    assertThat(reading.steps())
        .containsExactly(
            "CHILD_PROCESS SetPersonality[persona=" + persona + "] config.json /linux/personality");
  }

  @Test
  void absentIsNotTouched() {
    assertThat(Personality.read(reading.at("/linux", "{}"))).isNull();
    Personality.plan(null, reading.plan());
    assertThat(reading.steps()).isEmpty();
  }

  @Test
  void allThatIsWrong() {
    read("{'flags': ['READ_IMPLIES_EXEC']}");
    read("{'domain': 'LINUX64'}");
    assertThat(reading.problems())
        .containsExactly(
            "/linux/personality/flags/0: must not be given: there are no personality flags yet",
            "/linux/personality/domain: is required",
            "/linux/personality/domain: must be LINUX or LINUX32, not \"LINUX64\"");
  }
}
