package dev.coracle.property.linux;

import dev.coracle.json.Members;
import dev.coracle.json.Pointer;
import dev.coracle.plan.Action;
import dev.coracle.plan.Phase;
import dev.coracle.plan.PlanBuilder;
import dev.coracle.problem.Problems;
import dev.coracle.spec.Linux.Namespace;
import dev.coracle.spec.Linux.TimeOffset;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The clocks of a new time namespace (config-linux.md, "Time offsets"; time_namespaces(7)). */
public final class TimeOffsets {
  public static final Pointer POINTER = Pointer.of("/linux/timeOffsets");

  private static final long MOST_NANOS = 999_999_999;

  private TimeOffsets() {}

  /** Reads them: a clock that the kernel does not offset is an error. */
  public static List<TimeOffset> read(Members linux) {
    List<TimeOffset> out = new ArrayList<>();
    Members offsets = linux.object("timeOffsets");
    if (offsets == null) {
      return out;
    }
    for (String clock : offsets.keys()) {
      if (!clock.equals("monotonic") && !clock.equals("boottime")) {
        offsets.error(clock, "unknown clock; there are monotonic and boottime");
        continue;
      }
      Members offset = offsets.object(clock);
      if (offset != null) {
        Long secs = offset.int64("secs");
        Long nanosecs = offset.number("nanosecs", 0, MOST_NANOS);
        out.add(new TimeOffset(clock, secs == null ? 0 : secs, nanosecs == null ? 0 : nanosecs));
      }
    }
    return out;
  }

  /**
   * Tells whether a time namespace must be made before the process is, and that offsets have none.
   */
  public static boolean check(
      List<TimeOffset> offsets, @Nullable Namespace time, Problems problems) {
    if (offsets.isEmpty()) {
      return false;
    }
    if (time == null) {
      problems.error(
          POINTER, "needs a new time namespace; add {\"type\":\"time\"} to /linux/namespaces");
    } else if (time.path() != null) {
      problems.error(POINTER, "cannot be set for a time namespace that is joined by its path");
    }
    return time != null && time.path() == null;
  }

  /** Makes the namespace with its clocks, for the process that is made next. */
  public static void plan(List<TimeOffset> offsets, Phase phase, PlanBuilder plan) {
    StringBuilder lines = new StringBuilder();
    for (TimeOffset o : offsets) {
      lines.append(o.clock()).append(' ').append(o.secs()).append(' ').append(o.nanosecs());
      lines.append('\n');
    }
    plan.add(phase, new Action.MakeTimeNamespace(lines.toString()), POINTER);
  }
}
