package dev.coracle.property.process;

import dev.coracle.json.Members;
import dev.coracle.json.Pointer;
import dev.coracle.plan.Action;
import dev.coracle.plan.Phase;
import dev.coracle.plan.PlanBuilder;
import org.jspecify.annotations.Nullable;

/** The SELinux context of the process (config.md, "Linux Process"; setexeccon(3)). */
public final class SelinuxLabel {
  public static final Pointer POINTER = Pointer.of("/process/selinuxLabel");

  private SelinuxLabel() {}

  /** Reads it; an empty one is none. */
  public static @Nullable String read(Members process) {
    String label = process.string("selinuxLabel");
    return label == null || label.isEmpty() ? null : label;
  }

  /**
   * Asks for it from the next execve(2) on; hooks of the runtime must not come after it.
   *
   * @param phase while the host's /proc is in sight: the container's own may be anything
   */
  public static void plan(@Nullable String label, Phase phase, PlanBuilder plan) {
    if (label != null) {
      plan.add(phase, new Action.SetSelinuxLabel(label), POINTER);
    }
  }
}
