package dev.coracle.execute;

import dev.coracle.plan.Step;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Steps that stand for themselves, outside of a launch. */
public final class StepList {
  private StepList() {}

  /** Runs steps up to the first that fails; the text is the error, or null. */
  public static @Nullable String run(Context context, List<Step> steps) {
    return new Steps(context).run(steps);
  }
}
