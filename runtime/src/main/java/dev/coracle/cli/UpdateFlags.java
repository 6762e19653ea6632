package dev.coracle.cli;

import dev.coracle.json.Json;
import dev.coracle.lifecycle.Failure;
import dev.coracle.property.linux.IntelRdt;
import java.util.ArrayList;
import java.util.List;

/** The flags of {@code update} as linux.resources. */
final class UpdateFlags {
  // Flag, part of the resources, key, and s for text, n for a number, or b for bytes.
  private static final String FLAGS =
      "memory memory limit b;memory-reservation memory reservation b;memory-swap memory swap b;"
          + "kernel-memory memory kernel b;kernel-memory-tcp memory kernelTCP b;"
          + "blkio-weight blockIO weight n;"
          + "cpu-share cpu shares n;cpu-quota cpu quota n;cpu-period cpu period n;"
          + "cpu-burst cpu burst n;cpu-idle cpu idle n;cpu-rt-period cpu realtimePeriod n;"
          + "cpu-rt-runtime cpu realtimeRuntime n;cpuset-cpus cpu cpus s;cpuset-mems cpu mems s;"
          + "pids-limit pids limit n;";

  private UpdateFlags() {}

  /** The lines for the container's group of resctrl; empty where no flag asks for any. */
  static String schemata(Arguments a) throws Failure {
    String mb = a.value("mem-bw-schema");
    if (mb != null && (!mb.startsWith("MB:") || mb.indexOf('\n') >= 0)) {
      throw new Failure(
          "--mem-bw-schema must be one line that starts with MB:, not \"" + mb + "\"");
    }
    return IntelRdt.schemata(a.value("l3-cache-schema"), mb, List.of());
  }

  static Json.Obj resources(Arguments a) throws Failure {
    Json.Obj out = new Json.Obj(new ArrayList<>(), new ArrayList<>());
    int from = 0;
    while (from < FLAGS.length()) {
      int to = FLAGS.indexOf(';', from);
      List<String> words = words(FLAGS.substring(from, to));
      String value = a.value(words.get(0));
      if (value != null) {
        Json.Obj part = part(out, words.get(1));
        part.keys().add(words.get(2));
        part.values()
            .add(
                switch (words.get(3)) {
                  case "s" -> new Json.Str(value);
                  case "b" -> ByteSize.parse(words.get(0), value);
                  default -> number(words.get(0), value);
                });
      }
      from = to + 1;
    }
    return out;
  }

  private static Json.Obj part(Json.Obj out, String name) {
    if (out.get(name) instanceof Json.Obj there) {
      return there;
    }
    Json.Obj made = new Json.Obj(new ArrayList<>(), new ArrayList<>());
    out.keys().add(name);
    out.values().add(made);
    return made;
  }

  private static Json number(String flag, String text) throws Failure {
    boolean negative = text.startsWith("-");
    if (text.length() == (negative ? 1 : 0)) {
      throw new Failure("--" + flag + " must be a number, not \"" + text + "\"");
    }
    long value = 0;
    for (int i = negative ? 1 : 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c < '0' || c > '9' || value > Long.MAX_VALUE / 10 - 1) {
        throw new Failure("--" + flag + " must be a number, not \"" + text + "\"");
      }
      value = value * 10 + c - '0';
    }
    return new Json.Int(negative ? -value : value, false);
  }

  private static List<String> words(String line) {
    List<String> out = new ArrayList<>();
    int from = 0;
    while (from <= line.length()) {
      int to = line.indexOf(' ', from);
      to = to < 0 ? line.length() : to;
      out.add(line.substring(from, to));
      from = to + 1;
    }
    return out;
  }
}
