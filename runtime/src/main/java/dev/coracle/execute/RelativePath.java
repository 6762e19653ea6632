package dev.coracle.execute;

import dev.coracle.abi.Bytes;
import dev.coracle.kernel.Kernel;
import org.jspecify.annotations.Nullable;

/** Paths as the command line has them. */
public final class RelativePath {
  private static final int PATH_MAX = 4096;

  private RelativePath() {}

  /** Whether an absolute path is another name of the root directory, such as {@code /run/..}. */
  public static boolean isRoot(String path) {
    int names = 0;
    int from = 0;
    while (from <= path.length()) {
      int to = path.indexOf('/', from);
      if (to < 0) {
        to = path.length();
      }
      String name = path.substring(from, to);
      if (name.equals("..")) {
        names = Math.max(0, names - 1);
      } else if (!name.isEmpty() && !name.equals(".")) {
        names++;
      }
      from = to + 1;
    }
    return names == 0;
  }

  /** The path with the working directory in front; null where that cannot be found. */
  public static @Nullable String absolute(Kernel k, String path) {
    byte[] cwd = new byte[PATH_MAX];
    long length = k.getcwd(cwd);
    return length < 0 ? null : Bytes.text(cwd, 0, (int) length - 1) + "/" + path;
  }
}
