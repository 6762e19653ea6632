package dev.coracle.bench;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.bench.Driver.Line;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class CompileCostTest {
  @Test
  void whatCountsIsTheDifferenceWithinARound() {
    List<Line> lines = List.of(round(500_000, 100_000), round(900_000, 800_000), round(3, 2));
    assertThat(CompileCost.difference("coracle", lines)).isEqualTo(0.1);
  }

  @Test
  void theProfileIsTheLibrarysInNumbers() throws IOException {
    String text = CompileCost.profileText(DockerBundle.seccomp());
    assertThat(text)
        .startsWith("default\t327681\narch\t3221225534\n")
        .contains("\nrule\t2147418112\taccept4\n")
        .contains("\nrule\t2147418112\tpersonality\t0\t4\t0\t0\n")
        .contains("\nrule\t327718\tclone3\n");
  }

  @Test
  void aCompilerThatWasNotThereIsNoVictory() {
    assertThat(CompileCost.judge(List.of())).extracting(Goal::met).containsOnlyNulls();
    CompileCost cost = new CompileCost("coracle", "coracle", 0.31);
    assertThat(CompileCost.judge(List.of(cost)).getFirst().met()).isFalse();
  }

  private static Line round(long with, long without) {
    Map<String, Long> nanos = Map.of("with", with, "without", without);
    return new Line("coracle", 0, nanos, null, null, null, null, null, null);
  }
}
