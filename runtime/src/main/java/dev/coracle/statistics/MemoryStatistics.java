package dev.coracle.statistics;

import dev.coracle.json.JsonWriter;

/** Memory in bytes. Swap is the sum of memory and swap on both versions, as it is on v1. */
final class MemoryStatistics {
  /** One kind of memory. */
  private record Entry(long limit, long usage, long max, long failures) {
    static final Entry NONE = new Entry(0, 0, 0, 0);
  }

  private MemoryStatistics() {}

  /** Of cgroup v1. */
  static void writeV1(JsonWriter out, Counters c) {
    String stat = c.text("memory.stat");
    out.key("memory").object();
    Counters.unlessZero(out, "cache", Counters.value(stat, "cache"));
    write(out, "usage", entryV1(c, "memory."));
    write(out, "swap", entryV1(c, "memory.memsw."));
    write(out, "kernel", entryV1(c, "memory.kmem."));
    write(out, "kernelTCP", entryV1(c, "memory.kmem.tcp."));
    raw(out, stat);
    out.endObject();
  }

  private static Entry entryV1(Counters c, String prefix) {
    return new Entry(
        c.number(prefix + "limit_in_bytes"),
        c.number(prefix + "usage_in_bytes"),
        c.number(prefix + "max_usage_in_bytes"),
        c.number(prefix + "failcnt"));
  }

  /** Of cgroup v2. */
  static void writeV2(JsonWriter out, Counters c) {
    String stat = c.text("memory.stat");
    long failures = Counters.value(c.text("memory.events"), "max");
    Entry usage =
        new Entry(
            c.number("memory.max"), c.number("memory.current"), c.number("memory.peak"), failures);
    out.key("memory").object();
    Counters.unlessZero(out, "cache", Counters.value(stat, "file"));
    write(out, "usage", usage);
    write(out, "swap", swapV2(c, usage));
    write(out, "kernel", Entry.NONE);
    write(out, "kernelTCP", Entry.NONE);
    raw(out, stat);
    Pressure.write(out, c.text("memory.pressure"));
    out.endObject();
  }

  private static Entry swapV2(Counters c, Entry memory) {
    if (c.text("memory.swap.current").isEmpty()) {
      return Entry.NONE; // a kernel without swap
    }
    long limit = c.number("memory.swap.max");
    boolean unlimited = limit == Counters.UNLIMITED || memory.limit() == Counters.UNLIMITED;
    return new Entry(
        unlimited ? Counters.UNLIMITED : limit + memory.limit(),
        c.number("memory.swap.current") + memory.usage(),
        0,
        0);
  }

  private static void write(JsonWriter out, String key, Entry e) {
    out.key(key).object();
    Counters.unsigned(out, "limit", e.limit());
    Counters.unlessZero(out, "usage", e.usage());
    Counters.unlessZero(out, "max", e.max());
    Counters.unsigned(out, "failcnt", e.failures());
    out.endObject();
  }

  /** All of memory.stat: a name and a number in each line. */
  private static void raw(JsonWriter out, String stat) {
    int line = 0;
    boolean open = false;
    while (line < stat.length()) {
      int end = stat.indexOf('\n', line);
      end = end < 0 ? stat.length() : end;
      int space = stat.indexOf(' ', line);
      if (space > line && space < end) {
        if (!open) {
          out.key("raw").object();
          open = true;
        }
        Counters.unsigned(out, stat.substring(line, space), Counters.parse(stat, space + 1));
      }
      line = end + 1;
    }
    if (open) {
      out.endObject();
    }
  }
}
