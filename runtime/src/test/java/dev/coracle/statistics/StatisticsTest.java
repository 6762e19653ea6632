package dev.coracle.statistics;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.cgroup.CgroupPaths;
import dev.coracle.cgroup.CgroupPaths.Directory;
import dev.coracle.json.JsonWriter;
import dev.coracle.kernel.RecordingKernel;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class StatisticsTest {
  private final RecordingKernel kernel = new RecordingKernel();

  private String statistics(CgroupPaths paths) {
    JsonWriter out = JsonWriter.compact();
    new Statistics(kernel, paths).write(out);
    return out.toString();
  }

  private StatisticsTest file(String path, String text) {
    kernel.file(path, text);
    return this;
  }

  @Test
  void v2() {
    file("/c/cpu.stat", "usage_usec 3\nuser_usec 1\nsystem_usec 2\nnr_periods 4\nnr_throttled 5\n")
        .file("/c/cpu.pressure", "some avg10=1.50 avg60=0.00 avg300=10.00 total=99\n")
        .file("/c/memory.stat", "anon 1\nfile 4096\n")
        .file("/c/memory.current", "8192\n")
        .file("/c/memory.max", "max\n")
        .file("/c/memory.peak", "9000\n")
        .file("/c/memory.events", "low 0\nhigh 0\nmax 3\noom 1\n")
        .file("/c/memory.swap.current", "100\n")
        .file("/c/memory.swap.max", "50\n")
        .file("/c/pids.current", "2\n")
        .file("/c/pids.max", "7\n")
        .file("/c/io.stat", "8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=5 dios=6\n")
        .file("/c/rdma.current", "mlx4_0 hca_handle=2 hca_object=3\n")
        .file("/c/rdma.max", "mlx4_0 hca_handle=max hca_object=9\n");
    assertThat(statistics(new CgroupPaths(List.of(), "/c")))
        .isEqualTo(
            "{\"cpu\":{\"usage\":{\"total\":3000,\"kernel\":2000,\"user\":1000},"
                + "\"throttling\":{\"periods\":4,\"throttledPeriods\":5},"
                + "\"psi\":{\"some\":{\"avg10\":1.5,\"avg60\":0,\"avg300\":10,\"total\":99},"
                + "\"full\":{\"avg10\":0,\"avg60\":0,\"avg300\":0,\"total\":0}}},"
                + "\"cpuset\":{\"cpu_exclusive\":0,\"mem_hardwall\":0,\"mem_exclusive\":0,"
                + "\"memory_migrate\":0,\"memory_spread_page\":0,\"memory_spread_slab\":0,"
                + "\"memory_pressure\":0,\"sched_load_balance\":0,\"sched_relax_domain_level\":0},"
                + "\"memory\":{\"cache\":4096,"
                + "\"usage\":{\"limit\":18446744073709551615,\"usage\":8192,\"max\":9000,"
                + "\"failcnt\":3},"
                + "\"swap\":{\"limit\":18446744073709551615,\"usage\":8292,\"failcnt\":0},"
                + "\"kernel\":{\"limit\":0,\"failcnt\":0},\"kernelTCP\":{\"limit\":0,\"failcnt\":0},"
                + "\"raw\":{\"anon\":1,\"file\":4096}},"
                + "\"pids\":{\"current\":2,\"limit\":7},"
                + "\"blkio\":{\"ioServiceBytesRecursive\":["
                + "{\"major\":8,\"op\":\"Read\",\"value\":1},"
                + "{\"major\":8,\"op\":\"Write\",\"value\":2}],\"ioServicedRecursive\":["
                + "{\"major\":8,\"op\":\"Read\",\"value\":3},"
                + "{\"major\":8,\"op\":\"Write\",\"value\":4}]},"
                + "\"hugetlb\":{},"
                + "\"rdma\":{\"current\":[{\"device\":\"mlx4_0\",\"hca_handles\":2,"
                + "\"hca_objects\":3}],\"limit\":[{\"device\":\"mlx4_0\","
                + "\"hca_handles\":4294967295,\"hca_objects\":9}]},"
                + "\"intel_rdt\":{},\"network_interfaces\":null}");
  }

  @Test
  void v1() {
    List<Directory> v1 = new ArrayList<>();
    for (String name : List.of("cpu,cpuacct", "cpuset", "memory", "pids", "blkio")) {
      v1.add(new Directory(name, "/" + name));
    }
    file("/cpu,cpuacct/cpuacct.usage", "70\n")
        .file("/cpu,cpuacct/cpuacct.usage_percpu", "30 40 \n")
        .file("/cpu,cpuacct/cpuacct.usage_all", "cpu user system\n0 10 20\n1 30 10\n")
        .file("/cpu,cpuacct/cpuacct.stat", "user 1\nsystem 2\n")
        .file("/cpu,cpuacct/cpu.stat", "nr_periods 1\nnr_throttled 2\nthrottled_time 3\n")
        .file("/cpuset/cpuset.cpus", "0-2,7\n")
        .file("/cpuset/cpuset.mems", "0\n")
        .file("/cpuset/cpuset.sched_relax_domain_level", "-1\n")
        .file("/memory/memory.stat", "cache 5\n")
        .file("/memory/memory.limit_in_bytes", "9223372036854771712\n")
        .file("/memory/memory.usage_in_bytes", "6\n")
        .file("/memory/memory.memsw.failcnt", "8\n")
        .file("/pids/pids.current", "1\n")
        .file("/pids/pids.max", "max\n")
        .file(
            "/blkio/blkio.throttle.io_service_bytes_recursive",
            "254:1 Read 11\n254:1 Write 0\nTotal 11\n")
        .file("/blkio/blkio.bfq.time_recursive", "8:0 5\n");
    String text = statistics(new CgroupPaths(v1, null));
    assertThat(text)
        .startsWith(
            "{\"cpu\":{\"usage\":{\"total\":70,\"percpu\":[30,40],\"percpu_kernel\":[20,10],"
                + "\"percpu_user\":[10,30],\"kernel\":20000000,\"user\":10000000},"
                + "\"throttling\":{\"periods\":1,\"throttledPeriods\":2,\"throttledTime\":3}},"
                + "\"cpuset\":{\"cpus\":[0,1,2,7],\"cpu_exclusive\":0,\"mems\":[0],")
        .contains("\"sched_relax_domain_level\":-1}")
        .contains("\"usage\":{\"limit\":9223372036854771712,\"usage\":6,\"failcnt\":0}")
        .contains("\"swap\":{\"limit\":0,\"failcnt\":8}")
        .contains("\"pids\":{\"current\":1}")
        .contains(
            "\"blkio\":{\"ioServiceBytesRecursive\":["
                + "{\"major\":254,\"minor\":1,\"op\":\"Read\",\"value\":11},"
                + "{\"major\":254,\"minor\":1,\"op\":\"Write\"}],"
                + "\"ioTimeRecursive\":[{\"major\":8,\"value\":5}]}");
  }

  @Test
  void nothingAtAll() {
    assertThat(statistics(new CgroupPaths(List.of(), null)))
        .contains("\"pids\":{}")
        .contains("\"blkio\":{}")
        .contains("\"memory\":{\"usage\":{\"limit\":0,\"failcnt\":0}")
        .doesNotContain("psi", "rdma\"");
  }
}
