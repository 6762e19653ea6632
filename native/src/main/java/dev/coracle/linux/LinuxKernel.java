package dev.coracle.linux;

import static dev.coracle.abi.Fcntl.AT_EMPTY_PATH;

import dev.coracle.kernel.Errno;
import dev.coracle.kernel.Kernel;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.teavm.interop.Address;

/**
 * The kernel itself. Arguments that the kernel reads as text are written into {@link Scratch};
 * arrays are handed over where they stand: nothing is allocated during a call, so nothing moves.
 */
public final class LinuxKernel implements Kernel {
  /** Of the only iovec behind a struct msghdr. */
  private static final int IOV_LENGTH_AT = 64;

  private static final int SIG_SETMASK = 2;
  private static final int LAST_SIGNAL = 64;
  private static final long SIG_IGN = 1;
  private static final long SA_RESTORER = 0x04000000;
  private static final int SIGNAL_SET_BYTES = 8;
  private static final long CAPABILITY_VERSION_3 = 0x20080522L;

  private static long call(int nr, long a, long b, long c) {
    return Syscalls.call(nr, a, b, c, 0, 0, 0);
  }

  private static long call(int nr, long a, long b, long c, long d, long e) {
    return Scratch.overflow() ? -Errno.ENAMETOOLONG : Syscalls.call(nr, a, b, c, d, e, 0);
  }

  private static long text(@Nullable String text) {
    return Scratch.text(text);
  }

  private static long address(byte[] array, int offset) {
    return Address.ofData(array).toLong() + offset;
  }

  @Override
  public long close(int fd) {
    return call(Syscalls.CLOSE, fd, 0, 0);
  }

  @Override
  public long read(int fd, byte[] buffer, int offset, int count) {
    return call(Syscalls.READ, fd, address(buffer, offset), count);
  }

  @Override
  public long write(int fd, byte[] buffer, int offset, int count) {
    return call(Syscalls.WRITE, fd, address(buffer, offset), count);
  }

  @Override
  public long fchmod(int fd, long mode) {
    return call(Syscalls.FCHMOD, fd, mode, 0);
  }

  @Override
  public long getdents64(int fd, byte[] buffer) {
    return call(Syscalls.GETDENTS64, fd, address(buffer, 0), buffer.length);
  }

  @Override
  public long fchdir(int fd) {
    return call(Syscalls.FCHDIR, fd, 0, 0);
  }

  @Override
  public long getcwd(byte[] buffer) {
    return call(Syscalls.GETCWD, address(buffer, 0), buffer.length, 0);
  }

  @Override
  public long dup3(int oldfd, int newfd, long flags) {
    // dup3 refuses what dup2 takes: the same descriptor twice.
    return oldfd == newfd ? newfd : call(Syscalls.DUP3, oldfd, newfd, flags);
  }

  @Override
  public long fcntl(int fd, long op, long arg) {
    return call(Syscalls.FCNTL, fd, op, arg);
  }

  @Override
  public long flock(int fd, long operation) {
    return call(Syscalls.FLOCK, fd, operation, 0);
  }

  @Override
  public long close_range(long first, long last, long flags) {
    return call(Syscalls.CLOSE_RANGE, first, last, flags);
  }

  @Override
  public long umask(long mask) {
    return call(Syscalls.UMASK, mask, 0, 0);
  }

  @Override
  public long fsmount(int fd, long flags, long attrFlags) {
    return call(Syscalls.FSMOUNT, fd, flags, attrFlags);
  }

  @Override
  public long exit_group(int status) {
    return call(Syscalls.EXIT_GROUP, status, 0, 0);
  }

  @Override
  public long kill(int pid, int signal) {
    return call(Syscalls.KILL, pid, signal, 0);
  }

  @Override
  public long pidfd_open(int pid, long flags) {
    return call(Syscalls.PIDFD_OPEN, pid, flags, 0);
  }

  @Override
  public long pidfd_send_signal(int pidfd, int signal) {
    return call(Syscalls.PIDFD_SEND_SIGNAL, pidfd, signal, 0);
  }

  @Override
  public long getpid() {
    return call(Syscalls.GETPID, 0, 0, 0);
  }

  @Override
  public long getppid() {
    return call(Syscalls.GETPPID, 0, 0, 0);
  }

  @Override
  public long geteuid() {
    return call(Syscalls.GETEUID, 0, 0, 0);
  }

  @Override
  public long getegid() {
    return call(Syscalls.GETEGID, 0, 0, 0);
  }

  @Override
  public long setresuid(long uid) {
    return call(Syscalls.SETRESUID, uid, uid, uid);
  }

  @Override
  public long setresgid(long gid) {
    return call(Syscalls.SETRESGID, gid, gid, gid);
  }

  @Override
  public long setsid() {
    return call(Syscalls.SETSID, 0, 0, 0);
  }

  @Override
  public long setns(int fd, long nstype) {
    return call(Syscalls.SETNS, fd, nstype, 0);
  }

  @Override
  public long unshare(long flags) {
    return call(Syscalls.UNSHARE, flags, 0, 0);
  }

  @Override
  public long socket(long domain, long type, long protocol) {
    return call(Syscalls.SOCKET, domain, type, protocol);
  }

  @Override
  public long ioctl(int fd, long request, long arg) {
    return call(Syscalls.IOCTL, fd, request, arg);
  }

  @Override
  public long ioctlStruct(int fd, long request, byte[] arg) {
    return call(Syscalls.IOCTL, fd, request, address(arg, 0));
  }

  @Override
  public long statx(int dirfd, String path, long flags, long mask, byte[] statx) {
    Scratch.reset();
    long pathText = text(path);
    return call(Syscalls.STATX, dirfd, pathText, flags, mask, address(statx, 0));
  }

  @Override
  public long mkdirat(int dirfd, String path, long mode) {
    Scratch.reset();
    long pathText = text(path);
    return call(Syscalls.MKDIRAT, dirfd, pathText, mode, 0, 0);
  }

  @Override
  public long mknodat(int dirfd, String path, long mode, long dev) {
    Scratch.reset();
    long pathText = text(path);
    return call(Syscalls.MKNODAT, dirfd, pathText, mode, dev, 0);
  }

  @Override
  public long unlinkat(int dirfd, String path, long flags) {
    Scratch.reset();
    long pathText = text(path);
    return call(Syscalls.UNLINKAT, dirfd, pathText, flags, 0, 0);
  }

  @Override
  public long symlinkat(String target, int dirfd, String path) {
    Scratch.reset();
    long targetText = text(target);
    long pathText = text(path);
    return call(Syscalls.SYMLINKAT, targetText, dirfd, pathText, 0, 0);
  }

  @Override
  public long renameat2(int olddirfd, String oldpath, int newdirfd, String newpath, long flags) {
    Scratch.reset();
    long oldpathText = text(oldpath);
    long newpathText = text(newpath);
    return call(Syscalls.RENAMEAT2, olddirfd, oldpathText, newdirfd, newpathText, flags);
  }

  @Override
  public long readlinkat(int dirfd, String path, byte[] buffer) {
    Scratch.reset();
    long pathText = text(path);
    return call(Syscalls.READLINKAT, dirfd, pathText, address(buffer, 0), buffer.length, 0);
  }

  @Override
  public long fchownat(int dirfd, String path, long uid, long gid, long flags) {
    Scratch.reset();
    long pathText = text(path);
    return call(Syscalls.FCHOWNAT, dirfd, pathText, uid, gid, flags);
  }

  @Override
  public long faccessat2(int dirfd, String path, long mode, long flags) {
    Scratch.reset();
    long pathText = text(path);
    return call(Syscalls.FACCESSAT2, dirfd, pathText, mode, flags, 0);
  }

  @Override
  public long faccessat(int dirfd, String path, long mode) {
    Scratch.reset();
    return call(Syscalls.FACCESSAT, dirfd, text(path), mode, 0, 0);
  }

  @Override
  public long chdir(String path) {
    Scratch.reset();
    long pathText = text(path);
    return call(Syscalls.CHDIR, pathText, 0, 0, 0, 0);
  }

  @Override
  public long chroot(String path) {
    Scratch.reset();
    long pathText = text(path);
    return call(Syscalls.CHROOT, pathText, 0, 0, 0, 0);
  }

  @Override
  public long mount(
      @Nullable String source,
      String target,
      @Nullable String type,
      long flags,
      @Nullable String data) {
    Scratch.reset();
    long sourceText = text(source);
    long targetText = text(target);
    long typeText = text(type);
    long dataText = text(data);
    return call(Syscalls.MOUNT, sourceText, targetText, typeText, flags, dataText);
  }

  @Override
  public long umount2(String target, long flags) {
    Scratch.reset();
    long targetText = text(target);
    return call(Syscalls.UMOUNT2, targetText, flags, 0, 0, 0);
  }

  @Override
  public long pivot_root(String newRoot, String putOld) {
    Scratch.reset();
    long newRootText = text(newRoot);
    long putOldText = text(putOld);
    return call(Syscalls.PIVOT_ROOT, newRootText, putOldText, 0, 0, 0);
  }

  @Override
  public long open_tree(int dirfd, String path, long flags) {
    Scratch.reset();
    long pathText = text(path);
    return call(Syscalls.OPEN_TREE, dirfd, pathText, flags, 0, 0);
  }

  @Override
  public long move_mount(int fromDirfd, String fromPath, int toDirfd, String toPath, long flags) {
    Scratch.reset();
    long fromPathText = text(fromPath);
    long toPathText = text(toPath);
    return call(Syscalls.MOVE_MOUNT, fromDirfd, fromPathText, toDirfd, toPathText, flags);
  }

  @Override
  public long fsopen(String fstype, long flags) {
    Scratch.reset();
    long fstypeText = text(fstype);
    return call(Syscalls.FSOPEN, fstypeText, flags, 0, 0, 0);
  }

  @Override
  public long fsconfig(int fd, long cmd, @Nullable String key, @Nullable String value, int aux) {
    Scratch.reset();
    long keyText = text(key);
    long valueText = text(value);
    return call(Syscalls.FSCONFIG, fd, cmd, keyText, valueText, aux);
  }

  @Override
  public long fspick(int dirfd, String path, long flags) {
    Scratch.reset();
    long pathText = text(path);
    return call(Syscalls.FSPICK, dirfd, pathText, flags, 0, 0);
  }

  @Override
  public long pread64(int fd, byte[] buffer, int offset, int count, long position) {
    return Syscalls.call(Syscalls.PREAD64, fd, address(buffer, offset), count, position, 0, 0);
  }

  @Override
  public long pwrite64(int fd, byte[] buffer, int offset, int count, long position) {
    return Syscalls.call(Syscalls.PWRITE64, fd, address(buffer, offset), count, position, 0, 0);
  }

  @Override
  public long openat2(int dirfd, String path, long flags, long mode, long resolve) {
    Scratch.reset();
    // struct open_how: flags, mode, resolve, 8 bytes each.
    Address how = Scratch.structure();
    how.putLong(flags);
    how.add(8).putLong(mode);
    how.add(16).putLong(resolve);
    return call(Syscalls.OPENAT2, dirfd, text(path), how.toLong(), 24, 0);
  }

  @Override
  public long fstatfsType(int fd) {
    Address statfs = Scratch.structure();
    long result = call(Syscalls.FSTATFS, fd, statfs.toLong(), 0);
    return result < 0 ? result : statfs.getLong() & 0xffffffffL;
  }

  @Override
  public long statfsType(String path) {
    Scratch.reset();
    Address statfs = Scratch.structure();
    long result = call(Syscalls.STATFS, text(path), statfs.toLong(), 0, 0, 0);
    return result < 0 ? result : statfs.getLong() & 0xffffffffL;
  }

  @Override
  public long pipe2(int[] fds, long flags) {
    return call(Syscalls.PIPE2, Address.ofData(fds).toLong(), flags, 0);
  }

  @Override
  public long socketpair(long domain, long type, int[] fds) {
    return Syscalls.call(Syscalls.SOCKETPAIR, domain, type, 0, Address.ofData(fds).toLong(), 0, 0);
  }

  @Override
  public long mount_setattr(
      int dirfd,
      String path,
      long flags,
      long attrSet,
      long attrClr,
      long propagation,
      int usernsFd) {
    Scratch.reset();
    // struct mount_attr: attr_set, attr_clr, propagation, userns_fd, 8 bytes each.
    Address attr = Scratch.structure();
    attr.putLong(attrSet);
    attr.add(8).putLong(attrClr);
    attr.add(16).putLong(propagation);
    attr.add(24).putLong(usernsFd < 0 ? 0 : usernsFd);
    return call(Syscalls.MOUNT_SETATTR, dirfd, text(path), flags, attr.toLong(), 32);
  }

  @Override
  public long clone3(long flags, int[] pidfd, int exitSignal, int cgroupFd) {
    // struct clone_args: flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls,
    // set_tid, set_tid_size, cgroup, 8 bytes each.
    Address args = Scratch.structure();
    Address.fillZero(args, 88);
    args.putLong(flags);
    args.add(8).putLong(Address.ofData(pidfd).toLong());
    args.add(32).putLong(exitSignal);
    args.add(80).putLong(cgroupFd < 0 ? 0 : cgroupFd);
    return call(Syscalls.CLONE3, args.toLong(), 88, 0);
  }

  @Override
  public long fork(int[] pidfd) {
    // clone(flags, stack, parent_tid, ...): CLONE_PIDFD writes the descriptor to parent_tid.
    long flags = dev.coracle.abi.Process.CLONE_PIDFD | dev.coracle.abi.Process.SIGCHLD;
    return call(Syscalls.CLONE, flags, 0, Address.ofData(pidfd).toLong());
  }

  @Override
  public long execve(String path, List<String> argv, List<String> envp) {
    Scratch.reset();
    long argvList = vector(argv);
    long envpList = vector(envp);
    return call(Syscalls.EXECVE, text(path), argvList, envpList, 0, 0);
  }

  /** A NULL-terminated array of texts in memory of its own: the kernel takes megabytes of them. */
  private static long vector(List<String> texts) {
    long bytes = 0;
    for (int i = 0; i < texts.size(); i++) {
      bytes += texts.get(i).length() * 3L + 1;
    }
    Address list = Syscalls.allocate((texts.size() + 1) * 8L + bytes);
    Address at = list.add((texts.size() + 1) * 8L);
    for (int i = 0; i < texts.size(); i++) {
      list.add(i * 8).putLong(at.toLong());
      at = at.add(Scratch.encode(texts.get(i), at));
    }
    list.add(texts.size() * 8).putLong(0);
    return list.toLong();
  }

  @Override
  public long wait4(int pid, int[] status, long options) {
    return Syscalls.call(Syscalls.WAIT4, pid, Address.ofData(status).toLong(), options, 0, 0, 0);
  }

  @Override
  public long prctl(long option, long arg2, long arg3, long arg4, long arg5) {
    return Syscalls.call(Syscalls.PRCTL, option, arg2, arg3, arg4, arg5, 0);
  }

  @Override
  public long prctlSetName(String name) {
    Scratch.reset();
    return call(Syscalls.PRCTL, 15, text(name), 0, 0, 0);
  }

  @Override
  public long setgroups(int[] gids) {
    return call(Syscalls.SETGROUPS, gids.length, Address.ofData(gids).toLong(), 0);
  }

  @Override
  public long capset(long effective, long permitted, long inheritable) {
    // A header of version and pid; then effective, permitted, inheritable, low halves first.
    Address header = capabilityHeader();
    Address data = header.add(8);
    data.putInt((int) effective);
    data.add(4).putInt((int) permitted);
    data.add(8).putInt((int) inheritable);
    data.add(12).putInt((int) (effective >>> 32));
    data.add(16).putInt((int) (permitted >>> 32));
    data.add(20).putInt((int) (inheritable >>> 32));
    return call(Syscalls.CAPSET, header.toLong(), data.toLong(), 0);
  }

  @Override
  public long capget(long[] sets) {
    Address header = capabilityHeader();
    Address data = header.add(8);
    long result = call(Syscalls.CAPGET, header.toLong(), data.toLong(), 0);
    for (int i = 0; i < 3; i++) {
      long low = data.add(i * 4).getInt() & 0xffffffffL;
      long high = data.add(12 + i * 4).getInt() & 0xffffffffL;
      sets[i] = low | high << 32;
    }
    return result;
  }

  private static Address capabilityHeader() {
    Address header = Scratch.structure();
    header.putInt((int) CAPABILITY_VERSION_3);
    header.add(4).putInt(0);
    return header;
  }

  @Override
  public long prlimit64Get(int pid, int resource, long[] limits) {
    Address old = Scratch.structure();
    long result = Syscalls.call(Syscalls.PRLIMIT64, pid, resource, 0, old.toLong(), 0, 0);
    if (result >= 0) {
      limits[0] = old.getLong();
      limits[1] = old.add(8).getLong();
    }
    return result;
  }

  @Override
  public long prlimit64(int pid, int resource, long soft, long hard) {
    Address limit = Scratch.structure();
    limit.putLong(soft);
    limit.add(8).putLong(hard);
    return Syscalls.call(Syscalls.PRLIMIT64, pid, resource, limit.toLong(), 0, 0, 0);
  }

  @Override
  public long sethostname(String name) {
    return name(Syscalls.SETHOSTNAME, name);
  }

  @Override
  public long setdomainname(String name) {
    return name(Syscalls.SETDOMAINNAME, name);
  }

  private static long name(int nr, String name) {
    Scratch.reset();
    Address at = Scratch.structure();
    return call(nr, at.toLong(), Scratch.encode(name, at) - 1, 0);
  }

  @Override
  public long schedSetaffinityAll(int bytes) {
    Address mask = Scratch.structure();
    Address.fill(mask, (byte) 0xff, bytes);
    return call(Syscalls.SCHED_SETAFFINITY, 0, bytes, mask.toLong());
  }

  @Override
  public long seccompSetFilter(long flags, byte[] program) {
    // struct sock_fprog: the number of instructions, and where they are.
    Address fprog = Scratch.structure();
    fprog.putLong(program.length / 8);
    fprog.add(8).putLong(address(program, 0));
    return call(Syscalls.SECCOMP, 1, flags, fprog.toLong());
  }

  @Override
  public long bpfLoadCgroupDevice(byte[] instructions) {
    // union bpf_attr: prog_type, insn_cnt, insns, license, and zeros.
    Scratch.reset();
    Address attr = Scratch.structure();
    Address.fillZero(attr, 72);
    attr.putInt(15);
    attr.add(4).putInt(instructions.length / 8);
    attr.add(8).putLong(address(instructions, 0));
    attr.add(16).putLong(text("Apache-2.0"));
    return call(Syscalls.BPF, 5, attr.toLong(), 72);
  }

  @Override
  public long bpfAttachCgroupDevice(int cgroupFd, int programFd, long flags) {
    // union bpf_attr: target_fd, attach_bpf_fd, attach_type (BPF_CGROUP_DEVICE), attach_flags.
    Address attr = Scratch.structure();
    Address.fillZero(attr, 32);
    attr.putInt(cgroupFd);
    attr.add(4).putInt(programFd);
    attr.add(8).putInt(6);
    attr.add(12).putInt((int) flags);
    return call(Syscalls.BPF, 8, attr.toLong(), 32);
  }

  @Override
  public long sched_setaffinity(byte[] mask) {
    return call(Syscalls.SCHED_SETAFFINITY, 0, mask.length, address(mask, 0));
  }

  @Override
  public long sched_setattr(byte[] attr, long flags) {
    return call(Syscalls.SCHED_SETATTR, 0, address(attr, 0), flags);
  }

  @Override
  public long ioprio_set(int which, int who, long ioprio) {
    return call(Syscalls.IOPRIO_SET, which, who, ioprio);
  }

  @Override
  public long set_mempolicy(long mode, byte[] nodemask, long maxnode) {
    long mask = nodemask.length == 0 ? 0 : address(nodemask, 0);
    return call(Syscalls.SET_MEMPOLICY, mode, mask, maxnode);
  }

  @Override
  public long personality(long persona) {
    return call(Syscalls.PERSONALITY, persona, 0, 0);
  }

  @Override
  public long keyctlJoinSessionKeyring(String name) {
    Scratch.reset();
    return call(Syscalls.KEYCTL, 1, text(name), 0, 0, 0);
  }

  @Override
  public long keyctl(long operation, long arg2, long arg3) {
    return call(Syscalls.KEYCTL, operation, arg2, arg3);
  }

  @Override
  public long execveat(int dirfd, String path, List<String> argv, List<String> envp, long flags) {
    Scratch.reset();
    long argvList = vector(argv);
    long envpList = vector(envp);
    return call(Syscalls.EXECVEAT, dirfd, text(path), argvList, envpList, flags);
  }

  @Override
  public long execveatSelf(int fd, String variable) {
    Scratch.reset();
    Address from = Syscalls.environ();
    int count = 0;
    while (from.add(count * 8L).getLong() != 0) {
      count++;
    }
    // The variable in front, then what is there up to its NULL.
    Address environ = Syscalls.allocate((count + 2) * 8L);
    environ.putLong(text(variable));
    for (int i = 0; i <= count; i++) {
      environ.add((i + 1) * 8L).putLong(from.add(i * 8L).getLong());
    }
    long argv = Syscalls.argv().toLong();
    return call(Syscalls.EXECVEAT, fd, text(""), argv, environ.toLong(), AT_EMPTY_PATH);
  }

  @Override
  public long memfd_create(String name, long flags) {
    Scratch.reset();
    return call(Syscalls.MEMFD_CREATE, text(name), flags, 0, 0, 0);
  }

  @Override
  public long sendfile(int to, int from, long count) {
    return call(Syscalls.SENDFILE, to, from, 0, count, 0);
  }

  @Override
  public long inotify_init1(long flags) {
    return call(Syscalls.INOTIFY_INIT1, flags, 0, 0);
  }

  @Override
  public long inotify_add_watch(int fd, String path, long mask) {
    Scratch.reset();
    return call(Syscalls.INOTIFY_ADD_WATCH, fd, text(path), mask, 0, 0);
  }

  @Override
  public long eventfd2(long initval, long flags) {
    return call(Syscalls.EVENTFD2, initval, flags, 0);
  }

  @Override
  public long pidfd_getfd(int pidfd, int targetfd, long flags) {
    return call(Syscalls.PIDFD_GETFD, pidfd, targetfd, flags);
  }

  @Override
  public long ignoredSignals() {
    // struct sigaction: the handler first.
    Address old = Scratch.structure();
    long ignored = 0;
    for (int signal = 1; signal <= LAST_SIGNAL; signal++) {
      old.putLong(SIG_IGN);
      // What cannot be asked counts as ignored: to reset it does no harm.
      Syscalls.call(Syscalls.RT_SIGACTION, signal, 0, old.toLong(), SIGNAL_SET_BYTES, 0, 0);
      if (old.getLong() == SIG_IGN) {
        ignored |= 1L << signal - 1;
      }
    }
    return ignored;
  }

  @Override
  public long resetSignals(long signals) {
    // struct sigaction of zeros: SIG_DFL, no flags, nothing masked.
    Address zero = Scratch.structure();
    Address.fillZero(zero, 32);
    for (int signal = 1; signal <= LAST_SIGNAL; signal++) {
      if ((signals & 1L << signal - 1) != 0) {
        // SIGKILL and SIGSTOP cannot be changed, and say so; there is nothing to do about them.
        Syscalls.call(Syscalls.RT_SIGACTION, signal, zero.toLong(), 0, SIGNAL_SET_BYTES, 0, 0);
      }
    }
    return Syscalls.call(
        Syscalls.RT_SIGPROCMASK, SIG_SETMASK, zero.toLong(), 0, SIGNAL_SET_BYTES, 0, 0);
  }

  @Override
  public long ignoreSignal(int signal) {
    return setSignal(signal, SIG_IGN);
  }

  @Override
  public long defaultSignal(int signal) {
    return setSignal(signal, 0); // SIG_DFL
  }

  @Override
  public long exitOnSignal(int signal) {
    return setSignal(signal, Syscalls.exitingHandler().toLong());
  }

  private static long setSignal(int signal, long handler) {
    // struct sigaction: the handler, flags, restorer, mask, 8 bytes each.
    Address action = Scratch.structure();
    Address.fillZero(action, 32);
    action.putLong(handler);
    if (handler != SIG_IGN && handler != 0) {
      // x86-64 delivers no signal without a restorer; ours is never returned to.
      action.add(8).putLong(SA_RESTORER);
      action.add(16).putLong(handler);
    }
    return Syscalls.call(Syscalls.RT_SIGACTION, signal, action.toLong(), 0, SIGNAL_SET_BYTES, 0, 0);
  }

  @Override
  public long signalfdAll() {
    Address all = Scratch.structure();
    all.putLong(-1);
    long result =
        Syscalls.call(
            Syscalls.RT_SIGPROCMASK, SIG_SETMASK, all.toLong(), 0, SIGNAL_SET_BYTES, 0, 0);
    if (result < 0) {
      return result;
    }
    return Syscalls.call(Syscalls.SIGNALFD4, -1, all.toLong(), SIGNAL_SET_BYTES, 0x80000, 0, 0);
  }

  @Override
  public long poll(int[] fds, short[] events, short[] revents, int timeoutMillis) {
    // struct pollfd: fd, events, revents; then a struct timespec.
    Address list = Scratch.structure();
    for (int i = 0; i < fds.length; i++) {
      list.add(i * 8).putInt(fds[i]);
      list.add(i * 8 + 4).putShort(events[i]);
      list.add(i * 8 + 6).putShort((short) 0);
    }
    Address time = list.add(fds.length * 8);
    time.putLong(timeoutMillis / 1000);
    time.add(8).putLong(timeoutMillis % 1000 * 1_000_000L);
    long limit = timeoutMillis < 0 ? 0 : time.toLong();
    long result = Syscalls.call(Syscalls.PPOLL, list.toLong(), fds.length, limit, 0, 0, 0);
    for (int i = 0; i < fds.length; i++) {
      revents[i] = list.add(i * 8 + 6).getShort();
    }
    return result;
  }

  @Override
  public long connectUnix(int fd, String path) {
    return named(Syscalls.CONNECT, fd, path);
  }

  @Override
  public long bindUnix(int fd, String path) {
    return named(Syscalls.BIND, fd, path);
  }

  @Override
  public long bind(int fd, byte[] address) {
    return call(Syscalls.BIND, fd, Address.ofData(address).toLong(), address.length);
  }

  @Override
  public long connect(int fd, byte[] address) {
    return call(Syscalls.CONNECT, fd, Address.ofData(address).toLong(), address.length);
  }

  @Override
  public long sendto(int fd, byte[] buffer, int offset, int count, byte[] address) {
    long to = Address.ofData(address).toLong();
    return Syscalls.call(
        Syscalls.SENDTO, fd, address(buffer, offset), count, 0, to, address.length);
  }

  @Override
  public long recv(int fd, byte[] buffer, int offset, int count, int flags) {
    return Syscalls.call(Syscalls.RECVFROM, fd, address(buffer, offset), count, flags, 0, 0);
  }

  @Override
  public long recvfrom(int fd, byte[] buffer, int offset, int count, byte[] address) {
    Address length = Scratch.structure();
    length.putInt(address.length);
    long from = Address.ofData(address).toLong();
    return Syscalls.call(
        Syscalls.RECVFROM, fd, address(buffer, offset), count, 0, from, length.toLong());
  }

  @Override
  public long finit_module(int fd, String parameters) {
    Scratch.reset();
    return call(Syscalls.FINIT_MODULE, fd, text(parameters), 0, 0, 0);
  }

  @Override
  public long reboot(long command) {
    return call(Syscalls.REBOOT, 0xfee1deadL, 0x28121969L, command);
  }

  @Override
  public long sync() {
    return call(Syscalls.SYNC, 0, 0, 0);
  }

  @Override
  public long clock_settime(int clock, long nanos) {
    Address time = Scratch.structure();
    time.putLong(nanos / 1_000_000_000L);
    time.add(8).putLong(nanos % 1_000_000_000L);
    return call(Syscalls.CLOCK_SETTIME, clock, time.toLong(), 0);
  }

  @Override
  public long listen(int fd, int backlog) {
    return call(Syscalls.LISTEN, fd, backlog, 0);
  }

  @Override
  public long shutdown(int fd, int how) {
    return call(Syscalls.SHUTDOWN, fd, how, 0);
  }

  @Override
  public long accept4(int fd, long flags) {
    return call(Syscalls.ACCEPT4, fd, 0, 0, flags, 0);
  }

  private static long named(int nr, int fd, String path) {
    // struct sockaddr_un: AF_UNIX, and the path; an abstract one has a NUL byte in front only.
    if (path.length() > 107) {
      return -Errno.ENAMETOOLONG;
    }
    Address address = Scratch.structure();
    address.putShort((short) 1);
    int length = Scratch.encode(path, address.add(2));
    if (path.startsWith("@")) {
      address.add(2).putByte((byte) 0);
      length--;
    }
    return length > 108 ? -Errno.ENAMETOOLONG : call(nr, fd, address.toLong(), 2 + length);
  }

  @Override
  public long sendDescriptor(int socket, String text, int fd) {
    Scratch.reset();
    Address msg = message(Scratch.text(text), fd);
    msg.add(IOV_LENGTH_AT).putLong(Scratch.textBytes() - 1);
    return call(Syscalls.SENDMSG, socket, msg.toLong(), 0, 0, 0);
  }

  @Override
  public long sendMessage(int socket, byte[] bytes, int fd) {
    Address msg = message(address(bytes, 0), fd);
    msg.add(IOV_LENGTH_AT).putLong(bytes.length);
    return call(Syscalls.SENDMSG, socket, msg.toLong(), 0, 0, 0);
  }

  /** A struct msghdr (56 bytes), its struct iovec (16), and a struct cmsghdr with one int (24). */
  private static Address message(long data, int fd) {
    Address msg = Scratch.structure();
    Address iov = msg.add(56);
    Address cmsg = msg.add(72);
    Address.fillZero(msg, 96);
    msg.add(16).putLong(iov.toLong());
    msg.add(24).putLong(1);
    msg.add(32).putLong(cmsg.toLong());
    msg.add(40).putLong(24);
    iov.putLong(data);
    cmsg.putLong(20);
    cmsg.add(8).putInt(1);
    cmsg.add(12).putInt(1);
    cmsg.add(16).putInt(fd);
    return msg;
  }

  @Override
  public long receiveDescriptor(int socket) {
    Address msg = Scratch.structure();
    Address iov = msg.add(56);
    Address cmsg = msg.add(72);
    Address data = msg.add(96);
    Address.fillZero(msg, 96);
    msg.add(16).putLong(iov.toLong());
    msg.add(24).putLong(1);
    msg.add(32).putLong(cmsg.toLong());
    msg.add(40).putLong(24);
    iov.putLong(data.toLong());
    iov.add(8).putLong(1024);
    long result = call(Syscalls.RECVMSG, socket, msg.toLong(), 0x40000000L);
    if (result < 0) {
      return result;
    }
    boolean rights = msg.add(40).getLong() >= 20 && cmsg.add(12).getInt() == 1;
    return rights ? cmsg.add(16).getInt() : -Errno.EBADF;
  }

  @Override
  public long receiveMessage(int socket, byte[] buffer, int[] fd) {
    Address msg = Scratch.structure();
    Address iov = msg.add(56);
    Address cmsg = msg.add(72);
    Address.fillZero(msg, 96);
    msg.add(16).putLong(iov.toLong());
    msg.add(24).putLong(1);
    msg.add(32).putLong(cmsg.toLong());
    msg.add(40).putLong(24);
    iov.putLong(address(buffer, 0));
    iov.add(8).putLong(buffer.length);
    long result = call(Syscalls.RECVMSG, socket, msg.toLong(), 0x40000000L);
    boolean rights = result >= 0 && msg.add(40).getLong() >= 20 && cmsg.add(12).getInt() == 1;
    fd[0] = rights ? cmsg.add(16).getInt() : -1;
    return result;
  }

  @Override
  public long clock_gettime(int clock) {
    Address time = Scratch.structure();
    long result = call(Syscalls.CLOCK_GETTIME, clock, time.toLong(), 0);
    return result < 0 ? result : time.getLong() * 1_000_000_000L + time.add(8).getLong();
  }

  @Override
  public int seal() {
    return Syscalls.seal();
  }

  @Override
  public List<String> environ() {
    List<String> out = new ArrayList<>();
    Address at = Syscalls.environ();
    while (at.getLong() != 0) {
      out.add(Scratch.read(at.getAddress()));
      at = at.add(8);
    }
    return out;
  }
}
