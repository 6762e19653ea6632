package dev.coracle.state;

import static dev.coracle.abi.Fcntl.AT_EMPTY_PATH;
import static dev.coracle.abi.Fcntl.AT_FDCWD;
import static dev.coracle.abi.Fcntl.O_CLOEXEC;
import static dev.coracle.abi.Fcntl.O_CREAT;
import static dev.coracle.abi.Fcntl.O_DIRECTORY;
import static dev.coracle.abi.Fcntl.O_NOFOLLOW;
import static dev.coracle.abi.Fcntl.O_NONBLOCK;
import static dev.coracle.abi.Fcntl.O_PATH;
import static dev.coracle.abi.Fcntl.O_RDONLY;
import static dev.coracle.abi.Fcntl.O_TRUNC;
import static dev.coracle.abi.Fcntl.O_WRONLY;

import dev.coracle.abi.Bytes;
import dev.coracle.abi.Stat;
import dev.coracle.abi.Statx;
import dev.coracle.config.KnownFilter;
import dev.coracle.execute.Files;
import dev.coracle.kernel.Errno;
import dev.coracle.kernel.Kernel;
import dev.coracle.plan.Action.InstallSeccomp;
import dev.coracle.plan.Plan;
import dev.coracle.plan.Step;
import dev.coracle.seccomp.CachedFilter;
import dev.coracle.seccomp.ProfileText;
import dev.coracle.spec.CompiledSeccomp;
import org.jspecify.annotations.Nullable;

/**
 * Compiled seccomp filters, kept below the state root for the next container with the same profile:
 * at most {@value #SLOTS} files, of which a new one takes the place of an old one.
 *
 * <p>It is good to have and nothing depends on it: whatever goes wrong, the profile is compiled. A
 * file is believed only if it is ours, nobody else could write it, and all of its content fits
 * ({@link CachedFilter}); one that is half written does not.
 */
public final class FilterCache {
  private static final int SLOTS = 64;
  private static final String DIRECTORY = "/.seccomp";
  private static final String UNKNOWN_BUILD = "unknown";
  private static final int OTHERS = 077;

  private final Kernel k;
  private final String directory;
  private final byte[] build;
  private byte[] text = new byte[0];
  private @Nullable ProfileText found;
  private @Nullable ProfileText missed;

  /**
   * The cache of a state root.
   *
   * @param build names the compiler: what another one made is not used
   */
  public FilterCache(Kernel kernel, String root, String build) {
    this.k = kernel;
    this.directory = root + DIRECTORY;
    this.build = Bytes.utf8(build);
  }

  /** What is known of the profile in a config.json; null where that must be read. */
  public @Nullable KnownFilter find(byte[] config, int from, int end) {
    ProfileText profile =
        Bytes.text(build, 0, build.length).equals(UNKNOWN_BUILD)
            ? null
            : ProfileText.find(config, from, end);
    found = profile;
    if (profile == null) {
      return null;
    }
    CompiledSeccomp filter = read(config, profile);
    if (filter == null) {
      text = config;
      missed = profile;
      return null;
    }
    return new KnownFilter(profile.from(), profile.to(), filter);
  }

  /**
   * The filter of a plan, with the place of its profile in the config.json that {@link #find} was
   * asked of; null where there is none, or its place was not found.
   */
  public @Nullable KnownFilter of(Plan plan) {
    ProfileText profile = found;
    InstallSeccomp a = profile == null ? null : withoutListener(plan);
    return profile == null || a == null
        ? null
        : new KnownFilter(
            profile.from(), profile.to(), new CompiledSeccomp(a.filter().bytes(), a.flags()));
  }

  /** A filter with a listener says more than its program. */
  private static @Nullable InstallSeccomp withoutListener(Plan plan) {
    for (Step step : plan.steps()) {
      if (step.action() instanceof InstallSeccomp a && a.listener() == null) {
        return a;
      }
    }
    return null;
  }

  /** Keeps the filter of a plan, if {@link #find} did not know it. */
  public void keep(Plan plan) {
    ProfileText profile = missed;
    if (profile == null) {
      return;
    }
    InstallSeccomp a = withoutListener(plan);
    if (a != null) {
      CompiledSeccomp filter = new CompiledSeccomp(a.filter().bytes(), a.flags());
      write(profile, CachedFilter.encode(build, text, profile, filter));
    }
    missed = null;
  }

  private static String name(ProfileText profile) {
    int hash = profile.hash();
    return Integer.toString((hash ^ hash >>> 16) & SLOTS - 1);
  }

  private @Nullable CompiledSeccomp read(byte[] config, ProfileText profile) {
    String path = directory + "/" + name(profile);
    long flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
    long fd = k.openat2(AT_FDCWD, path, flags, 0, 0);
    if (fd < 0) {
      return null;
    }
    Files.Content content = null;
    if (isOurs((int) fd, Stat.S_IFREG)) {
      content = Files.read(k, (int) fd, CachedFilter.MOST_BYTES).content();
    }
    long closed = k.close((int) fd);
    return content == null || closed < 0
        ? null
        : CachedFilter.decode(content.bytes(), content.length(), build, config, profile);
  }

  /** Whether a file is of a type, belongs to us, and nobody else has any right to it. */
  private boolean isOurs(int fd, int type) {
    byte[] statx = new byte[Statx.SIZE];
    return k.statx(fd, "", AT_EMPTY_PATH, Statx.STATX_BASIC_STATS, statx) >= 0
        && Statx.type(statx) == type
        && (Statx.mode(statx) & OTHERS) == 0
        && Statx.uid(statx) == k.geteuid();
  }

  private void write(ProfileText profile, byte[] file) {
    long flags = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    long parent = k.openat2(AT_FDCWD, directory, flags, 0, 0);
    if (parent == -Errno.ENOENT && k.mkdirat(AT_FDCWD, directory, 0700) >= 0) {
      parent = k.openat2(AT_FDCWD, directory, flags, 0, 0);
    }
    if (parent < 0) {
      return;
    }
    if (isOurs((int) parent, Stat.S_IFDIR)) {
      write((int) parent, name(profile), file);
    }
    long closed = k.close((int) parent);
    if (closed < 0) {
      throw new IllegalStateException("close: " + Errno.text(-closed));
    }
  }

  private void write(int parent, String name, byte[] file) {
    long flags = O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC;
    long fd = k.openat2(parent, name, flags, 0600, 0);
    if (fd < 0) {
      return;
    }
    long written = Files.writeAll(k, (int) fd, file, 0, file.length);
    long closed = k.close((int) fd);
    if (written < 0 || closed < 0) {
      // Half a file is none: its sum is wrong.
      missed = null;
    }
  }
}
