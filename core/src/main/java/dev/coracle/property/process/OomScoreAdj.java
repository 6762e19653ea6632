package dev.coracle.property.process;

import dev.coracle.json.Members;
import dev.coracle.json.Pointer;
import dev.coracle.plan.Action;
import dev.coracle.plan.Phase;
import dev.coracle.plan.PlanBuilder;
import org.jspecify.annotations.Nullable;

/** How early the process is killed when memory is short (config.md; proc(5), oom_score_adj). */
public final class OomScoreAdj {
  public static final Pointer POINTER = Pointer.of("/process/oomScoreAdj");

  private OomScoreAdj() {}

  /** Reads it. */
  public static @Nullable Long read(Members process) {
    return process.number("oomScoreAdj", -1000, 1000);
  }

  /**
   * Sets it; absent, it must not be touched.
   *
   * @param phase while the host's /proc is still there: the container's own may be anything
   */
  public static void plan(@Nullable Long value, Phase phase, PlanBuilder plan) {
    if (value != null) {
      plan.add(phase, new Action.SetOomScoreAdj(value.intValue()), POINTER);
    }
  }
}
