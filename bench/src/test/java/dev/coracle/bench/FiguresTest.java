package dev.coracle.bench;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.bench.Driver.Line;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class FiguresTest {
  @Test
  void theMedianOfAnEvenCountIsBetweenTheTwo() {
    Figures.Time time = Figures.time(List.of(4_000_000L, 1_000_000L, 2_000_000L, 9_000_000L));
    assertThat(time).isEqualTo(new Figures.Time(3, 1, 9, 4));
  }

  @Test
  void theTotalIsTakenPerRound() {
    Figures figures =
        Figures.of(
            new Contender.Floor(),
            List.of(
                round("floor3", 1_000_000, 9_000_000, 70),
                round("other", 1, 1, 9999),
                round("floor3", 2_000_000, 1_000_000, 90),
                round("floor3", 3_000_000, 2_000_000, 80)));
    // Rounds of 10, 3 and 5; the steps' medians, 2 and 2, would add up to 4.
    assertThat(figures.medianMillis(Figures.TOTAL)).isEqualTo(5);
    assertThat(figures.medianMillis("create")).isEqualTo(2);
    assertThat(figures.maxPeakKb()).isEqualTo(90);
  }

  private static Line round(String contender, long create, long delete, long kb) {
    return new Line(
        contender,
        0,
        Map.of("create", create, "delete", delete),
        Map.of("create", kb),
        null,
        null,
        null,
        null,
        null);
  }
}
