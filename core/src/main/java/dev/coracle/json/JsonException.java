package dev.coracle.json;

/** Text that is not JSON, or that passes a bound of the parser. */
public final class JsonException extends Exception {
  private static final long serialVersionUID = 1;
  private final int line;
  private final int column;

  JsonException(String message, int line, int column) {
    super(message);
    this.line = line;
    this.column = column;
  }

  /** The line of the first byte that does not fit, from 1. */
  public int line() {
    return line;
  }

  /** The byte in that line, from 1. */
  public int column() {
    return column;
  }
}
