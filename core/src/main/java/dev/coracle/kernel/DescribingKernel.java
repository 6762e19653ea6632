package dev.coracle.kernel;

import com.google.errorprone.annotations.CheckReturnValue;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A kernel that remembers the call that failed last as text, so that an error can show it. A call
 * that succeeds costs nothing but the way through here.
 */
@CheckReturnValue
public final class DescribingKernel implements Kernel {
  private final Kernel kernel;
  private String lastFailure = "";
  private long lastErrno;

  /** Passes every call on to {@code kernel}. */
  public DescribingKernel(Kernel kernel) {
    this.kernel = kernel;
  }

  /** The last call that failed with this result, or an empty text. */
  public String lastFailure(long result) {
    return result == lastErrno ? lastFailure : "";
  }

  @Override
  public String explain(long result) {
    String call = lastFailure(result);
    return (call.isEmpty() ? "" : call + ": ") + Errno.text(-result);
  }

  /** The same without the words, for those who run for long: each failure's text is memory. */
  public Kernel plain() {
    return kernel;
  }

  private long failed(long result, String call) {
    lastErrno = result;
    lastFailure = call;
    return result;
  }

  @Override
  public long openat2(int dirfd, String path, long flags, long mode, long resolve) {
    long result = kernel.openat2(dirfd, path, flags, mode, resolve);
    return result < 0 ? failed(result, Calls.openat2(dirfd, path, flags, mode, resolve)) : result;
  }

  @Override
  public long close(int fd) {
    long result = kernel.close(fd);
    return result < 0 ? failed(result, Calls.close(fd)) : result;
  }

  @Override
  public long read(int fd, byte[] buffer, int offset, int count) {
    long result = kernel.read(fd, buffer, offset, count);
    return result < 0 ? failed(result, Calls.read(fd, buffer, offset, count)) : result;
  }

  @Override
  public long write(int fd, byte[] buffer, int offset, int count) {
    long result = kernel.write(fd, buffer, offset, count);
    return result < 0 ? failed(result, Calls.write(fd, buffer, offset, count)) : result;
  }

  @Override
  public long pread64(int fd, byte[] buffer, int offset, int count, long position) {
    long result = kernel.pread64(fd, buffer, offset, count, position);
    return result < 0 ? failed(result, Calls.pread64(fd, count, position)) : result;
  }

  @Override
  public long pwrite64(int fd, byte[] buffer, int offset, int count, long position) {
    long result = kernel.pwrite64(fd, buffer, offset, count, position);
    return result < 0
        ? failed(result, Calls.pwrite64(fd, buffer, offset, count, position))
        : result;
  }

  @Override
  public long statx(int dirfd, String path, long flags, long mask, byte[] statx) {
    long result = kernel.statx(dirfd, path, flags, mask, statx);
    return result < 0 ? failed(result, Calls.statx(dirfd, path, flags, mask, statx)) : result;
  }

  @Override
  public long fstatfsType(int fd) {
    long result = kernel.fstatfsType(fd);
    return result < 0 ? failed(result, Calls.fstatfsType(fd)) : result;
  }

  @Override
  public long statfsType(String path) {
    long result = kernel.statfsType(path);
    return result < 0 ? failed(result, Calls.statfsType(path)) : result;
  }

  @Override
  public long mkdirat(int dirfd, String path, long mode) {
    long result = kernel.mkdirat(dirfd, path, mode);
    return result < 0 ? failed(result, Calls.mkdirat(dirfd, path, mode)) : result;
  }

  @Override
  public long mknodat(int dirfd, String path, long mode, long dev) {
    long result = kernel.mknodat(dirfd, path, mode, dev);
    return result < 0 ? failed(result, Calls.mknodat(dirfd, path, mode, dev)) : result;
  }

  @Override
  public long unlinkat(int dirfd, String path, long flags) {
    long result = kernel.unlinkat(dirfd, path, flags);
    return result < 0 ? failed(result, Calls.unlinkat(dirfd, path, flags)) : result;
  }

  @Override
  public long symlinkat(String target, int dirfd, String path) {
    long result = kernel.symlinkat(target, dirfd, path);
    return result < 0 ? failed(result, Calls.symlinkat(target, dirfd, path)) : result;
  }

  @Override
  public long renameat2(int olddirfd, String oldpath, int newdirfd, String newpath, long flags) {
    long result = kernel.renameat2(olddirfd, oldpath, newdirfd, newpath, flags);
    return result < 0
        ? failed(result, Calls.renameat2(olddirfd, oldpath, newdirfd, newpath, flags))
        : result;
  }

  @Override
  public long readlinkat(int dirfd, String path, byte[] buffer) {
    long result = kernel.readlinkat(dirfd, path, buffer);
    return result < 0 ? failed(result, Calls.readlinkat(dirfd, path, buffer)) : result;
  }

  @Override
  public long fchmod(int fd, long mode) {
    long result = kernel.fchmod(fd, mode);
    return result < 0 ? failed(result, Calls.fchmod(fd, mode)) : result;
  }

  @Override
  public long fchownat(int dirfd, String path, long uid, long gid, long flags) {
    long result = kernel.fchownat(dirfd, path, uid, gid, flags);
    return result < 0 ? failed(result, Calls.fchownat(dirfd, path, uid, gid, flags)) : result;
  }

  @Override
  public long faccessat2(int dirfd, String path, long mode, long flags) {
    long result = kernel.faccessat2(dirfd, path, mode, flags);
    return result < 0 ? failed(result, Calls.faccessat2(dirfd, path, mode, flags)) : result;
  }

  @Override
  public long faccessat(int dirfd, String path, long mode) {
    long result = kernel.faccessat(dirfd, path, mode);
    return result < 0 ? failed(result, Calls.faccessat(dirfd, path, mode)) : result;
  }

  @Override
  public long getdents64(int fd, byte[] buffer) {
    long result = kernel.getdents64(fd, buffer);
    return result < 0 ? failed(result, Calls.getdents64(fd, buffer)) : result;
  }

  @Override
  public long chdir(String path) {
    long result = kernel.chdir(path);
    return result < 0 ? failed(result, Calls.chdir(path)) : result;
  }

  @Override
  public long fchdir(int fd) {
    long result = kernel.fchdir(fd);
    return result < 0 ? failed(result, Calls.fchdir(fd)) : result;
  }

  @Override
  public long chroot(String path) {
    long result = kernel.chroot(path);
    return result < 0 ? failed(result, Calls.chroot(path)) : result;
  }

  @Override
  public long getcwd(byte[] buffer) {
    long result = kernel.getcwd(buffer);
    return result < 0 ? failed(result, Calls.getcwd(buffer)) : result;
  }

  @Override
  public long dup3(int oldfd, int newfd, long flags) {
    long result = kernel.dup3(oldfd, newfd, flags);
    return result < 0 ? failed(result, Calls.dup3(oldfd, newfd, flags)) : result;
  }

  @Override
  public long pipe2(int[] fds, long flags) {
    long result = kernel.pipe2(fds, flags);
    return result < 0 ? failed(result, Calls.pipe2(fds, flags)) : result;
  }

  @Override
  public long fcntl(int fd, long op, long arg) {
    long result = kernel.fcntl(fd, op, arg);
    return result < 0 ? failed(result, Calls.fcntl(fd, op, arg)) : result;
  }

  @Override
  public long flock(int fd, long operation) {
    long result = kernel.flock(fd, operation);
    return result < 0 ? failed(result, Calls.flock(fd, operation)) : result;
  }

  @Override
  public long close_range(long first, long last, long flags) {
    long result = kernel.close_range(first, last, flags);
    return result < 0 ? failed(result, Calls.close_range(first, last, flags)) : result;
  }

  @Override
  public long umask(long mask) {
    long result = kernel.umask(mask);
    return result < 0 ? failed(result, Calls.umask(mask)) : result;
  }

  @Override
  public long mount(
      @Nullable String source,
      String target,
      @Nullable String type,
      long flags,
      @Nullable String data) {
    long result = kernel.mount(source, target, type, flags, data);
    return result < 0 ? failed(result, Calls.mount(source, target, type, flags, data)) : result;
  }

  @Override
  public long umount2(String target, long flags) {
    long result = kernel.umount2(target, flags);
    return result < 0 ? failed(result, Calls.umount2(target, flags)) : result;
  }

  @Override
  public long pivot_root(String newRoot, String putOld) {
    long result = kernel.pivot_root(newRoot, putOld);
    return result < 0 ? failed(result, Calls.pivot_root(newRoot, putOld)) : result;
  }

  @Override
  public long open_tree(int dirfd, String path, long flags) {
    long result = kernel.open_tree(dirfd, path, flags);
    return result < 0 ? failed(result, Calls.open_tree(dirfd, path, flags)) : result;
  }

  @Override
  public long move_mount(int fromDirfd, String fromPath, int toDirfd, String toPath, long flags) {
    long result = kernel.move_mount(fromDirfd, fromPath, toDirfd, toPath, flags);
    return result < 0
        ? failed(result, Calls.move_mount(fromDirfd, fromPath, toDirfd, toPath, flags))
        : result;
  }

  @Override
  public long fsopen(String fstype, long flags) {
    long result = kernel.fsopen(fstype, flags);
    return result < 0 ? failed(result, Calls.fsopen(fstype, flags)) : result;
  }

  @Override
  public long fsconfig(int fd, long cmd, @Nullable String key, @Nullable String value, int aux) {
    long result = kernel.fsconfig(fd, cmd, key, value, aux);
    return result < 0 ? failed(result, Calls.fsconfig(fd, cmd, key, value, aux)) : result;
  }

  @Override
  public long fsmount(int fd, long flags, long attrFlags) {
    long result = kernel.fsmount(fd, flags, attrFlags);
    return result < 0 ? failed(result, Calls.fsmount(fd, flags, attrFlags)) : result;
  }

  @Override
  public long fspick(int dirfd, String path, long flags) {
    long result = kernel.fspick(dirfd, path, flags);
    return result < 0 ? failed(result, Calls.fspick(dirfd, path, flags)) : result;
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
    long result = kernel.mount_setattr(dirfd, path, flags, attrSet, attrClr, propagation, usernsFd);
    return result < 0
        ? failed(
            result,
            Calls.mount_setattr(dirfd, path, flags, attrSet, attrClr, propagation, usernsFd))
        : result;
  }

  @Override
  public long clone3(long flags, int[] pidfd, int exitSignal, int cgroupFd) {
    long result = kernel.clone3(flags, pidfd, exitSignal, cgroupFd);
    return result < 0 ? failed(result, Calls.clone3(flags, pidfd, exitSignal, cgroupFd)) : result;
  }

  @Override
  public long fork(int[] pidfd) {
    long result = kernel.fork(pidfd);
    return result < 0 ? failed(result, Calls.fork(pidfd)) : result;
  }

  @Override
  public long execve(String path, List<String> argv, List<String> envp) {
    long result = kernel.execve(path, argv, envp);
    return result < 0 ? failed(result, Calls.execve(path, argv, envp)) : result;
  }

  @Override
  public long exit_group(int status) {
    long result = kernel.exit_group(status);
    return result < 0 ? failed(result, Calls.exit_group(status)) : result;
  }

  @Override
  public long wait4(int pid, int[] status, long options) {
    long result = kernel.wait4(pid, status, options);
    return result < 0 ? failed(result, Calls.wait4(pid, status, options)) : result;
  }

  @Override
  public long kill(int pid, int signal) {
    long result = kernel.kill(pid, signal);
    return result < 0 ? failed(result, Calls.kill(pid, signal)) : result;
  }

  @Override
  public long pidfd_open(int pid, long flags) {
    long result = kernel.pidfd_open(pid, flags);
    return result < 0 ? failed(result, Calls.pidfd_open(pid, flags)) : result;
  }

  @Override
  public long pidfd_send_signal(int pidfd, int signal) {
    long result = kernel.pidfd_send_signal(pidfd, signal);
    return result < 0 ? failed(result, Calls.pidfd_send_signal(pidfd, signal)) : result;
  }

  @Override
  public long getpid() {
    long result = kernel.getpid();
    return result < 0 ? failed(result, Calls.getpid()) : result;
  }

  @Override
  public long getppid() {
    long result = kernel.getppid();
    return result < 0 ? failed(result, Calls.getppid()) : result;
  }

  @Override
  public long geteuid() {
    long result = kernel.geteuid();
    return result < 0 ? failed(result, Calls.geteuid()) : result;
  }

  @Override
  public long getegid() {
    long result = kernel.getegid();
    return result < 0 ? failed(result, Calls.getegid()) : result;
  }

  @Override
  public long prctl(long option, long arg2, long arg3, long arg4, long arg5) {
    long result = kernel.prctl(option, arg2, arg3, arg4, arg5);
    return result < 0 ? failed(result, Calls.prctl(option, arg2, arg3, arg4, arg5)) : result;
  }

  @Override
  public long prctlSetName(String name) {
    long result = kernel.prctlSetName(name);
    return result < 0 ? failed(result, Calls.prctlSetName(name)) : result;
  }

  @Override
  public long setresuid(long uid) {
    long result = kernel.setresuid(uid);
    return result < 0 ? failed(result, Calls.setresuid(uid)) : result;
  }

  @Override
  public long setresgid(long gid) {
    long result = kernel.setresgid(gid);
    return result < 0 ? failed(result, Calls.setresgid(gid)) : result;
  }

  @Override
  public long setgroups(int[] gids) {
    long result = kernel.setgroups(gids);
    return result < 0 ? failed(result, Calls.setgroups(gids)) : result;
  }

  @Override
  public long capset(long effective, long permitted, long inheritable) {
    long result = kernel.capset(effective, permitted, inheritable);
    return result < 0 ? failed(result, Calls.capset(effective, permitted, inheritable)) : result;
  }

  @Override
  public long capget(long[] sets) {
    long result = kernel.capget(sets);
    return result < 0 ? failed(result, Calls.capget(sets)) : result;
  }

  @Override
  public long prlimit64Get(int pid, int resource, long[] limits) {
    long result = kernel.prlimit64Get(pid, resource, limits);
    return result < 0 ? failed(result, Calls.prlimit64Get(pid, resource)) : result;
  }

  @Override
  public long prlimit64(int pid, int resource, long soft, long hard) {
    long result = kernel.prlimit64(pid, resource, soft, hard);
    return result < 0 ? failed(result, Calls.prlimit64(pid, resource, soft, hard)) : result;
  }

  @Override
  public long setsid() {
    long result = kernel.setsid();
    return result < 0 ? failed(result, Calls.setsid()) : result;
  }

  @Override
  public long setns(int fd, long nstype) {
    long result = kernel.setns(fd, nstype);
    return result < 0 ? failed(result, Calls.setns(fd, nstype)) : result;
  }

  @Override
  public long unshare(long flags) {
    long result = kernel.unshare(flags);
    return result < 0 ? failed(result, Calls.unshare(flags)) : result;
  }

  @Override
  public long sethostname(String name) {
    long result = kernel.sethostname(name);
    return result < 0 ? failed(result, Calls.sethostname(name)) : result;
  }

  @Override
  public long setdomainname(String name) {
    long result = kernel.setdomainname(name);
    return result < 0 ? failed(result, Calls.setdomainname(name)) : result;
  }

  @Override
  public long schedSetaffinityAll(int bytes) {
    long result = kernel.schedSetaffinityAll(bytes);
    return result < 0 ? failed(result, Calls.schedSetaffinityAll(bytes)) : result;
  }

  @Override
  public long seccompSetFilter(long flags, byte[] program) {
    long result = kernel.seccompSetFilter(flags, program);
    return result < 0 ? failed(result, Calls.seccompSetFilter(flags, program)) : result;
  }

  @Override
  public long bpfLoadCgroupDevice(byte[] instructions) {
    long result = kernel.bpfLoadCgroupDevice(instructions);
    return result < 0 ? failed(result, Calls.bpfLoadCgroupDevice(instructions)) : result;
  }

  @Override
  public long bpfAttachCgroupDevice(int cgroupFd, int programFd, long flags) {
    long result = kernel.bpfAttachCgroupDevice(cgroupFd, programFd, flags);
    return result < 0
        ? failed(result, Calls.bpfAttachCgroupDevice(cgroupFd, programFd, flags))
        : result;
  }

  @Override
  public long sched_setaffinity(byte[] mask) {
    long result = kernel.sched_setaffinity(mask);
    return result < 0 ? failed(result, Calls.sched_setaffinity(mask)) : result;
  }

  @Override
  public long sched_setattr(byte[] attr, long flags) {
    long result = kernel.sched_setattr(attr, flags);
    return result < 0 ? failed(result, Calls.sched_setattr(attr, flags)) : result;
  }

  @Override
  public long ioprio_set(int which, int who, long ioprio) {
    long result = kernel.ioprio_set(which, who, ioprio);
    return result < 0 ? failed(result, Calls.ioprio_set(which, who, ioprio)) : result;
  }

  @Override
  public long set_mempolicy(long mode, byte[] nodemask, long maxnode) {
    long result = kernel.set_mempolicy(mode, nodemask, maxnode);
    return result < 0 ? failed(result, Calls.set_mempolicy(mode, nodemask, maxnode)) : result;
  }

  @Override
  public long personality(long persona) {
    long result = kernel.personality(persona);
    return result < 0 ? failed(result, Calls.personality(persona)) : result;
  }

  @Override
  public long keyctlJoinSessionKeyring(String name) {
    long result = kernel.keyctlJoinSessionKeyring(name);
    return result < 0 ? failed(result, Calls.keyctlJoinSessionKeyring(name)) : result;
  }

  @Override
  public long keyctl(long operation, long arg2, long arg3) {
    long result = kernel.keyctl(operation, arg2, arg3);
    return result < 0 ? failed(result, Calls.keyctl(operation, arg2, arg3)) : result;
  }

  @Override
  public long execveat(int dirfd, String path, List<String> argv, List<String> envp, long flags) {
    long result = kernel.execveat(dirfd, path, argv, envp, flags);
    return result < 0 ? failed(result, Calls.execveat(dirfd, path, argv, envp, flags)) : result;
  }

  @Override
  public long execveatSelf(int fd, String variable) {
    long result = kernel.execveatSelf(fd, variable);
    return result < 0 ? failed(result, Calls.execveatSelf(fd, variable)) : result;
  }

  @Override
  public long memfd_create(String name, long flags) {
    long result = kernel.memfd_create(name, flags);
    return result < 0 ? failed(result, Calls.memfd_create(name, flags)) : result;
  }

  @Override
  public long sendfile(int to, int from, long count) {
    long result = kernel.sendfile(to, from, count);
    return result < 0 ? failed(result, Calls.sendfile(to, from, count)) : result;
  }

  @Override
  public long inotify_init1(long flags) {
    long result = kernel.inotify_init1(flags);
    return result < 0 ? failed(result, Calls.inotify_init1(flags)) : result;
  }

  @Override
  public long inotify_add_watch(int fd, String path, long mask) {
    long result = kernel.inotify_add_watch(fd, path, mask);
    return result < 0 ? failed(result, Calls.inotify_add_watch(fd, path, mask)) : result;
  }

  @Override
  public long eventfd2(long initval, long flags) {
    long result = kernel.eventfd2(initval, flags);
    return result < 0 ? failed(result, Calls.eventfd2(initval, flags)) : result;
  }

  @Override
  public long pidfd_getfd(int pidfd, int targetfd, long flags) {
    long result = kernel.pidfd_getfd(pidfd, targetfd, flags);
    return result < 0 ? failed(result, Calls.pidfd_getfd(pidfd, targetfd, flags)) : result;
  }

  @Override
  public long ignoredSignals() {
    return kernel.ignoredSignals();
  }

  @Override
  public long resetSignals(long signals) {
    long result = kernel.resetSignals(signals);
    return result < 0 ? failed(result, Calls.resetSignals()) : result;
  }

  @Override
  public long ignoreSignal(int signal) {
    long result = kernel.ignoreSignal(signal);
    return result < 0 ? failed(result, Calls.ignoreSignal(signal)) : result;
  }

  @Override
  public long exitOnSignal(int signal) {
    long result = kernel.exitOnSignal(signal);
    return result < 0 ? failed(result, Calls.exitOnSignal(signal)) : result;
  }

  @Override
  public long defaultSignal(int signal) {
    long result = kernel.defaultSignal(signal);
    return result < 0 ? failed(result, Calls.defaultSignal(signal)) : result;
  }

  @Override
  public long signalfdAll() {
    long result = kernel.signalfdAll();
    return result < 0 ? failed(result, Calls.signalfdAll()) : result;
  }

  @Override
  public long poll(int[] fds, short[] events, short[] revents, int timeoutMillis) {
    long result = kernel.poll(fds, events, revents, timeoutMillis);
    return result < 0 ? failed(result, Calls.poll(fds, events, revents, timeoutMillis)) : result;
  }

  @Override
  public long socketpair(long domain, long type, int[] fds) {
    long result = kernel.socketpair(domain, type, fds);
    return result < 0 ? failed(result, Calls.socketpair(domain, type, fds)) : result;
  }

  @Override
  public long socket(long domain, long type, long protocol) {
    long result = kernel.socket(domain, type, protocol);
    return result < 0 ? failed(result, Calls.socket(domain, type, protocol)) : result;
  }

  @Override
  public long connectUnix(int fd, String path) {
    long result = kernel.connectUnix(fd, path);
    return result < 0 ? failed(result, Calls.connectUnix(fd, path)) : result;
  }

  @Override
  public long bindUnix(int fd, String path) {
    long result = kernel.bindUnix(fd, path);
    return result < 0 ? failed(result, Calls.bindUnix(fd, path)) : result;
  }

  @Override
  public long bind(int fd, byte[] address) {
    long result = kernel.bind(fd, address);
    return result < 0 ? failed(result, Calls.bind(fd, address)) : result;
  }

  @Override
  public long connect(int fd, byte[] address) {
    long result = kernel.connect(fd, address);
    return result < 0 ? failed(result, Calls.connect(fd, address)) : result;
  }

  @Override
  public long sendto(int fd, byte[] buffer, int offset, int count, byte[] address) {
    long result = kernel.sendto(fd, buffer, offset, count, address);
    return result < 0 ? failed(result, Calls.sendto(fd, count)) : result;
  }

  @Override
  public long recv(int fd, byte[] buffer, int offset, int count, int flags) {
    long result = kernel.recv(fd, buffer, offset, count, flags);
    return result < 0 ? failed(result, Calls.recv(fd, count, flags)) : result;
  }

  @Override
  public long recvfrom(int fd, byte[] buffer, int offset, int count, byte[] address) {
    long result = kernel.recvfrom(fd, buffer, offset, count, address);
    return result < 0 ? failed(result, Calls.recvfrom(fd, count)) : result;
  }

  @Override
  public long finit_module(int fd, String parameters) {
    long result = kernel.finit_module(fd, parameters);
    return result < 0 ? failed(result, Calls.finit_module(fd, parameters)) : result;
  }

  @Override
  public long reboot(long command) {
    long result = kernel.reboot(command);
    return result < 0 ? failed(result, Calls.reboot(command)) : result;
  }

  @Override
  public long clock_settime(int clock, long nanos) {
    long result = kernel.clock_settime(clock, nanos);
    return result < 0 ? failed(result, Calls.clock_settime(clock, nanos)) : result;
  }

  @Override
  public long sync() {
    return kernel.sync();
  }

  @Override
  public long listen(int fd, int backlog) {
    long result = kernel.listen(fd, backlog);
    return result < 0 ? failed(result, Calls.listen(fd, backlog)) : result;
  }

  @Override
  public long shutdown(int fd, int how) {
    long result = kernel.shutdown(fd, how);
    return result < 0 ? failed(result, Calls.shutdown(fd, how)) : result;
  }

  @Override
  public long accept4(int fd, long flags) {
    long result = kernel.accept4(fd, flags);
    return result < 0 ? failed(result, Calls.accept4(fd)) : result;
  }

  @Override
  public long sendMessage(int socket, byte[] bytes, int fd) {
    long result = kernel.sendMessage(socket, bytes, fd);
    return result < 0 ? failed(result, Calls.sendMessage(socket, bytes, fd)) : result;
  }

  @Override
  public long sendDescriptor(int socket, String text, int fd) {
    long result = kernel.sendDescriptor(socket, text, fd);
    return result < 0 ? failed(result, Calls.sendDescriptor(socket, text, fd)) : result;
  }

  @Override
  public long receiveDescriptor(int socket) {
    long result = kernel.receiveDescriptor(socket);
    return result < 0 ? failed(result, Calls.receiveDescriptor(socket)) : result;
  }

  @Override
  public long receiveMessage(int socket, byte[] buffer, int[] fd) {
    long result = kernel.receiveMessage(socket, buffer, fd);
    return result < 0 ? failed(result, Calls.receiveMessage(socket, buffer, fd)) : result;
  }

  @Override
  public long ioctl(int fd, long request, long arg) {
    long result = kernel.ioctl(fd, request, arg);
    return result < 0 ? failed(result, Calls.ioctl(fd, request, arg)) : result;
  }

  @Override
  public long ioctlStruct(int fd, long request, byte[] arg) {
    long result = kernel.ioctlStruct(fd, request, arg);
    return result < 0 ? failed(result, Calls.ioctlStruct(fd, request, arg)) : result;
  }

  @Override
  public long clock_gettime(int clock) {
    long result = kernel.clock_gettime(clock);
    return result < 0 ? failed(result, Calls.clock_gettime(clock)) : result;
  }

  @Override
  public int seal() {
    return kernel.seal();
  }

  @Override
  public List<String> environ() {
    return kernel.environ();
  }
}
