package dev.coracle.it;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;
import dev.coracle.it.harness.Bundle;
import dev.coracle.it.harness.Cgroups;
import dev.coracle.it.harness.Cgroups.View;
import dev.coracle.it.harness.Container;
import dev.coracle.it.harness.ContainerTest;
import dev.coracle.it.harness.CoracleOnly;
import dev.coracle.it.harness.Json;
import dev.coracle.it.harness.NeedsController;
import dev.coracle.it.harness.Testbed;
import dev.coracle.it.harness.Unsupported;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;

@ContainerTest
class CgroupsIT {

  /** What stands in a file of a container's cgroup. */
  private static String value(Bundle bundle, String controller, String v1File, String v2File) {
    Path root = Objects.requireNonNull(Cgroups.here().controllerRoot(controller));
    Path cgroup = Path.of(root + bundle.cgroupsPath());
    String file = Cgroups.here().view() == View.V2 ? v2File : v1File;
    return Cgroups.read(cgroup.resolve(file)).strip();
  }

  @Test
  void theProcessIsInItsCgroup(Testbed bed) throws IOException {
    Bundle bundle = bed.bundle();
    try (Container c = bed.create(bundle)) {
      List<Path> all = Cgroups.here().named(bundle.cgroupsPath());
      assertThat(all).isNotEmpty();
      for (Path cgroup : all) {
        assertThat(cgroup.resolve("cgroup.procs")).content().contains(c.pid() + "\n");
      }
      assertThat(Files.readString(Path.of("/proc/" + c.pid() + "/cgroup")))
          .contains(":" + bundle.cgroupsPath() + "\n");
    }
  }

  @Test
  void isGoneAfterDelete(Testbed bed) {
    Bundle bundle = bed.bundle();
    bed.run(bundle).ok();
    assertThat(Cgroups.here().named(bundle.cgroupsPath())).isEmpty();
  }

  @Test
  void isGoneWithWhatIsBelow(Testbed bed) throws IOException {
    Bundle bundle = bed.bundle().lasting();
    Container c = bed.start(bundle);
    for (Path cgroup : Cgroups.here().named(bundle.cgroupsPath())) {
      Files.createDirectories(cgroup.resolve("below/it"));
    }
    c.close();
    assertThat(Cgroups.here().named(bundle.cgroupsPath())).isEmpty();
  }

  @Test
  void canBeDeep(Testbed bed) {
    Bundle bundle = bed.bundle();
    String top = bundle.cgroupsPath();
    bundle.set("/linux/cgroupsPath", top + "/a/b");
    try (Container c = bed.create(bundle)) {
      assertThat(c.status()).isEqualTo("created");
      assertThat(Cgroups.here().named(top + "/a/b")).isNotEmpty();
    }
    assertThat(Cgroups.here().named(top + "/a/b")).isEmpty();
    Cgroups.here().named(top).forEach(Cgroups::destroy); // not the runtime's to remove
  }

  @Test
  @NeedsController("memory")
  void memoryIsLimited(Testbed bed) {
    Bundle bundle = bed.bundle().probe("touch-mib", "100");
    bundle.set("/linux/resources/memory/limit", 32L << 20);
    try (Container c = bed.create(bundle)) {
      assertThat(value(bundle, "memory", "memory.limit_in_bytes", "memory.max"))
          .isEqualTo("" + (32 << 20));
      c.start();
      assertThat(c.awaitExit()).isEqualTo(137);
    }
  }

  @Test
  @NeedsController("memory")
  void memoryReservationIsSet(Testbed bed) {
    Bundle bundle = bed.bundle().set("/linux/resources/memory/reservation", 16L << 20);
    try (Container c = bed.create(bundle)) {
      assertThat(c.status()).isEqualTo("created");
      assertThat(value(bundle, "memory", "memory.soft_limit_in_bytes", "memory.low"))
          .isEqualTo("" + (16 << 20));
    }
  }

  @Test
  @NeedsController("pids")
  void pidsAreLimited(Testbed bed) {
    Bundle bundle = bed.bundle().probe("forks", "20");
    bundle.set("/linux/resources/pids/limit", 8);
    try (Container c = bed.create(bundle)) {
      assertThat(value(bundle, "pids", "pids.max", "pids.max")).isEqualTo("8");
      c.start();
      assertThat(c.awaitExit()).isZero();
      assertThat(c.stdout()).isEqualTo("7\n");
    }
  }

  @Unsupported(runtime = "crun", reason = "writes -1 on v1", views = Cgroups.View.V1)
  @Test
  @NeedsController("pids")
  void minusOneMeansNoLimitOfPids(Testbed bed) {
    Bundle bundle = bed.bundle().set("/linux/resources/pids/limit", -1);
    try (Container c = bed.create(bundle)) {
      assertThat(c.status()).isEqualTo("created");
      assertThat(value(bundle, "pids", "pids.max", "pids.max")).isEqualTo("max");
    }
  }

  @Test
  @NeedsController("cpu")
  void cpuQuotaIsSet(Testbed bed) {
    Bundle bundle = bed.bundle();
    bundle.set("/linux/resources/cpu", Json.object("quota", 40000, "period", 50000));
    try (Container c = bed.create(bundle)) {
      assertThat(c.status()).isEqualTo("created");
      if (Cgroups.here().view() == View.V2) {
        assertThat(value(bundle, "cpu", "", "cpu.max")).isEqualTo("40000 50000");
      } else {
        assertThat(value(bundle, "cpu", "cpu.cfs_quota_us", "")).isEqualTo("40000");
        assertThat(value(bundle, "cpu", "cpu.cfs_period_us", "")).isEqualTo("50000");
      }
    }
  }

  @Test
  @NeedsController("cpu")
  void cpuSharesAreSet(Testbed bed) {
    Bundle bundle = bed.bundle().set("/linux/resources/cpu/shares", 2048);
    try (Container c = bed.create(bundle)) {
      assertThat(c.status()).isEqualTo("created");
      int weight = Integer.parseInt(value(bundle, "cpu", "cpu.shares", "cpu.weight"));
      if (Cgroups.here().view() == View.V2) {
        assertThat(weight).isBetween(79, 200); // runc's formula up to 1.3.1, and the one since
      } else {
        assertThat(weight).isEqualTo(2048);
      }
    }
  }

  @Test
  @NeedsController("cpuset")
  void cpusAreSet(Testbed bed) {
    Bundle bundle = bed.bundle().sh("grep Cpus_allowed_list /proc/self/status | tr -s '\\t' ' '");
    bundle.set("/linux/resources/cpu", Json.object("cpus", "0", "mems", "0"));
    assertThat(bed.outputOf(bundle)).isEqualTo("Cpus_allowed_list: 0");
  }

  @Unsupported(runtime = "crun", reason = "leaves its cgroup behind")
  @Test
  @NeedsController("cpuset")
  void aCpuThatIsNotThereIsAnError(Testbed bed) {
    Bundle bundle = bed.bundle().set("/linux/resources/cpu/cpus", "4000");
    bed.run(bundle).exitsWith(1);
  }

  @Unsupported(
      runtime = "crun",
      reason = "1.8.1 raises RLIMIT_MEMLOCK for device rules, without the right to",
      views = Cgroups.View.V2,
      expect = Unsupported.Expect.EITHER)
  @Test
  void devicesAreDenied(Testbed bed) {
    Bundle bundle = bed.bundle().capabilities("CAP_MKNOD");
    bundle.set("/linux/resources/devices", DENY_ALL);
    bundle.sh("mknod /dev/x c 240 7 && cat /dev/x");
    assertThat(bed.run(bundle).fails().stderr()).contains("Operation not permitted");
  }

  @Unsupported(
      runtime = "crun",
      reason = "1.8.1 raises RLIMIT_MEMLOCK for device rules, without the right to",
      views = Cgroups.View.V2,
      expect = Unsupported.Expect.EITHER)
  @Test
  void devicesAreAllowedAsListed(Testbed bed) {
    Bundle bundle = bed.bundle().capabilities("CAP_MKNOD");
    bundle.set(
        "/linux/resources/devices",
        List.of(
            Json.object("allow", false, "access", "rwm"),
            Json.object("allow", true, "type", "c", "major", 240, "minor", 7, "access", "r")));
    bundle.sh("mknod /dev/x c 240 7; cat /dev/x; mknod /dev/y c 240 8; cat /dev/y; : > /dev/x");
    // Allowed: the kernel finds no driver. Denied: it does not look for one.
    assertThat(bed.run(bundle).fails().stderr().lines())
        .satisfiesExactly(
            x -> assertThat(x).contains("/dev/x").contains("No such device or address"),
            y -> assertThat(y).contains("/dev/y").contains("Operation not permitted"),
            w -> assertThat(w).contains("/dev/x").contains("not permitted"));
  }

  @Unsupported(
      runtime = "crun",
      reason = "1.8.1 raises RLIMIT_MEMLOCK for device rules, without the right to",
      views = Cgroups.View.V2,
      expect = Unsupported.Expect.EITHER)
  @Test
  void theDefaultDevicesStayAllowed(Testbed bed) {
    Bundle bundle = bed.bundle().set("/linux/resources/devices", DENY_ALL);
    bundle.sh("for d in null zero full random urandom ptmx; do : < /dev/$d && echo $d; done");
    assertThat(bed.outputOf(bundle)).isEqualTo("null\nzero\nfull\nrandom\nurandom\nptmx");
  }

  @Unsupported(
      runtime = "runc",
      reason = "1.1.5 may leave the cgroup",
      views = Cgroups.View.V2,
      expect = Unsupported.Expect.EITHER)
  @Test
  void whatTheContainerLeavesIsKilled(Testbed bed) {
    // Without a PID namespace the end of its first process does not end the others.
    Bundle bundle = bed.bundle().withoutNamespace("pid");
    bundle.sh("sleep 1000 </dev/null >/dev/null 2>&1 & echo started");
    try (Container c = bed.start(bundle)) {
      assertThat(c.awaitExit()).isZero();
    }
  }

  @Test
  @CoracleOnly("a cgroup that others live in is not taken over")
  void oneThatIsInUseIsRefused(Testbed bed) {
    Bundle first = bed.bundle().lasting();
    try (Container c = bed.start(first)) {
      Bundle second = bed.bundle().set("/linux/cgroupsPath", first.cgroupsPath());
      bed.run(second).exitsWith(1);
      assertThat(c.status()).isEqualTo("running");
    }
  }

  @Test
  @NeedsController("freezer")
  @Unsupported(
      runtime = "crun",
      reason = "1.8.1 stands still in it for ever",
      expect = Unsupported.Expect.NOT_RUN)
  void oneThatIsFrozenIsRefused(Testbed bed) throws IOException {
    Bundle bundle = bed.bundle();
    Path cgroup = Path.of(Cgroups.here().controllerRoot("freezer") + bundle.cgroupsPath());
    Files.createDirectory(cgroup);
    boolean v2 = Cgroups.here().view() == View.V2;
    Files.writeString(cgroup.resolve(v2 ? "cgroup.freeze" : "freezer.state"), v2 ? "1" : "FROZEN");
    assertThat(bed.run(bundle).exitsWith(1).stderr()).contains("unexpectedly frozen");
    Files.delete(cgroup); // not the runtime's: it was there before
  }

  @Test
  @NeedsController("memory")
  void execGoesWhereTheFirstProcessWent(Testbed bed) throws IOException {
    boolean v2 = Cgroups.here().view() == View.V2;
    Bundle bundle = bed.bundle().lasting();
    try (Container c = bed.start(bundle)) {
      Path cgroup = Path.of(Cgroups.here().controllerRoot("memory") + bundle.cgroupsPath());
      Path below = Files.createDirectory(cgroup.resolve("below"));
      for (String pid : Cgroups.read(cgroup.resolve("cgroup.procs")).lines().toList()) {
        Files.writeString(below.resolve("cgroup.procs"), pid);
      }
      if (v2) {
        // From now on a process can be in a cgroup below it only.
        Files.writeString(cgroup.resolve("cgroup.subtree_control"), "+memory");
      }
      assertThat(c.exec("cat", "/proc/self/cgroup").ok().stdout())
          .contains(bundle.cgroupsPath() + (v2 ? "/below\n" : "\n"));
    }
  }

  @Test
  @CoracleOnly("the peers' words are the kernel's")
  @NeedsController("unified")
  void aThreadedOneIsRefused(Testbed bed) throws IOException {
    Bundle bundle = bed.bundle();
    Path cgroup = Path.of(Cgroups.here().controllerRoot("unified") + bundle.cgroupsPath());
    Files.createDirectory(cgroup);
    Files.writeString(cgroup.resolve("cgroup.type"), "threaded");
    bundle.set("/linux/cgroupsPath", bundle.cgroupsPath() + "/a/b");
    Files.createDirectories(cgroup.resolve("a/b"));
    Files.writeString(cgroup.resolve("a/cgroup.type"), "threaded");
    try {
      assertThat(bed.run(bundle).fails().error()).contains("threaded");
    } finally {
      // Not even cgroup.procs can be read there, so that the usual clean-up does not work.
      Files.delete(cgroup.resolve("a/b"));
      Files.delete(cgroup.resolve("a"));
      Files.delete(cgroup);
    }
  }

  @Test
  @CoracleOnly("runc looks only into the cgroup itself")
  void oneWithOthersBelowItIsRefused(Testbed bed) throws IOException {
    Bundle first = bed.bundle().lasting();
    String top = first.cgroupsPath();
    first.set("/linux/cgroupsPath", top + "/below");
    try (Container c = bed.start(first)) {
      Bundle second = bed.bundle().set("/linux/cgroupsPath", top);
      assertThat(bed.run(second).fails().error()).contains("cgroup is not empty");
      assertThat(c.status()).isEqualTo("running");
    }
    Cgroups.here().named(top).forEach(Cgroups::destroy);
  }

  @Test
  void isReadOnlyInTheContainer(Testbed bed) {
    Bundle bundle = bed.bundle();
    bundle.sh(
        "find /sys/fs/cgroup -name cgroup.procs -maxdepth 2 | head -n 1 | grep -q . || exit 5;"
            + " mkdir $(dirname $(find /sys/fs/cgroup -name cgroup.procs | head -n 1))/x 2>/dev/null || echo no");
    assertThat(bed.outputOf(bundle)).isEqualTo("no");
  }

  private static final List<JsonObject> DENY_ALL =
      List.of(Json.object("allow", false, "access", "rwm"));
}
