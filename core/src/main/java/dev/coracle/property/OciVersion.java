package dev.coracle.property;

import dev.coracle.json.Members;
import dev.coracle.json.Pointer;

/** The version of the runtime-spec that the bundle was written for (config.md). */
public final class OciVersion {
  public static final Pointer POINTER = Pointer.of("/ociVersion");

  /** The newest version whose properties we know. */
  public static final String NEWEST = "1.3.0";

  private OciVersion() {}

  /** Reads it: SemVer with a major version of 1. */
  public static String read(Members config) {
    String version = config.requiredString("ociVersion");
    if (version.isEmpty()) {
      return version;
    }
    int dot = version.indexOf('.');
    int second = dot < 0 ? -1 : version.indexOf('.', dot + 1);
    if (!number(version, 0, dot)
        || !number(version, dot + 1, second)
        || !patch(version, second + 1)) {
      config.error("ociVersion", "\"" + version + "\" is not a version as SemVer has it");
    } else if (!version.startsWith("1.")) {
      config.error(
          "ociVersion",
          "\"" + version + "\" is not supported; versions 1.0.0 to " + NEWEST + " are");
    }
    return version;
  }

  private static boolean number(String text, int from, int to) {
    for (int i = from; i < to; i++) {
      if (text.charAt(i) < '0' || text.charAt(i) > '9') {
        return false;
      }
    }
    return to > from;
  }

  private static boolean patch(String text, int from) {
    int to = from;
    while (to < text.length() && text.charAt(to) != '-' && text.charAt(to) != '+') {
      to++;
    }
    return number(text, from, to);
  }
}
