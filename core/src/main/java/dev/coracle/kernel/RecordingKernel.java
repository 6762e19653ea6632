package dev.coracle.kernel;

import static dev.coracle.abi.Fcntl.AT_FDCWD;
import static dev.coracle.abi.Fcntl.O_APPEND;
import static dev.coracle.abi.Fcntl.O_CREAT;
import static dev.coracle.abi.Fcntl.O_NONBLOCK;
import static dev.coracle.abi.Fcntl.O_WRONLY;
import static dev.coracle.abi.Process.PR_CAPBSET_DROP;
import static dev.coracle.abi.Process.SIGKILL;

import dev.coracle.abi.Bytes;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A kernel for tests: it does nothing, keeps one ordered list of all calls, and can be told to fail
 * the n-th call of a kind, or of all.
 */
public final class RecordingKernel implements Kernel {
  /** CAP_CHECKPOINT_RESTORE, as on Linux since 5.9. */
  private static final int LAST_CAPABILITY = 40;

  /** The pid that clone3 returns to the parent. */
  public static final int CHILD_PID = 4242;

  private final List<String> calls = new ArrayList<>();
  private final Map<String, Integer> counts = new HashMap<>();
  private final RecordedState state = new RecordedState();
  private final Map<String, Long> answers = new HashMap<>();
  private List<String> environment = List.of();
  private int seal = -1;
  private long ignored;
  private String failKind = "";
  private int failAt;
  private long failWith;
  private int dieAt;
  private String failed = "";
  private String cwd = "/";
  private long capabilities = -1;
  private boolean asChild;

  /** Where a real kernel would not come back: after exit_group, or an execve that succeeded. */
  public static final class Ended extends RuntimeException {
    private static final long serialVersionUID = 1;

    private Ended(String call) {
      super(call);
    }
  }

  /** Makes the first clone3 return as in the child. */
  public RecordingKernel asChild() {
    asChild = true;
    return this;
  }

  /**
   * Lets the child say this by the first socket pair, and then close its end: parked where the last
   * message was {@code R}, ended otherwise.
   */
  public RecordingKernel childSays(String... messages) {
    state.says(new ArrayList<>(List.of(messages)));
    return this;
  }

  /** Lets a file be of a type, and a device of numbers; any other is of no type. */
  public RecordingKernel stat(String path, int mode, int major, int minor) {
    state.stats.put(path, new long[] {mode, major, minor});
    return this;
  }

  /** Makes a symbolic link. */
  public RecordingKernel link(String path, String target) {
    state.links.put(path, target);
    return this;
  }

  /** Lets a path fail whenever it is opened, made, entered or asked for; ENOENT takes it away. */
  public RecordingKernel broken(String path, int errno) {
    if (errno == Errno.ENOENT) {
      state.remove(path);
    }
    state.broken.put(path, errno);
    return this;
  }

  /** Sets what ioctl(2) with a number returns for whatever was opened by a path. */
  public RecordingKernel ioctl(String path, long result) {
    state.ioctls.put(path, result);
    return this;
  }

  /** Sets the working directory, which chdir does not change. */
  public RecordingKernel cwd(String path) {
    cwd = path;
    return this;
  }

  /** Sets what capget gives for all sets; without it, all there are. */
  public RecordingKernel capabilities(long set) {
    capabilities = set;
    return this;
  }

  /** Gives a file something to read; any other file is empty. */
  public RecordingKernel file(String path, String content) {
    return file(path, Bytes.utf8(content));
  }

  /** The same with bytes. */
  public RecordingKernel file(String path, byte[] content) {
    state.files.put(path, content);
    return this;
  }

  /** The bytes that a file holds; null where nothing is known of it. */
  public byte @Nullable [] bytes(String path) {
    return state.files.get(path);
  }

  /** Sets what all calls of a kind return. */
  public RecordingKernel answers(String kind, long result) {
    answers.put(kind, result);
    return this;
  }

  /** Who answers at the other end of a socket. */
  public interface Peer {
    /** Hears what was written, and returns what can be read then; null closes the connection. */
    byte @Nullable [] hear(byte[] said);
  }

  /** Lets somebody answer at a socket's path; any other is connected to nobody. */
  public RecordingKernel peer(String path, Peer peer) {
    state.peers.put(path, peer);
    return this;
  }

  /** The signals that are ignored, signal n as bit n − 1. */
  public RecordingKernel ignoredSignals(long signals) {
    ignored = signals;
    return this;
  }

  /** The descriptor of the mount from which the program is mapped. */
  public RecordingKernel seal(int fd) {
    seal = fd;
    return this;
  }

  /** Sets the environment. */
  public RecordingKernel environment(List<String> env) {
    environment = env;
    return this;
  }

  /** Fails the n-th call of a kind from here on, from 1; {@code "*"} counts all calls. */
  public RecordingKernel fail(String kind, int n, int errno) {
    failKind = kind;
    failAt = counts.getOrDefault(kind, 0) + n;
    failWith = -errno;
    return this;
  }

  /** Lets the runtime be killed at its n-th call from here on, before that does anything. */
  public RecordingKernel dieAt(int n) {
    dieAt = calls.size() + n;
    return this;
  }

  /** What a file holds, such as {@code stdout} or {@code stderr}, or an empty text. */
  public String file(String path) {
    byte[] bytes = state.files.getOrDefault(path, new byte[0]);
    return Bytes.text(bytes, 0, bytes.length);
  }

  /** What the child said by the first socket pair. */
  public String said() {
    return state.said.toString();
  }

  /** The call that was made to fail, or an empty text. */
  public String failed() {
    return failed;
  }

  /** The descriptors that are open. */
  public List<Integer> openDescriptors() {
    return state.open;
  }

  /** The files and directories that were made by the host's paths, and are still there. */
  public List<String> made() {
    return state.made;
  }

  /** The processes that were cloned and not waited for. */
  public List<Integer> children() {
    return state.children;
  }

  /** All calls so far, in order. */
  public List<String> calls() {
    return calls;
  }

  private @Nullable Long failure(String kind, String text) {
    if (calls.size() + 1 == dieAt) {
      state.messages = null;
      throw new Ended(text);
    }
    calls.add(text);
    int ofKind = counts.merge(kind, 1, Integer::sum);
    int ofAll = counts.merge("*", 1, Integer::sum);
    int n = failKind.equals("*") ? ofAll : failKind.equals(kind) ? ofKind : 0;
    if (n != failAt || n == 0) {
      return null;
    }
    failed = text;
    return failWith;
  }

  private long answer(String kind, String text) {
    Long failed = failure(kind, text);
    return failed == null ? answers.getOrDefault(kind, 0L) : failed;
  }

  private long counted(String kind, String text, long count) {
    Long failed = failure(kind, text);
    return failed == null ? answers.getOrDefault(kind, count) : failed;
  }

  private long descriptor(String kind, String text) {
    Long failed = failure(kind, text);
    Long fixed = answers.get(kind);
    if (failed != null) {
      return failed;
    }
    return fixed == null ? state.descriptor() : fixed;
  }

  /** A call on a path, which may be one that is broken. */
  private long onPath(String kind, String path, String text) {
    long result = answer(kind, text);
    Integer errno = state.broken.get(path);
    return result >= 0 && errno != null ? -errno : result;
  }

  private long opened(String path, long flags, String text) {
    long result = onPath("openat2", path, text);
    if (result < 0 || answers.containsKey("openat2")) {
      return result;
    }
    if ((flags & O_CREAT) != 0 && path.startsWith("/") && !state.made.contains(path)) {
      state.made.add(path);
    }
    // Nobody hears what he writes into a FIFO himself; only there O_NONBLOCK goes with writing.
    boolean fifo = (flags & (O_WRONLY | O_NONBLOCK)) == (O_WRONLY | O_NONBLOCK);
    return fifo ? state.descriptor() : state.opened(path, (flags & O_APPEND) != 0);
  }

  private long made(long result, int dirfd, String path) {
    if (result >= 0 && dirfd == AT_FDCWD) {
      state.made.add(path);
    }
    return result;
  }

  private long readFrom(int fd, byte[] buffer, int offset, int count) {
    long result = answer("read", Calls.read(fd, buffer, offset, count));
    int n = result < 0 ? -1 : state.read(fd, buffer, offset, count);
    return n < 0 ? result : n;
  }

  private long pair(String kind, String text, int[] fds) {
    long result = answer(kind, text);
    if (result >= 0) {
      state.pair(fds, kind.equals("socketpair"));
    }
    return result;
  }

  private long cwdTo(byte[] buffer) {
    byte[] bytes = Bytes.utf8(cwd);
    long result = counted("getcwd", Calls.getcwd(buffer), bytes.length + 1);
    System.arraycopy(bytes, 0, buffer, 0, bytes.length);
    return result;
  }

  @Override
  public long openat2(int dirfd, String path, long flags, long mode, long resolve) {
    return opened(path, flags, Calls.openat2(dirfd, path, flags, mode, resolve));
  }

  @Override
  public long close(int fd) {
    state.closed(fd);
    return answer("close", Calls.close(fd));
  }

  @Override
  public long read(int fd, byte[] buffer, int offset, int count) {
    return readFrom(fd, buffer, offset, count);
  }

  @Override
  public long write(int fd, byte[] buffer, int offset, int count) {
    long n = counted("write", Calls.write(fd, buffer, offset, count), count);
    if (n > 0) {
      state.hear(fd, buffer, offset, (int) n);
      state.write(fd, buffer, offset, (int) n, -1);
    }
    return n;
  }

  @Override
  public long pread64(int fd, byte[] buffer, int offset, int count, long position) {
    return answer("pread64", Calls.pread64(fd, count, position));
  }

  @Override
  public long pwrite64(int fd, byte[] buffer, int offset, int count, long position) {
    long n = counted("pwrite64", Calls.pwrite64(fd, buffer, offset, count, position), count);
    if (n > 0) {
      state.write(fd, buffer, offset, (int) n, position);
    }
    return n;
  }

  @Override
  public long statx(int dirfd, String path, long flags, long mask, byte[] statx) {
    long result = onPath("statx", path, Calls.statx(dirfd, path, flags, mask, statx));
    if (result >= 0) {
      state.statx(dirfd, path, statx);
    }
    return result;
  }

  @Override
  public long fstatfsType(int fd) {
    return answer("fstatfsType", Calls.fstatfsType(fd));
  }

  @Override
  public long statfsType(String path) {
    return answer("statfsType", Calls.statfsType(path));
  }

  @Override
  public long mkdirat(int dirfd, String path, long mode) {
    return made(onPath("mkdirat", path, Calls.mkdirat(dirfd, path, mode)), dirfd, path);
  }

  @Override
  public long mknodat(int dirfd, String path, long mode, long dev) {
    return made(onPath("mknodat", path, Calls.mknodat(dirfd, path, mode, dev)), dirfd, path);
  }

  @Override
  public long unlinkat(int dirfd, String path, long flags) {
    long result = onPath("unlinkat", path, Calls.unlinkat(dirfd, path, flags));
    if (result >= 0) {
      state.remove(path);
    }
    return result;
  }

  @Override
  public long symlinkat(String target, int dirfd, String path) {
    return answer("symlinkat", Calls.symlinkat(target, dirfd, path));
  }

  @Override
  public long renameat2(int olddirfd, String oldpath, int newdirfd, String newpath, long flags) {
    long result = answer("renameat2", Calls.renameat2(olddirfd, oldpath, newdirfd, newpath, flags));
    byte[] bytes = state.files.get(oldpath);
    if (result >= 0 && bytes != null) {
      state.remove(oldpath);
      state.files.put(newpath, bytes);
      state.made.add(newpath);
    }
    return result;
  }

  @Override
  public long readlinkat(int dirfd, String path, byte[] buffer) {
    long result = answer("readlinkat", Calls.readlinkat(dirfd, path, buffer));
    String target = state.links.get(path);
    if (result < 0 || target == null) {
      return result;
    }
    byte[] bytes = Bytes.utf8(target);
    System.arraycopy(bytes, 0, buffer, 0, bytes.length);
    return bytes.length;
  }

  @Override
  public long fchmod(int fd, long mode) {
    return answer("fchmod", Calls.fchmod(fd, mode));
  }

  @Override
  public long fchownat(int dirfd, String path, long uid, long gid, long flags) {
    return answer("fchownat", Calls.fchownat(dirfd, path, uid, gid, flags));
  }

  @Override
  public long faccessat2(int dirfd, String path, long mode, long flags) {
    return onPath("faccessat2", path, Calls.faccessat2(dirfd, path, mode, flags));
  }

  @Override
  public long faccessat(int dirfd, String path, long mode) {
    return onPath("faccessat", path, Calls.faccessat(dirfd, path, mode));
  }

  @Override
  public long getdents64(int fd, byte[] buffer) {
    return answer("getdents64", Calls.getdents64(fd, buffer));
  }

  @Override
  public long chdir(String path) {
    return onPath("chdir", path, Calls.chdir(path));
  }

  @Override
  public long fchdir(int fd) {
    return answer("fchdir", Calls.fchdir(fd));
  }

  @Override
  public long chroot(String path) {
    return answer("chroot", Calls.chroot(path));
  }

  @Override
  public long getcwd(byte[] buffer) {
    return cwdTo(buffer);
  }

  @Override
  public long dup3(int oldfd, int newfd, long flags) {
    return answer("dup3", Calls.dup3(oldfd, newfd, flags));
  }

  @Override
  public long pipe2(int[] fds, long flags) {
    return pair("pipe2", Calls.pipe2(fds, flags), fds);
  }

  @Override
  public long fcntl(int fd, long op, long arg) {
    return answer("fcntl", Calls.fcntl(fd, op, arg));
  }

  @Override
  public long flock(int fd, long operation) {
    return answer("flock", Calls.flock(fd, operation));
  }

  @Override
  public long close_range(long first, long last, long flags) {
    return answer("close_range", Calls.close_range(first, last, flags));
  }

  @Override
  public long umask(long mask) {
    return answer("umask", Calls.umask(mask));
  }

  @Override
  public long mount(
      @Nullable String source,
      String target,
      @Nullable String type,
      long flags,
      @Nullable String data) {
    return answer("mount", Calls.mount(source, target, type, flags, data));
  }

  @Override
  public long umount2(String target, long flags) {
    return answer("umount2", Calls.umount2(target, flags));
  }

  @Override
  public long pivot_root(String newRoot, String putOld) {
    return answer("pivot_root", Calls.pivot_root(newRoot, putOld));
  }

  @Override
  public long open_tree(int dirfd, String path, long flags) {
    long result = descriptor("open_tree", Calls.open_tree(dirfd, path, flags));
    Integer errno = state.broken.get(path);
    return result >= 0 && errno != null ? -errno : result;
  }

  @Override
  public long move_mount(int fromDirfd, String fromPath, int toDirfd, String toPath, long flags) {
    return answer("move_mount", Calls.move_mount(fromDirfd, fromPath, toDirfd, toPath, flags));
  }

  @Override
  public long fsopen(String fstype, long flags) {
    return descriptor("fsopen", Calls.fsopen(fstype, flags));
  }

  @Override
  public long fsconfig(int fd, long cmd, @Nullable String key, @Nullable String value, int aux) {
    return answer("fsconfig", Calls.fsconfig(fd, cmd, key, value, aux));
  }

  @Override
  public long fsmount(int fd, long flags, long attrFlags) {
    return descriptor("fsmount", Calls.fsmount(fd, flags, attrFlags));
  }

  @Override
  public long fspick(int dirfd, String path, long flags) {
    return descriptor("fspick", Calls.fspick(dirfd, path, flags));
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
    return answer(
        "mount_setattr",
        Calls.mount_setattr(dirfd, path, flags, attrSet, attrClr, propagation, usernsFd));
  }

  @Override
  public long clone3(long flags, int[] pidfd, int exitSignal, int cgroupFd) {
    long result = answer("clone3", Calls.clone3(flags, pidfd, exitSignal, cgroupFd));
    if (result < 0) {
      return result;
    }
    if (asChild && state.isFirst()) {
      state.skipFirst();
      return 0;
    }
    return state.clone(pidfd);
  }

  @Override
  public long fork(int[] pidfd) {
    long result = answer("fork", Calls.fork(pidfd));
    return result < 0 ? result : state.clone(pidfd);
  }

  @Override
  public long execve(String path, List<String> argv, List<String> envp) {
    String text = Calls.execve(path, argv, envp);
    long result = onPath("execve", path, text);
    if (result >= 0) {
      throw new Ended(text);
    }
    return result;
  }

  @Override
  public long exit_group(int status) {
    long result = answer("exit_group", Calls.exit_group(status));
    if (result >= 0) {
      throw new Ended(Calls.exit_group(status));
    }
    return result;
  }

  @Override
  public long wait4(int pid, int[] status, long options) {
    long result = answer("wait4", Calls.wait4(pid, status, options));
    if (result >= 0) {
      state.waited(pid);
    }
    return result;
  }

  @Override
  public long kill(int pid, int signal) {
    return answer("kill", Calls.kill(pid, signal));
  }

  @Override
  public long pidfd_open(int pid, long flags) {
    return descriptor("pidfd_open", Calls.pidfd_open(pid, flags));
  }

  @Override
  public long pidfd_send_signal(int pidfd, int signal) {
    long result = answer("pidfd_send_signal", Calls.pidfd_send_signal(pidfd, signal));
    if (result >= 0 && signal == SIGKILL) {
      state.killed(pidfd);
    }
    return result;
  }

  @Override
  public long getpid() {
    return answer("getpid", Calls.getpid());
  }

  @Override
  public long getppid() {
    return answer("getppid", Calls.getppid());
  }

  @Override
  public long geteuid() {
    return answer("geteuid", Calls.geteuid());
  }

  @Override
  public long getegid() {
    return answer("getegid", Calls.getegid());
  }

  @Override
  public long prctl(long option, long arg2, long arg3, long arg4, long arg5) {
    long result = answer("prctl", Calls.prctl(option, arg2, arg3, arg4, arg5));
    boolean pastLast = option == PR_CAPBSET_DROP && arg2 > LAST_CAPABILITY;
    return result >= 0 && pastLast ? -Errno.EINVAL : result;
  }

  @Override
  public long prctlSetName(String name) {
    return answer("prctlSetName", Calls.prctlSetName(name));
  }

  @Override
  public long setresuid(long uid) {
    return answer("setresuid", Calls.setresuid(uid));
  }

  @Override
  public long setresgid(long gid) {
    return answer("setresgid", Calls.setresgid(gid));
  }

  @Override
  public long setgroups(int[] gids) {
    return answer("setgroups", Calls.setgroups(gids));
  }

  @Override
  public long capset(long effective, long permitted, long inheritable) {
    return answer("capset", Calls.capset(effective, permitted, inheritable));
  }

  @Override
  public long capget(long[] sets) {
    for (int i = 0; i < sets.length; i++) {
      sets[i] = capabilities;
    }
    return answer("capget", Calls.capget(sets));
  }

  @Override
  public long prlimit64Get(int pid, int resource, long[] limits) {
    return answer("prlimit64Get", Calls.prlimit64Get(pid, resource));
  }

  @Override
  public long prlimit64(int pid, int resource, long soft, long hard) {
    return answer("prlimit64", Calls.prlimit64(pid, resource, soft, hard));
  }

  @Override
  public long setsid() {
    return answer("setsid", Calls.setsid());
  }

  @Override
  public long setns(int fd, long nstype) {
    return answer("setns", Calls.setns(fd, nstype));
  }

  @Override
  public long unshare(long flags) {
    return answer("unshare", Calls.unshare(flags));
  }

  @Override
  public long sethostname(String name) {
    return answer("sethostname", Calls.sethostname(name));
  }

  @Override
  public long setdomainname(String name) {
    return answer("setdomainname", Calls.setdomainname(name));
  }

  @Override
  public long schedSetaffinityAll(int bytes) {
    return answer("schedSetaffinityAll", Calls.schedSetaffinityAll(bytes));
  }

  @Override
  public long seccompSetFilter(long flags, byte[] program) {
    return answer("seccompSetFilter", Calls.seccompSetFilter(flags, program));
  }

  @Override
  public long bpfLoadCgroupDevice(byte[] instructions) {
    return descriptor("bpfLoadCgroupDevice", Calls.bpfLoadCgroupDevice(instructions));
  }

  @Override
  public long bpfAttachCgroupDevice(int cgroupFd, int programFd, long flags) {
    return answer("bpfAttachCgroupDevice", Calls.bpfAttachCgroupDevice(cgroupFd, programFd, flags));
  }

  @Override
  public long sched_setaffinity(byte[] mask) {
    return answer("sched_setaffinity", Calls.sched_setaffinity(mask));
  }

  @Override
  public long sched_setattr(byte[] attr, long flags) {
    return answer("sched_setattr", Calls.sched_setattr(attr, flags));
  }

  @Override
  public long ioprio_set(int which, int who, long ioprio) {
    return answer("ioprio_set", Calls.ioprio_set(which, who, ioprio));
  }

  @Override
  public long set_mempolicy(long mode, byte[] nodemask, long maxnode) {
    return answer("set_mempolicy", Calls.set_mempolicy(mode, nodemask, maxnode));
  }

  @Override
  public long personality(long persona) {
    return answer("personality", Calls.personality(persona));
  }

  @Override
  public long keyctlJoinSessionKeyring(String name) {
    return answer("keyctlJoinSessionKeyring", Calls.keyctlJoinSessionKeyring(name));
  }

  @Override
  public long keyctl(long operation, long arg2, long arg3) {
    return answer("keyctl", Calls.keyctl(operation, arg2, arg3));
  }

  @Override
  public long execveat(int dirfd, String path, List<String> argv, List<String> envp, long flags) {
    String text = Calls.execveat(dirfd, path, argv, envp, flags);
    long result = onPath("execveat", path, text);
    if (result >= 0) {
      throw new Ended(text);
    }
    return result;
  }

  @Override
  public long execveatSelf(int fd, String variable) {
    String text = Calls.execveatSelf(fd, variable);
    long result = answer("execveatSelf", text);
    if (result >= 0) {
      throw new Ended(text);
    }
    return result;
  }

  @Override
  public long memfd_create(String name, long flags) {
    return descriptor("memfd_create", Calls.memfd_create(name, flags));
  }

  @Override
  public long sendfile(int to, int from, long count) {
    return answer("sendfile", Calls.sendfile(to, from, count));
  }

  @Override
  public long inotify_init1(long flags) {
    return descriptor("inotify_init1", Calls.inotify_init1(flags));
  }

  @Override
  public long inotify_add_watch(int fd, String path, long mask) {
    return answer("inotify_add_watch", Calls.inotify_add_watch(fd, path, mask));
  }

  @Override
  public long eventfd2(long initval, long flags) {
    return descriptor("eventfd2", Calls.eventfd2(initval, flags));
  }

  @Override
  public long pidfd_getfd(int pidfd, int targetfd, long flags) {
    return descriptor("pidfd_getfd", Calls.pidfd_getfd(pidfd, targetfd, flags));
  }

  @Override
  public long ignoredSignals() {
    return ignored;
  }

  @Override
  public long resetSignals(long signals) {
    return answer("resetSignals", Calls.resetSignals());
  }

  @Override
  public long ignoreSignal(int signal) {
    return answer("ignoreSignal", Calls.ignoreSignal(signal));
  }

  @Override
  public long exitOnSignal(int signal) {
    return answer("exitOnSignal", Calls.exitOnSignal(signal));
  }

  @Override
  public long defaultSignal(int signal) {
    return answer("defaultSignal", Calls.defaultSignal(signal));
  }

  @Override
  public long signalfdAll() {
    return descriptor("signalfdAll", Calls.signalfdAll());
  }

  @Override
  public long poll(int[] fds, short[] events, short[] revents, int timeoutMillis) {
    return counted("poll", Calls.poll(fds, events, revents, timeoutMillis), state.ready(fds));
  }

  @Override
  public long socketpair(long domain, long type, int[] fds) {
    return pair("socketpair", Calls.socketpair(domain, type, fds), fds);
  }

  @Override
  public long socket(long domain, long type, long protocol) {
    return descriptor("socket", Calls.socket(domain, type, protocol));
  }

  @Override
  public long connectUnix(int fd, String path) {
    long result = onPath("connectUnix", path, Calls.connectUnix(fd, path));
    if (result >= 0) {
      state.connected(fd, path);
    }
    return result;
  }

  @Override
  public long bindUnix(int fd, String path) {
    return onPath("bindUnix", path, Calls.bindUnix(fd, path));
  }

  @Override
  public long bind(int fd, byte[] address) {
    return answer("bind", Calls.bind(fd, address));
  }

  @Override
  public long connect(int fd, byte[] address) {
    return answer("connect", Calls.connect(fd, address));
  }

  @Override
  public long sendto(int fd, byte[] buffer, int offset, int count, byte[] address) {
    return answer("sendto", Calls.sendto(fd, count));
  }

  @Override
  public long recv(int fd, byte[] buffer, int offset, int count, int flags) {
    return answer("recv", Calls.recv(fd, count, flags));
  }

  @Override
  public long recvfrom(int fd, byte[] buffer, int offset, int count, byte[] address) {
    return answer("recvfrom", Calls.recvfrom(fd, count));
  }

  @Override
  public long finit_module(int fd, String parameters) {
    return answer("finit_module", Calls.finit_module(fd, parameters));
  }

  @Override
  public long reboot(long command) {
    return answer("reboot", Calls.reboot(command));
  }

  @Override
  public long clock_settime(int clock, long nanos) {
    return answer("clock_settime", Calls.clock_settime(clock, nanos));
  }

  @Override
  public long sync() {
    return answer("sync", "sync()");
  }

  @Override
  public long listen(int fd, int backlog) {
    return answer("listen", Calls.listen(fd, backlog));
  }

  @Override
  public long shutdown(int fd, int how) {
    return answer("shutdown", Calls.shutdown(fd, how));
  }

  @Override
  public long accept4(int fd, long flags) {
    return descriptor("accept4", Calls.accept4(fd));
  }

  @Override
  public long sendMessage(int socket, byte[] bytes, int fd) {
    return answer("sendMessage", Calls.sendMessage(socket, bytes, fd));
  }

  @Override
  public long sendDescriptor(int socket, String text, int fd) {
    return answer("sendDescriptor", Calls.sendDescriptor(socket, text, fd));
  }

  @Override
  public long receiveDescriptor(int socket) {
    return descriptor("receiveDescriptor", Calls.receiveDescriptor(socket));
  }

  @Override
  public long receiveMessage(int socket, byte[] buffer, int[] fd) {
    fd[0] = -1;
    return answer("receiveMessage", Calls.receiveMessage(socket, buffer, fd));
  }

  @Override
  public long ioctl(int fd, long request, long arg) {
    long result = answer("ioctl", Calls.ioctl(fd, request, arg));
    return result < 0 ? result : state.ioctls.getOrDefault(state.path(fd), result);
  }

  @Override
  public long ioctlStruct(int fd, long request, byte[] arg) {
    return answer("ioctlStruct", Calls.ioctlStruct(fd, request, arg));
  }

  @Override
  public long clock_gettime(int clock) {
    return answer("clock_gettime", Calls.clock_gettime(clock));
  }

  @Override
  public int seal() {
    return seal;
  }

  @Override
  public List<String> environ() {
    return environment;
  }
}
