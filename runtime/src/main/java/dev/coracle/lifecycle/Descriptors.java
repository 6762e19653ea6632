package dev.coracle.lifecycle;

import static dev.coracle.abi.Fcntl.ALL_DESCRIPTORS;
import static dev.coracle.abi.Fcntl.AT_FDCWD;
import static dev.coracle.abi.Fcntl.F_GETFD;
import static dev.coracle.abi.Fcntl.O_RDWR;

import dev.coracle.kernel.Errno;
import dev.coracle.kernel.Kernel;

/** Descriptors that the caller left open. */
public final class Descriptors {
  private static final long FIRST_AFTER_STDIO = 3;

  private Descriptors() {}

  /**
   * Closes what the caller leaked, so that it is not at hand in the container (CVE-2024-21626).
   * First thing in a verb that makes a process: ours are opened later.
   */
  public static void closeLeaked(Kernel k, int preserved) throws Failure {
    for (int fd = 0; fd < FIRST_AFTER_STDIO; fd++) {
      // A closed one would be taken by the next file that we open, and be the workload's stdio.
      if (k.fcntl(fd, F_GETFD, 0) == -Errno.EBADF) {
        long opened = k.openat2(AT_FDCWD, "/dev/null", O_RDWR, 0, 0);
        if (opened < 0) {
          throw new Failure("cannot open /dev/null: " + Errno.text(-opened));
        }
      }
    }
    long result = k.close_range(FIRST_AFTER_STDIO + preserved, ALL_DESCRIPTORS, 0);
    if (result < 0) {
      throw new Failure("cannot close descriptors: " + Errno.text(-result));
    }
  }
}
