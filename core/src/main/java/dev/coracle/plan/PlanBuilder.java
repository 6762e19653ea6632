package dev.coracle.plan;

import dev.coracle.json.Pointer;
import dev.coracle.problem.Origin;
import java.util.ArrayList;
import java.util.List;

/** Collects steps; a step joins the end of its phase. */
public final class PlanBuilder {
  private final List<List<Step>> phases = new ArrayList<>();

  /** An empty plan. */
  public PlanBuilder() {
    for (int i = 0; i <= Phase.CHILD_START.ordinal(); i++) {
      phases.add(new ArrayList<>());
    }
  }

  /** Adds a step whose every error stops the plan. */
  public void add(Phase phase, Action action, Pointer pointer) {
    add(phase, action, Origin.of(pointer));
  }

  /** Adds a step whose every error stops the plan. */
  public void add(Phase phase, Action action, Origin origin) {
    add(phase, action, origin, Errors.NONE);
  }

  /** Adds a step that passes over some errors. */
  public void add(Phase phase, Action action, Origin origin, Errors tolerates) {
    phases.get(phase.ordinal()).add(new Step(phase, action, origin, tolerates));
  }

  /** The plan so far. */
  public Plan build() {
    List<Step> all = new ArrayList<>();
    for (List<Step> phase : phases) {
      all.addAll(phase);
    }
    return new Plan(all);
  }
}
