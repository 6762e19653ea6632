package dev.coracle.property;

import dev.coracle.json.Members;
import dev.coracle.json.Pointer;
import dev.coracle.plan.Action;
import dev.coracle.plan.Phase;
import dev.coracle.plan.PlanBuilder;
import dev.coracle.problem.Problems;
import dev.coracle.spec.Linux.NamespaceType;
import dev.coracle.spec.Spec;
import org.jspecify.annotations.Nullable;

/** The NIS domain name in the container's own UTS namespace (config.md; setdomainname(2)). */
public final class Domainname {
  public static final Pointer POINTER = Pointer.of("/domainname");

  /** __NEW_UTS_LEN (linux/utsname.h). */
  private static final int LONGEST_BYTES = 64;

  private Domainname() {}

  /** Reads it; an empty one counts as none. */
  public static @Nullable String read(Members config) {
    String name = config.string("domainname");
    if (name != null && name.length() > LONGEST_BYTES) {
      config.error("domainname", "must have at most " + LONGEST_BYTES + " bytes");
    }
    return name == null || name.isEmpty() ? null : name;
  }

  /** Sets it; that needs a UTS namespace, or it would be the host's. */
  public static void plan(Spec spec, PlanBuilder plan, Problems problems) {
    String name = spec.domainname();
    if (name == null) {
      return;
    }
    if (spec.linux().namespace(NamespaceType.UTS) == null) {
      problems.error(
          POINTER, "needs a new UTS namespace; add {\"type\":\"uts\"} to /linux/namespaces");
      return;
    }
    plan.add(Phase.CHILD_SETUP, new Action.SetDomainname(name), POINTER);
  }
}
