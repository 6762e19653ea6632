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
import dev.coracle.it.harness.Unsupported;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

@ContainerTest
class UpdateIT {
  private static final boolean V2 = Cgroups.here().view() == View.V2;

  private static String value(Bundle bundle, String controller, String v1File, String v2File) {
    return Cgroups.here().value(bundle, controller, v1File, v2File);
  }

  private static void update(Testbed bed, Container c, String... flags) {
    List<String> args = new ArrayList<>(List.of("update"));
    args.addAll(List.of(flags));
    args.add(c.id());
    bed.oci(args.toArray(String[]::new)).execute().ok();
  }

  private static void resources(Testbed bed, Container c, String json) {
    bed.oci("update", "--resources=-", c.id()).stdin(json.replace('\'', '"')).execute().ok();
  }

  @Test
  @NeedsController("pids")
  void byFlagAndByJson(Testbed bed) {
    Bundle bundle = bed.bundle().lasting();
    bundle.set("/linux/resources/pids/limit", 50);
    try (Container c = bed.start(bundle)) {
      update(bed, c, "--pids-limit", "60");
      assertThat(value(bundle, "pids", "pids.max", "pids.max")).isEqualTo("60");
      resources(bed, c, "{'pids':{'limit':70}}");
      assertThat(value(bundle, "pids", "pids.max", "pids.max")).isEqualTo("70");
      bed.oci("update", "-r", bed.file("r.json", "{\"pids\":{\"limit\":80}}").toString(), c.id())
          .execute()
          .ok();
      assertThat(value(bundle, "pids", "pids.max", "pids.max")).isEqualTo("80");
    }
  }

  @Unsupported(runtime = "crun", reason = "1.8.1 writes -1 on v1", views = View.V1)
  @Test
  @NeedsController("pids")
  void minusOneLiftsTheLimitOfPids(Testbed bed) {
    Bundle bundle = bed.bundle().lasting();
    bundle.set("/linux/resources/pids/limit", 50);
    try (Container c = bed.start(bundle)) {
      update(bed, c, "--pids-limit", "-1");
      assertThat(value(bundle, "pids", "pids.max", "pids.max")).isEqualTo("max");
    }
  }

  @Unsupported(runtime = "crun", reason = "1.8.1 takes -1 for a number too large")
  @Test
  @NeedsController("cpu")
  void aQuotaKeepsThePeriodAndAPeriodTheQuota(Testbed bed) {
    Bundle bundle = bed.bundle().lasting();
    bundle.set("/linux/resources/cpu", Json.object("quota", 40000, "period", 50000));
    try (Container c = bed.start(bundle)) {
      update(bed, c, "--cpu-quota", "30000");
      assertThat(quotaAndPeriod(bundle)).isEqualTo("30000 50000");
      update(bed, c, "--cpu-period", "60000");
      assertThat(quotaAndPeriod(bundle)).isEqualTo("30000 60000");
      update(bed, c, "--cpu-quota", "-1");
      assertThat(quotaAndPeriod(bundle)).isIn("max 60000", "-1 60000");
    }
  }

  private static String quotaAndPeriod(Bundle bundle) {
    String quota = value(bundle, "cpu", "cpu.cfs_quota_us", "cpu.max");
    return V2 ? quota : quota + " " + value(bundle, "cpu", "cpu.cfs_period_us", "");
  }

  @Test
  @NeedsController("cpu")
  @CoracleOnly("runc and crun of Debian 12 have no burst; the order is the kernel's to refuse")
  void aSmallerQuotaWithASmallerBurst(Testbed bed) {
    Bundle bundle = bed.bundle().lasting();
    bundle.set(
        "/linux/resources/cpu", Json.object("quota", 90000, "period", 100000, "burst", 80000));
    try (Container c = bed.start(bundle)) {
      update(bed, c, "--cpu-quota", "20000", "--cpu-burst", "10000");
      assertThat(quotaAndPeriod(bundle)).isEqualTo("20000 100000");
      assertThat(value(bundle, "cpu", "cpu.cfs_burst_us", "cpu.max.burst")).isEqualTo("10000");
      update(bed, c, "--cpu-quota", "90000", "--cpu-burst", "80000");
      assertThat(value(bundle, "cpu", "cpu.cfs_burst_us", "cpu.max.burst")).isEqualTo("80000");
    }
  }

  @Test
  @NeedsController("cpu")
  @CoracleOnly("runc and crun of Debian 12 do not know cpu.idle")
  void idleAndBack(Testbed bed) {
    Bundle bundle = bed.bundle().lasting();
    try (Container c = bed.start(bundle)) {
      update(bed, c, "--cpu-idle", "1");
      assertThat(value(bundle, "cpu", "cpu.idle", "cpu.idle")).isEqualTo("1");
      update(bed, c, "--cpu-idle", "0", "--cpu-share", "2048");
      assertThat(value(bundle, "cpu", "cpu.idle", "cpu.idle")).isEqualTo("0");
      // The kernel rounds a weight to what its scheduler can hold.
      assertThat(Integer.parseInt(value(bundle, "cpu", "cpu.shares", "cpu.weight")))
          .isEqualTo(V2 ? 174 : 2048);
    }
  }

  @Test
  @NeedsController("memory")
  void memoryWithItsUnits(Testbed bed) {
    Bundle bundle = bed.bundle().lasting();
    bundle.set("/linux/resources/memory/limit", 64L << 20);
    try (Container c = bed.start(bundle)) {
      update(bed, c, "--memory", "" + (48 << 20));
      assertThat(value(bundle, "memory", "memory.limit_in_bytes", "memory.max"))
          .isEqualTo("" + (48 << 20));
    }
  }

  @Unsupported(runtime = "crun", reason = "takes bytes only")
  @Test
  @NeedsController("memory")
  void sizesForPeople(Testbed bed) {
    Bundle bundle = bed.bundle().lasting();
    bundle.set("/linux/resources/memory/limit", 64L << 20);
    try (Container c = bed.start(bundle)) {
      update(bed, c, "--memory", "40M", "--memory-reservation", "0.5m");
      assertThat(value(bundle, "memory", "memory.limit_in_bytes", "memory.max"))
          .isEqualTo("" + (40 << 20));
      assertThat(value(bundle, "memory", "memory.soft_limit_in_bytes", "memory.low"))
          .isEqualTo("" + (512 << 10));
    }
  }

  @Test
  @NeedsController("memory")
  void memoryAndSwapUpAndDown(Testbed bed) {
    Bundle bundle = bed.bundle().lasting();
    bundle.set("/linux/resources/memory", Json.object("limit", 64L << 20, "swap", 96L << 20));
    if (!hasSwapAccounting()) {
      return; // neither kernel of the views has; UML does
    }
    try (Container c = bed.start(bundle)) {
      for (long mib : new long[] {256, 32}) {
        update(bed, c, "--memory", "" + (mib << 20), "--memory-swap", "" + (2 * mib << 20));
        assertThat(value(bundle, "memory", "memory.limit_in_bytes", "memory.max"))
            .isEqualTo("" + (mib << 20));
        assertThat(value(bundle, "memory", "memory.memsw.limit_in_bytes", "memory.swap.max"))
            .isEqualTo("" + ((V2 ? mib : 2 * mib) << 20));
      }
    }
  }

  @Test
  @NeedsController("memory")
  @CoracleOnly("the peers want the limit of memory beside it")
  void swapAlone(Testbed bed) {
    Bundle bundle = bed.bundle().lasting();
    bundle.set("/linux/resources/memory", Json.object("limit", 32L << 20));
    if (!hasSwapAccounting()) {
      return;
    }
    try (Container c = bed.start(bundle)) {
      update(bed, c, "--memory-swap", "48M");
      assertThat(value(bundle, "memory", "memory.memsw.limit_in_bytes", "memory.swap.max"))
          .isEqualTo("" + ((V2 ? 16 : 48) << 20));
    }
  }

  private static boolean hasSwapAccounting() {
    Path root = Cgroups.here().controllerRoot("memory");
    return V2 || Files.exists(Path.of(root + "/memory.memsw.limit_in_bytes"));
  }

  @Test
  @NeedsController("memory")
  void minusOneLiftsTheLimitOfMemory(Testbed bed) {
    Bundle bundle = bed.bundle().lasting();
    bundle.set("/linux/resources/memory/limit", 64L << 20);
    try (Container c = bed.start(bundle)) {
      update(bed, c, "--memory", "-1");
      assertThat(value(bundle, "memory", "memory.limit_in_bytes", "memory.max"))
          .isIn("max", "9223372036854771712");
    }
  }

  @Test
  @NeedsController("memory")
  @CoracleOnly("runc of Debian 12 does not know it")
  void aLimitBelowTheUsageIsRefused(Testbed bed) {
    Bundle bundle = bed.bundle().probe("hold-mib", "8");
    bundle.set("/linux/resources/memory/limit", 64L << 20);
    try (Container c = bed.start(bundle).awaitOutput("held")) {
      assertThat(
              bed.oci("update", "--resources=-", c.id())
                  .stdin("{\"memory\":{\"limit\":1048576,\"checkBeforeUpdate\":true}}")
                  .execute()
                  .fails()
                  .error())
          .contains("/memory/limit: ");
      assertThat(value(bundle, "memory", "memory.limit_in_bytes", "memory.max"))
          .isEqualTo("" + (64 << 20));
      assertThat(c.status()).isEqualTo("running");
    }
  }

  @Test
  @CoracleOnly("runc leaves device rules as they are too, but hides it")
  void deviceRulesStay(Testbed bed) {
    Bundle bundle = bed.bundle().lasting();
    try (Container c = bed.start(bundle)) {
      resources(bed, c, "{'devices':[{'allow':false,'access':'rwm'}]}");
      assertThat(c.exec("sh", "-c", ": < /dev/null && echo read").ok().line()).isEqualTo("read");
    }
  }

  @Test
  @CoracleOnly("all problems at once, each with its pointer")
  void mistakesAreNamed(Testbed bed) {
    try (Container c = bed.start(bed.bundle().lasting())) {
      assertThat(
              bed.oci("update", "--resources=-", c.id())
                  .stdin("{\"cpu\":{\"period\":7},\"pids\":{\"limit\":\"x\"}}")
                  .execute()
                  .fails()
                  .error())
          .contains("/cpu/period: must be from 1000")
          .contains("/pids/limit: must be a whole number");
      assertThat(bed.oci("update", "--memory", "12X", c.id()).execute().fails().error())
          .contains("--memory must be a number of bytes like 64M, not \"12X\"");
    }
  }

  @Unsupported(
      runtime = "crun",
      reason = "1.8.1 writes into what is left of the cgroup, where there is the controller",
      expect = Unsupported.Expect.EITHER)
  @Test
  void whatHasStoppedCannotBeUpdated(Testbed bed) {
    try (Container c = bed.start(bed.bundle().args("true"))) {
      c.awaitExit();
      c.awaitStatus("stopped");
      bed.oci("update", "--pids-limit", "5", c.id()).execute().fails();
    }
  }
}
