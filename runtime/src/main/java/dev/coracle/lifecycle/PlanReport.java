package dev.coracle.lifecycle;

import dev.coracle.json.JsonWriter;
import dev.coracle.plan.ActionText;
import dev.coracle.plan.Phase;
import dev.coracle.plan.Plan;
import dev.coracle.plan.Step;

/** {@code plan}: what create would do, each step with who asked for it. */
public final class PlanReport {
  private PlanReport() {}

  /** The plan of a bundle as text or as JSON. */
  public static String report(Environment e, Create.Request request, boolean json) throws Failure {
    Plan plan = Create.plan(e, request);
    return json ? json(plan) : text(plan);
  }

  /** The plan as text: a heading for each phase, then its steps. */
  static String text(Plan plan) {
    StringBuilder out = new StringBuilder();
    for (Phase phase : Phase.values()) {
      boolean first = true;
      for (Step step : plan.in(phase)) {
        if (first) {
          out.append(out.length() == 0 ? "" : "\n").append(heading(phase)).append('\n');
          first = false;
        }
        out.append("  ").append(ActionText.of(step.action()));
        out.append("  [").append(step.origin()).append("]\n");
      }
    }
    return out.toString();
  }

  private static String heading(Phase phase) {
    return switch (phase) {
      case PARENT_BEFORE -> "runtime, before there is a process:";
      case CLONE -> "runtime:";
      case PARENT_SCOPE -> "runtime, while systemd makes the scope:";
      case PARENT_AFTER_CLONE -> "runtime, once there is a process:";
      case CHILD_SETUP -> "container's process:";
      case PARENT_HOOKS -> "runtime, while the process waits:";
      case CHILD_BEFORE_PIVOT -> "container's process, before it changes its root:";
      case CHILD_AFTER_PIVOT -> "container's process, at its own root:";
      case CHILD_PROCESS -> "container's process, for itself:";
      case CHILD_START -> "container's process, after start:";
    };
  }

  /** The plan as JSON: an array of steps. */
  static String json(Plan plan) {
    JsonWriter out = JsonWriter.indented();
    out.array();
    for (Step step : plan.steps()) {
      out.object();
      out.field("phase", phaseName(step.phase()));
      out.field("action", ActionText.of(step.action()));
      out.field("origin", step.origin().toString());
      out.endObject();
    }
    return out.endArray() + "\n";
  }

  private static String phaseName(Phase phase) {
    return switch (phase) {
      case PARENT_BEFORE -> "parentBefore";
      case CLONE -> "clone";
      case PARENT_SCOPE -> "parentScope";
      case PARENT_AFTER_CLONE -> "parentAfterClone";
      case CHILD_SETUP -> "childSetup";
      case PARENT_HOOKS -> "parentHooks";
      case CHILD_BEFORE_PIVOT -> "childBeforePivot";
      case CHILD_AFTER_PIVOT -> "childAfterPivot";
      case CHILD_PROCESS -> "childProcess";
      case CHILD_START -> "childStart";
    };
  }
}
