package dev.coracle.machine;

/** Signals by what they do (signal(7)). */
final class Signal {
  private static final int SIGCHLD = 17;
  private static final int SIGCONT = 18;
  private static final int SIGTTOU = 22;
  private static final int SIGURG = 23;
  private static final int SIGWINCH = 28;

  private Signal() {}

  /** Whether the signal ends a process that has not said what it does with it. */
  static boolean ends(int signal) {
    boolean stopsOrContinues = signal >= SIGCONT && signal <= SIGTTOU;
    return !stopsOrContinues && signal != SIGCHLD && signal != SIGURG && signal != SIGWINCH;
  }
}
