package dev.coracle.lifecycle;

/** A verb that could not do what was asked; the message is for people and for engines. */
public final class Failure extends Exception {
  private static final long serialVersionUID = 1;

  /** A failure with its message. */
  public Failure(String message) {
    super(message);
  }

  @Override
  public String getMessage() {
    String message = super.getMessage();
    return message == null ? "" : message;
  }
}
