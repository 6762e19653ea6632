package dev.coracle.linux;

import org.teavm.interop.Address;
import org.teavm.interop.Import;
import org.teavm.interop.Unmanaged;
import org.teavm.interop.c.Include;

/** The bridge to coracle.h. The numbers are places in its list coracle_numbers. */
@Include(value = "coracle.h", isSystem = false)
final class Syscalls {
  static final int OPENAT2 = 0;
  static final int CLOSE = 1;
  static final int READ = 2;
  static final int WRITE = 3;
  static final int STATX = 4;
  static final int FSTATFS = 5;
  static final int STATFS = 6;
  static final int MKDIRAT = 7;
  static final int MKNODAT = 8;
  static final int UNLINKAT = 9;
  static final int SYMLINKAT = 10;
  static final int RENAMEAT2 = 11;
  static final int READLINKAT = 12;
  static final int FCHMOD = 13;
  static final int FCHOWNAT = 14;
  static final int FACCESSAT2 = 15;
  static final int GETDENTS64 = 16;
  static final int CHDIR = 17;
  static final int FCHDIR = 18;
  static final int CHROOT = 19;
  static final int GETCWD = 20;
  static final int DUP3 = 21;
  static final int PIPE2 = 22;
  static final int FCNTL = 23;
  static final int FLOCK = 24;
  static final int CLOSE_RANGE = 25;
  static final int UMASK = 26;
  static final int MOUNT = 27;
  static final int UMOUNT2 = 28;
  static final int PIVOT_ROOT = 29;
  static final int OPEN_TREE = 30;
  static final int MOVE_MOUNT = 31;
  static final int FSOPEN = 32;
  static final int FSCONFIG = 33;
  static final int FSMOUNT = 34;
  static final int FSPICK = 35;
  static final int MOUNT_SETATTR = 36;
  static final int CLONE3 = 37;
  static final int EXECVE = 38;
  static final int EXIT_GROUP = 39;
  static final int WAIT4 = 40;
  static final int KILL = 41;
  static final int PIDFD_OPEN = 42;
  static final int PIDFD_SEND_SIGNAL = 43;
  static final int GETPID = 44;
  static final int GETPPID = 45;
  static final int GETEUID = 46;
  static final int GETEGID = 47;
  static final int PRCTL = 48;
  static final int SETRESUID = 49;
  static final int SETRESGID = 50;
  static final int SETGROUPS = 51;
  static final int CAPSET = 52;
  static final int CAPGET = 53;
  static final int PRLIMIT64 = 54;
  static final int SETSID = 55;
  static final int SETNS = 56;
  static final int UNSHARE = 57;
  static final int SETHOSTNAME = 58;
  static final int SETDOMAINNAME = 59;
  static final int SCHED_SETAFFINITY = 60;
  static final int SECCOMP = 61;
  static final int BPF = 62;
  static final int RT_SIGACTION = 63;
  static final int RT_SIGPROCMASK = 64;
  static final int SIGNALFD4 = 65;
  static final int PPOLL = 66;
  static final int SOCKETPAIR = 67;
  static final int SOCKET = 68;
  static final int CONNECT = 69;
  static final int SENDMSG = 70;
  static final int IOCTL = 71;
  static final int CLOCK_GETTIME = 72;
  static final int PWRITE64 = 73;
  static final int RECVMSG = 74;
  static final int SCHED_SETATTR = 75;
  static final int IOPRIO_SET = 76;
  static final int SET_MEMPOLICY = 77;
  static final int PERSONALITY = 78;
  static final int KEYCTL = 79;
  static final int EXECVEAT = 80;
  static final int MEMFD_CREATE = 81;
  static final int SENDFILE = 82;
  static final int INOTIFY_INIT1 = 83;
  static final int INOTIFY_ADD_WATCH = 84;
  static final int EVENTFD2 = 85;
  static final int PIDFD_GETFD = 86;
  static final int FACCESSAT = 87;
  static final int BIND = 88;
  static final int CLONE = 89;
  static final int LISTEN = 90;
  static final int ACCEPT4 = 91;
  static final int FINIT_MODULE = 92;
  static final int REBOOT = 93;
  static final int SYNC = 94;
  static final int CLOCK_SETTIME = 95;
  static final int SENDTO = 96;
  static final int RECVFROM = 97;
  static final int PREAD64 = 98;
  static final int SHUTDOWN = 99;

  private Syscalls() {}

  @Unmanaged
  @Import(name = "coracle_call")
  static native long call(int index, long a, long b, long c, long d, long e, long f);

  @Unmanaged
  @Import(name = "coracle_scratch")
  static native Address scratch();

  @Unmanaged
  @Import(name = "coracle_allocate")
  static native Address allocate(long size);

  @Unmanaged
  @Import(name = "coracle_seal_descriptor")
  static native int seal();

  @Unmanaged
  @Import(name = "coracle_exiting_handler")
  static native Address exitingHandler();

  @Unmanaged
  @Import(name = "coracle_environ")
  static native Address environ();

  @Unmanaged
  @Import(name = "coracle_argv")
  static native Address argv();

  @Unmanaged
  @Import(name = "coracle_commit")
  static native Address commit();

  @Unmanaged
  @Import(name = "coracle_argv0")
  static native Address argv0();
}
