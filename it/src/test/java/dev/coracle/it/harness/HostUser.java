package dev.coracle.it.harness;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * A user of the host with ranges of subordinate ids, who is there only for commands of tests: in a
 * mount namespace of theirs, in which /etc has files with one line more.
 */
public final class HostUser {
  public static final String NAME = "mariner";

  /** Its uid and gid. */
  public static final int ID = 65533;

  /** The first of its subordinate ids. */
  public static final int RANGE = 300000;

  private static final List<String> SUBORDINATE = List.of("subuid", "subgid");

  private final Path directory;

  /**
   * Writes the files.
   *
   * @param directory for them; also the user's home, unless there is one
   */
  public HostUser(Path directory, Path home) {
    this.directory = directory;
    String user = NAME + ":x:" + ID + ":" + ID + "::" + home + ":/bin/sh\n";
    try {
      write("passwd", Files.readString(Path.of("/etc/passwd")) + user);
      write("group", Files.readString(Path.of("/etc/group")) + NAME + ":x:" + ID + ":\n");
      for (String file : SUBORDINATE) {
        write(file, NAME + ":" + RANGE + ":65536\n");
        if (!Files.exists(Path.of("/etc", file))) {
          Files.createFile(Path.of("/etc", file)); // as it is where nobody has any
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void write(String name, String content) throws IOException {
    Files.writeString(directory.resolve(name), content);
  }

  /** A shell's words that make it known in the mount namespace in which they run. */
  public String mounts() {
    StringBuilder out = new StringBuilder();
    for (String file : List.of("passwd", "group", "subuid", "subgid")) {
      out.append("mount --bind ").append(directory.resolve(file)).append(" /etc/").append(file);
      out.append(" && ");
    }
    return out.append("true").toString();
  }

  /** Words before a command, so that root runs it where the user is known. */
  public List<String> known() {
    return new ArrayList<>(
        List.of(
            "unshare",
            "-m",
            "--propagation",
            "private",
            "sh",
            "-c",
            mounts() + " && exec \"$@\"",
            "sh"));
  }

  /**
   * Gives the user a new cgroup (cgroups(7), "Cgroup delegation"), as systemd does.
   *
   * @return words before a command that run it in a cgroup below: only from there the user may move
   *     processes
   */
  public static List<String> delegate(Path cgroup) {
    try {
      Path own = Files.createDirectories(cgroup.resolve("own"));
      for (String file : List.of("", "cgroup.procs", "cgroup.subtree_control", "cgroup.threads")) {
        Files.setAttribute(cgroup.resolve(file), "unix:uid", ID);
      }
      String enter = "echo 0 > " + own + "/cgroup.procs && exec \"$@\"";
      return List.of("sh", "-c", enter, "sh");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Words before a command, so that it is the user's. */
  public static List<String> become() {
    return List.of(
        "setpriv", "--reuid=" + ID, "--regid=" + ID, "--clear-groups", "--inh-caps=-all");
  }
}
