package dev.coracle.bench;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What Coracle sets out to reach, and what it reached.
 *
 * @param text with the limit
 * @param measured null if somebody who is needed was not there
 * @param met null if not measured
 */
record Goal(String text, @Nullable String measured, @Nullable Boolean met) {
  private static final String SELF = "coracle";

  /** The parked container and every command of the runtime must fit into a megabyte. */
  private static final long MEMORY_LIMIT_BYTES = 1_000_000;

  /** Judges everything that was measured. */
  static List<Goal> judge(List<Result> results) {
    List<Goal> goals = new ArrayList<>();
    for (Result r : results) {
      switch (r.scenario()) {
        case LIFECYCLE -> {
          goals.add(atLeast(5, r, "crun", "life cycle >= 5x faster than crun"));
          goals.add(atMost(1.3, r, "floor3", "life cycle <= 1.3x the floor of 3 processes"));
        }
        case DOCKER ->
            goals.add(atLeast(4, r, "crun", "Docker's bundle, life cycle >= 4x faster than crun"));
        case EXEC -> {
          // The command, until it returns; what it ran ends by itself, alike under each runtime.
          Optional<Double> command = r.ratio("crun", SELF, "exec");
          goals.add(atLeast(4, command, r, "Docker's bundle, exec >= 4x faster than crun"));
        }
        case COLD -> goals.add(atLeast(4, r, "crun", "cold life cycle >= 4x faster than crun"));
        case STATE_CREATED, STATE_RUNNING ->
            goals.add(atLeast(10, r, "crun", r.scenario().title + " >= 10x faster than crun"));
        case VERSION -> goals.add(atMost(2, r, "nothing", "--version <= 2x an empty program"));
        case MEMORY -> goals.add(memory(r));
      }
    }
    return goals;
  }

  private static Goal atLeast(double limit, Result r, String other, String text) {
    return atLeast(limit, r.ratio(other, SELF), r, text);
  }

  private static Goal atLeast(double limit, Optional<Double> ratio, Result r, String text) {
    return new Goal(
        text + where(r),
        ratio.map(Goal::times).orElse(null),
        ratio.map(x -> x >= limit).orElse(null));
  }

  private static Goal atMost(double limit, Result r, String other, String text) {
    Optional<Double> ratio = r.ratio(SELF, other);
    return new Goal(
        text + where(r),
        ratio.map(Goal::times).orElse(null),
        ratio.map(x -> x <= limit).orElse(null));
  }

  private static Goal memory(Result r) {
    Optional<Long> peak = r.of(SELF).map(Figures::maxPeakKb).filter(kb -> kb > 0);
    return new Goal(
        "peak memory <= 1 MB" + where(r),
        peak.map(kb -> kb + " KiB").orElse(null),
        peak.map(kb -> kb * 1024 <= MEMORY_LIMIT_BYTES).orElse(null));
  }

  private static String where(Result r) {
    return r.view() == CgroupView.ANY ? "" : " (" + r.view().title + ")";
  }

  private static String times(double ratio) {
    return String.format(Locale.ROOT, "%.2fx", ratio);
  }
}
