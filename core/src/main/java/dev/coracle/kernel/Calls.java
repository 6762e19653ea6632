package dev.coracle.kernel;

import static dev.coracle.abi.Fcntl.AT_EACCESS;
import static dev.coracle.abi.Fcntl.AT_REMOVEDIR;
import static dev.coracle.abi.Fcntl.CLOSE_RANGE_CLOEXEC;
import static dev.coracle.abi.Mount.FSMOUNT_CLOEXEC;
import static dev.coracle.abi.Mount.FSOPEN_CLOEXEC;
import static dev.coracle.abi.Mount.MNT_DETACH;

import dev.coracle.abi.Bytes;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** System calls as text, in the way strace(1) writes them: for errors, traces and recordings. */
final class Calls {
  private static final int LONGEST_TEXT = 200;

  private Calls() {}

  static String openat2(int dirfd, String path, long flags, long mode, long resolve) {
    return "openat2("
        + Flags.dirfd(dirfd)
        + ", "
        + quote(path)
        + ", "
        + Flags.open(flags)
        + ", "
        + octal(mode)
        + ", "
        + Flags.resolve(resolve)
        + ")";
  }

  static String close(int fd) {
    return "close(" + fd + ")";
  }

  static String read(int fd, byte[] buffer, int offset, int count) {
    return "read(" + fd + ", " + "[" + buffer.length + " bytes]" + ", " + count + ")";
  }

  static String write(int fd, byte[] buffer, int offset, int count) {
    return "write(" + fd + ", " + bytes(buffer, offset, count) + ")";
  }

  static String pread64(int fd, int count, long position) {
    return "pread64(" + fd + ", " + count + ", " + position + ")";
  }

  static String pwrite64(int fd, byte[] buffer, int offset, int count, long position) {
    return "pwrite64(" + fd + ", " + bytes(buffer, offset, count) + ", " + position + ")";
  }

  static String statx(int dirfd, String path, long flags, long mask, byte[] statx) {
    return "statx("
        + Flags.dirfd(dirfd)
        + ", "
        + quote(path)
        + ", "
        + Flags.at(flags)
        + ", "
        + Flags.statx(mask)
        + ", "
        + "["
        + statx.length
        + " bytes]"
        + ")";
  }

  static String fstatfsType(int fd) {
    return "fstatfs(" + fd + ")";
  }

  static String statfsType(String path) {
    return "statfs(" + quote(path) + ")";
  }

  static String mkdirat(int dirfd, String path, long mode) {
    return "mkdirat(" + Flags.dirfd(dirfd) + ", " + quote(path) + ", " + octal(mode) + ")";
  }

  static String mknodat(int dirfd, String path, long mode, long dev) {
    return "mknodat("
        + Flags.dirfd(dirfd)
        + ", "
        + quote(path)
        + ", "
        + octal(mode)
        + ", "
        + Flags.device(dev)
        + ")";
  }

  static String unlinkat(int dirfd, String path, long flags) {
    return "unlinkat("
        + Flags.dirfd(dirfd)
        + ", "
        + quote(path)
        + ", "
        + (flags == AT_REMOVEDIR ? "AT_REMOVEDIR" : Flags.at(flags))
        + ")";
  }

  static String symlinkat(String target, int dirfd, String path) {
    return "symlinkat(" + quote(target) + ", " + Flags.dirfd(dirfd) + ", " + quote(path) + ")";
  }

  static String renameat2(int olddirfd, String oldpath, int newdirfd, String newpath, long flags) {
    return "renameat2("
        + Flags.dirfd(olddirfd)
        + ", "
        + quote(oldpath)
        + ", "
        + Flags.dirfd(newdirfd)
        + ", "
        + quote(newpath)
        + ", "
        + hex(flags)
        + ")";
  }

  static String readlinkat(int dirfd, String path, byte[] buffer) {
    return "readlinkat("
        + Flags.dirfd(dirfd)
        + ", "
        + quote(path)
        + ", "
        + "["
        + buffer.length
        + " bytes]"
        + ")";
  }

  static String fchmod(int fd, long mode) {
    return "fchmod(" + fd + ", " + octal(mode) + ")";
  }

  static String fchownat(int dirfd, String path, long uid, long gid, long flags) {
    return "fchownat("
        + Flags.dirfd(dirfd)
        + ", "
        + quote(path)
        + ", "
        + uid
        + ", "
        + gid
        + ", "
        + Flags.at(flags)
        + ")";
  }

  static String faccessat2(int dirfd, String path, long mode, long flags) {
    return "faccessat2("
        + Flags.dirfd(dirfd)
        + ", "
        + quote(path)
        + ", "
        + Flags.access(mode)
        + ", "
        + (flags == AT_EACCESS ? "AT_EACCESS" : Flags.at(flags))
        + ")";
  }

  static String faccessat(int dirfd, String path, long mode) {
    return "faccessat(" + Flags.dirfd(dirfd) + ", " + quote(path) + ", " + mode + ")";
  }

  static String getdents64(int fd, byte[] buffer) {
    return "getdents64(" + fd + ", " + "[" + buffer.length + " bytes]" + ")";
  }

  static String chdir(String path) {
    return "chdir(" + quote(path) + ")";
  }

  static String fchdir(int fd) {
    return "fchdir(" + fd + ")";
  }

  static String chroot(String path) {
    return "chroot(" + quote(path) + ")";
  }

  static String getcwd(byte[] buffer) {
    return "getcwd(" + "[" + buffer.length + " bytes]" + ")";
  }

  static String dup3(int oldfd, int newfd, long flags) {
    return "dup3(" + oldfd + ", " + newfd + ", " + Flags.descriptor(flags) + ")";
  }

  static String pipe2(int[] fds, long flags) {
    return "pipe2(" + "[" + fds.length + "]" + ", " + Flags.descriptor(flags) + ")";
  }

  static String fcntl(int fd, long op, long arg) {
    return "fcntl(" + fd + ", " + Flags.fcntl(op) + ", " + arg + ")";
  }

  static String flock(int fd, long operation) {
    return "flock(" + fd + ", " + Flags.flock(operation) + ")";
  }

  static String close_range(long first, long last, long flags) {
    return "close_range("
        + first
        + ", "
        + last
        + ", "
        + (flags == CLOSE_RANGE_CLOEXEC ? "CLOSE_RANGE_CLOEXEC" : hex(flags))
        + ")";
  }

  static String umask(long mask) {
    return "umask(" + octal(mask) + ")";
  }

  static String mount(
      @Nullable String source,
      String target,
      @Nullable String type,
      long flags,
      @Nullable String data) {
    return "mount("
        + quote(source)
        + ", "
        + quote(target)
        + ", "
        + quote(type)
        + ", "
        + Flags.propagation(flags)
        + ", "
        + quote(data)
        + ")";
  }

  static String umount2(String target, long flags) {
    return "umount2("
        + quote(target)
        + ", "
        + (flags == MNT_DETACH ? "MNT_DETACH" : hex(flags))
        + ")";
  }

  static String pivot_root(String newRoot, String putOld) {
    return "pivot_root(" + quote(newRoot) + ", " + quote(putOld) + ")";
  }

  static String open_tree(int dirfd, String path, long flags) {
    return "open_tree("
        + Flags.dirfd(dirfd)
        + ", "
        + quote(path)
        + ", "
        + Flags.openTree(flags)
        + ")";
  }

  static String move_mount(int fromDirfd, String fromPath, int toDirfd, String toPath, long flags) {
    return "move_mount("
        + Flags.dirfd(fromDirfd)
        + ", "
        + quote(fromPath)
        + ", "
        + Flags.dirfd(toDirfd)
        + ", "
        + quote(toPath)
        + ", "
        + Flags.moveMount(flags)
        + ")";
  }

  static String fsopen(String fstype, long flags) {
    return "fsopen("
        + quote(fstype)
        + ", "
        + (flags == FSOPEN_CLOEXEC ? "FSOPEN_CLOEXEC" : hex(flags))
        + ")";
  }

  static String fsconfig(int fd, long cmd, @Nullable String key, @Nullable String value, int aux) {
    return "fsconfig("
        + fd
        + ", "
        + Flags.fsconfig(cmd)
        + ", "
        + quote(key)
        + ", "
        + quote(value)
        + ", "
        + aux
        + ")";
  }

  static String fsmount(int fd, long flags, long attrFlags) {
    return "fsmount("
        + fd
        + ", "
        + (flags == FSMOUNT_CLOEXEC ? "FSMOUNT_CLOEXEC" : hex(flags))
        + ", "
        + Flags.mountAttr(attrFlags)
        + ")";
  }

  static String fspick(int dirfd, String path, long flags) {
    return "fspick(" + Flags.dirfd(dirfd) + ", " + quote(path) + ", " + Flags.fspick(flags) + ")";
  }

  static String mount_setattr(
      int dirfd,
      String path,
      long flags,
      long attrSet,
      long attrClr,
      long propagation,
      int usernsFd) {
    return "mount_setattr("
        + Flags.dirfd(dirfd)
        + ", "
        + quote(path)
        + ", "
        + Flags.at(flags)
        + ", "
        + Flags.mountAttr(attrSet)
        + ", "
        + Flags.mountAttr(attrClr)
        + ", "
        + Flags.propagation(propagation)
        + ", "
        + usernsFd
        + ")";
  }

  static String clone3(long flags, int[] pidfd, int exitSignal, int cgroupFd) {
    return "clone3("
        + Flags.clone(flags)
        + ", "
        + "["
        + pidfd.length
        + "]"
        + ", "
        + exitSignal
        + ", "
        + cgroupFd
        + ")";
  }

  static String fork(int[] pidfd) {
    return "fork([" + pidfd.length + "])";
  }

  static String execve(String path, List<String> argv, List<String> envp) {
    return "execve(" + quote(path) + ", " + list(argv) + ", " + list(envp) + ")";
  }

  static String exit_group(int status) {
    return "exit_group(" + status + ")";
  }

  static String wait4(int pid, int[] status, long options) {
    return "wait4(" + pid + ", " + "[" + status.length + "]" + ", " + options + ")";
  }

  static String kill(int pid, int signal) {
    return "kill(" + pid + ", " + signal + ")";
  }

  static String pidfd_open(int pid, long flags) {
    return "pidfd_open(" + pid + ", " + hex(flags) + ")";
  }

  static String pidfd_send_signal(int pidfd, int signal) {
    return "pidfd_send_signal(" + pidfd + ", " + signal + ")";
  }

  static String getpid() {
    return "getpid(" + ")";
  }

  static String getppid() {
    return "getppid(" + ")";
  }

  static String geteuid() {
    return "geteuid(" + ")";
  }

  static String getegid() {
    return "getegid(" + ")";
  }

  static String prctl(long option, long arg2, long arg3, long arg4, long arg5) {
    return "prctl("
        + Flags.prctl(option)
        + ", "
        + arg2
        + ", "
        + arg3
        + ", "
        + arg4
        + ", "
        + arg5
        + ")";
  }

  static String prctlSetName(String name) {
    return "prctl(PR_SET_NAME, " + quote(name) + ")";
  }

  static String setresuid(long uid) {
    return "setresuid(" + uid + ")";
  }

  static String setresgid(long gid) {
    return "setresgid(" + gid + ")";
  }

  static String setgroups(int[] gids) {
    return "setgroups(" + "[" + gids.length + "]" + ")";
  }

  static String capset(long effective, long permitted, long inheritable) {
    return "capset(" + hex(effective) + ", " + hex(permitted) + ", " + hex(inheritable) + ")";
  }

  static String capget(long[] sets) {
    return "capget(" + "[" + sets.length + "]" + ")";
  }

  static String prlimit64Get(int pid, int resource) {
    return "prlimit64(" + pid + ", " + resource + ", NULL, limits)";
  }

  static String prlimit64(int pid, int resource, long soft, long hard) {
    return "prlimit64("
        + pid
        + ", "
        + Flags.rlimit(resource)
        + ", "
        + Long.toUnsignedString(soft)
        + ", "
        + Long.toUnsignedString(hard)
        + ")";
  }

  static String setsid() {
    return "setsid(" + ")";
  }

  static String setns(int fd, long nstype) {
    return "setns(" + fd + ", " + Flags.clone(nstype) + ")";
  }

  static String unshare(long flags) {
    return "unshare(" + Flags.clone(flags) + ")";
  }

  static String sethostname(String name) {
    return "sethostname(" + quote(name) + ")";
  }

  static String setdomainname(String name) {
    return "setdomainname(" + quote(name) + ")";
  }

  static String schedSetaffinityAll(int bytes) {
    return "sched_setaffinity(" + bytes + ")";
  }

  static String seccompSetFilter(long flags, byte[] program) {
    return "seccomp(SECCOMP_SET_MODE_FILTER, "
        + Flags.seccomp(flags)
        + ", "
        + "["
        + program.length
        + " bytes]"
        + ")";
  }

  static String bpfLoadCgroupDevice(byte[] instructions) {
    return "bpf(BPF_PROG_LOAD, " + "[" + instructions.length + " bytes]" + ")";
  }

  static String bpfAttachCgroupDevice(int cgroupFd, int programFd, long flags) {
    return "bpf(BPF_PROG_ATTACH, " + cgroupFd + ", " + programFd + ", " + hex(flags) + ")";
  }

  /** The numbers of the bits that are set, such as {@code [0-3,7]}. */
  private static String bits(byte[] mask) {
    StringBuilder out = new StringBuilder("[");
    int n = 0;
    while (n < mask.length * 8) {
      if ((mask[n / 8] & 1 << n % 8) == 0) {
        n++;
        continue;
      }
      int from = n;
      while (n < mask.length * 8 && (mask[n / 8] & 1 << n % 8) != 0) {
        n++;
      }
      out.append(out.length() > 1 ? "," : "").append(from);
      out.append(n - 1 > from ? "-" + (n - 1) : "");
    }
    return out.append(']').toString();
  }

  static String sched_setaffinity(byte[] mask) {
    return "sched_setaffinity(0, " + mask.length + ", " + bits(mask) + ")";
  }

  static String sched_setattr(byte[] attr, long flags) {
    return "sched_setattr(0, {policy="
        + Bytes.u32(attr, 4)
        + ", flags="
        + hex(Bytes.i64(attr, 8))
        + ", nice="
        + (int) Bytes.u32(attr, 16)
        + ", priority="
        + Bytes.u32(attr, 20)
        + ", runtime="
        + Long.toUnsignedString(Bytes.i64(attr, 24))
        + ", deadline="
        + Long.toUnsignedString(Bytes.i64(attr, 32))
        + ", period="
        + Long.toUnsignedString(Bytes.i64(attr, 40))
        + "}, "
        + hex(flags)
        + ")";
  }

  static String ioprio_set(int which, int who, long ioprio) {
    return "ioprio_set(" + which + ", " + who + ", " + hex(ioprio) + ")";
  }

  static String set_mempolicy(long mode, byte[] nodemask, long maxnode) {
    return "set_mempolicy(" + hex(mode) + ", " + bits(nodemask) + ", " + maxnode + ")";
  }

  static String personality(long persona) {
    return "personality(" + hex(persona) + ")";
  }

  static String keyctlJoinSessionKeyring(String name) {
    return "keyctl(KEYCTL_JOIN_SESSION_KEYRING, " + quote(name) + ")";
  }

  static String keyctl(long operation, long arg2, long arg3) {
    return "keyctl(" + operation + ", " + arg2 + ", " + hex(arg3) + ")";
  }

  static String execveat(int dirfd, String path, List<String> argv, List<String> envp, long flags) {
    return "execveat("
        + Flags.dirfd(dirfd)
        + ", "
        + quote(path)
        + ", "
        + list(argv)
        + ", "
        + list(envp)
        + ", "
        + Flags.at(flags)
        + ")";
  }

  static String execveatSelf(int fd, String variable) {
    return "execveat(" + fd + ", \"\", argv, [" + quote(variable) + ", ...environ], AT_EMPTY_PATH)";
  }

  static String memfd_create(String name, long flags) {
    return "memfd_create(" + quote(name) + ", " + Flags.memfd(flags) + ")";
  }

  static String sendfile(int to, int from, long count) {
    return "sendfile(" + to + ", " + from + ", NULL, " + count + ")";
  }

  static String inotify_init1(long flags) {
    return "inotify_init1(" + Flags.descriptor(flags) + ")";
  }

  static String inotify_add_watch(int fd, String path, long mask) {
    return "inotify_add_watch(" + fd + ", " + quote(path) + ", " + hex(mask) + ")";
  }

  static String eventfd2(long initval, long flags) {
    return "eventfd2(" + initval + ", " + Flags.descriptor(flags) + ")";
  }

  static String pidfd_getfd(int pidfd, int targetfd, long flags) {
    return "pidfd_getfd(" + pidfd + ", " + targetfd + ", " + hex(flags) + ")";
  }

  static String resetSignals() {
    return "rt_sigprocmask(SIG_SETMASK, [])";
  }

  static String ignoreSignal(int signal) {
    return "rt_sigaction(" + signal + ", SIG_IGN)";
  }

  static String exitOnSignal(int signal) {
    return "rt_sigaction(" + signal + ", exit)";
  }

  static String defaultSignal(int signal) {
    return "rt_sigaction(" + signal + ", SIG_DFL)";
  }

  static String signalfdAll() {
    return "signalfd4(" + ")";
  }

  static String poll(int[] fds, short[] events, short[] revents, int timeoutMillis) {
    return "poll("
        + "["
        + fds.length
        + "]"
        + ", "
        + "["
        + events.length
        + "]"
        + ", "
        + "["
        + revents.length
        + "]"
        + ", "
        + timeoutMillis
        + ")";
  }

  static String socketpair(long domain, long type, int[] fds) {
    return "socketpair("
        + Flags.domain(domain)
        + ", "
        + Flags.socket(type)
        + ", "
        + "["
        + fds.length
        + "]"
        + ")";
  }

  static String socket(long domain, long type, long protocol) {
    return "socket(" + Flags.domain(domain) + ", " + Flags.socket(type) + ", " + protocol + ")";
  }

  static String connectUnix(int fd, String path) {
    return "connect(" + fd + ", " + quote(path) + ")";
  }

  static String bindUnix(int fd, String path) {
    return "bind(" + fd + ", " + quote(path) + ")";
  }

  static String bind(int fd, byte[] address) {
    return "bind(" + fd + ", [" + address.length + " bytes])";
  }

  static String connect(int fd, byte[] address) {
    return "connect(" + fd + ", [" + address.length + " bytes])";
  }

  static String sendto(int fd, int count) {
    return "sendto(" + fd + ", [" + count + " bytes])";
  }

  static String recv(int fd, int count, int flags) {
    return "recv(" + fd + ", [" + count + " bytes], " + flags + ")";
  }

  static String recvfrom(int fd, int count) {
    return "recvfrom(" + fd + ", [" + count + " bytes])";
  }

  static String finit_module(int fd, String parameters) {
    return "finit_module(" + fd + ", " + quote(parameters) + ")";
  }

  static String reboot(long command) {
    return "reboot(" + command + ")";
  }

  static String clock_settime(int clock, long nanos) {
    return "clock_settime(" + clock + ", " + nanos + ")";
  }

  static String listen(int fd, int backlog) {
    return "listen(" + fd + ", " + backlog + ")";
  }

  static String shutdown(int fd, int how) {
    return "shutdown(" + fd + ", " + how + ")";
  }

  static String accept4(int fd) {
    return "accept4(" + fd + ")";
  }

  static String sendMessage(int socket, byte[] bytes, int fd) {
    return "sendmsg(" + socket + ", " + bytes(bytes, 0, bytes.length) + ", " + fd + ")";
  }

  static String sendDescriptor(int socket, String text, int fd) {
    return "sendmsg(" + socket + ", " + quote(text) + ", " + fd + ")";
  }

  static String receiveDescriptor(int socket) {
    return "recvmsg(" + socket + ")";
  }

  static String receiveMessage(int socket, byte[] buffer, int[] fd) {
    return "recvmsg(" + socket + ", [" + buffer.length + " bytes], [" + fd.length + "])";
  }

  static String ioctl(int fd, long request, long arg) {
    return "ioctl(" + fd + ", " + Flags.ioctl(request) + ", " + arg + ")";
  }

  static String ioctlStruct(int fd, long request, byte[] arg) {
    return "ioctl(" + fd + ", " + Flags.ioctl(request) + ", " + "[" + arg.length + " bytes]" + ")";
  }

  static String clock_gettime(int clock) {
    return "clock_gettime(" + clock + ")";
  }

  private static String quote(@Nullable String text) {
    return text == null ? "NULL" : "\"" + text + "\"";
  }

  private static String hex(long value) {
    return value == 0 ? "0" : "0x" + Long.toHexString(value);
  }

  private static String octal(long value) {
    return value == 0 ? "0" : "0" + Long.toOctalString(value);
  }

  private static String list(List<String> texts) {
    StringBuilder out = new StringBuilder("[");
    for (int i = 0; i < texts.size() && out.length() < LONGEST_TEXT; i++) {
      out.append(i == 0 ? "" : ", ").append(quote(texts.get(i)));
    }
    return out.append(']').toString();
  }

  private static String bytes(byte[] bytes, int from, int count) {
    StringBuilder out = new StringBuilder("\"");
    for (int i = from; i < from + count && out.length() < LONGEST_TEXT; i++) {
      out.append(bytes[i] >= ' ' ? (char) bytes[i] : '.');
    }
    return out.append("\", ").append(count).toString();
  }
}
