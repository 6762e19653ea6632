package dev.coracle.plan;

import dev.coracle.problem.Origin;

/**
 * One step of a plan.
 *
 * @param phase where and when it runs
 * @param action what it does
 * @param origin who asked for it
 * @param tolerates the errors that are passed over
 */
public record Step(Phase phase, Action action, Origin origin, Errors tolerates) {}
