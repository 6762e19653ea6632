package dev.coracle.property;

import dev.coracle.json.Members;
import dev.coracle.json.Pointer;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Annotations: any text under a key that is not empty (config.md, "Annotations"). */
public final class Annotations {
  public static final Pointer POINTER = Pointer.of("/annotations");

  private Annotations() {}

  /** Reads them, in order. */
  public static Map<String, String> read(Members config) {
    Members annotations = config.object("annotations");
    if (annotations == null) {
      return Map.of();
    }
    Map<String, String> out = new LinkedHashMap<>();
    List<String> keys = annotations.keys();
    for (String key : keys) {
      if (key.isEmpty()) {
        annotations.error(key, "a key must not be empty");
      }
      String value = annotations.string(key);
      if (value != null) {
        out.put(key, value);
      }
    }
    return out;
  }
}
