package dev.coracle.execute;

import dev.coracle.json.JsonWriter;
import java.util.Map;

/** The container's state as hooks get it on stdin (runtime.md, "State"): compact JSON. */
public record HookState(
    String ociVersion, String id, String bundle, Map<String, String> annotations) {

  /** The text with what changes: the status, and the pid where there is one. */
  String text(String status, int pid) {
    JsonWriter out = JsonWriter.compact();
    write(out, status, pid);
    return out.toString();
  }

  /** Writes the same as a value of something larger. */
  void write(JsonWriter out, String status, int pid) {
    out.object().field("ociVersion", ociVersion).field("id", id).field("status", status);
    if (pid > 0) {
      out.field("pid", pid);
    }
    out.field("bundle", bundle);
    if (!annotations.isEmpty()) {
      out.key("annotations").object();
      for (Map.Entry<String, String> e : annotations.entrySet()) {
        out.field(e.getKey(), e.getValue());
      }
      out.endObject();
    }
    out.endObject();
  }
}
