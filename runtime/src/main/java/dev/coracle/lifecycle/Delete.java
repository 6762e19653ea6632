package dev.coracle.lifecycle;

import static dev.coracle.abi.Process.POLLIN;
import static dev.coracle.abi.Process.SIGKILL;

import dev.coracle.bus.Systemd;
import dev.coracle.execute.CgroupActions;
import dev.coracle.execute.CgroupKill;
import dev.coracle.execute.CgroupProcesses;
import dev.coracle.execute.HookRunner;
import dev.coracle.execute.HookState;
import dev.coracle.execute.Resctrl;
import dev.coracle.execute.SharedRoot;
import dev.coracle.kernel.Errno;
import dev.coracle.kernel.Kernel;
import dev.coracle.property.OciVersion;
import dev.coracle.spec.Hooks;
import dev.coracle.state.ContainerState;
import dev.coracle.state.StateStore;
import dev.coracle.state.Status;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** {@code delete}: removes all that is left of a container. */
public final class Delete {
  private static final int KILL_DEADLINE_MILLIS = 10_000;
  private static final int ROUNDS = 100;
  private static final int ROUND_MILLIS = 10;

  private Delete() {}

  /**
   * Deletes; with force also one that runs, one that was never finished, and one that is not there.
   */
  public static void delete(Environment e, String id, boolean force) throws Failure {
    String defect = StateStore.defect(id);
    if (defect != null) {
      throw new Failure(defect);
    }
    StateStore.Entry entry = Containers.look(e, id);
    if (entry == null) {
      deleteUnfinished(e, id, force);
      return;
    }
    ContainerState state = entry.state();
    Status status = Containers.status(e, state);
    boolean deletable = status == Status.STOPPED || status == Status.CREATED;
    if (!deletable && !force) {
      throw new Failure(
          "cannot delete container \"" + id + "\" that is not stopped: " + status.word());
    }
    if (status != Status.STOPPED && state.pid() > 0) {
      killAndAwait(e, state, status);
    }
    removeCgroups(e.kernel(), state);
    stopScope(e, state, force);
    if (!state.rootMount().isEmpty()) {
      String mounted = SharedRoot.remove(e.kernel(), state.rootMount(), state.rootfs());
      if (mounted != null) {
        throw new Failure(mounted);
      }
    }
    String group = Resctrl.remove(e.kernel(), state.resctrl());
    if (group != null) {
      throw new Failure(group);
    }
    // A failing poststop hook is told and nothing more (runtime.md, "Lifecycle").
    if (!state.hooks().poststop().isEmpty()) {
      HookState hookState =
          new HookState(OciVersion.NEWEST, id, state.bundle(), state.annotations());
      for (Hooks.Hook hook : state.hooks().poststop()) {
        String problem = HookRunner.run(e.kernel(), List.of(hook), hookState, 0);
        if (problem != null) {
          e.output().warn(problem);
        }
      }
    }
    removeState(e, id);
  }

  /** A create that was killed before it wrote anything: there is nothing but the directory. */
  private static void deleteUnfinished(Environment e, String id, boolean force) throws Failure {
    if (!e.store().exists(id)) {
      if (force) {
        return;
      }
      throw new Failure("container \"" + id + "\" does not exist");
    }
    if (!force) {
      throw new Failure("container \"" + id + "\" was never finished; use --force");
    }
    removeState(e, id);
  }

  private static void removeState(Environment e, String id) throws Failure {
    long result = e.store().remove(id);
    if (result < 0) {
      throw new Failure("cannot remove the state of \"" + id + "\": " + e.kernel().explain(result));
    }
  }

  private static void killAndAwait(Environment e, ContainerState state, Status status)
      throws Failure {
    Kernel k = e.kernel();
    long pidfd = k.pidfd_open(state.pid(), 0);
    if (pidfd == -Errno.ESRCH) {
      return; // It ended meanwhile.
    }
    if (pidfd < 0) {
      throw new Failure("cannot kill process " + state.pid() + ": " + k.explain(pidfd));
    }
    boolean alone = !Signals.endsWithFirst(k, state.pid());
    String problem = Signals.send(e, state, SIGKILL);
    if (problem == null && alone) {
      // The others would outlive it, and fork for as long as we look for them.
      long killed = CgroupKill.kill(k, state.cgroups());
      problem = killed < 0 ? "cannot kill the container: " + k.explain(killed) : null;
    }
    if (status == Status.PAUSED) {
      Signals.thaw(e, state);
    }
    if (problem == null) {
      long ended =
          k.poll(new int[] {(int) pidfd}, new short[] {POLLIN}, new short[1], KILL_DEADLINE_MILLIS);
      if (ended == 0) {
        problem = "process " + state.pid() + " does not end though it was killed";
      } else if (ended < 0 && ended != -Errno.EINTR) {
        problem = "cannot wait for the end of process " + state.pid() + ": " + k.explain(ended);
      }
    }
    long closed = k.close((int) pidfd);
    boolean gone = problem != null && problem.startsWith("container not running");
    if (problem != null && !gone) {
      throw new Failure(problem);
    }
    if (closed < 0) {
      throw new Failure(k.explain(closed));
    }
  }

  /** After the cgroups, whose processes it would ask to end and wait for. */
  private static void stopScope(Environment e, ContainerState state, boolean force) throws Failure {
    String unit = state.scope().unit();
    if (unit.isEmpty()) {
      return;
    }
    String problem = Systemd.stop(e.kernel(), e.variables(), state.scope().isUser(), unit);
    if (problem != null && !force) {
      throw new Failure(problem);
    }
    if (problem != null) {
      e.output().warn(problem);
    }
  }

  private static void removeCgroups(Kernel k, ContainerState state) throws Failure {
    List<String> directories = state.cgroups().directories();
    String problem = null;
    for (String directory : directories) {
      String one = removeCgroup(k, state, directory);
      problem = one == null ? problem : one;
    }
    if (problem != null) {
      throw new Failure(problem);
    }
  }

  /** Mostly one rmdir(2) does; processes and cgroups that are left in it are taken away first. */
  private static @Nullable String removeCgroup(Kernel k, ContainerState state, String directory) {
    long result = CgroupActions.removeOnce(k, directory);
    for (int round = 0; result == -Errno.EBUSY && round < ROUNDS; round++) {
      long killed = CgroupKill.kill(k, state.cgroups());
      if (killed < 0 && killed != -Errno.ENOENT) {
        return "cannot kill what is in cgroup \"" + directory + "\": " + k.explain(killed);
      }
      result = CgroupActions.removeTree(k, directory);
      if (result == -Errno.EBUSY) {
        long slept = k.poll(new int[0], new short[0], new short[0], ROUND_MILLIS);
        if (slept < 0 && slept != -Errno.EINTR) {
          return k.explain(slept);
        }
      }
    }
    if (result >= 0) {
      return null;
    }
    String why = k.explain(result);
    List<Integer> left = new ArrayList<>();
    long looked = CgroupProcesses.of(k, state.cgroups(), left);
    String culprits = looked < 0 || left.isEmpty() ? "" : "; still in it: " + left;
    return "cannot remove cgroup \"" + directory + "\": " + why + culprits;
  }
}
