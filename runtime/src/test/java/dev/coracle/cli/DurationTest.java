package dev.coracle.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.coracle.lifecycle.Failure;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class DurationTest {
  @ParameterizedTest
  @CsvSource({
    "5s, 5000",
    "500ms, 500",
    "1m30s, 90000",
    "0.5s, 500",
    "1.5m, 90000",
    "1h, 3600000",
    "1ns, 1",
    "1500us, 2",
    ".5s, 500"
  })
  void times(String text, int millis) throws Failure {
    assertThat(Duration.millis("interval", text)).isEqualTo(millis);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "5", "s", "-5s", "0s", "5 s", "5x", "1.2.3s", "10000h", "5sm"})
  void noTimes(String text) {
    assertThatThrownBy(() -> Duration.millis("interval", text))
        .hasMessage("--interval must be a time like 5s or 1m30s, not \"" + text + "\"");
  }
}
