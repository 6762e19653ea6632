package dev.coracle.statistics;

import dev.coracle.json.JsonWriter;
import java.util.ArrayList;
import java.util.List;

/** Bytes and operations of block devices, under the names that cgroup v1 has for them. */
final class BlockIoStatistics {
  /** runc's key, and the files that may have it: of BFQ, or else of throttling. */
  private static final String[][] TABLES_V1 = {
    {
      "ioServiceBytesRecursive",
      "blkio.bfq.io_service_bytes_recursive",
      "blkio.throttle.io_service_bytes_recursive"
    },
    {
      "ioServicedRecursive",
      "blkio.bfq.io_serviced_recursive",
      "blkio.throttle.io_serviced_recursive"
    },
    {"ioQueueRecursive", "blkio.bfq.io_queued_recursive"},
    {"ioServiceTimeRecursive", "blkio.bfq.io_service_time_recursive"},
    {"ioWaitTimeRecursive", "blkio.bfq.io_wait_time_recursive"},
    {"ioMergedRecursive", "blkio.bfq.io_merged_recursive"},
    {"ioTimeRecursive", "blkio.bfq.time_recursive"},
    {"sectorsRecursive", "blkio.bfq.sectors_recursive"},
  };

  /** One number of one device. */
  private record Entry(long major, long minor, String op, long value) {}

  private BlockIoStatistics() {}

  /** Of cgroup v1. */
  static void writeV1(JsonWriter out, Counters c) {
    out.key("blkio").object();
    for (String[] table : TABLES_V1) {
      List<Entry> entries = new ArrayList<>();
      for (int i = 1; i < table.length && entries.isEmpty(); i++) {
        readV1(c.text(table[i]), entries);
      }
      write(out, table[0], entries);
    }
    out.endObject();
  }

  /** Lines {@code 8:0 Read 123} and {@code 8:0 123}; the last one, {@code Total 123}, is left. */
  private static void readV1(String text, List<Entry> out) {
    int line = 0;
    while (line < text.length()) {
      int end = text.indexOf('\n', line);
      end = end < 0 ? text.length() : end;
      int colon = text.indexOf(':', line);
      int space = text.indexOf(' ', line);
      if (colon > line && colon < space && space < end) {
        int last = text.lastIndexOf(' ', end - 1);
        String op = last > space ? text.substring(space + 1, last) : "";
        out.add(
            new Entry(
                Counters.parse(text, line),
                Counters.parse(text, colon + 1),
                op,
                Counters.parse(text, last + 1)));
      }
      line = end + 1;
    }
  }

  /** Of cgroup v2: lines {@code 8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=5 dios=6}. */
  static void writeV2(JsonWriter out, Counters c) {
    String stat = c.text("io.stat");
    List<Entry> bytes = new ArrayList<>();
    List<Entry> operations = new ArrayList<>();
    int line = 0;
    while (line < stat.length()) {
      int end = stat.indexOf('\n', line);
      end = end < 0 ? stat.length() : end;
      int colon = stat.indexOf(':', line);
      if (colon > line && colon < end) {
        String device = stat.substring(line, end);
        long major = Counters.parse(device, 0);
        long minor = Counters.parse(device, colon - line + 1);
        add(bytes, device, major, minor, "rbytes", "Read");
        add(bytes, device, major, minor, "wbytes", "Write");
        add(operations, device, major, minor, "rios", "Read");
        add(operations, device, major, minor, "wios", "Write");
      }
      line = end + 1;
    }
    out.key("blkio").object();
    write(out, "ioServiceBytesRecursive", bytes);
    write(out, "ioServicedRecursive", operations);
    Pressure.write(out, c.text("io.pressure"));
    out.endObject();
  }

  private static void add(
      List<Entry> to, String device, long major, long minor, String key, String op) {
    int at = device.indexOf(" " + key + "=");
    if (at >= 0) {
      to.add(new Entry(major, minor, op, Counters.parse(device, at + key.length() + 2)));
    }
  }

  private static void write(JsonWriter out, String key, List<Entry> entries) {
    if (entries.isEmpty()) {
      return;
    }
    out.key(key).array();
    for (Entry e : entries) {
      out.object();
      Counters.unlessZero(out, "major", e.major());
      Counters.unlessZero(out, "minor", e.minor());
      if (!e.op().isEmpty()) {
        out.field("op", e.op());
      }
      Counters.unlessZero(out, "value", e.value());
      out.endObject();
    }
    out.endArray();
  }
}
