package dev.coracle.vmm;

import static dev.coracle.abi.Fcntl.ALL_DESCRIPTORS;
import static dev.coracle.abi.Fcntl.AT_FDCWD;
import static dev.coracle.abi.Fcntl.CLOSE_RANGE_CLOEXEC;
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
  private static final int TOO_LONG = 128 + Process.SIGXFSZ;
  private static final int NOBODY = 65534;
  private static final int FIRST_AFTER_STDIO = 3;

  /** What an unpacker may take: xz asks for what the packed file says. */
  private static final long MOST_MEMORY_BYTES = 512L << 20;

  /** What is no filter writes as much as it likes. */
  private static final long UNBOUNDED = -1;

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
    run(k, argv, stdin, stdout, UNBOUNDED);
  }

  /**
   * Runs one that reads and writes what it is given and nothing else, as nobody: what it reads may
   * come from anybody.
   *
   * @param most how many bytes it may write
   */
  static void filter(Kernel k, List<String> argv, int stdin, int stdout, long most) throws Refused {
    run(k, argv, stdin, stdout, most);
  }

  private static void run(Kernel k, List<String> argv, int stdin, int stdout, long most)
      throws Refused {
    int[] pidfd = {-1};
    long pid = k.fork(pidfd);
    if (pid == 0) {
      become(k, argv, stdin, stdout, most);
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
    if (code == TOO_LONG) {
      throw new Refused(argv.get(0) + " was ended: it writes more than " + most + " bytes");
    }
    if (code != 0) {
      throw new Refused(argv.get(0) + " failed with exit status " + code);
    }
  }

  private static void become(Kernel k, List<String> argv, int stdin, int stdout, long most) {
    long in = stdin >= 0 ? stdin : k.openat2(AT_FDCWD, "/dev/null", O_RDONLY, 0, 0);
    long result = in < 0 ? in : k.dup3((int) in, 0, 0);
    if (result >= 0) {
      result = k.dup3(stdout >= 0 ? stdout : 2, 1, 0);
    }
    if (result >= 0) {
      result = k.resetSignals(Kernel.ALL_SIGNALS);
    }
    if (result >= 0 && most != UNBOUNDED) {
      result = bound(k, most);
    }
    if (result >= 0) {
      result = k.execve(argv.get(0), argv, ENV);
    }
    byte[] text = Bytes.utf8(argv.get(0) + ": " + Errno.text(-result) + "\n");
    long said = k.write(2, text, 0, text.length);
    long ended = k.exit_group(said < 0 ? CANNOT_EXECUTE - 1 : CANNOT_EXECUTE);
    throw new IllegalStateException("exit_group: " + ended);
  }

  private static long bound(Kernel k, long most) {
    long result = k.close_range(FIRST_AFTER_STDIO, ALL_DESCRIPTORS, CLOSE_RANGE_CLOEXEC);
    if (result >= 0) {
      result = k.prlimit64(0, Process.RLIMIT_FSIZE, most, most);
    }
    if (result >= 0) {
      result = k.prlimit64(0, Process.RLIMIT_AS, MOST_MEMORY_BYTES, MOST_MEMORY_BYTES);
    }
    if (result >= 0 && k.geteuid() == 0) {
      result = becomeNobody(k);
    }
    return result < 0 ? result : k.prctl(Process.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  }

  private static long becomeNobody(Kernel k) {
    long result = k.setgroups(new int[0]);
    if (result >= 0) {
      result = k.setresgid(NOBODY);
    }
    return result < 0 ? result : k.setresuid(NOBODY);
  }
}
