package dev.coracle.lifecycle;

import dev.coracle.execute.CgroupProcesses;
import dev.coracle.state.ContainerState;
import dev.coracle.state.StateStore;
import dev.coracle.state.Status;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Finds containers by their ids. */
final class Containers {
  private Containers() {}

  /** A container that must be there; engines look for the words "does not exist". */
  static StateStore.Entry find(Environment e, String id) throws Failure {
    String defect = StateStore.defect(id);
    if (defect != null) {
      throw new Failure(defect);
    }
    StateStore.Entry entry = look(e, id);
    if (entry == null) {
      throw new Failure("container \"" + id + "\" does not exist");
    }
    return entry;
  }

  /** What the kernel says of a container; where it does not, nobody may guess. */
  static Status status(Environment e, ContainerState state) throws Failure {
    StateStore.Asked asked = e.store().status(state);
    Status status = asked.status();
    if (status == null) {
      throw new Failure(
          "cannot tell the status of container \""
              + state.id()
              + "\": "
              + e.kernel().explain(asked.errno()));
    }
    return status;
  }

  /** The pids of a container's processes. */
  static List<Integer> processes(Environment e, ContainerState state) throws Failure {
    List<Integer> pids = new ArrayList<>();
    long result = CgroupProcesses.of(e.kernel(), state.cgroups(), pids);
    if (result < 0) {
      throw new Failure(
          "cannot find the processes of container \""
              + state.id()
              + "\": "
              + e.kernel().explain(result));
    }
    return pids;
  }

  /** A container, or null where it is not there or was never finished. */
  static StateStore.@Nullable Entry look(Environment e, String id) throws Failure {
    StateStore.Found found = e.store().look(id);
    if (found.errno() < 0) {
      throw new Failure(
          "cannot read the state of container \""
              + id
              + "\": "
              + e.kernel().explain(found.errno()));
    }
    return found.entry();
  }
}
