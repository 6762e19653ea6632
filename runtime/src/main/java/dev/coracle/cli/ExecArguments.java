package dev.coracle.cli;

import dev.coracle.execute.Kept;
import dev.coracle.lifecycle.Exec;
import dev.coracle.lifecycle.Failure;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The arguments of {@code exec} where they come from a machine's host and not from a command line.
 */
public final class ExecArguments {
  private ExecArguments() {}

  /**
   * What they ask for.
   *
   * @param arguments flags, then the program and its arguments
   * @param processFile null where the program is among the arguments
   * @param consoleDescriptor a connected socket that gets the terminal's master; −1 for none
   */
  public static Exec.Request request(
      String id, List<String> arguments, @Nullable String processFile, int consoleDescriptor)
      throws Failure {
    String flags = Usage.flags("exec");
    if (flags == null) {
      throw new IllegalStateException("exec has no flags");
    }
    Arguments a = Arguments.parse(arguments, 0, flags, Arguments.Mode.FLAGS_FIRST);
    return new Exec.Request(
        id,
        processFile,
        a.words(),
        a.all("env"),
        a.value("cwd"),
        a.value("user"),
        gids(a),
        a.all("cap"),
        a.is("no-new-privs"),
        null,
        null,
        List.of(),
        a.is("tty"),
        null,
        consoleDescriptor,
        null,
        null,
        Kept.NOTHING,
        false);
  }

  /** The values of --additional-gids. */
  static List<Long> gids(Arguments a) throws Failure {
    List<Long> gids = new ArrayList<>();
    for (String gid : a.all("additional-gids")) {
      gids.add(Exec.id(gid, "--additional-gids must be a gid in digits", gid));
    }
    return gids;
  }
}
