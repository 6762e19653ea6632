package dev.coracle.execute;

import static dev.coracle.abi.Fcntl.ALL_DESCRIPTORS;
import static dev.coracle.abi.Fcntl.AT_EACCESS;
import static dev.coracle.abi.Fcntl.AT_EMPTY_PATH;
import static dev.coracle.abi.Fcntl.AT_FDCWD;
import static dev.coracle.abi.Fcntl.F_OK;
import static dev.coracle.abi.Fcntl.X_OK;
import static dev.coracle.abi.Process.PR_CAPBSET_DROP;
import static dev.coracle.abi.Process.PR_CAP_AMBIENT;
import static dev.coracle.abi.Process.PR_CAP_AMBIENT_CLEAR_ALL;
import static dev.coracle.abi.Process.PR_CAP_AMBIENT_RAISE;
import static dev.coracle.abi.Process.PR_SET_KEEPCAPS;

import dev.coracle.abi.Stat;
import dev.coracle.abi.Statx;
import dev.coracle.kernel.Errno;
import dev.coracle.kernel.Kernel;
import dev.coracle.plan.Action;
import dev.coracle.property.process.Env;
import dev.coracle.spec.Process.Capabilities;
import java.util.ArrayList;
import java.util.List;

/** What becomes of the process itself: user, capabilities, working directory, program. */
final class ProcessActions {
  private static final int FIRST_AFTER_STDIO = 3;
  private static final int CAPABILITY_BITS = 64;
  private static final int PATH_MAX = 4096;
  private static final int PASSWD_MOST = 1 << 20;
  private static final String DEFAULT_PATH =
      "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

  private ProcessActions() {}

  static long dropBounding(Context c, Action.DropBoundingCapabilities a) {
    for (int cap = 0; cap < CAPABILITY_BITS; cap++) {
      if ((a.keep() & 1L << cap) == 0) {
        long result = c.kernel.prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
        if (result == -Errno.EINVAL) {
          return 0; // Past the last one that this kernel has.
        }
        if (result < 0) {
          return result;
        }
      }
    }
    return 0;
  }

  static long setUser(Context c, Action.SetUser a) {
    Kernel k = c.kernel;
    long result = giveStdio(c, a.uid());
    if (result >= 0 && a.keepCapabilities()) {
      result = k.prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0);
    }
    int[] groups = new int[a.additionalGids().size()];
    for (int i = 0; i < groups.length; i++) {
      groups[i] = (int) (long) a.additionalGids().get(i);
    }
    if (result >= 0) {
      result = k.setgroups(groups);
      if (result == -Errno.EPERM && UserNamespaceActions.groupsAreDenied(c)) {
        c.closeRoot(); // what the question opened

        result =
            groups.length == 0
                ? 0
                : c.fail(Errno.EPERM, "groups cannot be set in this user namespace (setgroups(2))");
      }
    }
    if (result >= 0) {
      result = k.setresgid(a.gid());
    }
    return result < 0 ? result : k.setresuid(a.uid());
  }

  /** A user other than root must be able to open /dev/stdout again: the pipes become theirs. */
  private static long giveStdio(Context c, long uid) {
    if (uid == 0) {
      return 0;
    }
    Kernel k = c.kernel;
    byte[] statx = new byte[Statx.SIZE];
    for (int fd = 0; fd <= 2; fd++) {
      long result = k.statx(fd, "", AT_EMPTY_PATH, Statx.STATX_BASIC_STATS, statx);
      if (result == -Errno.EBADF) {
        continue;
      }
      if (result < 0) {
        return result;
      }
      boolean device = Statx.type(statx) == Stat.S_IFCHR && Statx.rdevMajor(statx) == 1;
      if (!device && Statx.uid(statx) != uid) {
        result = k.fchownat(fd, "", uid, 0xffffffffL, AT_EMPTY_PATH);
        boolean tolerated =
            result == -Errno.EINVAL || result == -Errno.EPERM || result == -Errno.EROFS;
        if (result < 0 && !tolerated) {
          return result;
        }
      }
    }
    return 0;
  }

  static long setCapabilities(Context c, Capabilities caps) {
    Kernel k = c.kernel;
    long result = k.capset(caps.effective(), caps.permitted(), caps.inheritable());
    if (result >= 0) {
      result = k.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    }
    for (int cap = 0; cap < CAPABILITY_BITS && result >= 0; cap++) {
      if ((caps.ambient() & 1L << cap) != 0) {
        result = k.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0);
      }
    }
    return result;
  }

  static long changeDirectory(Context c, Action.ChangeDirectory a) {
    Kernel k = c.kernel;
    long result = k.chdir(a.path());
    if (result == -Errno.ENOENT && a.create()) {
      long root = c.root();
      if (root < 0) {
        return root;
      }
      long directory = RootFiles.openDirectory(k, (int) root, a.path());
      c.close(root);
      c.root = -1;
      if (directory < 0) {
        return directory;
      }
      result = k.fchdir((int) directory);
      c.close(directory);
    }
    if (result < 0) {
      return result;
    }
    // A descriptor of the host that leaked would let "/proc/self/fd/7" lead out (CVE-2024-21626).
    byte[] cwd = new byte[PATH_MAX];
    result = k.getcwd(cwd);
    if (result >= 0 && cwd[0] != '/') {
      return c.fail(Errno.EPERM, "the working directory is outside of the container");
    }
    return result;
  }

  static long findProgram(Context c, Action.FindProgram a) {
    c.environment = a.env();
    String name = a.args().get(0);
    if (name.indexOf('/') >= 0) {
      long result = executable(c.kernel, name);
      if (result >= 0) {
        c.program = name;
        return result;
      }
      return c.fail((int) -result, "exec: \"" + name + "\": " + reason(name, result));
    }
    String path = Env.value(a.env(), "PATH");
    if (path.isEmpty()) {
      path = DEFAULT_PATH;
    }
    long denied = 0;
    int from = 0;
    while (from <= path.length()) {
      int to = path.indexOf(':', from);
      if (to < 0) {
        to = path.length();
      }
      String directory = path.substring(from, to);
      String candidate = (directory.isEmpty() ? "." : directory) + "/" + name;
      long result = executable(c.kernel, candidate);
      if (result >= 0) {
        c.program = candidate;
        return result;
      }
      if (result == -Errno.EACCES) {
        denied = result;
      }
      from = to + 1;
    }
    return denied < 0
        ? c.fail(Errno.EACCES, "exec: \"" + name + "\": permission denied")
        : c.fail(Errno.ENOENT, "exec: \"" + name + "\": executable file not found in $PATH");
  }

  /** Whether a file can be executed: 0 or −errno. */
  private static long executable(Kernel k, String path) {
    byte[] statx = new byte[Statx.SIZE];
    long result = k.statx(AT_FDCWD, path, 0, Statx.STATX_TYPE, statx);
    if (result >= 0) {
      boolean directory = Statx.type(statx) == Stat.S_IFDIR;
      result = directory ? -Errno.EISDIR : k.faccessat2(AT_FDCWD, path, X_OK, AT_EACCESS);
    }
    // Looking is never refused like this: the container's filter does not know these calls.
    boolean filtered = result == -Errno.EPERM || result == -Errno.ENOSYS;
    return filtered ? executableInOldFilter(k, path) : result;
  }

  /**
   * As {@link #executable}, by calls that filters allow which are older than statx(2) and
   * faccessat2(2). They ask for the real ids, which are the effective ones here.
   */
  private static long executableInOldFilter(Kernel k, String path) {
    long result = k.faccessat(AT_FDCWD, path, X_OK);
    boolean directory = result >= 0 && k.faccessat(AT_FDCWD, path + "/.", F_OK) >= 0;
    return directory ? -Errno.EISDIR : result;
  }

  // The words of runc: engines turn them into exit codes.
  private static String reason(String name, long result) {
    return switch ((int) -result) {
      case Errno.ENOENT -> "stat " + name + ": no such file or directory";
      case Errno.ENOTDIR -> "stat " + name + ": not a directory";
      case Errno.EISDIR -> "is a directory";
      case Errno.EACCES -> "permission denied";
      default -> Errno.text(-result);
    };
  }

  static long execute(Context c, Action.Execute a) {
    String program = c.program;
    if (program == null) {
      throw new IllegalStateException("no FindProgram before Execute");
    }
    List<String> env = withListen(c, withHome(c, a.env(), a.uid()));
    long result = c.kernel.resetSignals(c.ignoredSignals);
    if (result >= 0) {
      result = c.kernel.execve(program, a.args(), env);
    }
    if (result < 0) {
      // The words of runc and of the C library, which engines look for.
      String why =
          c.wording == Wording.RUNC
              ? Errno.words(-result)
              : switch ((int) -result) {
                case Errno.ENOEXEC -> "exec format error";
                case Errno.ENOENT -> "no such file or directory (is its interpreter missing?)";
                default -> c.kernel.explain(result);
              };
      return c.fail((int) -result, "exec " + program + ": " + why);
    }
    return result;
  }

  /**
   * Goes on as a process of ours. All descriptors but stdio are closed, as execve(2) would: by that
   * the runtime knows that we have begun.
   */
  static long serve(Context c, Action.Serve a) {
    Service service = c.service;
    if (service == null) {
      throw new IllegalStateException("no service: " + a.service());
    }
    // What execve(2) would reset: see ChildProcess.
    long signals = c.ignoredSignals | (c.endsBySignals ? ChildProcess.ENDING_SIGNALS : 0);
    long result = c.kernel.resetSignals(signals);
    if (result >= 0) {
      result = c.kernel.close_range(FIRST_AFTER_STDIO, ALL_DESCRIPTORS, 0);
    }
    return result < 0 ? result : c.kernel.exit_group(service.serve(c.kernel.plain()));
  }

  /** What sd_listen_fds(3) looks for: the pid is the program's own, in its namespace. */
  private static List<String> withListen(Context c, List<String> env) {
    Kept kept = c.kept;
    if (kept.listening() == 0) {
      return env;
    }
    List<String> out = new ArrayList<>();
    for (String entry : env) {
      if (!entry.startsWith("LISTEN_FDS=")
          && !entry.startsWith("LISTEN_PID=")
          && !entry.startsWith("LISTEN_FDNAMES=")) {
        out.add(entry);
      }
    }
    out.add("LISTEN_FDS=" + kept.listening());
    out.add("LISTEN_PID=" + c.kernel.getpid());
    if (kept.names() != null) {
      out.add("LISTEN_FDNAMES=" + kept.names());
    }
    return out;
  }

  /** HOME is the user's as the container's /etc/passwd has it, where the bundle does not set it. */
  static List<String> withHome(Context c, List<String> env, long uid) {
    if (!Env.value(env, "HOME").isEmpty()) {
      return env;
    }
    List<String> out = new ArrayList<>();
    for (String entry : env) {
      if (!entry.startsWith("HOME=")) {
        out.add(entry);
      }
    }
    Files.Read passwd = Files.read(c.kernel, "/etc/passwd", PASSWD_MOST);
    Files.Content content = passwd.content();
    out.add("HOME=" + (content == null ? "/" : home(content.text(), uid)));
    return out;
  }

  /** The home of a user in the text of a passwd file (passwd(5)), or the root directory. */
  static String home(String passwd, long uid) {
    String wanted = Long.toString(uid);
    int from = 0;
    while (from < passwd.length()) {
      int end = passwd.indexOf('\n', from);
      if (end < 0) {
        end = passwd.length();
      }
      List<String> fields = fields(passwd.substring(from, end));
      if (fields.size() >= 6 && fields.get(2).equals(wanted)) {
        return fields.get(5).isEmpty() ? "/" : fields.get(5);
      }
      from = end + 1;
    }
    return "/";
  }

  private static List<String> fields(String line) {
    List<String> out = new ArrayList<>();
    int from = 0;
    while (from <= line.length()) {
      int to = line.indexOf(':', from);
      if (to < 0) {
        to = line.length();
      }
      out.add(line.substring(from, to));
      from = to + 1;
    }
    return out;
  }
}
