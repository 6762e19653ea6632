package dev.coracle.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

class OptionsTest {
  private static final Path TOP = Path.of("/top");

  @Test
  void withoutArgumentsTheWholeBenchRuns() {
    Options options = Options.parse(List.of(), TOP);
    assertThat(options.coracle()).isEqualTo(Path.of("/top/target/coracle"));
    assertThat(options.chart()).isEqualTo(Path.of("/top/docs/bench.svg"));
    assertThat(options.rounds()).isEqualTo(100);
    assertThat(options.coldRounds()).isEqualTo(20);
    assertThat(options.runCvmLike()).isFalse();
  }

  @Test
  void quickLeavesThePublishedChartAlone() {
    Options options = Options.parse(List.of("--quick", "--out", "/o", "/c"), TOP);
    assertThat(options.coracle()).isEqualTo(Path.of("/c"));
    assertThat(options.chart()).isEqualTo(Path.of("/o/bench.svg"));
    assertThat(options.rounds()).isEqualTo(15);
  }

  @Test
  void aGuestAsRunCvmsIsAskedFor() {
    assertThat(Options.parse(List.of("/c", "--runcvm-like"), TOP).runCvmLike()).isTrue();
  }

  @Test
  void wrongArgumentsAreNamed() {
    assertThatThrownBy(() -> Options.parse(List.of("--fast"), TOP))
        .hasMessage("unknown option \"--fast\"");
    assertThatThrownBy(() -> Options.parse(List.of("--rounds"), TOP))
        .hasMessage("option \"--rounds\" needs a value");
    assertThatThrownBy(() -> Options.parse(List.of("--rounds", "0"), TOP))
        .hasMessage("not a number of rounds: \"0\"");
  }
}
