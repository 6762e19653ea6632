package dev.coracle.plan;

import dev.coracle.json.Pointer;
import dev.coracle.problem.Origin;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Collects steps; a step joins the end of its phase. */
public final class PlanBuilder {
  private final List<List<Step>> phases = new ArrayList<>();

  private final Map<String, Origin> origins;

  /** An empty plan. */
  public PlanBuilder() {
    this(Map.of());
  }

  /**
   * An empty plan.
   *
   * @param origins who asked for what, by pointer, where it was not config.json
   */
  public PlanBuilder(Map<String, Origin> origins) {
    this.origins = origins;
    for (int i = 0; i <= Phase.CHILD_START.ordinal(); i++) {
      phases.add(new ArrayList<>());
    }
  }

  /** Adds a step whose every error stops the plan. */
  public void add(Phase phase, Action action, Pointer pointer) {
    Origin other = origins.isEmpty() ? null : origins.get(pointer.toString());
    add(phase, action, other == null ? Origin.of(pointer) : other);
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
