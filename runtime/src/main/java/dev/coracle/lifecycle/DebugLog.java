package dev.coracle.lifecycle;

import dev.coracle.plan.Action;
import dev.coracle.plan.ActionText;
import dev.coracle.plan.Plan;
import dev.coracle.plan.Step;

/**
 * What {@code --debug} tells: every step of a plan with who asked for it, and how far a process has
 * come. The milestones have the words of runc, by which people and tests know them.
 */
final class DebugLog {
  // A process that has one thread loads its filter the same with and without it.
  private static final long SECCOMP_FILTER_FLAG_TSYNC = 1;

  private DebugLog() {}

  /** Tells the steps of a plan. */
  static void plan(Environment e, Plan plan) {
    if (!e.output().debugs()) {
      return;
    }
    for (Step step : plan.steps()) {
      e.output().debug(step.origin() + ": " + ActionText.of(step.action()));
      if (step.action() instanceof Action.InstallSeccomp seccomp) {
        long flags = seccomp.flags() & ~SECCOMP_FILTER_FLAG_TSYNC;
        e.output().debug("seccomp filter flags: " + flags);
      }
    }
  }

  /** The process is made, and works at its part of the plan. */
  static void made(Environment e, int pid) {
    if (e.output().debugs()) {
      e.output().debug("nsexec container setup: process " + pid + " is made");
      e.output().debug("child process in init(): waiting until it is set up");
    }
  }

  /** The first process of a container is set up and parked. */
  static void ready(Environment e) {
    if (e.output().debugs()) {
      e.output().debug("init: closing the pipe to signal completion");
    }
  }

  /** A process of exec is set up. */
  static void readyToExecute(Environment e) {
    if (e.output().debugs()) {
      e.output().debug("setns_init: about to exec");
    }
  }
}
