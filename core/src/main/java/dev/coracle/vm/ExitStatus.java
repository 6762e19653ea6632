package dev.coracle.vm;

/** What a caller's exit status is where a process could not be started (bash(1), EXIT STATUS). */
public final class ExitStatus {
  public static final int OTHER = 1;
  public static final int NOT_EXECUTABLE = 126;
  public static final int NOT_FOUND = 127;

  private static final String ARGS = "/process/args";

  private ExitStatus() {}

  /**
   * The status for an error in our own words: those about the program are runc's, which engines
   * read in the same way.
   */
  public static int of(String error) {
    int at = error.indexOf(ARGS);
    if (at < 0) {
      return OTHER;
    }
    if (error.indexOf("executable file not found", at) >= 0
        || error.indexOf("no such file or directory", at) >= 0
        || error.indexOf(": not a directory", at) >= 0) {
      return NOT_FOUND;
    }
    boolean refused =
        error.indexOf("permission denied", at) >= 0
            || error.indexOf("is a directory", at) >= 0
            || error.indexOf("exec format error", at) >= 0
            || error.indexOf("EACCES", at) >= 0;
    return refused ? NOT_EXECUTABLE : OTHER;
  }
}
