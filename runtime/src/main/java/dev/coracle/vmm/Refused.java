package dev.coracle.vmm;

/** What cannot be done, in words for people. */
public final class Refused extends Exception {
  private static final long serialVersionUID = 1;

  /** With its reason. */
  public Refused(String message) {
    super(message);
  }

  @Override
  public String getMessage() {
    String message = super.getMessage();
    return message == null ? "" : message;
  }
}
