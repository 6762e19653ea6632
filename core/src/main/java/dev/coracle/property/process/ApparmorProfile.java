package dev.coracle.property.process;

import dev.coracle.json.Members;
import dev.coracle.json.Pointer;
import dev.coracle.plan.Action;
import dev.coracle.plan.Phase;
import dev.coracle.plan.PlanBuilder;
import org.jspecify.annotations.Nullable;

/** The AppArmor profile of the process (config.md, "Linux Process"; aa_change_onexec(2)). */
public final class ApparmorProfile {
  public static final Pointer POINTER = Pointer.of("/process/apparmorProfile");

  private ApparmorProfile() {}

  /** Reads it; an empty one is none. */
  public static @Nullable String read(Members process) {
    String profile = process.string("apparmorProfile");
    return profile == null || profile.isEmpty() ? null : profile;
  }

  /**
   * Asks for it from the next execve(2) on. It must not run before hooks of the runtime: what the
   * process forks inherits the request.
   *
   * @param phase while the host's /proc is in sight: the container's own may be anything
   */
  public static void plan(@Nullable String profile, Phase phase, PlanBuilder plan) {
    if (profile != null) {
      plan.add(phase, new Action.SetApparmorProfile(profile), POINTER);
    }
  }
}
