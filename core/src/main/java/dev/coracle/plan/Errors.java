package dev.coracle.plan;

/** A small set of error numbers. */
public record Errors(int first, int second, int third) {
  /** No error at all. */
  public static final Errors NONE = new Errors(0, 0, 0);

  /** Any error: for what is good to have and nothing depends on. */
  public static final Errors ANY = new Errors(-1, 0, 0);

  /**
   * That something of the host's belongs to others or is not there: passed over where the runtime
   * is rootless, and nowhere else.
   */
  public static final Errors WHERE_ROOTLESS = new Errors(-2, 0, 0);

  /** One error. */
  public static Errors of(int errno) {
    return new Errors(errno, 0, 0);
  }

  /** Two errors. */
  public static Errors of(int errno, int other) {
    return new Errors(errno, other, 0);
  }

  /** Three errors. */
  public static Errors of(int errno, int other, int third) {
    return new Errors(errno, other, third);
  }

  /** Whether a result of the kernel, −errno, is one of these. */
  public boolean has(long result) {
    return result < 0 && (first == -1 || -result == first || -result == second || -result == third);
  }
}
