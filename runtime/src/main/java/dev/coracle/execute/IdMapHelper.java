package dev.coracle.execute;

import static dev.coracle.abi.Fcntl.AT_FDCWD;
import static dev.coracle.abi.Fcntl.O_CLOEXEC;
import static dev.coracle.abi.Fcntl.X_OK;
import static dev.coracle.abi.Process.SIGCHLD;

import dev.coracle.abi.Process;
import dev.coracle.kernel.Errno;
import dev.coracle.kernel.Kernel;
import dev.coracle.property.process.Env;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * newuidmap(1) and newgidmap(1): programs with privileges that write the maps which /etc/subuid and
 * /etc/subgid give to a user.
 */
final class IdMapHelper {
  private static final String DEFAULT_PATH =
      "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  private static final int MOST_MESSAGE_BYTES = 4096;
  private static final int NOT_EXECUTED = 127;

  private IdMapHelper() {}

  /**
   * Lets a helper write a map of the container's process.
   *
   * @param lines as the kernel takes them: its arguments, with a line's end for a space
   */
  static long run(Context c, String name, String lines) {
    Kernel k = c.kernel;
    List<String> environment = k.environ();
    String program = find(k, Env.value(environment, "PATH"), name);
    if (program == null) {
      return c.fail(
          Errno.ENOENT,
          "exec: \"" + name + "\": executable file not found in $PATH (package uidmap)");
    }
    List<String> args = new ArrayList<>();
    args.add(name);
    args.add(Integer.toString(c.hostPid));
    int from = 0;
    for (int i = 0; i < lines.length(); i++) {
      char at = lines.charAt(i);
      if (at == ' ' || at == '\n') {
        args.add(lines.substring(from, i));
        from = i + 1;
      }
    }
    return run(c, program, args, environment);
  }

  private static @Nullable String find(Kernel k, String variable, String name) {
    String path = variable.isEmpty() ? DEFAULT_PATH : variable;
    int from = 0;
    while (from <= path.length()) {
      int to = path.indexOf(':', from);
      if (to < 0) {
        to = path.length();
      }
      String candidate = path.substring(from, to) + "/" + name;
      if (k.faccessat2(AT_FDCWD, candidate, X_OK, 0) >= 0) {
        return candidate;
      }
      from = to + 1;
    }
    return null;
  }

  private static long run(Context c, String program, List<String> args, List<String> environment) {
    Kernel k = c.kernel;
    int[] errors = {-1, -1};
    long result = k.pipe2(errors, O_CLOEXEC);
    if (result < 0) {
      return result;
    }
    long pid = k.clone3(0, new int[1], SIGCHLD, -1);
    if (pid == 0) {
      execute(k, program, args, environment, errors[1]);
      return -Errno.ENOEXEC;
    }
    c.close(errors[1]);
    String said = "";
    if (pid >= 0) {
      Files.Content content = Files.read(k, errors[0], MOST_MESSAGE_BYTES).content();
      said = content == null ? "" : content.text().trim();
    }
    c.close(errors[0]);
    return pid < 0 ? pid : await(c, (int) pid, args.get(0), said);
  }

  private static void execute(
      Kernel k, String program, List<String> args, List<String> environment, int errors) {
    long result = k.dup3(errors, 2, 0);
    if (result >= 0) {
      result = k.resetSignals(Kernel.ALL_SIGNALS);
    }
    if (result >= 0) {
      result = k.execve(program, args, environment);
    }
    byte[] text = dev.coracle.abi.Bytes.utf8(Errno.text(-result));
    long written = Files.writeAll(k, errors, text, 0, text.length);
    long ended = k.exit_group(NOT_EXECUTED);
    if (ended < 0 || written < 0) {
      throw new IllegalStateException("exit_group: " + Errno.text(-ended));
    }
  }

  private static long await(Context c, int pid, String name, String said) {
    int[] status = new int[1];
    long result = c.kernel.wait4(pid, status, 0);
    while (result == -Errno.EINTR) {
      result = c.kernel.wait4(pid, status, 0);
    }
    if (result < 0 || status[0] == 0) {
      return Math.min(result, 0);
    }
    int code = Process.exitCode(status[0]);
    String how = Process.exited(status[0]) ? "exit status " + code : "signal " + (code - 128);
    return c.fail(Errno.EPERM, name + " failed with " + how + (said.isEmpty() ? "" : ": " + said));
  }
}
