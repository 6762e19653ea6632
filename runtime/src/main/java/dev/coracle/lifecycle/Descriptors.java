package dev.coracle.lifecycle;

import static dev.coracle.abi.Fcntl.ALL_DESCRIPTORS;
import static dev.coracle.abi.Fcntl.AT_FDCWD;
import static dev.coracle.abi.Fcntl.F_GETFD;
import static dev.coracle.abi.Fcntl.O_RDWR;

import dev.coracle.execute.Kept;
import dev.coracle.kernel.Errno;
import dev.coracle.kernel.Kernel;
import dev.coracle.property.process.Env;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Descriptors that the caller left open. */
public final class Descriptors {
  private static final long FIRST_AFTER_STDIO = 3;

  private Descriptors() {}

  /**
   * What the program keeps: the sockets of socket activation, where they are meant for us
   * (sd_listen_fds(3)), and what {@code --preserve-fds} counts.
   */
  public static Kept kept(Kernel k, List<String> environment, int preserved) {
    int listening = number(Env.value(environment, "LISTEN_FDS"));
    if (listening <= 0 || number(Env.value(environment, "LISTEN_PID")) != k.getpid()) {
      return new Kept(0, null, preserved);
    }
    String names = Env.value(environment, "LISTEN_FDNAMES");
    return new Kept(listening, names.isEmpty() ? null : names, preserved);
  }

  private static int number(String digits) {
    int value = digits.isEmpty() || digits.length() > 9 ? -1 : 0;
    for (int i = 0; i < digits.length() && value >= 0; i++) {
      char c = digits.charAt(i);
      value = c < '0' || c > '9' ? -1 : value * 10 + c - '0';
    }
    return value;
  }

  /**
   * Closes what the caller leaked, so that it is not at hand in the container (CVE-2024-21626).
   * First thing in a verb that makes a process: ours are opened later.
   *
   * @param file a file that is still to be read, and may be named by its descriptor, as a shell
   *     does; null for none. {@link #close} closes that one
   * @param seal the descriptor of the mount that we run from, which stays; see Seal
   */
  public static void closeLeaked(Kernel k, Kept kept, @Nullable String file, int seal)
      throws Failure {
    for (int fd = 0; fd < FIRST_AFTER_STDIO; fd++) {
      // A closed one would be taken by the next file that we open, and be the workload's stdio.
      long flags = k.fcntl(fd, F_GETFD, 0);
      if (flags < 0 && flags != -Errno.EBADF) {
        throw new Failure("cannot look at descriptor " + fd + ": " + k.explain(flags));
      }
      if (flags < 0) {
        long opened = k.openat2(AT_FDCWD, "/dev/null", O_RDWR, 0, 0);
        if (opened < 0) {
          throw new Failure("cannot open /dev/null: " + k.explain(opened));
        }
      }
    }
    for (long fd = FIRST_AFTER_STDIO; fd < FIRST_AFTER_STDIO + kept.count(); fd++) {
      if (fd == seal || k.fcntl((int) fd, F_GETFD, 0) < 0) {
        String who = fd < FIRST_AFTER_STDIO + kept.listening() ? "LISTEN_FDS" : "--preserve-fds";
        throw new Failure(who + ": descriptor " + fd + " is not open");
      }
    }
    long first = FIRST_AFTER_STDIO + kept.count();
    long read = named(file);
    long lower = Math.min(read, seal);
    long upper = Math.max(read, seal);
    long result = closeBelow(k, first, lower);
    first = Math.max(first, lower + 1);
    if (result >= 0) {
      result = closeBelow(k, first, upper);
      first = Math.max(first, upper + 1);
    }
    if (result >= 0) {
      result = k.close_range(first, ALL_DESCRIPTORS, 0);
    }
    if (result < 0) {
      throw new Failure("cannot close descriptors: " + k.explain(result));
    }
  }

  private static long closeBelow(Kernel k, long first, long end) {
    return first < end ? k.close_range(first, end - 1, 0) : 0;
  }

  /** Closes the descriptor by which a file was named that has been read. */
  static void close(Kernel k, Kept kept, String file) throws Failure {
    long number = named(file);
    long result = number < FIRST_AFTER_STDIO + kept.count() ? 0 : k.close((int) number);
    if (result < 0) {
      throw new Failure("\"" + file + "\": " + Errno.text(-result));
    }
  }

  /** The descriptor that a path names, or −1. */
  static long named(@Nullable String path) {
    String digits = "";
    if (path != null && path.startsWith("/dev/fd/")) {
      digits = path.substring(8);
    } else if (path != null && path.startsWith("/proc/self/fd/")) {
      digits = path.substring(14);
    }
    long number = digits.isEmpty() || digits.length() > 9 ? -1 : 0;
    for (int i = 0; i < digits.length() && number >= 0; i++) {
      char c = digits.charAt(i);
      number = c >= '0' && c <= '9' ? number * 10 + c - '0' : -1;
    }
    return number;
  }
}
