package dev.coracle.lifecycle;

import static dev.coracle.abi.Process.CLOCK_MONOTONIC;
import static dev.coracle.abi.Process.POLLIN;
import static dev.coracle.abi.Process.SIGCHLD;

import dev.coracle.abi.Bytes;
import dev.coracle.execute.Files;
import dev.coracle.execute.OomWatch;
import dev.coracle.json.JsonWriter;
import dev.coracle.kernel.Errno;
import dev.coracle.kernel.Kernel;
import dev.coracle.state.ContainerState;
import dev.coracle.state.ProcStat;
import dev.coracle.statistics.Statistics;
import org.jspecify.annotations.Nullable;

/**
 * {@code events}: statistics of a container from time to time, and each time that the kernel killed
 * in it for want of memory, a line of JSON each, until it stops.
 *
 * <p>Nothing is ever freed (docs/decisions/0002-start-up.md), and a container may run for years: so
 * statistics are collected and written by a child for each line, which takes its memory with it,
 * and the loop around it allocates nothing.
 */
public final class Events {
  private static final long NANOS_PER_MILLI = 1_000_000;
  private static final int STDOUT = 1;

  private final Kernel k;
  private final ContainerState state;
  private final byte[] oomLine;
  private final int[] fds = new int[2];
  private final short[] events = {POLLIN, POLLIN};
  private final short[] happened = new short[2];
  private final int[] status = new int[1];
  private final int[] pidfd = new int[1];

  private Events(Environment e, ContainerState state) {
    this.k = e.kernel();
    this.state = state;
    JsonWriter oom = JsonWriter.compact();
    oom.object().field("type", "oom").field("id", state.id()).endObject();
    this.oomLine = Bytes.utf8(oom + "\n");
  }

  /** The statistics as they are now: one line. */
  public static String statistics(Environment e, String id) throws Failure {
    ContainerState state = running(e, id);
    return line(e.kernel(), state);
  }

  private static ContainerState running(Environment e, String id) throws Failure {
    ContainerState state = Containers.find(e, id).state();
    if (!Containers.status(e, state).isAlive()) {
      throw new Failure("container with id " + id + " is not running");
    }
    return state;
  }

  private static String line(Kernel k, ContainerState state) {
    JsonWriter out = JsonWriter.compact();
    out.object().field("type", "stats").field("id", state.id()).key("data");
    new Statistics(k, state.cgroups()).write(out);
    return out.endObject() + "\n";
  }

  /** Writes lines until the container stops or nobody reads them any more. */
  public static void follow(Environment e, String id, int intervalMillis) throws Failure {
    ContainerState state = running(e, id);
    Kernel k = e.kernel();
    long process = k.pidfd_open(state.pid(), 0);
    if (process < 0 && process != -Errno.ESRCH) {
      throw new Failure("cannot watch the container: " + k.explain(process));
    }
    ProcStat.Found found = ProcStat.of(k, state.pid());
    if (found.errno() < 0) {
      throw new Failure("cannot watch the container: " + k.explain(found.errno()));
    }
    ProcStat stat = process < 0 ? null : found.stat();
    if (stat == null || stat.startTicks() != state.startTicks()) {
      return; // It ended meanwhile.
    }
    OomWatch oom = OomWatch.open(k, state.cgroups());
    new Events(e, state).loop((int) process, oom, intervalMillis);
  }

  private void loop(int process, @Nullable OomWatch oom, int intervalMillis) throws Failure {
    fds[0] = process;
    fds[1] = oom == null ? -1 : oom.fd();
    long next = now() + intervalMillis;
    while (true) {
      long wait = Math.max(0, next - now());
      long n = k.poll(fds, events, happened, (int) wait);
      if (n < 0 && n != -Errno.EINTR) {
        throw new Failure("cannot wait for the container: " + k.explain(n));
      }
      boolean ended = n > 0 && happened[0] != 0;
      // What ended it may have been the last of them.
      boolean heard = oom == null || (!ended && (n <= 0 || happened[1] == 0)) || tellOom(oom);
      if (ended || !heard) {
        return;
      }
      if (now() >= next) {
        next += intervalMillis;
        if (!tellStatistics()) {
          return;
        }
      }
    }
  }

  private long now() {
    return k.clock_gettime(CLOCK_MONOTONIC) / NANOS_PER_MILLI;
  }

  private boolean tellOom(OomWatch oom) {
    for (long n = oom.take(); n > 0; n--) {
      if (Files.writeAll(k, STDOUT, oomLine, 0, oomLine.length) < 0) {
        return false;
      }
    }
    return true;
  }

  /** Whether the line could be written. */
  private boolean tellStatistics() throws Failure {
    long child = k.clone3(0, pidfd, SIGCHLD, -1);
    if (child < 0) {
      throw new Failure("cannot collect statistics: " + Errno.text(-child));
    }
    if (child == 0) {
      byte[] line = Bytes.utf8(line(k, state));
      long written = Files.writeAll(k, STDOUT, line, 0, line.length);
      long exited = k.exit_group(written < 0 ? 1 : 0);
      throw new IllegalStateException("exit_group: " + exited);
    }
    long waited = k.wait4((int) child, status, 0);
    while (waited == -Errno.EINTR) {
      waited = k.wait4((int) child, status, 0);
    }
    return waited >= 0 && status[0] == 0;
  }
}
