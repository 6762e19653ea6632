package dev.coracle.it.harness;

import java.io.IOException;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.LockSupport;

/**
 * Reaps the children that this JVM inherits as a subreaper, as an engine's shim does, and keeps
 * their exit codes.
 *
 * <p>A PID namespace ends only when all its members are reaped, so somebody must do it at once.
 */
final class Reaper {
  private static final Set<Integer> OWN = new HashSet<>();
  private static final Map<Integer, Integer> ENDED = new ConcurrentHashMap<>();
  private static final Set<Integer> LEFT_ALONE = ConcurrentHashMap.newKeySet();

  static {
    Libc.becomeSubreaper();
    Thread.ofPlatform().daemon().name("reaper").start(Reaper::reapForever);
  }

  private Reaper() {}

  /** Starts a child that Java itself reaps. */
  static Process start(ProcessBuilder builder) throws IOException {
    synchronized (OWN) { // until its PID is known, nobody takes it for an orphan
      Process started = builder.start();
      OWN.add((int) started.pid());
      return started;
    }
  }

  /** Forgets a child that Java has reaped: its PID may become another's. */
  static void forget(int pid) {
    synchronized (OWN) {
      OWN.remove(pid);
    }
  }

  /** The exit code of an inherited child as a shell tells it, or -1 if it has not been reaped. */
  static int exitCode(int pid) {
    return ENDED.getOrDefault(pid, -1);
  }

  /** Leaves a child a zombie until told otherwise. */
  static void leaveAlone(int pid) {
    LEFT_ALONE.add(pid);
  }

  static void leaveNoneAlone() {
    ENDED.clear();
    LEFT_ALONE.clear();
  }

  private static void reapForever() {
    while (true) {
      int pid = Libc.anyEndedChild();
      boolean own;
      synchronized (OWN) {
        own = OWN.contains(pid);
      }
      if (pid > 0 && !own && !LEFT_ALONE.contains(pid)) {
        int code = Libc.exitCodeIfEnded(pid);
        if (code >= 0) {
          ENDED.put(pid, code);
        }
      } else {
        LockSupport.parkNanos(1_000_000); // none, or another's: Java's threads will see to it
      }
    }
  }
}
