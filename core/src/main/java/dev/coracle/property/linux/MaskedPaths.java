package dev.coracle.property.linux;

import dev.coracle.json.Members;
import dev.coracle.json.Pointer;
import dev.coracle.plan.Action;
import dev.coracle.plan.Phase;
import dev.coracle.plan.PlanBuilder;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Paths that the container must not read (config-linux.md, "Masked Paths"). */
public final class MaskedPaths {
  public static final Pointer POINTER = Pointer.of("/linux/maskedPaths");

  private MaskedPaths() {}

  /** Reads them: absolute paths. */
  public static List<String> read(Members linux) {
    return linux.absolutePaths("maskedPaths");
  }

  /**
   * Hides each; one that is not there is passed over.
   *
   * @param label the SELinux context of what hides directories; null for none
   */
  public static void plan(List<String> paths, @Nullable String label, PlanBuilder plan) {
    for (int i = 0; i < paths.size(); i++) {
      plan.add(Phase.CHILD_AFTER_PIVOT, new Action.MaskPath(paths.get(i), label), POINTER.child(i));
    }
  }
}
