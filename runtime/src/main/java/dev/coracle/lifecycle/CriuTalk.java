package dev.coracle.lifecycle;

import static dev.coracle.abi.Fcntl.AT_FDCWD;
import static dev.coracle.abi.Fcntl.O_CLOEXEC;
import static dev.coracle.abi.Fcntl.O_DIRECTORY;
import static dev.coracle.abi.Fcntl.O_RDONLY;

import dev.coracle.criu.CriuRequest;
import dev.coracle.criu.CriuResponse;
import dev.coracle.execute.Criu;
import dev.coracle.execute.Files;
import dev.coracle.kernel.Errno;
import dev.coracle.kernel.Kernel;
import dev.coracle.spec.Spec;
import org.jspecify.annotations.Nullable;

/** What checkpoint and restore have in common: criu's program, its version, and its answer. */
final class CriuTalk {
  /** External PID namespaces and the notification status-ready came with it. */
  static final int OLDEST = 31500;

  /** Two of its LSM options came with it. */
  static final int LSM_OPTIONS = 31600;

  private static final String DEFAULT_PATH =
      "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  private static final String CONFIG_ANNOTATION = "org.criu.config";
  private static final String CONFIG = "/etc/criu/runc.conf";
  private static final int LOG_LEVEL = 4;
  private static final int MOST_LOG_BYTES = 16 << 20;
  private static final int MOST_LINES = 8;
  private static final long X_OK = 1;

  private CriuTalk() {}

  /** criu's path, as found by PATH; it must be new enough. */
  static String program(Environment e, CriuFlags flags) throws Failure {
    String program = find(e);
    CriuResponse response = ask(e, program, CriuRequest.version());
    boolean lsm = flags.lsmProfile() != null || flags.lsmMountContext() != null;
    int needed = lsm ? LSM_OPTIONS : OLDEST;
    if (response.version() < needed) {
      throw new Failure(
          "criu "
              + text(needed)
              + " or newer is needed"
              + (lsm ? " for --lsm-profile and --lsm-mount-context" : "")
              + "; \""
              + program
              + "\" is "
              + text(response.version()));
    }
    boolean lazy = flags.on().contains(CriuRequest.Flag.LAZY_PAGES);
    int features = flags.preDump() || lazy ? ask(e, program, CriuRequest.features()).features() : 0;
    if (flags.preDump() && (features & CriuResponse.MEM_TRACK) == 0) {
      throw new Failure(
          "--pre-dump needs a kernel that tells what memory was written to"
              + " (CONFIG_MEM_SOFT_DIRTY), says criu");
    }
    if (lazy && (features & CriuResponse.LAZY_PAGES) == 0) {
      throw new Failure("--lazy-pages needs a kernel with userfaultfd(2), says criu");
    }
    return program;
  }

  private static CriuResponse ask(Environment e, String program, byte[] request) throws Failure {
    Criu criu = new Criu(e.kernel(), program, e.variables());
    String problem = criu.start();
    if (problem != null) {
      throw new Failure(problem);
    }
    Criu.Outcome outcome = criu.ask(request, (script, pid, fd) -> null);
    CriuResponse response = outcome.response();
    if (outcome.problem() != null || response == null) {
      throw new Failure("cannot ask criu what it can do: " + outcome.problem());
    }
    return response;
  }

  private static String text(int version) {
    return version / 10_000 + "." + version / 100 % 100 + "." + version % 100;
  }

  private static String find(Environment e) throws Failure {
    String path = e.variable("PATH").isEmpty() ? DEFAULT_PATH : e.variable("PATH");
    int from = 0;
    while (from <= path.length()) {
      int to = path.indexOf(':', from);
      to = to < 0 ? path.length() : to;
      String program = path.substring(from, to) + "/criu";
      if (program.startsWith("/") && e.kernel().faccessat2(AT_FDCWD, program, X_OK, 0) >= 0) {
        return program;
      }
      from = to + 1;
    }
    throw new Failure(
        "checkpoint and restore need criu: exec: \"criu\": executable file not found in $PATH");
  }

  /** Opens a directory of the caller's, which is made where it is missing. */
  static int directory(Kernel k, String flag, String path, boolean make) throws Failure {
    long result = make ? k.mkdirat(AT_FDCWD, path, 0700) : 0;
    if (result < 0 && result != -Errno.EEXIST) {
      throw new Failure(flag + ": cannot make \"" + path + "\": " + k.explain(result));
    }
    long fd = k.openat2(AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0, 0);
    if (fd < 0) {
      throw new Failure(flag + ": cannot open \"" + path + "\": " + k.explain(fd));
    }
    return (int) fd;
  }

  /** A request with all that the flags say. */
  static CriuRequest request(
      Environment e, CriuRequest.Type type, CriuFlags flags, Spec spec, String log) throws Failure {
    Kernel k = e.kernel();
    boolean dump = type != CriuRequest.Type.RESTORE;
    int images = directory(k, "--image-path", flags.images(), dump);
    CriuRequest request = new CriuRequest(type, images, LOG_LEVEL);
    request.set(CriuRequest.Text.LOG_FILE, log);
    String work = flags.work();
    if (work != null) {
      request.workDirectory(directory(k, "--work-path", work, true));
    }
    for (CriuRequest.Flag flag : flags.on()) {
      request.set(flag, true);
    }
    request.set(CriuRequest.Flag.NOTIFY_SCRIPTS, true);
    request.set(CriuRequest.Flag.MANAGE_CGROUPS, true);
    request.set(CriuRequest.Flag.ORPHAN_PTS_MASTER, true);
    request.cgroupsMode(flags.cgroupsMode());
    if (flags.emptyNamespaces() != 0) {
      request.emptyNamespaces(flags.emptyNamespaces());
    }
    // A file of criu's own options, of which the administrator's is runc's.
    String config = spec.annotations().get(CONFIG_ANNOTATION);
    if (config == null || !config.isEmpty()) {
      request.set(CriuRequest.Text.CONFIG_FILE, config == null ? CONFIG : config);
    }
    return request;
  }

  /** Why criu failed, with what its log says; null where it did not. */
  static @Nullable String problem(
      Environment e, Criu.Outcome outcome, CriuFlags flags, String log) {
    CriuResponse response = outcome.response();
    String problem = outcome.problem();
    if (problem == null && response != null && response.success()) {
      return null;
    }
    StringBuilder out = new StringBuilder();
    if (problem == null && response != null) {
      out.append("criu failed");
      if (response.errno() != 0) {
        out.append(": ").append(Errno.text(response.errno()));
      }
      if (!response.message().isEmpty()) {
        out.append(": ").append(response.message());
      }
    } else {
      out.append(problem);
    }
    String work = flags.work();
    quote(e.kernel(), (work == null ? flags.images() : work) + "/" + log, out);
    return out.toString();
  }

  /** The last lines of the log that tell of errors. */
  private static void quote(Kernel k, String path, StringBuilder out) {
    Files.Content log = Files.read(k, path, MOST_LOG_BYTES).content();
    if (log == null) {
      return;
    }
    String text = log.text();
    String lines = "";
    int count = 0;
    int to = text.length();
    while (to > 0 && count < MOST_LINES) {
      int from = text.lastIndexOf('\n', to - 1) + 1;
      if (text.substring(from, to).contains("Error")) {
        lines = "\n  " + text.substring(from, to) + lines;
        count++;
      }
      to = from - 1;
    }
    out.append("; ").append(path).append(count == 0 ? " says no more" : " says:").append(lines);
  }
}
