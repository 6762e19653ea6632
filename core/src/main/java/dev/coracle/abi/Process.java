package dev.coracle.abi;

/**
 * clone(2), wait(2), signal(7), getrlimit(2), prctl(2), ioctl_tty(2), ioctl_nsfs(2), netdevice(7).
 */
public final class Process {
  public static final long CLONE_PIDFD = 0x1000;
  public static final long CLONE_PARENT = 0x8000;
  public static final long CLONE_NEWTIME = 0x80;
  public static final long CLONE_NEWNS = 0x20000;
  public static final long CLONE_INTO_CGROUP = 0x200000000L;

  public static final int SIGHUP = 1;
  public static final int SIGINT = 2;
  public static final int SIGQUIT = 3;
  public static final int SIGKILL = 9;
  public static final int SIGPIPE = 13;
  public static final int SIGTERM = 15;
  public static final int SIGCHLD = 17;
  public static final int SIGXFSZ = 25;
  public static final int SIGWINCH = 28;

  public static final int RLIMIT_FSIZE = 1;
  public static final int RLIMIT_AS = 9;

  public static final long WNOHANG = 1;

  public static final long PR_SET_PDEATHSIG = 1;
  public static final long PR_SET_DUMPABLE = 4;
  public static final long PR_SET_KEEPCAPS = 8;
  public static final long PR_CAPBSET_DROP = 24;
  public static final long PR_SET_CHILD_SUBREAPER = 36;
  public static final long PR_SET_NO_NEW_PRIVS = 38;
  public static final long PR_CAP_AMBIENT = 47;
  public static final long PR_CAP_AMBIENT_RAISE = 2;
  public static final long PR_CAP_AMBIENT_CLEAR_ALL = 4;

  public static final long NS_GET_NSTYPE = 0xb703;

  public static final long TCGETS = 0x5401;
  public static final long TCSETS = 0x5402;
  public static final long TIOCSCTTY = 0x540e;

  /** How many bytes of a socket its other end has not read (unix(7)). */
  public static final long SIOCOUTQ = 0x5411;

  public static final int MSG_PEEK = 2;
  public static final int MSG_DONTWAIT = 0x40;
  public static final long TIOCGWINSZ = 0x5413;
  public static final long TIOCSWINSZ = 0x5414;
  public static final long FIONREAD = 0x541b;
  public static final long TIOCGPTPEER = 0x5441;
  public static final long TIOCSPTLCK = 0x40045431L;
  public static final long TIOCGPTN = 0x80045430L;

  public static final long SIOCSIFFLAGS = 0x8914;
  public static final int IFF_UP = 1;
  public static final int IFF_RUNNING = 0x40;

  public static final long AF_UNIX = 1;
  public static final long AF_INET = 2;
  public static final long SOCK_STREAM = 1;
  public static final long SOCK_DGRAM = 2;
  public static final long SOCK_SEQPACKET = 5;
  public static final long SOCK_CLOEXEC = 0x80000;
  public static final int SHUT_WR = 1; // shutdown(2)

  public static final short POLLIN = 1;
  public static final short POLLOUT = 4;
  public static final short POLLERR = 8;
  public static final short POLLHUP = 16;

  public static final int CLOCK_REALTIME = 0;
  public static final int CLOCK_MONOTONIC = 1;
  public static final int CLOCK_BOOTTIME = 7;

  private Process() {}

  /** Whether a wait status says that the process ended by itself. */
  public static boolean exited(int status) {
    return (status & 0x7f) == 0;
  }

  /** The exit code as a shell has it: 128 and the signal where one killed the process. */
  public static int exitCode(int status) {
    return exited(status) ? status >> 8 & 0xff : 128 + (status & 0x7f);
  }
}
