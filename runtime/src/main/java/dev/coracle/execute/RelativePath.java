package dev.coracle.execute;

import dev.coracle.abi.Bytes;
import dev.coracle.kernel.Kernel;
import org.jspecify.annotations.Nullable;

/** Paths relative to the working directory. */
public final class RelativePath {
  private static final int PATH_MAX = 4096;

  private RelativePath() {}

  /** The path with the working directory in front; null where that cannot be found. */
  public static @Nullable String absolute(Kernel k, String path) {
    byte[] cwd = new byte[PATH_MAX];
    long length = k.getcwd(cwd);
    return length < 0 ? null : Bytes.text(cwd, 0, (int) length - 1) + "/" + path;
  }
}
