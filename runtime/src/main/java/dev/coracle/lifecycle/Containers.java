package dev.coracle.lifecycle;

import dev.coracle.kernel.Errno;
import dev.coracle.state.StateStore;
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

  /** A container, or null where it is not there or was never finished. */
  static StateStore.@Nullable Entry look(Environment e, String id) throws Failure {
    StateStore.Found found = e.store().look(id);
    if (found.errno() < 0) {
      throw new Failure(
          "cannot read the state of container \"" + id + "\": " + Errno.text(-found.errno()));
    }
    return found.entry();
  }
}
