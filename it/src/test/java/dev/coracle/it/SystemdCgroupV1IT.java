package dev.coracle.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.it.harness.Bundle;
import dev.coracle.it.harness.Cgroups;
import dev.coracle.it.harness.Container;
import dev.coracle.it.harness.ContainerTest;
import dev.coracle.it.harness.Testbed;
import dev.coracle.it.harness.Unsupported;
import java.nio.file.Path;
import java.util.Objects;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * {@code --systemd-cgroup} where systemd has v1 hierarchies, alone or with a v2 one beside them:
 * the views systemd-v1 and systemd-hybrid.
 */
@ContainerTest
@Tag("systemd")
@Tag("v1")
@Unsupported(
    runtime = "crun",
    reason = "1.8.1 refuses the hybrid layout, and puts nothing into the scope of v1",
    expect = Unsupported.Expect.EITHER)
class SystemdCgroupV1IT {
  private static final String SLICE = "cit-inner.slice";

  private static Bundle bundle(Testbed bed) {
    Bundle bundle = bed.bundle().lasting();
    return bundle
        .set("/linux/cgroupsPath", SLICE + ":cit:" + bundle.id())
        .set("/linux/resources/cpu/shares", 512)
        .set("/linux/resources/cpu/quota", 20000)
        .set("/linux/resources/cpu/period", 50000)
        .set("/linux/resources/pids/limit", 77);
  }

  private static String unit(Bundle bundle) {
    return "cit-" + bundle.id() + ".scope";
  }

  private static String path(Bundle bundle) {
    return "/cit.slice/" + SLICE + "/" + unit(bundle);
  }

  private static Container start(Testbed bed, Bundle bundle) {
    String[] create = {
      "--systemd-cgroup", "create", "--bundle", bundle.write().toString(), bundle.id()
    };
    return bed.created(bundle.id(), bed.oci(create)).start();
  }

  private static String property(Testbed bed, Bundle bundle, String name) {
    return bed.program("systemctl", "show", "--value", "-p", name, unit(bundle))
        .execute()
        .ok()
        .line();
  }

  private static String file(Bundle bundle, String controller, String name) {
    Path root = Objects.requireNonNull(Cgroups.here().controllerRoot(controller));
    return Cgroups.read(Path.of(root + path(bundle) + "/" + name)).strip();
  }

  @Test
  @Unsupported(
      runtime = "runc",
      reason = "1.1.5 leaves the process in the slice of the devices hierarchy",
      expect = Unsupported.Expect.EITHER)
  void theProcessIsInTheScopeOfEveryHierarchy(Testbed bed) {
    Bundle bundle = bundle(bed);
    try (Container c = start(bed, bundle)) {
      bed.program("systemctl", "daemon-reload").execute().ok();
      assertThat(Cgroups.read(Path.of("/proc/" + c.pid() + "/cgroup")).lines())
          .isNotEmpty()
          .allMatch(line -> line.endsWith(":" + path(bundle)));
    }
    assertThat(Cgroups.here().named(path(bundle))).isEmpty();
    assertThat(property(bed, bundle, "LoadState")).isEqualTo("not-found");
  }

  @Test
  void limitsAreKnownToTheKernelAndToSystemdAndOutliveAReload(Testbed bed) {
    Bundle bundle = bundle(bed);
    try (Container c = start(bed, bundle)) {
      for (int round = 0; round < 2; round++) {
        assertThat(file(bundle, "pids", "pids.max")).isEqualTo("77");
        assertThat(file(bundle, "cpu", "cpu.shares")).isEqualTo("512");
        assertThat(file(bundle, "cpu", "cpu.cfs_quota_us")).isEqualTo("20000");
        assertThat(file(bundle, "devices", "devices.list"))
            .contains("c 1:3 rwm")
            .doesNotContain("a *:*");
        assertThat(property(bed, bundle, "TasksMax")).isEqualTo("77");
        assertThat(property(bed, bundle, "CPUShares")).isEqualTo("512");
        assertThat(property(bed, bundle, "CPUQuotaPerSecUSec")).isEqualTo("400ms");
        bed.program("systemctl", "daemon-reload").execute().ok();
      }
      bed.oci("update", "--pids-limit", "99", c.id()).execute().ok();
      assertThat(file(bundle, "pids", "pids.max")).isEqualTo("99");
      assertThat(property(bed, bundle, "TasksMax")).isEqualTo("99");
    }
  }

  @Test
  void pausedAndDeletedByForce(Testbed bed) {
    Bundle bundle = bundle(bed);
    try (Container c = start(bed, bundle)) {
      bed.oci("pause", c.id()).execute().ok();
      assertThat(c.status()).isEqualTo("paused");
    }
    assertThat(Cgroups.here().named(path(bundle))).isEmpty();
    bed.assertNothingLeft("deleted by force");
  }
}
