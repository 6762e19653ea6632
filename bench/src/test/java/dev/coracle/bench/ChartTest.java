package dev.coracle.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ChartTest {
  @TempDir Path directory;

  @Test
  void theChartSaysWhenWhereAndHowLong() throws IOException {
    Figures.Time time = new Figures.Time(2.34, 2, 3, 10);
    Figures figures = new Figures("coracle", "coracle", Map.of(Figures.TOTAL, time), Map.of());
    Result result = new Result(Scenario.LIFECYCLE, CgroupView.V2, 10, List.of(figures));
    Report report =
        new Report(
            "2026-11-22",
            new Machine("6.18", "Some CPU", 2, "0.1"),
            Map.of("coracle", "coracle 0.1"),
            List.of(),
            List.of(),
            List.of(result),
            List.of(),
            List.of(),
            List.of(),
            List.of());
    Path file = directory.resolve("docs/bench.svg");
    Chart.write(report, file);
    assertThat(Files.readString(file))
        .contains("2026-11-22, Some CPU, 2 processors, Linux 6.18", "2.3 ms")
        // The colours that the dark rules look for are those that were drawn.
        .contains("fill=\"rgb(191,91,4)\"", "[fill=\"rgb(191,91,4)\"]", "fill=\"white\"");
  }
}
