package dev.coracle.lifecycle;

import static dev.coracle.abi.Fcntl.O_CLOEXEC;
import static dev.coracle.abi.Process.SIGCHLD;

import dev.coracle.abi.Process;
import dev.coracle.execute.Files;
import dev.coracle.json.JsonWriter;
import dev.coracle.kernel.Errno;
import dev.coracle.kernel.Kernel;
import dev.coracle.state.ContainerState;
import java.util.ArrayList;
import java.util.List;

/** {@code ps}: the processes of a container. */
public final class Ps {
  private static final int MOST_BYTES = 16 << 20;
  private static final String DEFAULT_PATH = "/usr/local/bin:/usr/bin:/bin";

  private Ps() {}

  /** Their pids as a JSON array. */
  public static String json(Environment e, String id) throws Failure {
    JsonWriter out = JsonWriter.compact();
    out.array();
    for (int pid : pids(e, id)) {
      out.value(pid);
    }
    return out.endArray() + "\n";
  }

  private static List<Integer> pids(Environment e, String id) throws Failure {
    ContainerState state = Containers.find(e, id).state();
    return Containers.processes(e, state);
  }

  /**
   * A table of them: ours, or with options the lines of ps(1) that are about them, with its header.
   */
  public static String table(Environment e, String id, List<String> options) throws Failure {
    List<Integer> pids = pids(e, id);
    if (options.isEmpty()) {
      return ProcessTable.of(e.kernel(), pids);
    }
    List<String> args = new ArrayList<>();
    args.add("ps");
    args.addAll(options);
    String all = capture(e, args);
    int end = all.indexOf('\n');
    if (end < 0) {
      throw new Failure("ps printed nothing");
    }
    String header = all.substring(0, end + 1);
    int column = column(header);
    if (column < 0) {
      throw new Failure("ps printed no PID column; its options must ask for one");
    }
    StringBuilder out = new StringBuilder(header);
    int from = end + 1;
    while (from < all.length()) {
      end = all.indexOf('\n', from);
      end = end < 0 ? all.length() : end;
      String line = all.substring(from, end);
      if (isOneOf(word(line, column), pids)) {
        out.append(line).append('\n');
      }
      from = end + 1;
    }
    return out.toString();
  }

  private static int column(String header) {
    for (int i = 0; ; i++) {
      String word = word(header, i);
      if (word.isEmpty()) {
        return -1;
      }
      if (word.equals("PID")) {
        return i;
      }
    }
  }

  private static boolean isOneOf(String word, List<Integer> pids) {
    for (int pid : pids) {
      if (word.equals(Integer.toString(pid))) {
        return true;
      }
    }
    return false;
  }

  /** The n-th word of a line, from 0, or an empty text. */
  static String word(String line, int n) {
    int at = 0;
    int word = -1;
    while (at < line.length()) {
      while (at < line.length() && line.charAt(at) <= ' ') {
        at++;
      }
      int start = at;
      while (at < line.length() && line.charAt(at) > ' ') {
        at++;
      }
      if (at > start && ++word == n) {
        return line.substring(start, at);
      }
    }
    return "";
  }

  private static String capture(Environment e, List<String> args) throws Failure {
    Kernel k = e.kernel();
    int[] pipe = new int[2];
    long result = k.pipe2(pipe, O_CLOEXEC);
    long pid = result < 0 ? result : k.clone3(0, new int[1], SIGCHLD, -1);
    if (pid < 0) {
      throw new Failure("cannot run ps: " + e.kernel().explain(pid));
    }
    if (pid == 0) {
      becomePs(e, args, pipe[1]);
    }
    long closed = k.close(pipe[1]);
    Files.Read read = Files.read(k, pipe[0], MOST_BYTES);
    Files.Content content = read.content();
    String why = content == null ? k.explain(read.errno()) : closed < 0 ? k.explain(closed) : "";
    // Where it still writes, that ends it.
    long lost = k.close(pipe[0]);
    int[] status = new int[1];
    result = k.wait4((int) pid, status, 0);
    while (result == -Errno.EINTR) {
      result = k.wait4((int) pid, status, 0);
    }
    if (result < 0 || lost < 0) {
      why = k.explain(Math.min(result, lost));
    }
    int code = Process.exitCode(status[0]);
    if (content == null || !why.isEmpty() || code != 0) {
      throw new Failure("ps failed: " + (why.isEmpty() ? "exit status " + code : why));
    }
    return content.text();
  }

  private static void becomePs(Environment e, List<String> args, int stdout) {
    Kernel k = e.kernel();
    long result = k.dup3(stdout, 1, 0);
    String path = e.variable("PATH").isEmpty() ? DEFAULT_PATH : e.variable("PATH");
    int from = 0;
    while (from <= path.length() && result >= 0) {
      int to = path.indexOf(':', from);
      to = to < 0 ? path.length() : to;
      // Comes back only where there is no ps in this directory.
      long failed = k.execve(path.substring(from, to) + "/ps", args, e.variables());
      result = failed == -Errno.ENOENT ? 0 : failed;
      from = to + 1;
    }
    long exited = k.exit_group(127);
    throw new IllegalStateException("exit_group: " + exited);
  }
}
