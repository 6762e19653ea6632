package dev.coracle.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.coracle.it.harness.Bundle;
import dev.coracle.it.harness.Cgroups;
import dev.coracle.it.harness.Container;
import dev.coracle.it.harness.ContainerTest;
import dev.coracle.it.harness.Mapped;
import dev.coracle.it.harness.Testbed;
import dev.coracle.it.harness.Unsupported;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

/** A cgroup that root of a user namespace may manage (config-linux.md, "Cgroup ownership"). */
@ContainerTest
class DelegationIT {

  private static Bundle withCgroup(Testbed bed, String... options) {
    assumeTrue(Cgroups.here().view() == Cgroups.View.V2, "there is only cgroup v2 to give away");
    Bundle bundle = Mapped.bundle(bed).namespace("cgroup", null).withoutMount("/sys/fs/cgroup");
    return bundle.mount("/sys/fs/cgroup", "cgroup", "cgroup", options);
  }

  private static Object owner(Path file) throws IOException {
    return Files.getAttribute(file, "unix:uid");
  }

  @Test
  @Unsupported(
      runtime = "runc",
      reason = "1.1.5 does so with systemd only",
      views = Cgroups.View.V2)
  void aWritableCgroupIsGivenAway(Testbed bed) throws IOException {
    Bundle bundle = withCgroup(bed, "rw").lasting();
    try (Container container = bed.start(bundle)) {
      Path cgroup = Path.of("/sys/fs/cgroup" + bundle.cgroupsPath());
      for (String file : List.of("", "cgroup.procs", "cgroup.subtree_control", "cgroup.threads")) {
        assertThat(owner(cgroup.resolve(file))).as(file).isEqualTo(Mapped.ROOT);
      }
      assertThat(owner(cgroup.resolve("cgroup.max.depth"))).isEqualTo(0);
      String made =
          "mkdir /sys/fs/cgroup/sub && echo 0 > /sys/fs/cgroup/sub/cgroup.procs && cat /proc/self/cgroup";
      assertThat(container.exec("sh", "-c", made).ok().line()).endsWith("::/sub");
    }
  }

  @Test
  @Unsupported(
      runtime = "crun",
      reason = "1.8.1 gives it away all the same",
      views = Cgroups.View.V2,
      expect = Unsupported.Expect.EITHER)
  void aReadOnlyOneIsNot(Testbed bed) throws IOException {
    Bundle bundle = withCgroup(bed, "ro").lasting();
    try (Container container = bed.start(bundle)) {
      Path cgroup = Path.of("/sys/fs/cgroup" + bundle.cgroupsPath());
      assertThat(owner(cgroup)).isEqualTo(0);
      assertThat(container.exec("mkdir", "/sys/fs/cgroup/sub").exitCode()).isNotZero();
    }
  }
}
