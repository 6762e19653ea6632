package dev.coracle.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.it.harness.Bundle;
import dev.coracle.it.harness.ContainerTest;
import dev.coracle.it.harness.Result;
import dev.coracle.it.harness.Testbed;
import dev.coracle.it.harness.Unsupported;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;

/** /linux/mountLabel on a kernel without SELinux; MountsTest has what is given to one with it. */
@ContainerTest
class MountLabelIT {
  private static final String LABEL = "system_u:object_r:container_file_t:s0:c10,c20";

  private static void assumeNoSelinux() {
    Assumptions.assumeFalse(Files.exists(Path.of("/sys/fs/selinux/enforce")), "SELinux is there");
  }

  @Test
  @Unsupported(runtime = "crun", reason = "passes over the label without SELinux")
  void isRefusedWithoutSelinux(Testbed bed) {
    assumeNoSelinux();
    Result result = bed.run(bed.bundle().set("/linux/mountLabel", LABEL)).exitsWith(1);
    assertThat(result.stderr()).containsAnyOf("context", "invalid argument");
  }

  @Test
  void isNotAskedOfBindsAndPseudoFilesystems(Testbed bed) {
    assumeNoSelinux();
    Bundle bundle = bed.bundle().remove("/linux/maskedPaths").remove("/linux/readonlyPaths");
    bundle.config().getAsJsonArray("mounts").asList().clear();
    bundle.mount("/proc", "proc", "proc").mount("/sys", "sysfs", "sysfs");
    bundle.mount("/b", "bind", bed.folder("b"), "bind").mount("/q", "mqueue", "mqueue");
    bed.run(bundle.set("/linux/mountLabel", LABEL)).ok();
  }

  @Test
  void anEmptyOneIsNone(Testbed bed) {
    bed.run(bed.bundle().set("/linux/mountLabel", "")).ok();
  }
}
