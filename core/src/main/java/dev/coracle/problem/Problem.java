package dev.coracle.problem;

/** One thing that is wrong with a configuration. */
public record Problem(Severity severity, Origin origin, String message) {
  /** How much a problem matters. */
  public enum Severity {
    /** Nothing is done while there is one. */
    ERROR,
    /** Told, and passed over, where the spec says so. */
    WARNING
  }

  @Override
  public String toString() {
    return origin + ": " + message;
  }
}
