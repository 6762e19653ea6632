package dev.coracle.state;

import dev.coracle.abi.Bytes;
import dev.coracle.cgroup.CgroupPaths;
import dev.coracle.json.Json;
import dev.coracle.json.JsonException;
import dev.coracle.json.JsonParser;
import dev.coracle.json.JsonWriter;
import dev.coracle.json.Members;
import dev.coracle.json.Pointer;
import dev.coracle.problem.Problems;
import dev.coracle.property.Annotations;
import dev.coracle.spec.Hooks;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The state file's first line: JSON that starts with the pid and its start time in fields of a
 * fixed width, so that they can be written in place once they are known. config.json follows it,
 * and behind that the compiled seccomp filter, if there is one.
 */
final class StateText {
  /** How long the part is that {@link #process} makes. */
  static final int PROCESS_BYTES = 46;

  private StateText() {}

  /** The fixed part, with the opening brace: white space before a number is JSON. */
  static String process(int pid, long startTicks) {
    StringBuilder out = new StringBuilder(PROCESS_BYTES);
    out.append("{\"pid\":");
    pad(out, Integer.toString(pid), 10);
    out.append(",\"start\":");
    pad(out, Long.toString(startTicks), 20);
    return out.toString();
  }

  private static void pad(StringBuilder out, String number, int width) {
    for (int i = number.length(); i < width; i++) {
      out.append(' ');
    }
    out.append(number);
  }

  /** The whole line. */
  static String line(ContainerState s) {
    JsonWriter out = JsonWriter.compact();
    out.object();
    out.field("ociVersion", s.ociVersion()).field("id", s.id());
    out.field("bundle", s.bundle()).field("rootfs", s.rootfs());
    out.field("created", s.createdNanos()).field("owner", s.ownerUid());
    out.field("sandbox", s.sandbox()).field("cgroups", s.cgroups().text());
    out.field("keyring", s.keyring());
    if (!s.scope().unit().isEmpty()) {
      out.field("scope", s.scope().text());
    }
    if (!s.resctrl().isEmpty()) {
      strings(out, "resctrl", s.resctrl());
    }
    if (!s.rootMount().isEmpty()) {
      out.field("rootMount", s.rootMount());
    }
    ContainerState.KeptFilter filter = s.filter();
    if (filter != null) {
      out.key("filter").object();
      out.field("from", filter.from()).field("to", filter.to());
      out.field("flags", filter.flags()).field("bytes", filter.bytes()).endObject();
    }
    out.key("annotations").object();
    for (Map.Entry<String, String> e : s.annotations().entrySet()) {
      out.field(e.getKey(), e.getValue());
    }
    out.endObject();
    out.key("hooks").object();
    hooks(out, "poststart", s.hooks().poststart());
    hooks(out, "poststop", s.hooks().poststop());
    out.endObject();
    out.endObject();
    return process(s.pid(), s.startTicks()) + "," + out.toString().substring(1) + "\n";
  }

  private static void hooks(JsonWriter out, String kind, List<Hooks.Hook> hooks) {
    out.key(kind).array();
    for (Hooks.Hook hook : hooks) {
      out.object().field("path", hook.path());
      strings(out, "args", hook.args());
      List<String> env = hook.env();
      if (env != null) {
        strings(out, "env", env);
      }
      Integer timeout = hook.timeoutSeconds();
      if (timeout != null) {
        out.field("timeout", timeout);
      }
      out.endObject();
    }
    out.endArray();
  }

  private static void strings(JsonWriter out, String key, List<String> values) {
    out.key(key).array();
    for (String value : values) {
      out.value(value);
    }
    out.endArray();
  }

  /** Where the line ends and config.json begins. */
  static int endOfLine(byte[] file, int length) {
    int end = 0;
    while (end < length && file[end] != '\n') {
      end++;
    }
    return end;
  }

  /** The state that a file holds, or null where it is broken: cut off while it was written. */
  static @Nullable ContainerState read(byte[] file, int length) {
    Json value;
    try {
      value = JsonParser.parse(file, 0, endOfLine(file, length));
    } catch (JsonException e) {
      return null;
    }
    if (!(value instanceof Json.Obj object)) {
      return null;
    }
    Problems problems = new Problems();
    Members m = new Members(object, Pointer.ROOT, problems);
    Long pid = m.number("pid", 0, Integer.MAX_VALUE);
    Long start = m.uint64("start");
    Long created = m.int64("created");
    Long owner = m.uint32("owner");
    String scope = m.string("scope");
    String rootMount = m.string("rootMount");
    CgroupPaths cgroups = cgroups(m.requiredString("cgroups"));
    if (cgroups == null) {
      return null;
    }
    ContainerState state =
        new ContainerState(
            m.requiredString("ociVersion"),
            m.requiredString("id"),
            pid == null ? 0 : pid.intValue(),
            start == null ? 0 : start,
            m.requiredString("bundle"),
            m.requiredString("rootfs"),
            created == null ? 0 : created,
            owner == null ? 0 : owner,
            m.requiredString("sandbox"),
            cgroups,
            m.bool("keyring", false),
            scope == null ? ScopeText.NONE : new ScopeText(scope),
            m.strings("resctrl"),
            rootMount == null ? "" : rootMount,
            Annotations.read(m),
            filter(m.object("filter")),
            dev.coracle.property.Hooks.read(m));
    return problems.hasErrors() ? null : state;
  }

  private static ContainerState.@Nullable KeptFilter filter(@Nullable Members m) {
    if (m == null) {
      return null;
    }
    Long from = m.number("from", 0, Integer.MAX_VALUE);
    Long to = m.number("to", 0, Integer.MAX_VALUE);
    Long flags = m.uint32("flags");
    Long bytes = m.number("bytes", 0, Integer.MAX_VALUE);
    return from == null || to == null || flags == null || bytes == null
        ? null
        : new ContainerState.KeptFilter(from.intValue(), to.intValue(), flags, bytes.intValue());
  }

  private static @Nullable CgroupPaths cgroups(String text) {
    try {
      return CgroupPaths.parse(text);
    } catch (IllegalArgumentException e) {
      return null;
    }
  }

  /** The bytes of a text. */
  static byte[] bytes(String text) {
    return Bytes.utf8(text);
  }
}
