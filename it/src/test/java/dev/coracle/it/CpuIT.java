package dev.coracle.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.it.harness.Bundle;
import dev.coracle.it.harness.Cgroups;
import dev.coracle.it.harness.Cgroups.View;
import dev.coracle.it.harness.Container;
import dev.coracle.it.harness.ContainerTest;
import dev.coracle.it.harness.CoracleOnly;
import dev.coracle.it.harness.Json;
import dev.coracle.it.harness.NeedsController;
import dev.coracle.it.harness.Testbed;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;

@ContainerTest
class CpuIT {
  private static final boolean V2 = Cgroups.here().view() == View.V2;
  private static final String CPU = "/linux/resources/cpu";

  private static String value(Bundle bundle, String v1File, String v2File) {
    return Cgroups.here().value(bundle, "cpu", v1File, v2File);
  }

  @Test
  @NeedsController("cpu")
  @CoracleOnly("runc and crun of Debian 12 have neither burst nor idle")
  void burstAndIdle(Testbed bed) {
    Bundle bundle = bed.bundle();
    bundle.set(CPU, Json.object("quota", 50000, "period", 100000, "burst", 20000));
    try (Container c = bed.create(bundle)) {
      assertThat(c.status()).isEqualTo("created");
      assertThat(value(bundle, "cpu.cfs_burst_us", "cpu.max.burst")).isEqualTo("20000");
    }
    bundle = bed.bundle().set(CPU, Json.object("idle", 1, "shares", 512));
    try (Container c = bed.create(bundle)) {
      assertThat(c.status()).isEqualTo("created");
      assertThat(value(bundle, "cpu.idle", "cpu.idle")).isEqualTo("1");
    }
  }

  @Test
  @NeedsController("cpu")
  void aPeriodAlone(Testbed bed) {
    Bundle bundle = bed.bundle().set(CPU, Json.object("period", 50000));
    try (Container c = bed.create(bundle)) {
      assertThat(c.status()).isEqualTo("created");
      assertThat(value(bundle, "cpu.cfs_period_us", "cpu.max"))
          .isEqualTo(V2 ? "max 50000" : "50000");
    }
  }

  @Test
  @NeedsController("cpu")
  @CoracleOnly("runc gives none to cgroups that it makes above, crun only where it finds none")
  void realtimeRuntimeComesFromAbove(Testbed bed) {
    Path root = Cgroups.here().controllerRoot("cpu");
    Bundle bundle = bed.bundle();
    String top = bundle.cgroupsPath();
    bundle.set("/linux/cgroupsPath", top + "/a/b");
    bundle.set(CPU, Json.object("realtimePeriod", 1_000_000, "realtimeRuntime", 1_000));
    if (V2) {
      assertThat(bed.run(bundle).fails().error())
          .contains(CPU + "/realtimeRuntime: cannot be set on cgroup v2");
      return;
    }
    Assumptions.assumeTrue(
        Files.exists(Path.of(root + "/cpu.rt_runtime_us")), "no realtime groups in this kernel");
    try (Container c = bed.create(bundle)) {
      assertThat(c.status()).isEqualTo("created");
      assertThat(Cgroups.read(Path.of(root + top + "/a/b/cpu.rt_runtime_us")).strip())
          .isEqualTo("1000");
      assertThat(Cgroups.read(Path.of(root + top + "/a/cpu.rt_runtime_us")).strip())
          .isEqualTo("1000");
    }
    Cgroups.here().named(top).forEach(Cgroups::destroy);
  }
}
