package dev.coracle.state;

/** A container's status (runtime.md, "State"). */
public enum Status {
  CREATING("creating"),
  CREATED("created"),
  RUNNING("running"),
  /** Not in the spec, but in every engine: all its processes stand still. */
  PAUSED("paused"),
  STOPPED("stopped");

  private final String word;

  Status(String word) {
    this.word = word;
  }

  /** The spec's word. */
  public String word() {
    return word;
  }

  /** Whether there is a process. */
  public boolean isAlive() {
    return this == CREATED || this == RUNNING || this == PAUSED;
  }
}
