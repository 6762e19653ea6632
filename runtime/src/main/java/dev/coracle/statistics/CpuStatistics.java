package dev.coracle.statistics;

import dev.coracle.json.JsonWriter;

/** CPU time in nanoseconds, throttling, and where processes may run. */
final class CpuStatistics {
  private static final long NANOS_PER_TICK = 10_000_000; // USER_HZ is 100 on every architecture
  private static final long NANOS_PER_MICRO = 1_000;

  private CpuStatistics() {}

  /** Of cgroup v1: its controllers cpuacct and cpu. */
  static void writeV1(JsonWriter out, Counters cpuacct, Counters cpu) {
    out.key("cpu").object().key("usage").object();
    Counters.unlessZero(out, "total", cpuacct.number("cpuacct.usage"));
    numbers(out, "percpu", cpuacct.text("cpuacct.usage_percpu"));
    String all = cpuacct.text("cpuacct.usage_all");
    column(out, "percpu_kernel", all, 2);
    column(out, "percpu_user", all, 1);
    String split = cpuacct.text("cpuacct.stat");
    Counters.unsigned(out, "kernel", Counters.value(split, "system") * NANOS_PER_TICK);
    Counters.unsigned(out, "user", Counters.value(split, "user") * NANOS_PER_TICK);
    out.endObject();
    String stat = cpu.text("cpu.stat");
    throttling(out, stat, Counters.value(stat, "throttled_time"));
    out.endObject();
  }

  /** Of cgroup v2. */
  static void writeV2(JsonWriter out, Counters c) {
    String stat = c.text("cpu.stat");
    out.key("cpu").object().key("usage").object();
    Counters.unlessZero(out, "total", Counters.value(stat, "usage_usec") * NANOS_PER_MICRO);
    Counters.unsigned(out, "kernel", Counters.value(stat, "system_usec") * NANOS_PER_MICRO);
    Counters.unsigned(out, "user", Counters.value(stat, "user_usec") * NANOS_PER_MICRO);
    out.endObject();
    throttling(out, stat, Counters.value(stat, "throttled_usec") * NANOS_PER_MICRO);
    Pressure.write(out, c.text("cpu.pressure"));
    out.endObject();
  }

  private static void throttling(JsonWriter out, String stat, long nanos) {
    out.key("throttling").object();
    Counters.unlessZero(out, "periods", Counters.value(stat, "nr_periods"));
    Counters.unlessZero(out, "throttledPeriods", Counters.value(stat, "nr_throttled"));
    Counters.unlessZero(out, "throttledTime", nanos);
    out.endObject();
  }

  /** Numbers with spaces between them. */
  private static void numbers(JsonWriter out, String key, String line) {
    boolean open = false;
    for (int at = 0; at < line.length(); at++) {
      boolean digit = isDigit(line.charAt(at));
      if (digit && (at == 0 || !isDigit(line.charAt(at - 1)))) {
        if (!open) {
          out.key(key).array();
          open = true;
        }
        out.value(Counters.parse(line, at));
      }
    }
    if (open) {
      out.endArray();
    }
  }

  /** One column of cpuacct.usage_all, which has a header and a line for each CPU. */
  private static void column(JsonWriter out, String key, String table, int column) {
    int line = table.indexOf('\n') + 1;
    if (line == 0 || line >= table.length()) {
      return;
    }
    out.key(key).array();
    while (line < table.length()) {
      int at = line;
      for (int i = 0; i < column; i++) {
        at = table.indexOf(' ', at) + 1;
      }
      out.value(Counters.parse(table, at));
      int end = table.indexOf('\n', line);
      line = end < 0 ? table.length() : end + 1;
    }
    out.endArray();
  }

  /** CPUs and memory nodes; on v2 those that are in force. */
  static void writeSets(JsonWriter out, Counters c, boolean isV2) {
    String suffix = isV2 ? ".effective" : "";
    out.key("cpuset").object();
    list(out, "cpus", c.text("cpuset.cpus" + suffix));
    Counters.unsigned(out, "cpu_exclusive", c.number("cpuset.cpu_exclusive"));
    list(out, "mems", c.text("cpuset.mems" + suffix));
    Counters.unsigned(out, "mem_hardwall", c.number("cpuset.mem_hardwall"));
    Counters.unsigned(out, "mem_exclusive", c.number("cpuset.mem_exclusive"));
    Counters.unsigned(out, "memory_migrate", c.number("cpuset.memory_migrate"));
    Counters.unsigned(out, "memory_spread_page", c.number("cpuset.memory_spread_page"));
    Counters.unsigned(out, "memory_spread_slab", c.number("cpuset.memory_spread_slab"));
    Counters.unsigned(out, "memory_pressure", c.number("cpuset.memory_pressure"));
    Counters.unsigned(out, "sched_load_balance", c.number("cpuset.sched_load_balance"));
    out.field("sched_relax_domain_level", c.number("cpuset.sched_relax_domain_level"));
    out.endObject();
  }

  /** A list such as {@code 0-3,7}, each number by itself. */
  private static void list(JsonWriter out, String key, String text) {
    if (text.isEmpty() || !isDigit(text.charAt(0))) {
      return;
    }
    out.key(key).array();
    int at = 0;
    while (at < text.length() && isDigit(text.charAt(at))) {
      long first = Counters.parse(text, at);
      int end = skipDigits(text, at);
      long last = first;
      if (end < text.length() && text.charAt(end) == '-') {
        last = Counters.parse(text, end + 1);
        end = skipDigits(text, end + 1);
      }
      for (long n = first; n <= last; n++) {
        out.value(n);
      }
      at = end + 1;
    }
    out.endArray();
  }

  private static int skipDigits(String text, int from) {
    int at = from;
    while (at < text.length() && isDigit(text.charAt(at))) {
      at++;
    }
    return at;
  }

  private static boolean isDigit(char c) {
    return c >= '0' && c <= '9';
  }
}
