package dev.coracle.lifecycle;

import dev.coracle.execute.Files;
import dev.coracle.json.JsonWriter;
import dev.coracle.kernel.Errno;
import dev.coracle.kernel.Kernel;
import dev.coracle.state.ContainerState;
import dev.coracle.state.StateStore;
import dev.coracle.state.Status;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** {@code state} and {@code list}: containers as engines read them. */
public final class StateReport {
  private static final int PASSWD_MOST = 1 << 20;

  private StateReport() {}

  /** The state of one container as JSON (runtime.md, "State"), with what runc adds. */
  public static String state(Environment e, String id) throws Failure {
    ContainerState state = Containers.find(e, id).state();
    JsonWriter out = JsonWriter.indented();
    write(out, state, Containers.status(e, state), "");
    return out + "\n";
  }

  private static void write(JsonWriter out, ContainerState state, Status status, String owner) {
    boolean alive = status.isAlive();
    out.object();
    out.field("ociVersion", state.ociVersion()).field("id", state.id());
    out.field("pid", alive ? state.pid() : 0).field("status", status.word());
    out.field("bundle", state.bundle()).field("rootfs", state.rootfs());
    out.field("created", Timestamp.rfc3339(state.createdNanos()));
    if (!state.scope().unit().isEmpty()) {
      out.field("systemd-scope", state.scope().unit()); // as crun does
    }
    if (!state.annotations().isEmpty()) {
      out.key("annotations").object();
      for (Map.Entry<String, String> entry : state.annotations().entrySet()) {
        out.field(entry.getKey(), entry.getValue());
      }
      out.endObject();
    }
    out.field("owner", owner).endObject();
  }

  /** How {@code list} shows containers. */
  public enum Format {
    TABLE,
    JSON,
    IDS
  }

  /**
   * All containers.
   *
   * @param rootGiven whether the state root was named: then it must be there
   */
  public static String list(Environment e, Format format, boolean rootGiven) throws Failure {
    List<String> all = new ArrayList<>();
    long result = e.store().ids(all);
    if (result < 0 && (rootGiven || result != -Errno.ENOENT)) {
      throw new Failure(
          "state root \"" + e.root() + "\" cannot be read: " + e.kernel().explain(result));
    }
    return switch (format) {
      case IDS -> all.isEmpty() ? "" : String.join("\n", all) + "\n";
      case JSON -> json(e, all);
      case TABLE -> table(e, all);
    };
  }

  private static String json(Environment e, List<String> ids) throws Failure {
    String passwd = passwd(e.kernel());
    JsonWriter out = JsonWriter.compact();
    int shown = 0;
    out.array();
    for (String id : ids) {
      StateStore.Entry entry = Containers.look(e, id);
      if (entry != null) {
        ContainerState s = entry.state();
        write(out, s, Containers.status(e, s), owner(passwd, s.ownerUid()));
        shown++;
      }
    }
    // An empty list is written as null: that is what runc does, and what its users parse.
    return shown == 0 ? "null" : out.endArray().toString();
  }

  private static String table(Environment e, List<String> ids) throws Failure {
    String passwd = passwd(e.kernel());
    Table table = new Table("ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER");
    for (String id : ids) {
      StateStore.Entry entry = Containers.look(e, id);
      if (entry == null) {
        continue;
      }
      ContainerState s = entry.state();
      Status status = Containers.status(e, s);
      boolean alive = status.isAlive();
      table.row(
          s.id(),
          Integer.toString(alive ? s.pid() : 0),
          status.word(),
          s.bundle(),
          Timestamp.rfc3339(s.createdNanos()),
          owner(passwd, s.ownerUid()));
    }
    return table.toString();
  }

  private static String passwd(Kernel k) {
    Files.Content content = Files.read(k, "/etc/passwd", PASSWD_MOST).content();
    return content == null ? "" : content.text();
  }

  /** The name of a user in the text of a passwd file, or {@code #uid}. */
  static String owner(String passwd, long uid) {
    String wanted = ":" + uid + ":";
    int from = 0;
    while (from < passwd.length()) {
      int end = passwd.indexOf('\n', from);
      if (end < 0) {
        end = passwd.length();
      }
      int name = passwd.indexOf(':', from);
      int password = passwd.indexOf(':', name + 1);
      if (name > 0 && password > 0 && password < end && passwd.startsWith(wanted, password)) {
        return passwd.substring(from, name);
      }
      from = end + 1;
    }
    return "#" + uid;
  }
}
