package dev.coracle.bench;

import dev.coracle.bench.Driver.Line;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What one contender needed in one scenario.
 *
 * @param steps time by command, and {@link #TOTAL}
 * @param peakKb peak memory by command, and of the parked container's {@code init}
 */
record Figures(String contender, String name, Map<String, Time> steps, Map<String, Long> peakKb) {
  /** The sum of a round's commands. */
  static final String TOTAL = "total";

  /** Times of all rounds, in milliseconds. */
  record Time(double medianMillis, double minMillis, double p90Millis, int rounds) {}

  /** Sums up the driver's lines about one contender. */
  static Figures of(Contender contender, List<Line> lines) {
    Map<String, List<Long>> nanos = new LinkedHashMap<>();
    Map<String, Long> peaks = new LinkedHashMap<>();
    for (Line line : lines) {
      if (!contender.id().equals(line.contender()) || line.nanos() == null) {
        continue;
      }
      long total = 0;
      for (Map.Entry<String, Long> step : line.nanos().entrySet()) {
        nanos.computeIfAbsent(step.getKey(), k -> new ArrayList<>()).add(step.getValue());
        total += step.getValue();
      }
      nanos.computeIfAbsent(TOTAL, k -> new ArrayList<>()).add(total);
      if (line.peakKb() != null) {
        line.peakKb().forEach((step, kb) -> peaks.merge(step, kb, Math::max));
      }
    }
    Map<String, Time> steps = new LinkedHashMap<>();
    nanos.forEach((step, all) -> steps.put(step, time(all)));
    return new Figures(contender.id(), contender.name(), steps, peaks);
  }

  double medianMillis(String step) {
    Time time = steps.get(step);
    return time == null ? Double.NaN : time.medianMillis();
  }

  double minMillis(String step) {
    Time time = steps.get(step);
    return time == null ? Double.NaN : time.minMillis();
  }

  /** The biggest of all processes. */
  long maxPeakKb() {
    return peakKb.values().stream().mapToLong(Long::longValue).max().orElse(0);
  }

  static Time time(List<Long> nanos) {
    long[] sorted = nanos.stream().mapToLong(Long::longValue).sorted().toArray();
    int n = sorted.length;
    double median = (sorted[(n - 1) / 2] + sorted[n / 2]) / 2.0;
    long p90 = sorted[(int) Math.ceil(n * 0.9) - 1];
    return new Time(millis(median), millis((double) sorted[0]), millis((double) p90), n);
  }

  /** To the microsecond: more digits would only pretend. */
  private static double millis(double nanos) {
    return Math.round(nanos / 1e3) / 1e3;
  }
}
