package dev.coracle.config;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.coracle.cgroup.CgroupLayout;

/** The cgroup layouts of usual hosts, with all controllers that we know. */
final class Layouts {
  private static final String[] HIERARCHIES = {
    "cpu,cpuacct",
    "cpuset",
    "memory",
    "devices",
    "pids",
    "blkio",
    "hugetlb",
    "net_cls,net_prio",
    "rdma",
    "name=systemd"
  };

  static final CgroupLayout V1 = v1("");
  static final CgroupLayout HYBRID =
      v1("2 1 0:2 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n");
  static final CgroupLayout V2 =
      CgroupLayout.unified("0::/s/own\n".getBytes(UTF_8))
          .withControllers("cpuset cpu io memory hugetlb pids rdma\n".getBytes(UTF_8));

  private Layouts() {}

  private static CgroupLayout v1(String more) {
    StringBuilder mounts = new StringBuilder(more);
    StringBuilder self = new StringBuilder("0::/own\n");
    for (String h : HIERARCHIES) {
      String directory = h.startsWith("name=") ? h.substring(5) : h;
      mounts.append("1 2 0:1 / /sys/fs/cgroup/").append(directory);
      mounts.append(" rw - cgroup x rw,").append(h).append('\n');
      self.append("1:").append(h).append(":/own\n");
    }
    return CgroupLayout.parse(mounts.toString().getBytes(UTF_8), self.toString().getBytes(UTF_8));
  }
}
