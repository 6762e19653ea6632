package dev.coracle.vmm;

import static dev.coracle.abi.Fcntl.AT_FDCWD;
import static dev.coracle.abi.Fcntl.O_RDONLY;

import dev.coracle.abi.Bytes;
import dev.coracle.abi.Process;
import dev.coracle.kernel.Errno;
import dev.coracle.kernel.Kernel;
import java.util.List;

/** Runs a program of the host to its end, such as dpkg-deb or xz. */
final class Tool {
  private static final List<String> PLACES =
      List.of("/usr/bin/", "/bin/", "/usr/sbin/", "/sbin/", "/usr/local/bin/");
  private static final List<String> ENV = List.of("PATH=/usr/bin:/bin", "LANG=C", "HOME=/");
  private static final int CANNOT_EXECUTE = 127;

  private Tool() {}

  /** Where a program is, or a refusal that names its package. */
  static String find(Kernel k, String name, String debianPackage) throws Refused {
    for (String place : PLACES) {
      if (k.faccessat(AT_FDCWD, place + name, dev.coracle.abi.Fcntl.X_OK) >= 0) {
        return place + name;
      }
    }
    throw new Refused(name + " is missing; install the package " + debianPackage);
  }

  /**
   * Runs it; what it says goes to our stderr.
   *
   * @param stdin a descriptor, or −1 for nothing
   * @param stdout a descriptor, or −1 for our stderr
   */
  static void run(Kernel k, List<String> argv, int stdin, int stdout) throws Refused {
    int[] pidfd = {-1};
    long pid = k.fork(pidfd);
    if (pid == 0) {
      become(k, argv, stdin, stdout);
    }
    if (pid < 0) {
      throw new Refused("cannot run " + argv.get(0) + ": " + k.explain(pid));
    }
    int[] status = new int[1];
    long waited = k.wait4((int) pid, status, 0);
    while (waited == -Errno.EINTR) {
      waited = k.wait4((int) pid, status, 0);
    }
    long closed = k.close(pidfd[0]);
    if (waited < 0 || closed < 0) {
      throw new Refused(argv.get(0) + " cannot be waited for: " + k.explain(waited));
    }
    int code = Process.exitCode(status[0]);
    if (code != 0) {
      throw new Refused(argv.get(0) + " failed with exit status " + code);
    }
  }

  private static void become(Kernel k, List<String> argv, int stdin, int stdout) {
    long in = stdin >= 0 ? stdin : k.openat2(AT_FDCWD, "/dev/null", O_RDONLY, 0, 0);
    long result = in < 0 ? in : k.dup3((int) in, 0, 0);
    if (result >= 0) {
      result = k.dup3(stdout >= 0 ? stdout : 2, 1, 0);
    }
    if (result >= 0) {
      result = k.resetSignals(Kernel.ALL_SIGNALS);
    }
    if (result >= 0) {
      result = k.execve(argv.get(0), argv, ENV);
    }
    byte[] text = Bytes.utf8(argv.get(0) + ": " + Errno.text(-result) + "\n");
    long said = k.write(2, text, 0, text.length);
    long ended = k.exit_group(said < 0 ? CANNOT_EXECUTE - 1 : CANNOT_EXECUTE);
    throw new IllegalStateException("exit_group: " + ended);
  }
}
