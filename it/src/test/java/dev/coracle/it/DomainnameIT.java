package dev.coracle.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.it.harness.Cgroups;
import dev.coracle.it.harness.ContainerTest;
import dev.coracle.it.harness.Testbed;
import dev.coracle.it.harness.Unsupported;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

@ContainerTest
class DomainnameIT {
  private static final Path HOSTS = Path.of("/proc/sys/kernel/domainname");

  @Test
  @Unsupported(runtime = "runc", reason = "1.1.5 does not know it")
  void isTheContainers(Testbed bed) {
    String before = Cgroups.read(HOSTS);
    assertThat(
            bed.outputOf(bed.bundle().set("/domainname", "harbour").args("cat", HOSTS.toString())))
        .isEqualTo("harbour");
    assertThat(Cgroups.read(HOSTS)).isEqualTo(before);
  }

  @Test
  @Unsupported(runtime = "runc", reason = "1.1.5 does not know it")
  @Unsupported(runtime = "crun", reason = "1.8.1 does not know it")
  void needsAUtsNamespace(Testbed bed) {
    String before = Cgroups.read(HOSTS);
    assertThat(bed.run(bed.bundle().withoutNamespace("uts").set("/domainname", "harbour")).fails())
        .satisfies(r -> assertThat(r.stderr()).contains("/domainname"));
    assertThat(Cgroups.read(HOSTS)).isEqualTo(before);
  }
}
