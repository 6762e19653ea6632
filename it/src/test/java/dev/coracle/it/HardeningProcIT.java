package dev.coracle.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.it.harness.Bundle;
import dev.coracle.it.harness.ContainerTest;
import dev.coracle.it.harness.Json;
import dev.coracle.it.harness.Testbed;
import dev.coracle.it.harness.Unsupported;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A /proc that is not what it should be, for the runtime or for the container. */
@ContainerTest
class HardeningProcIT {

  private static void replace(Bundle bundle, String path, String target) throws IOException {
    Files.delete(bundle.inRootfs(path));
    bundle.symlink(path, target);
  }

  @Test
  void procAsASymlinkIsRefused(Testbed bed) throws IOException {
    Bundle bundle = bed.bundle().folder("/elsewhere");
    replace(bundle, "/proc", "/elsewhere");
    bed.run(bundle).fails();
  }

  @ParameterizedTest
  @ValueSource(strings = {"/proc", "/proc/", "/./proc", "/x/../proc"})
  @Unsupported(
      runtime = "crun",
      reason = "binds anything there",
      expect = Unsupported.Expect.EITHER)
  void aBindOfSomethingElseToProcIsRefused(String destination, Testbed bed) {
    Path fake = bed.folder("fake");
    bed.folder("fake/self/attr");
    Bundle bundle = bed.bundle().withoutMount("/proc");
    bundle.mount(destination, "bind", fake, "rbind");
    bed.run(bundle).fails();
  }

  @Test
  @Unsupported(runtime = "crun", reason = "mounts anything there")
  void aTmpfsAtProcIsRefused(Testbed bed) {
    bed.run(bed.bundle().withoutMount("/proc").mount("/proc", "tmpfs", "tmpfs")).fails();
  }

  @Test
  void aBindOfTheHostsProcIsAProc(Testbed bed) {
    Bundle bundle = bed.bundle().withoutMount("/proc").withoutNamespace("pid");
    bundle.mount("/proc", "bind", "/proc", "rbind", "nosuid", "noexec", "nodev");
    assertThat(bed.outputOf(bundle.sh("cat /proc/self/comm"))).isEqualTo("cat");
  }

  @Unsupported(runtime = "crun", reason = "does not mind")
  @Test
  void bindsIntoProcAreRefused(Testbed bed) {
    Path file = bed.file("file", "x");
    bed.run(bed.bundle().mount("/proc/self/attr/exec", "bind", file, "bind")).fails();
    bed.run(bed.bundle().mount("/proc/sysrq-trigger", "bind", file, "bind")).fails();
  }

  @ParameterizedTest
  @ValueSource(strings = {"/link/sysrq-trigger", "/link", "/link/self/attr", "/link/../proc/stat"})
  @Unsupported(runtime = "crun", reason = "does not mind", expect = Unsupported.Expect.EITHER)
  void aLinkIntoProcIsNoWayAround(String destination, Testbed bed) {
    Path source = destination.endsWith("r") ? bed.folder("folder") : bed.file("file", "fake");
    if (destination.equals("/link")) {
      source = bed.folder("folder");
    }
    Bundle bundle = bed.bundle().symlink("/link", "/proc");
    bundle.mount(destination, "bind", source, "bind");
    bundle.sh("! grep -q fake /proc/stat /proc/sysrq-trigger && [ -e /proc/self/attr/../comm ]");
    bed.run(bundle).fails();
  }

  /**
   * The image's own /proc, below a mount that is missing, must get nothing that is meant for ours.
   */
  @Test
  @Unsupported(
      runtime = "runc",
      reason = "1.1.5 writes to the container's",
      expect = Unsupported.Expect.EITHER)
  void parametersGoToTheKernelNotToTheImage(Testbed bed) throws IOException {
    Bundle bundle = bed.bundle().withoutMount("/proc");
    bundle.remove("/linux/maskedPaths").remove("/linux/readonlyPaths");
    bundle.file("/proc/sys/net/ipv4/ip_forward", "fake");
    bundle.file("/proc/self/oom_score_adj", "fake").folder("/real");
    bundle.set("/linux/sysctl", Json.object("net.ipv4.ip_forward", "1"));
    bundle.set("/process/oomScoreAdj", 77);
    bundle.mount("/real", "proc", "proc");
    bundle.sh("cat /real/sys/net/ipv4/ip_forward /real/self/oom_score_adj");
    assertThat(bed.outputOf(bundle)).isEqualTo("1\n77");
    assertThat(Files.readString(bundle.inRootfs("/proc/sys/net/ipv4/ip_forward")))
        .isEqualTo("fake");
    assertThat(Files.readString(bundle.inRootfs("/proc/self/oom_score_adj"))).isEqualTo("fake");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "net/../vm/swappiness",
        "net/ipv4/../../../sysrq-trigger",
        "net.ipv4.../../vm.swappiness",
        "kernel/shm_rmid_forced/../../vm/swappiness",
        "../sysrq-trigger",
        "net//../vm/swappiness",
        "/net/../vm/swappiness"
      })
  void aParameterCannotClimb(String key, Testbed bed) throws IOException {
    Path host = Path.of("/proc/sys/vm/swappiness");
    String before = Files.readString(host);
    bed.run(bed.bundle().set("/linux/sysctl", Json.object(key, "7"))).fails();
    assertThat(Files.readString(host)).isEqualTo(before);
  }
}
