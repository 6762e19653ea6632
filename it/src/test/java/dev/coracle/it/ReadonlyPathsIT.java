package dev.coracle.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.it.harness.Bundle;
import dev.coracle.it.harness.ContainerTest;
import dev.coracle.it.harness.Testbed;
import dev.coracle.it.harness.Unsupported;
import org.junit.jupiter.api.Test;

@ContainerTest
class ReadonlyPathsIT {

  @Test
  void areReadOnlyButReadable(Testbed bed) {
    Bundle bundle = bed.bundle().file("/etc/fixed/file", "stays");
    bundle
        .add("/linux/readonlyPaths", "/etc/fixed")
        .sh("cat /etc/fixed/file; echo x 2>/dev/null > /etc/fixed/file || echo ' read-only'");
    assertThat(bed.outputOf(bundle)).isEqualTo("stays read-only");
  }

  @Test
  void aSingleFileCanBeOne(Testbed bed) {
    Bundle bundle = bed.bundle().file("/etc/fixed", "stays");
    bundle
        .add("/linux/readonlyPaths", "/etc/fixed")
        .sh("echo x > /etc/fixed || cat /etc/fixed; echo y > /etc/other && echo ' other'");
    assertThat(bed.outputOf(bundle)).isEqualTo("stays other");
  }

  @Test
  void aMissingPathIsPassedOver(Testbed bed) {
    bed.run(bed.bundle().add("/linux/readonlyPaths", "/not/there")).ok();
  }

  @Test
  void procSysIsOneByDefault(Testbed bed) {
    assertThat(
            bed.outputOf(
                bed.bundle().sh("echo 1 2>/dev/null > /proc/sys/kernel/domainname || echo no")))
        .isEqualTo("no");
  }

  @Unsupported(runtime = "crun", reason = "1.8.1 drops them")
  @Test
  void keepTheFlagsOfTheMount(Testbed bed) {
    Bundle bundle = bed.bundle();
    bundle
        .mount("/data", "tmpfs", "tmpfs", "nosuid", "nodev", "noexec")
        .add("/linux/readonlyPaths", "/data")
        .sh("grep ' /data ' /proc/self/mountinfo | tail -n 1 | cut -d' ' -f6");
    assertThat(bed.outputOf(bundle).split(",", -1)).contains("ro", "nosuid", "nodev", "noexec");
  }
}
