package dev.coracle.statistics;

import dev.coracle.json.Json;
import dev.coracle.json.JsonWriter;

/**
 * For how long processes waited for a resource (linux v6.12 Documentation/accounting/psi.rst).
 *
 * <pre>some avg10=0.00 avg60=1.50 avg300=0.00 total=0</pre>
 */
final class Pressure {
  private Pressure() {}

  /** Writes it as {@code psi}; nothing where the kernel does not measure it. */
  static void write(JsonWriter out, String text) {
    if (!text.startsWith("some ") && !text.startsWith("full ")) {
      return;
    }
    out.key("psi").object();
    kind(out, "some", text);
    kind(out, "full", text);
    out.endObject();
  }

  // The whole system's CPU pressure had no line "full" before Linux 5.13: zeros then, as in runc.
  private static void kind(JsonWriter out, String kind, String text) {
    int from = text.startsWith(kind + " ") ? 0 : text.indexOf("\n" + kind + " ");
    int end = from < 0 ? 0 : text.indexOf('\n', from + 1);
    String line = from < 0 ? "" : text.substring(from, end < 0 ? text.length() : end);
    out.key(kind).object();
    for (String average : new String[] {"avg10", "avg60", "avg300"}) {
      out.key(average).json(new Json.Other(decimal(word(line, average))));
    }
    Counters.unsigned(out, "total", Counters.parse(word(line, "total"), 0));
    out.endObject();
  }

  private static String word(String line, String key) {
    int at = line.indexOf(" " + key + "=");
    if (at < 0) {
      return "0";
    }
    int from = at + key.length() + 2;
    int end = line.indexOf(' ', from);
    return line.substring(from, end < 0 ? line.length() : end);
  }

  /** Without zeros that say nothing: 1.50 is 1.5, and 0.00 is 0. */
  private static String decimal(String text) {
    int end = text.length();
    if (text.indexOf('.') >= 0) {
      while (text.charAt(end - 1) == '0') {
        end--;
      }
      end -= text.charAt(end - 1) == '.' ? 1 : 0;
    }
    return text.substring(0, end);
  }
}
