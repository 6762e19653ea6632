package dev.coracle.cgroup;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.cgroup.CgroupLayout.Hierarchy;
import dev.coracle.cgroup.CgroupLayout.Unified;
import dev.coracle.cgroup.CgroupLayout.Version;
import org.junit.jupiter.api.Test;

class CgroupLayoutTest {
  static final String V1_MOUNTS =
      """
      21 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw
      22 21 0:20 / /proc rw,nosuid - proc proc rw
      30 21 0:25 / /sys/fs/cgroup ro,nosuid shared:9 - tmpfs tmpfs ro,mode=755
      31 30 0:26 / /sys/fs/cgroup/systemd rw shared:11 - cgroup cgroup rw,xattr,name=systemd
      33 30 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:15 - cgroup cgroup rw,cpu,cpuacct
      34 30 0:30 / /sys/fs/cgroup/cpuset rw,relatime - cgroup cgroup rw,cpuset
      35 30 0:31 / /sys/fs/cgroup/devices rw,relatime shared:17 - cgroup cgroup rw,devices
      36 30 0:32 / /sys/fs/cgroup/memory rw,relatime shared:18 - cgroup cgroup rw,memory
      37 30 0:33 / /sys/fs/cgroup/pids rw,relatime shared:19 - cgroup cgroup rw,pids
      """;

  static final String V1_SELF =
      """
      7:pids:/user.slice
      6:memory:/user.slice
      5:devices:/
      4:cpuset:/
      3:cpu,cpuacct:/
      2:net_cls:/
      1:name=systemd:/user.slice/session-1.scope
      """;

  static final String HYBRID_MOUNTS =
      V1_MOUNTS + "32 30 0:27 / /sys/fs/cgroup/unified rw,nosuid shared:12 - cgroup2 cgroup2 rw\n";

  static final String HYBRID_SELF = V1_SELF + "0::/user.slice/session-1.scope\n";

  static CgroupLayout parse(String mounts, String self) {
    return CgroupLayout.parse(mounts.getBytes(UTF_8), self.getBytes(UTF_8));
  }

  @Test
  void v1() {
    CgroupLayout layout = parse(V1_MOUNTS, V1_SELF);
    assertThat(layout.version()).isEqualTo(Version.V1);
    assertThat(layout.unified()).isNull();
    assertThat(layout.v1())
        .containsExactly(
            new Hierarchy("pids", "/sys/fs/cgroup/pids", "/", "/user.slice"),
            new Hierarchy("memory", "/sys/fs/cgroup/memory", "/", "/user.slice"),
            new Hierarchy("devices", "/sys/fs/cgroup/devices", "/", "/"),
            new Hierarchy("cpuset", "/sys/fs/cgroup/cpuset", "/", "/"),
            new Hierarchy("cpu,cpuacct", "/sys/fs/cgroup/cpu,cpuacct", "/", "/"),
            new Hierarchy(
                "name=systemd", "/sys/fs/cgroup/systemd", "/", "/user.slice/session-1.scope"));
    assertThat(layout.v1("cpuacct")).isEqualTo(layout.v1("cpu")).isNotNull();
    assertThat(layout.v1("net_cls")).as("not mounted").isNull();
    assertThat(layout.v1("hugetlb")).isNull();
  }

  @Test
  void hybrid() {
    CgroupLayout layout = parse(HYBRID_MOUNTS, HYBRID_SELF);
    assertThat(layout.version()).isEqualTo(Version.HYBRID);
    assertThat(layout.v1()).hasSize(6);
    assertThat(layout.unified())
        .isEqualTo(new Unified("/sys/fs/cgroup/unified", "/", "/user.slice/session-1.scope", null));
  }

  @Test
  void controllersInAnyOrderOfOptions() {
    CgroupLayout layout =
        parse("9 1 0:1 / /cg rw - cgroup cgroup rw,cpuacct,cpu\n", "3:cpu,cpuacct:/\n4:cpuset:/\n");
    assertThat(layout.v1()).containsExactly(new Hierarchy("cpu,cpuacct", "/cg", "/", "/"));
  }

  @Test
  void v2ByMountinfo() {
    String mount = "30 21 0:25 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n";
    CgroupLayout layout = parse(mount, "0::/a/b\n");
    assertThat(layout).isEqualTo(CgroupLayout.unified("0::/a/b\n".getBytes(UTF_8)));
    assertThat(layout.version()).isEqualTo(Version.V2);
  }

  @Test
  void v2OverV1HidesIt() {
    String over = V1_MOUNTS + "99 30 0:40 / /sys/fs/cgroup rw - cgroup2 none rw\n";
    CgroupLayout layout = parse(over, HYBRID_SELF);
    assertThat(layout.version()).isEqualTo(Version.V2);
    assertThat(layout.v1()).isEmpty();
  }

  @Test
  void none() {
    assertThat(parse("22 21 0:20 / /proc rw - proc proc rw\n", "0::/\n"))
        .isEqualTo(CgroupLayout.NONE);
    assertThat(parse("", "")).isEqualTo(CgroupLayout.NONE);
  }

  @Test
  void brokenLinesAreNoMounts() {
    String junk = "\n - cgroup\n - cgroup cgroup rw,cpu\nx\n1 2 3 - cgroup2\n- cgroup x cpu";
    assertThat(parse(junk, "3:cpu:/\n:\n::\n0::/\n\nnothing")).isEqualTo(CgroupLayout.NONE);
  }

  @Test
  void escapesAndAMissingLastNewline() {
    CgroupLayout layout =
        parse("9 1 0:1 /a\\134b /mnt/c\\040g\\011\\303\\244 rw - cgroup cgroup rw,cpu", "3:cpu:/ä");
    assertThat(layout.v1()).containsExactly(new Hierarchy("cpu", "/mnt/c g\tä", "/a\\b", "/ä"));
  }

  @Test
  void theUsualPlaceBeforeAnother() {
    String mounts =
        """
        9 1 0:1 / /var/lib/x/cpu rw - cgroup cgroup rw,cpu
        9 1 0:1 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu
        9 1 0:1 / /sys/fs/cgroup/other rw - cgroup cgroup rw,cpu
        """;
    assertThat(parse(mounts, "3:cpu:/\n").v1().getFirst().mountPoint())
        .isEqualTo("/sys/fs/cgroup/cpu");
  }

  @Test
  void ownDirectories() {
    assertThat(own("/", "/")).isEqualTo("/cg");
    assertThat(own("/", "/a/b")).isEqualTo("/cg/a/b");
    assertThat(own("/docker/x", "/docker/x")).isEqualTo("/cg");
    assertThat(own("/docker/x", "/docker/x/y")).isEqualTo("/cg/y");
    assertThat(own("/docker/x", "/docker/xy")).as("not below the mount").isEqualTo("/cg");
    assertThat(own("/", "/../../z")).as("outside the namespace").isEqualTo("/cg");
  }

  private static String own(String root, String path) {
    return new Hierarchy("cpu", "/cg", root, path).ownDirectory();
  }

  @Test
  void controllersOffered() {
    CgroupLayout layout =
        CgroupLayout.unified("0::/\n".getBytes(UTF_8))
            .withControllers("cpuset cpu io memory\n".getBytes(UTF_8));
    assertThat(requireNonNull(layout.unified()).controllers())
        .containsExactly("cpuset", "cpu", "io", "memory");
    assertThat(CgroupLayout.NONE.withControllers(new byte[0])).isEqualTo(CgroupLayout.NONE);
  }

  @Test
  void mountsForTheContainer() {
    CgroupLayout layout = parse(HYBRID_MOUNTS, HYBRID_SELF);
    assertThat(layout.mounts(CgroupPaths.of(layout, "/x", "id")))
        .extracting(
            h -> h.name() + " " + h.mountData() + " " + h.hostPath() + " " + h.callersPath())
        .contains(
            "cpu,cpuacct cpu,cpuacct /sys/fs/cgroup/cpu,cpuacct/x" + " /sys/fs/cgroup/cpu,cpuacct",
            "systemd name=systemd /sys/fs/cgroup/systemd/x"
                + " /sys/fs/cgroup/systemd/user.slice/session-1.scope",
            "unified null /sys/fs/cgroup/unified/x"
                + " /sys/fs/cgroup/unified/user.slice/session-1.scope")
        .hasSize(7);
  }
}
