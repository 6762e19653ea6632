package dev.coracle.lifecycle;

import dev.coracle.abi.Bytes;
import dev.coracle.config.ConfigReader;
import dev.coracle.config.Host;
import dev.coracle.config.KnownFilter;
import dev.coracle.execute.Files;
import dev.coracle.kernel.Errno;
import dev.coracle.kernel.Kernel;
import dev.coracle.problem.Problems;
import dev.coracle.spec.Spec;
import dev.coracle.state.StateStore;

/**
 * A bundle that was read.
 *
 * @param path absolute, without links
 * @param config the bytes of config.json, of which {@code length} count
 * @param spec what they say
 */
record Bundle(String path, byte[] config, int length, Spec spec) {
  private static final int PATH_MAX = 4096;

  /**
   * Goes to the bundle and reads it: paths in it are relative to it.
   *
   * @param problems gets what is wrong with the configuration
   */
  static Bundle read(Environment e, String path, Host host, Problems problems) throws Failure {
    Kernel k = e.kernel();
    long result = k.chdir(path);
    if (result < 0) {
      throw new Failure("bundle \"" + path + "\": cannot be entered: " + words(k, -result));
    }
    byte[] cwd = new byte[PATH_MAX];
    long length = k.getcwd(cwd);
    if (length < 0) {
      throw new Failure("bundle \"" + path + "\": " + words(k, -length));
    }
    String absolute = Bytes.text(cwd, 0, (int) length - 1);
    Files.Read read = Files.read(k, "config.json", StateStore.MOST_CONFIG_BYTES);
    Files.Content content = read.content();
    if (content == null) {
      throw new Failure("bundle \"" + absolute + "\": config.json cannot be read: " + why(k, read));
    }
    byte[] bytes = content.bytes();
    int end = content.length();
    KnownFilter known = e.filters().find(bytes, 0, end);
    Spec spec = ConfigReader.read(bytes, 0, end, host.capabilities(), known, problems);
    if (spec == null) {
      throw new Failure(problems.errorText());
    }
    return new Bundle(absolute, content.bytes(), content.length(), spec);
  }

  private static String why(Kernel k, Files.Read read) {
    return read.errno() == -Errno.EFBIG
        ? "it is larger than " + (StateStore.MOST_CONFIG_BYTES >> 20) + " MiB"
        : words(k, -read.errno());
  }

  /** The error in words, with the lower-case words that engines look for. */
  private static String words(Kernel k, long errno) {
    return errno == Errno.ENOENT ? "no such file or directory" : k.explain(-errno);
  }
}
