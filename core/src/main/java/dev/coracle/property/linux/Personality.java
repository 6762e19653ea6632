package dev.coracle.property.linux;

import dev.coracle.json.Members;
import dev.coracle.json.Pointer;
import dev.coracle.plan.Action;
import dev.coracle.plan.Phase;
import dev.coracle.plan.PlanBuilder;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The execution domain (config-linux.md, "Personality"; personality(2)). */
public final class Personality {
  public static final Pointer POINTER = Pointer.of("/linux/personality");

  private static final long PER_LINUX = 0;
  private static final long PER_LINUX32 = 8;

  private Personality() {}

  /** Reads it. The spec keeps the flags for later: there is none yet. */
  public static @Nullable Long read(Members linux) {
    Members in = linux.object("personality");
    if (in == null) {
      return null;
    }
    List<String> flags = in.strings("flags");
    for (int i = 0; i < flags.size(); i++) {
      in.error("flags", i, "must not be given: there are no personality flags yet");
    }
    String domain = in.requiredString("domain");
    switch (domain) {
      case "LINUX":
        return PER_LINUX;
      case "LINUX32":
        return PER_LINUX32;
      default:
        if (in.isString("domain")) {
          in.error("domain", "must be LINUX or LINUX32, not \"" + domain + "\"");
        }
        return null;
    }
  }

  /** Sets it. */
  public static void plan(@Nullable Long personality, PlanBuilder plan) {
    if (personality != null) {
      plan.add(Phase.CHILD_PROCESS, new Action.SetPersonality(personality), POINTER);
    }
  }
}
