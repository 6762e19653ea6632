package dev.coracle.lifecycle;

import dev.coracle.execute.Freezer;
import dev.coracle.state.ContainerState;
import dev.coracle.state.Status;

/** {@code pause} and {@code resume}: all processes of a container stand still, or go on. */
public final class Pause {
  private Pause() {}

  /** Stops a container that is created or runs. */
  public static void pause(Environment e, String id) throws Failure {
    ContainerState state = Containers.find(e, id).state();
    Status status = Containers.status(e, state);
    if (status != Status.RUNNING && status != Status.CREATED) {
      throw new Failure("cannot pause a container that is " + status.word() + ": not running");
    }
    long result = new Freezer(e.kernel(), state.cgroups()).freeze();
    if (result < 0) {
      throw new Failure("cannot pause container \"" + id + "\": " + e.kernel().explain(result));
    }
  }

  /** Lets a container that is paused go on. */
  public static void resume(Environment e, String id) throws Failure {
    ContainerState state = Containers.find(e, id).state();
    Status status = Containers.status(e, state);
    if (status != Status.PAUSED) {
      throw new Failure("cannot resume a container that is " + status.word() + ": not paused");
    }
    long result = new Freezer(e.kernel(), state.cgroups()).thaw();
    if (result < 0) {
      throw new Failure("cannot resume container \"" + id + "\": " + e.kernel().explain(result));
    }
  }
}
