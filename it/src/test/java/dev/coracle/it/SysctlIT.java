package dev.coracle.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.it.harness.Bundle;
import dev.coracle.it.harness.ContainerTest;
import dev.coracle.it.harness.Json;
import dev.coracle.it.harness.Testbed;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

@ContainerTest
class SysctlIT {

  @Test
  void ofANamespaceIsSet(Testbed bed) {
    Bundle bundle =
        bed.bundle()
            .set(
                "/linux/sysctl",
                Json.object("net.ipv4.ip_forward", "1", "kernel.shm_rmid_forced", "1"));
    bundle.sh("cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/shm_rmid_forced");
    assertThat(bed.outputOf(bundle)).isEqualTo("1\n1");
  }

  @Test
  void aSlashCanSeparateToo(Testbed bed) {
    Bundle bundle =
        bed.bundle().set("/linux/sysctl", Json.object("net/ipv4/conf/lo/rp_filter", "2"));
    assertThat(bed.outputOf(bundle.args("cat", "/proc/sys/net/ipv4/conf/lo/rp_filter")))
        .isEqualTo("2");
  }

  @Test
  void ofTheHostIsRefused(Testbed bed) throws IOException {
    Path host = Path.of("/proc/sys/vm/swappiness");
    String before = Files.readString(host);
    bed.run(bed.bundle().set("/linux/sysctl", Json.object("vm.swappiness", "7"))).exitsWith(1);
    assertThat(Files.readString(host)).isEqualTo(before);
  }

  @Test
  void needsItsNamespace(Testbed bed) throws IOException {
    Path host = Path.of("/proc/sys/net/ipv4/ip_forward");
    String before = Files.readString(host);
    Bundle bundle =
        bed.bundle()
            .withoutNamespace("network")
            .withoutMount("/sys")
            .withoutMount("/sys/fs/cgroup");
    bed.run(bundle.set("/linux/sysctl", Json.object("net.ipv4.ip_forward", "1"))).exitsWith(1);
    assertThat(Files.readString(host)).isEqualTo(before);
  }

  @Test
  void mustNotClimb(Testbed bed) throws IOException {
    Path host = Path.of("/proc/sys/vm/swappiness");
    String before = Files.readString(host);
    for (String key : List.of("net/../vm/swappiness", "net/ipv4/../../vm/swappiness")) {
      bed.run(bed.bundle().set("/linux/sysctl", Json.object(key, "7"))).exitsWith(1);
    }
    assertThat(Files.readString(host)).isEqualTo(before);
  }

  @Test
  void anUnknownOneIsAnError(Testbed bed) {
    bed.run(bed.bundle().set("/linux/sysctl", Json.object("net.nothing.here", "7"))).exitsWith(1);
  }
}
