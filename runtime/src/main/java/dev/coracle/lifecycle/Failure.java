package dev.coracle.lifecycle;

/** A verb that could not do what was asked; the message is for people and for engines. */
public final class Failure extends Exception {
  private static final long serialVersionUID = 1;

  private final boolean ofStarted;

  /** A failure with its message. */
  public Failure(String message) {
    this(message, false);
  }

  private Failure(String message, boolean ofStarted) {
    super(message);
    this.ofStarted = ofStarted;
  }

  /** What the container's process said when it was let go and could not go on. */
  static Failure ofStarted(String message) {
    return new Failure(message, true);
  }

  /** Whether it is such a one: then it is no failure of the verb's, and stands for itself. */
  public boolean isOfStarted() {
    return ofStarted;
  }

  /** The same with more lines. */
  Failure with(String more) {
    return new Failure(getMessage() + "\n" + more, ofStarted);
  }

  @Override
  public String getMessage() {
    String message = super.getMessage();
    return message == null ? "" : message;
  }
}
