package dev.coracle.lifecycle;

import dev.coracle.state.StateStore;

/** Finds containers by their ids. */
final class Containers {
  private Containers() {}

  /** A container that must be there; engines look for the words "does not exist". */
  static StateStore.Entry find(Environment e, String id) throws Failure {
    String defect = StateStore.defect(id);
    if (defect != null) {
      throw new Failure(defect);
    }
    StateStore.Entry entry = e.store().read(id);
    if (entry == null) {
      throw new Failure("container \"" + id + "\" does not exist");
    }
    return entry;
  }
}
