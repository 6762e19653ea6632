package dev.coracle.lifecycle;

import static dev.coracle.abi.Fcntl.AT_FDCWD;
import static dev.coracle.abi.Fcntl.F_ADD_SEALS;
import static dev.coracle.abi.Fcntl.F_SEAL_GROW;
import static dev.coracle.abi.Fcntl.F_SEAL_SEAL;
import static dev.coracle.abi.Fcntl.F_SEAL_SHRINK;
import static dev.coracle.abi.Fcntl.F_SEAL_WRITE;
import static dev.coracle.abi.Fcntl.MFD_ALLOW_SEALING;
import static dev.coracle.abi.Fcntl.MFD_CLOEXEC;
import static dev.coracle.abi.Fcntl.MFD_EXEC;
import static dev.coracle.abi.Fcntl.O_CLOEXEC;
import static dev.coracle.abi.Fcntl.O_RDONLY;

import dev.coracle.kernel.DescribingKernel;
import dev.coracle.kernel.Errno;
import dev.coracle.property.process.Env;
import java.util.List;

/**
 * Our own program, out of the container's reach: until the workload is executed, the container's
 * process runs it, and {@code /proc/self/exe} in an image names it (CVE-2019-5736).
 *
 * <p>A verb that makes a process in a container runs from a mount of its own file that is read-only
 * and stands in no mount namespace; the native binary sees to that before it starts up
 * (start-up.c). When the descriptor of that mount is closed, the mount is dissolved: nobody can
 * make it writable again, not even with CAP_SYS_ADMIN, for mount_setattr(2) takes only mounts that
 * are mounted. Dissolving takes the kernel a grace period (synchronize_rcu_expedited in
 * namespace_unlock, linux v6.12 fs/namespace.c), and so it is done while the container's process is
 * already at work: that one has closed the descriptor first thing, and executes no program before
 * the mount is gone ({@code Launcher}, {@code ChildProcess}).
 *
 * <p>Where the kernel cannot be told of another program file, it was executed from the mount. Who
 * may not make mounts gets a copy in memory here, sealed against writing (memfd_create(2)).
 */
public final class Seal {
  /** No descriptor: the mount is dissolved already, or the program is a copy in memory. */
  public static final int NONE = -1;

  /** Set to our pid in the environment of a program that was executed; execve(2) keeps the pid. */
  static final String VARIABLE = "_CORACLE_SEALED";

  private static final String PROGRAM = "/proc/self/exe";
  private static final long MOST_BYTES = 1 << 30;
  private static final int COPIED = 0;

  private Seal() {}

  /**
   * Returns in a sealed program only; otherwise becomes one.
   *
   * @param variables our environment
   * @param name of the program, for those who list processes
   * @return the descriptor of the mount, or {@link #NONE}
   */
  public static int ensure(DescribingKernel k, List<String> variables, String name) throws Failure {
    int mount = k.seal();
    if (mount >= 0) {
      return mount;
    }
    String pid = Long.toString(k.getpid());
    if (Env.value(variables, VARIABLE).equals(pid)) {
      // The kernel has named us after the descriptor.
      check(k, k.prctlSetName(name));
      return NONE;
    }
    long program = copy(k);
    check(k, program);
    check(k, k.execveatSelf((int) program, VARIABLE + "=" + pid));
    return NONE;
  }

  private static long copy(DescribingKernel k) {
    long from = k.openat2(AT_FDCWD, PROGRAM, O_RDONLY | O_CLOEXEC, 0, 0);
    if (from < 0) {
      return from;
    }
    long to = k.memfd_create("coracle", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_EXEC);
    if (to == -Errno.EINVAL) {
      // Before Linux 6.3 all of them can be executed, and there is no word for it.
      to = k.memfd_create("coracle", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    }
    if (to < 0) {
      return to;
    }
    long copied = k.sendfile((int) to, (int) from, MOST_BYTES);
    while (copied > COPIED) {
      copied = k.sendfile((int) to, (int) from, MOST_BYTES);
    }
    if (copied < 0) {
      return copied;
    }
    long seals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
    long sealed = k.fcntl((int) to, F_ADD_SEALS, seals);
    return sealed < 0 ? sealed : to;
  }

  private static void check(DescribingKernel k, long result) throws Failure {
    if (result < 0) {
      throw new Failure(
          "cannot seal the runtime's own program: "
              + k.lastFailure(result)
              + ": "
              + Errno.text(-result));
    }
  }
}
