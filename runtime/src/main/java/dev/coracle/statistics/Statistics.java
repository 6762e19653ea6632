package dev.coracle.statistics;

import dev.coracle.cgroup.CgroupPaths;
import dev.coracle.execute.CgroupProcesses;
import dev.coracle.execute.HugePageSizes;
import dev.coracle.json.JsonWriter;
import dev.coracle.kernel.Kernel;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * All that is counted of a container.
 *
 * <p>Each controller is read where it is: in its v1 hierarchy, or else in the v2 cgroup. Where
 * there is none its numbers are 0.
 *
 * <p>Peers: the names, the units, and which zeros are left out are those of runc's {@code events
 * --stats}; {@code rdma} is ours.
 */
public final class Statistics {
  private final Kernel k;
  private final CgroupPaths paths;

  /** Statistics of one container. */
  public Statistics(Kernel kernel, CgroupPaths paths) {
    this.k = kernel;
    this.paths = paths;
  }

  /** Writes them as an object. */
  public void write(JsonWriter out) {
    out.object();
    if (isV1("cpuacct") || isV1("cpu")) {
      CpuStatistics.writeV1(out, counters("cpuacct"), counters("cpu"));
    } else {
      CpuStatistics.writeV2(out, counters("cpu"));
    }
    CpuStatistics.writeSets(out, counters("cpuset"), !isV1("cpuset"));
    if (isV1("memory")) {
      MemoryStatistics.writeV1(out, counters("memory"));
    } else {
      MemoryStatistics.writeV2(out, counters("memory"));
    }
    pids(out);
    if (isV1("blkio")) {
      BlockIoStatistics.writeV1(out, counters("blkio"));
    } else {
      BlockIoStatistics.writeV2(out, counters("io"));
    }
    hugePages(out);
    rdma(out, counters("rdma"));
    out.key("intel_rdt").object().endObject();
    out.field("network_interfaces", (String) null);
    out.endObject();
  }

  private boolean isV1(String controller) {
    return paths.v1(controller) != null;
  }

  private @Nullable String directory(String controller) {
    String v1 = paths.v1(controller);
    return v1 != null ? v1 : paths.v2Path();
  }

  private Counters counters(String controller) {
    return new Counters(k, directory(controller));
  }

  private void pids(JsonWriter out) {
    Counters c = counters("pids");
    long current = c.number("pids.current");
    if (current == 0) {
      // No controller counts them.
      List<Integer> listed = new ArrayList<>();
      current = CgroupProcesses.of(k, paths, listed) < 0 ? 0 : listed.size();
    }
    long limit = c.number("pids.max");
    out.key("pids").object();
    Counters.unlessZero(out, "current", current);
    Counters.unlessZero(out, "limit", limit == Counters.UNLIMITED ? 0 : limit);
    out.endObject();
  }

  private void hugePages(JsonWriter out) {
    Counters c = counters("hugetlb");
    boolean isV1 = isV1("hugetlb");
    String directory = directory("hugetlb");
    out.key("hugetlb").object();
    if (directory != null) {
      for (String size : HugePageSizes.of(k, directory, isV1 ? ".limit_in_bytes" : ".max")) {
        String prefix = "hugetlb." + size;
        out.key(size).object();
        if (isV1) {
          Counters.unlessZero(out, "usage", c.number(prefix + ".usage_in_bytes"));
          Counters.unlessZero(out, "max", c.number(prefix + ".max_usage_in_bytes"));
          Counters.unsigned(out, "failcnt", c.number(prefix + ".failcnt"));
        } else {
          Counters.unlessZero(out, "usage", c.number(prefix + ".current"));
          Counters.unsigned(out, "failcnt", Counters.value(c.text(prefix + ".events"), "max"));
        }
        out.endObject();
      }
    }
    out.endObject();
  }

  private static void rdma(JsonWriter out, Counters c) {
    String current = c.text("rdma.current");
    String max = c.text("rdma.max");
    if (current.isEmpty() && max.isEmpty()) {
      return;
    }
    out.key("rdma").object();
    rdma(out, "current", current);
    rdma(out, "limit", max);
    out.endObject();
  }

  /** Lines {@code mlx4_0 hca_handle=2 hca_object=max}. */
  private static void rdma(JsonWriter out, String key, String text) {
    out.key(key).array();
    int line = 0;
    while (line < text.length()) {
      int end = text.indexOf('\n', line);
      end = end < 0 ? text.length() : end;
      int space = text.indexOf(' ', line);
      if (space > line && space < end) {
        String device = text.substring(line, end);
        out.object().field("device", text.substring(line, space));
        out.field("hca_handles", rdmaNumber(device, " hca_handle="));
        out.field("hca_objects", rdmaNumber(device, " hca_object=")).endObject();
      }
      line = end + 1;
    }
    out.endArray();
  }

  private static long rdmaNumber(String line, String key) {
    int at = line.indexOf(key);
    long number = at < 0 ? 0 : Counters.parse(line, at + key.length());
    return number == Counters.UNLIMITED ? 0xffffffffL : number;
  }
}
