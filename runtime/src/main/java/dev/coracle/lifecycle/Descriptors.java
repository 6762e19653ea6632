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
   */
  public static void closeLeaked(Kernel k, Kept kept) throws Failure {
    for (int fd = 0; fd < FIRST_AFTER_STDIO; fd++) {
      // A closed one would be taken by the next file that we open, and be the workload's stdio.
      if (k.fcntl(fd, F_GETFD, 0) == -Errno.EBADF) {
        long opened = k.openat2(AT_FDCWD, "/dev/null", O_RDWR, 0, 0);
        if (opened < 0) {
          throw new Failure("cannot open /dev/null: " + Errno.text(-opened));
        }
      }
    }
    for (long fd = FIRST_AFTER_STDIO; fd < FIRST_AFTER_STDIO + kept.count(); fd++) {
      if (k.fcntl((int) fd, F_GETFD, 0) < 0) {
        String who = fd < FIRST_AFTER_STDIO + kept.listening() ? "LISTEN_FDS" : "--preserve-fds";
        throw new Failure(who + ": descriptor " + fd + " is not open");
      }
    }
    long result = k.close_range(FIRST_AFTER_STDIO + kept.count(), ALL_DESCRIPTORS, 0);
    if (result < 0) {
      throw new Failure("cannot close descriptors: " + Errno.text(-result));
    }
  }
}
