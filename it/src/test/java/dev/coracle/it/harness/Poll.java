package dev.coracle.it.harness;

import java.time.Duration;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/** Waits for what must become true soon; a test never just sleeps. */
public final class Poll {
  /** How long anything may take; more on a slow kernel, which run.sh tells. */
  static final Duration PATIENCE =
      Duration.ofSeconds(Integer.getInteger("coracle.it.patienceSeconds", 10));

  private Poll() {}

  public static void until(String what, BooleanSupplier condition) {
    until(what, PATIENCE, condition);
  }

  public static void until(String what, Duration limit, BooleanSupplier condition) {
    long deadline = System.nanoTime() + limit.toNanos();
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() > deadline) {
        throw new AssertionError("not within " + limit.toSeconds() + " s: " + what);
      }
      LockSupport.parkNanos(1_000_000);
    }
  }
}
