package dev.coracle.lifecycle;

import static dev.coracle.abi.Fcntl.AT_FDCWD;

import dev.coracle.execute.Files;
import dev.coracle.kernel.Errno;
import dev.coracle.kernel.Kernel;
import org.jspecify.annotations.Nullable;

/** The pid file: decimal digits and nothing else, whole from the moment it is there. */
final class PidFile {
  private PidFile() {}

  /** Takes it away again, where the process has failed after all; null where that is done. */
  static @Nullable String remove(Kernel k, @Nullable String path) {
    long result = path == null ? 0 : k.unlinkat(AT_FDCWD, path, 0);
    return result >= 0 || result == -Errno.ENOENT
        ? null
        : "cannot remove pid file \"" + path + "\": " + k.explain(result);
  }

  /** Writes it beside its place and moves it there; null where there is nothing to tell. */
  static @Nullable String write(Kernel k, @Nullable String path, int pid) {
    if (path == null) {
      return null;
    }
    int slash = path.lastIndexOf('/') + 1;
    String temporary = path.substring(0, slash) + "." + path.substring(slash) + ".coracle";
    long result = Files.create(k, temporary, Integer.toString(pid), 0644);
    if (result >= 0) {
      result = k.renameat2(AT_FDCWD, temporary, AT_FDCWD, path, 0);
    }
    if (result >= 0) {
      return null;
    }
    String why = k.explain(result);
    long removed = k.unlinkat(AT_FDCWD, temporary, 0);
    boolean left = removed < 0 && removed != -Errno.ENOENT;
    String stale = left ? "; \"" + temporary + "\" is left" : "";
    return "cannot write pid file \"" + path + "\": " + why + stale;
  }
}
