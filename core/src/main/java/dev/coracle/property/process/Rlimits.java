package dev.coracle.property.process;

import dev.coracle.json.Members;
import dev.coracle.json.Pointer;
import dev.coracle.plan.Action;
import dev.coracle.plan.Phase;
import dev.coracle.plan.PlanBuilder;
import dev.coracle.spec.Process.Rlimit;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Resource limits (config.md; getrlimit(2)). */
public final class Rlimits {
  public static final Pointer POINTER = Pointer.of("/process/rlimits");

  // asm-generic/resource.h, in the order of their numbers.
  private static final String NAMES =
      "CPU FSIZE DATA STACK CORE RSS NPROC NOFILE MEMLOCK AS LOCKS SIGPENDING MSGQUEUE NICE RTPRIO"
          + " RTTIME ";

  private Rlimits() {}

  /** Reads them: a type that is unknown or stands twice is an error. */
  public static List<Rlimit> read(Members process) {
    List<Rlimit> out = new ArrayList<>();
    List<Members> all = process.objects("rlimits");
    for (int i = 0; i < all.size(); i++) {
      Members limit = all.get(i);
      String type = limit.requiredString("type");
      int resource = number(type);
      if (resource < 0 && limit.isString("type")) {
        limit.error("type", "unknown resource limit \"" + type + "\"");
      }
      boolean twice = resource >= 0 && has(out, resource);
      if (twice) {
        limit.error("type", "\"" + type + "\" stands twice");
      }
      Long soft = required(limit, "soft");
      Long hard = required(limit, "hard");
      if (soft != null && hard != null && Long.compareUnsigned(soft, hard) > 0) {
        limit.error("soft", "must not be above the hard limit");
      }
      if (resource >= 0 && !twice) {
        out.add(new Rlimit(resource, type, soft == null ? 0 : soft, hard == null ? 0 : hard, i));
      }
    }
    return out;
  }

  private static boolean has(List<Rlimit> limits, int resource) {
    for (Rlimit limit : limits) {
      if (limit.resource() == resource) {
        return true;
      }
    }
    return false;
  }

  private static @Nullable Long required(Members limit, String key) {
    Long value = limit.uint64(key);
    if (value == null && !limit.has(key)) {
      limit.error(key, "is required");
    }
    return value;
  }

  private static int number(String type) {
    if (!type.startsWith("RLIMIT_")) {
      return -1;
    }
    String name = type.substring("RLIMIT_".length());
    int from = 0;
    for (int number = 0; from < NAMES.length(); number++) {
      int to = NAMES.indexOf(' ', from);
      if (NAMES.substring(from, to).equals(name)) {
        return number;
      }
      from = to + 1;
    }
    return -1;
  }

  /** Sets them. */
  public static void plan(List<Rlimit> limits, PlanBuilder plan) {
    // Late: a lowered RLIMIT_NOFILE must not break the opening of our own descriptors.
    for (Rlimit limit : limits) {
      plan.add(
          Phase.CHILD_PROCESS,
          new Action.SetRlimit(limit.resource(), limit.type(), limit.soft(), limit.hard()),
          POINTER.child(limit.index()));
    }
  }

  /**
   * Lifts hard limits that are too low, which takes a privilege in the host's user namespace: so
   * that the process, in its own one, has only to lower them.
   */
  public static void planRaise(List<Rlimit> limits, PlanBuilder plan) {
    for (Rlimit limit : limits) {
      plan.add(
          Phase.PARENT_AFTER_CLONE,
          new Action.RaiseRlimit(limit.resource(), limit.type(), limit.hard()),
          POINTER.child(limit.index()));
    }
  }
}
