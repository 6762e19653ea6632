package dev.coracle.machine;

import static dev.coracle.abi.Fcntl.ALL_DESCRIPTORS;
import static dev.coracle.abi.Fcntl.AT_FDCWD;
import static dev.coracle.abi.Fcntl.AT_RECURSIVE;
import static dev.coracle.abi.Fcntl.CLOSE_RANGE_CLOEXEC;
import static dev.coracle.abi.Fcntl.F_SETFD;
import static dev.coracle.abi.Fcntl.O_CLOEXEC;
import static dev.coracle.abi.Fcntl.O_RDWR;
import static dev.coracle.abi.Mount.MNT_DETACH;
import static dev.coracle.abi.Mount.MS_PRIVATE;
import static dev.coracle.abi.Process.PR_SET_NO_NEW_PRIVS;
import static dev.coracle.abi.Process.PR_SET_PDEATHSIG;
import static dev.coracle.abi.Process.SIGKILL;

import dev.coracle.abi.Bytes;
import dev.coracle.kernel.Errno;
import dev.coracle.kernel.Kernel;
import dev.coracle.sandbox.MicroVmSandbox;
import java.util.List;

/**
 * Starts the programs of a machine, each with as little as it needs; they end with their parent.
 */
final class Spawn {
  private static final List<String> ENV = List.of("PATH=/usr/bin:/bin:/usr/sbin:/sbin", "LANG=C");
  private static final int CANNOT_EXECUTE = 126;
  private static final int NOBODY = 65534;
  private static final long CLONE_NEWNS = 0x00020000L;
  private static final int FIRST_AFTER_STDIO = 3;

  // Above all that is open in the monitor when machines are started.
  private static final int PORT_AT = 200;
  private static final int SERVER_AT = 201;
  private static final int CONTROL_AT = 202;
  private static final int SAVED_AT = 203;
  private static final int SAVED_PORT_AT = 204;

  /** What a program is given. */
  enum Trust {
    /** Root, with the capabilities that we have: it drops those that it does not need itself. */
    SERVER,
    /** Nobody, without any capability, and without the container's files. */
    NONE
  }

  private Spawn() {}

  /**
   * Starts a program.
   *
   * @param kept descriptors that it gets, with the numbers that they have; −1 for none
   * @param words gets what it writes to stdout and stderr
   * @return its pidfd, or −errno
   */
  static long spawn(Kernel k, List<String> argv, int[] kept, int words, Trust trust) {
    int[] pidfd = {-1};
    long parent = k.getpid();
    long pid = parent < 0 ? parent : k.fork(pidfd);
    if (pid != 0) {
      return pid < 0 ? pid : pidfd[0];
    }
    long result = prepare(k, kept, words, trust);
    if (result >= 0) {
      result = isThere(k, parent);
    }
    if (result >= 0) {
      result = k.execve(argv.get(0), argv, ENV);
    }
    byte[] text = Bytes.utf8("cannot execute " + argv.get(0) + ": " + Errno.text(-result) + "\n");
    long said = k.write(2, text, 0, text.length);
    return k.exit_group(said < 0 ? CANNOT_EXECUTE + 1 : CANNOT_EXECUTE);
  }

  /**
   * Starts a {@link FilesRelay}, as nobody.
   *
   * @param saved what is known of the files of a machine that is restored, or −1
   * @param savedPort what its guest had sent since, or −1
   * @return its pidfd, or −errno
   */
  static long relay(
      Kernel k, int port, int server, int control, int saved, int savedPort, int words) {
    int[] pidfd = {-1};
    long pid = k.fork(pidfd);
    if (pid != 0) {
      return pid < 0 ? pid : pidfd[0];
    }
    long result = k.dup3(port, PORT_AT, 0);
    result = result < 0 ? result : k.dup3(server, SERVER_AT, 0);
    result = result < 0 ? result : k.dup3(control, CONTROL_AT, 0);
    int savedAt = saved < 0 ? -1 : SAVED_AT;
    int savedPortAt = savedPort < 0 ? -1 : SAVED_PORT_AT;
    if (saved >= 0) {
      result = result < 0 ? result : k.dup3(saved, SAVED_AT, 0);
    }
    if (savedPort >= 0) {
      result = result < 0 ? result : k.dup3(savedPort, SAVED_PORT_AT, 0);
    }
    result = result < 0 ? result : prepare(k, new int[0], words, Trust.NONE);
    result = result < 0 ? result : k.close_range(FIRST_AFTER_STDIO, PORT_AT - 1, 0);
    int last = Math.max(CONTROL_AT, Math.max(savedAt, savedPortAt));
    result = result < 0 ? result : k.close_range(last + 1, ALL_DESCRIPTORS, 0);
    result = result < 0 ? result : k.prctlSetName("coracle-files");
    return k.exit_group(
        result < 0
            ? CANNOT_EXECUTE
            : FilesRelay.run(k, PORT_AT, SERVER_AT, CONTROL_AT, savedAt, savedPortAt));
  }

  private static long prepare(Kernel k, int[] kept, int words, Trust trust) {
    long result = k.close_range(FIRST_AFTER_STDIO, ALL_DESCRIPTORS, CLOSE_RANGE_CLOEXEC);
    for (int i = 0; i < kept.length && result >= 0; i++) {
      result = kept[i] < 0 ? result : k.fcntl(kept[i], F_SETFD, 0);
    }
    long nothing = result < 0 ? result : k.openat2(AT_FDCWD, "/dev/null", O_RDWR | O_CLOEXEC, 0, 0);
    result = nothing;
    if (result >= 0) {
      result = k.dup3((int) nothing, 0, 0);
    }
    for (int fd = 1; fd <= 2 && result >= 0; fd++) {
      result = k.dup3(words, fd, 0);
    }
    if (result >= 0) {
      result = k.resetSignals(Kernel.ALL_SIGNALS);
    }
    if (result >= 0 && trust == Trust.NONE) {
      result = becomeNobody(k);
    }
    if (result >= 0) {
      result = k.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    }
    // Last: a change of credentials takes it away (prctl(2)).
    return result < 0 ? result : k.prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  }

  /** Whether who started us is still there: of an end before PR_SET_PDEATHSIG nobody is told. */
  private static long isThere(Kernel k, long parent) {
    return k.getppid() == parent ? 0 : -Errno.ESRCH;
  }

  private static long becomeNobody(Kernel k) {
    long result = k.unshare(CLONE_NEWNS);
    if (result >= 0) {
      // What is unmounted here must stay mounted for the others.
      result = k.mount_setattr(AT_FDCWD, "/", AT_RECURSIVE, 0, 0, MS_PRIVATE, -1);
    }
    if (result >= 0) {
      result = k.umount2(MicroVmSandbox.ROOT_AT, MNT_DETACH);
    }
    if (result >= 0) {
      result = k.setgroups(new int[0]);
    }
    if (result >= 0) {
      result = k.setresgid(NOBODY);
    }
    if (result >= 0) {
      result = k.setresuid(NOBODY);
    }
    return result < 0 ? result : k.capset(0, 0, 0);
  }
}
