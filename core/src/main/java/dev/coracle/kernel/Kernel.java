package dev.coracle.kernel;

import com.google.errorprone.annotations.CheckReturnValue;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The kernel: each method is one system call with its name and argument order (section 2 of the
 * manual), and returns what Linux itself returns: a value that is not negative, or −errno.
 *
 * <p>Nobody may ignore a result; {@link Errno} names the errors. A path is relative to its {@code
 * dirfd}, {@link dev.coracle.abi.Fcntl#AT_FDCWD} being the working directory.
 */
@CheckReturnValue
public interface Kernel {
  // --- files ---

  /** openat2(2), Linux 5.6. */
  long openat2(int dirfd, String path, long flags, long mode, long resolve);

  /** close(2). */
  long close(int fd);

  /** read(2) into {@code buffer} from {@code offset} on. */
  long read(int fd, byte[] buffer, int offset, int count);

  /** write(2) from {@code buffer}, from {@code offset} on. */
  long write(int fd, byte[] buffer, int offset, int count);

  /** pread(2): reads at a position, into {@code buffer} from {@code offset} on. */
  long pread64(int fd, byte[] buffer, int offset, int count, long position);

  /** pwrite(2): writes at a position, from {@code offset} of {@code buffer} on. */
  long pwrite64(int fd, byte[] buffer, int offset, int count, long position);

  /** statx(2) into a struct statx of 256 bytes; {@link dev.coracle.abi.Statx} reads it. */
  long statx(int dirfd, String path, long flags, long mask, byte[] statx);

  /** fstatfs(2): the filesystem's magic number (statfs(2), f_type). */
  long fstatfsType(int fd);

  /** statfs(2): the filesystem's magic number. */
  long statfsType(String path);

  /** mkdirat(2). */
  long mkdirat(int dirfd, String path, long mode);

  /** mknodat(2); {@code dev} is encoded by {@link dev.coracle.abi.Stat#makedev}. */
  long mknodat(int dirfd, String path, long mode, long dev);

  /** unlinkat(2). */
  long unlinkat(int dirfd, String path, long flags);

  /** symlinkat(2). */
  long symlinkat(String target, int dirfd, String path);

  /** renameat2(2). */
  long renameat2(int olddirfd, String oldpath, int newdirfd, String newpath, long flags);

  /** readlinkat(2) into {@code buffer}. */
  long readlinkat(int dirfd, String path, byte[] buffer);

  /** fchmod(2). */
  long fchmod(int fd, long mode);

  /** fchownat(2). */
  long fchownat(int dirfd, String path, long uid, long gid, long flags);

  /** faccessat2(2), Linux 5.8. */
  long faccessat2(int dirfd, String path, long mode, long flags);

  /** faccessat(2) as the system call has it: without flags. */
  long faccessat(int dirfd, String path, long mode);

  /** getdents64(2) into {@code buffer}; {@link dev.coracle.abi.Dirent} reads it. */
  long getdents64(int fd, byte[] buffer);

  /** chdir(2). */
  long chdir(String path);

  /** fchdir(2). */
  long fchdir(int fd);

  /** chroot(2). */
  long chroot(String path);

  /** getcwd(2) into {@code buffer}: the length with the NUL byte. */
  long getcwd(byte[] buffer);

  /** dup3(2); like dup2(2) it changes nothing where both are one. */
  long dup3(int oldfd, int newfd, long flags);

  /** pipe2(2): the two descriptors, read end first. */
  long pipe2(int[] fds, long flags);

  /** fcntl(2). */
  long fcntl(int fd, long op, long arg);

  /** flock(2). */
  long flock(int fd, long operation);

  /** close_range(2), Linux 5.9 (flags 5.11). */
  long close_range(long first, long last, long flags);

  /** umask(2). */
  long umask(long mask);

  // --- mounts ---

  /** mount(2). */
  long mount(
      @Nullable String source,
      String target,
      @Nullable String type,
      long flags,
      @Nullable String data);

  /** umount2(2). */
  long umount2(String target, long flags);

  /** pivot_root(2). */
  long pivot_root(String newRoot, String putOld);

  /** open_tree(2), Linux 5.2. */
  long open_tree(int dirfd, String path, long flags);

  /** move_mount(2), Linux 5.2. */
  long move_mount(int fromDirfd, String fromPath, int toDirfd, String toPath, long flags);

  /** fsopen(2), Linux 5.2. */
  long fsopen(String fstype, long flags);

  /** fsconfig(2), Linux 5.2, for the commands that take text. */
  long fsconfig(int fd, long cmd, @Nullable String key, @Nullable String value, int aux);

  /** fsmount(2), Linux 5.2. */
  long fsmount(int fd, long flags, long attrFlags);

  /** fspick(2), Linux 5.2. */
  long fspick(int dirfd, String path, long flags);

  /** mount_setattr(2), Linux 5.12. */
  long mount_setattr(
      int dirfd,
      String path,
      long flags,
      long attrSet,
      long attrClr,
      long propagation,
      int usernsFd);

  // --- processes ---

  /**
   * clone3(2) without CLONE_VM: returns 0 in the child.
   *
   * @param pidfd gets the descriptor where {@code flags} has CLONE_PIDFD
   * @param cgroupFd the cgroup to start in where {@code flags} has CLONE_INTO_CGROUP (Linux 5.7)
   */
  long clone3(long flags, int[] pidfd, int exitSignal, int cgroupFd);

  /**
   * clone(2) as fork(2) uses it, for where a filter refuses clone3(2): returns 0 in the child,
   * which ends with SIGCHLD.
   *
   * @param pidfd gets the descriptor of the child (CLONE_PIDFD, Linux 5.2)
   */
  long fork(int[] pidfd);

  /** execve(2). */
  long execve(String path, List<String> argv, List<String> envp);

  /** exit_group(2). Does not return on a real kernel. */
  long exit_group(int status);

  /** wait4(2): the pid; {@code status} gets the wait status in its first element. */
  long wait4(int pid, int[] status, long options);

  /** kill(2). */
  long kill(int pid, int signal);

  /** pidfd_open(2), Linux 5.3. */
  long pidfd_open(int pid, long flags);

  /** pidfd_send_signal(2), Linux 5.1. */
  long pidfd_send_signal(int pidfd, int signal);

  /** getpid(2). */
  long getpid();

  /** getppid(2). */
  long getppid();

  /** geteuid(2). */
  long geteuid();

  /** getegid(2). */
  long getegid();

  /** prctl(2). */
  long prctl(long option, long arg2, long arg3, long arg4, long arg5);

  /** PR_SET_NAME of prctl(2): the name of the calling thread, at most 15 bytes. */
  long prctlSetName(String name);

  /** setresuid(2), with one id for all three. */
  long setresuid(long uid);

  /** setresgid(2), with one id for all three. */
  long setresgid(long gid);

  /** setgroups(2). */
  long setgroups(int[] gids);

  /** capset(2) of the calling thread, version 3. */
  long capset(long effective, long permitted, long inheritable);

  /** capget(2) of the calling thread: effective, permitted, inheritable. */
  long capget(long[] sets);

  /** prlimit64(2): sets a limit; both are unsigned bits. */
  long prlimit64(int pid, int resource, long soft, long hard);

  /** prlimit64(2): reads a limit, soft and hard. */
  long prlimit64Get(int pid, int resource, long[] limits);

  /** setsid(2). */
  long setsid();

  /** setns(2). */
  long setns(int fd, long nstype);

  /** unshare(2). */
  long unshare(long flags);

  /** sethostname(2). */
  long sethostname(String name);

  /** setdomainname(2). */
  long setdomainname(String name);

  /** sched_setaffinity(2) of the calling thread, with a mask of all ones of this many bytes. */
  long schedSetaffinityAll(int bytes);

  /** seccomp(2), SECCOMP_SET_MODE_FILTER: the bytes are an array of struct sock_filter. */
  long seccompSetFilter(long flags, byte[] program);

  /**
   * bpf(2), BPF_PROG_LOAD of BPF_PROG_TYPE_CGROUP_DEVICE: the bytes are an array of struct
   * bpf_insn.
   */
  long bpfLoadCgroupDevice(byte[] instructions);

  /** bpf(2), BPF_PROG_ATTACH with BPF_CGROUP_DEVICE. */
  long bpfAttachCgroupDevice(int cgroupFd, int programFd, long flags);

  /** sched_setaffinity(2) of the calling thread; bit n of the mask is CPU n. */
  long sched_setaffinity(byte[] mask);

  /** sched_setattr(2) of the calling thread; {@code attr} is a struct sched_attr. */
  long sched_setattr(byte[] attr, long flags);

  /** ioprio_set(2). */
  long ioprio_set(int which, int who, long ioprio);

  /** set_mempolicy(2); {@code maxnode} is how many bits of the mask count. */
  long set_mempolicy(long mode, byte[] nodemask, long maxnode);

  /** personality(2). */
  long personality(long persona);

  /** keyctl(2), KEYCTL_JOIN_SESSION_KEYRING: the id of the keyring. */
  long keyctlJoinSessionKeyring(String name);

  /** keyctl(2) whose arguments are numbers. */
  long keyctl(long operation, long arg2, long arg3);

  /** execveat(2), Linux 3.19. */
  long execveat(int dirfd, String path, List<String> argv, List<String> envp, long flags);

  /**
   * execveat(2) with AT_EMPTY_PATH of {@code fd}, with the very arguments and environment that this
   * process was started with, and one more variable, {@code NAME=value}.
   */
  long execveatSelf(int fd, String variable);

  /** memfd_create(2), Linux 3.17. */
  long memfd_create(String name, long flags);

  /** sendfile(2) from where {@code from} stands. */
  long sendfile(int to, int from, long count);

  /** inotify_init1(2). */
  long inotify_init1(long flags);

  /** inotify_add_watch(2). */
  long inotify_add_watch(int fd, String path, long mask);

  /** eventfd2(2). */
  long eventfd2(long initval, long flags);

  /** pidfd_getfd(2), Linux 5.6. */
  long pidfd_getfd(int pidfd, int targetfd, long flags);

  /** Every signal, for {@link #resetSignals}. */
  long ALL_SIGNALS = -1;

  /** The signals that are ignored, signal n as bit n − 1 (rt_sigaction(2)). */
  long ignoredSignals();

  /** Clears the signal mask and gives these signals their default (rt_sigaction(2)). */
  long resetSignals(long signals);

  /** rt_sigaction(2) with SIG_IGN: a signal is passed over from now on. */
  long ignoreSignal(int signal);

  /** rt_sigaction(2) with a handler that ends the process with status 128 + {@code signal}. */
  long exitOnSignal(int signal);

  /** Lets a signal do what it does by default (rt_sigaction(2)), whatever the caller left of it. */
  long defaultSignal(int signal);

  /**
   * Blocks all signals and makes a descriptor that reads them (rt_sigprocmask(2), signalfd4(2)).
   */
  long signalfdAll();

  /** poll(2): {@code fds} and {@code events} in, {@code revents} out; −1 waits without limit. */
  long poll(int[] fds, short[] events, short[] revents, int timeoutMillis);

  // --- sockets and terminals ---

  /** socketpair(2). */
  long socketpair(long domain, long type, int[] fds);

  /** socket(2). */
  long socket(long domain, long type, long protocol);

  /**
   * connect(2) to an AF_UNIX path of at most 107 bytes; with {@code @} in front, an abstract one.
   */
  long connectUnix(int fd, String path);

  /** bind(2) to an AF_UNIX path of at most 107 bytes. */
  long bindUnix(int fd, String path);

  /** bind(2) to a struct sockaddr. */
  long bind(int fd, byte[] address);

  /** connect(2) to a struct sockaddr. */
  long connect(int fd, byte[] address);

  /** sendto(2) without flags. */
  long sendto(int fd, byte[] buffer, int offset, int count, byte[] address);

  /** recvfrom(2) without flags; {@code address} gets the sender's struct sockaddr. */
  long recvfrom(int fd, byte[] buffer, int offset, int count, byte[] address);

  /** recv(2). */
  long recv(int fd, byte[] buffer, int offset, int count, int flags);

  /** listen(2). */
  long listen(int fd, int backlog);

  /** shutdown(2). */
  long shutdown(int fd, int how);

  /** accept4(2), without the other's address. */
  long accept4(int fd, long flags);

  /** sendmsg(2) of bytes with one descriptor as SCM_RIGHTS (unix(7)). */
  long sendMessage(int socket, byte[] bytes, int fd);

  /** sendmsg(2) of {@code text} with one descriptor as SCM_RIGHTS (unix(7)). */
  long sendDescriptor(int socket, String text, int fd);

  /** recvmsg(2) of one descriptor as SCM_RIGHTS; −EBADF where none came. */
  long receiveDescriptor(int socket);

  /**
   * recvmsg(2) of a message of at most 64 KiB; {@code fd} gets the descriptor that came with it as
   * SCM_RIGHTS, or −1.
   */
  long receiveMessage(int socket, byte[] buffer, int[] fd);

  /** ioctl(2) whose argument is a number. */
  long ioctl(int fd, long request, long arg);

  /** ioctl(2) whose argument is a structure that is read and written. */
  long ioctlStruct(int fd, long request, byte[] arg);

  // --- the machine ---

  /** finit_module(2), without flags. */
  long finit_module(int fd, String parameters);

  /** reboot(2), with its two magic numbers. */
  long reboot(long command);

  /** clock_settime(2). */
  long clock_settime(int clock, long nanos);

  /** sync(2). */
  long sync();

  // --- time ---

  /** clock_gettime(2): nanoseconds. */
  long clock_gettime(int clock);

  /**
   * The read-only mount from which our program is mapped, made before it started up: its
   * descriptor, or −1 where there is none.
   */
  default int seal() {
    return -1;
  }

  /** The environment of this process, as it was at its start (environ(7)). */
  List<String> environ();

  // --- words ---

  /** A failure in words: the call where it is known, and the error. */
  default String explain(long result) {
    return Errno.text(-result);
  }
}
