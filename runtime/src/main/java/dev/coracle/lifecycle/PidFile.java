package dev.coracle.lifecycle;

import static dev.coracle.abi.Fcntl.AT_FDCWD;

import dev.coracle.execute.Files;
import dev.coracle.kernel.Errno;
import dev.coracle.kernel.Kernel;
import org.jspecify.annotations.Nullable;

/**
 * The pid file: decimal digits and nothing else, whole from the moment it is there. It is written
 * beside its place while the process is set up, and moved there when that has worked.
 */
final class PidFile {
  private final Kernel k;
  private final @Nullable String path;
  private final String temporary;
  private boolean written;

  /** The file of a path; null for none, of which nothing is written. */
  PidFile(Kernel k, @Nullable String path) {
    this.k = k;
    this.path = path;
    int slash = path == null ? 0 : path.lastIndexOf('/') + 1;
    this.temporary =
        path == null ? "" : path.substring(0, slash) + "." + path.substring(slash) + ".coracle";
  }

  /** Takes it away again, where the process has failed after all; null where that is done. */
  static @Nullable String remove(Kernel k, @Nullable String path) {
    long result = path == null ? 0 : k.unlinkat(AT_FDCWD, path, 0);
    return result >= 0 || result == -Errno.ENOENT
        ? null
        : "cannot remove pid file \"" + path + "\": " + k.explain(result);
  }

  /** Writes it beside its place; null where there is nothing to tell. */
  @Nullable String write(int pid) {
    if (path == null) {
      return null;
    }
    written = true;
    return told(Files.create(k, temporary, Integer.toString(pid), 0644));
  }

  /** Moves it to its place; null where there is nothing to tell. */
  @Nullable String publish() {
    long result = path == null ? 0 : k.renameat2(AT_FDCWD, temporary, AT_FDCWD, path, 0);
    written &= result < 0;
    return told(result);
  }

  /** What failed, when what was written and not published is removed. */
  String discarded(String problem) {
    long removed = written ? k.unlinkat(AT_FDCWD, temporary, 0) : 0;
    return removed >= 0 || removed == -Errno.ENOENT
        ? problem
        : problem + "; \"" + temporary + "\" is left: " + k.explain(removed);
  }

  private @Nullable String told(long result) {
    return result < 0 ? "cannot write pid file \"" + path + "\": " + k.explain(result) : null;
  }
}
