package dev.coracle.state;

/** A container's status (runtime.md, "State"). */
public enum Status {
  CREATING("creating"),
  CREATED("created"),
  RUNNING("running"),
  STOPPED("stopped");

  private final String word;

  Status(String word) {
    this.word = word;
  }

  /** The spec's word. */
  public String word() {
    return word;
  }
}
