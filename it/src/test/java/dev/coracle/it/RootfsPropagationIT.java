package dev.coracle.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.it.harness.Bundle;
import dev.coracle.it.harness.Container;
import dev.coracle.it.harness.ContainerTest;
import dev.coracle.it.harness.Testbed;
import dev.coracle.it.harness.Unsupported;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

@ContainerTest
class RootfsPropagationIT {

  private static String rootLine(Testbed bed, String propagation) {
    Bundle bundle =
        bed.bundle()
            .sh("grep ' / / ' /proc/self/mountinfo || grep ' / ' /proc/self/mountinfo | head -n 1");
    bundle.set("/linux/rootfsPropagation", propagation);
    return bed.outputOf(bundle);
  }

  @Test
  void canBePrivate(Testbed bed) {
    assertThat(rootLine(bed, "private")).doesNotContain("shared:", "master:", "unbindable");
  }

  @Unsupported(runtime = "runc", reason = "1.1.5 leaves the new root private")
  @Test
  void canBeShared(Testbed bed) {
    assertThat(rootLine(bed, "shared")).contains("shared:");
  }

  @Unsupported(runtime = "runc", reason = "1.1.5 binds the root after it made it unbindable")
  @Test
  void canBeUnbindable(Testbed bed) {
    assertThat(rootLine(bed, "unbindable")).contains("unbindable");
  }

  @Unsupported(runtime = "crun", reason = "1.8.1 passes over what it does not know")
  @Test
  void mustBeKnown(Testbed bed) {
    bed.run(bed.bundle().set("/linux/rootfsPropagation", "sideways")).fails();
  }

  /** A container on a shared mount of the host, a mount made in it, and one made on the host. */
  private static void onSharedMount(
      Testbed bed, String propagation, String inside, String outside) {
    Path shared = bed.folder("shared");
    bed.program("mount", "--bind", shared.toString(), shared.toString()).execute().ok();
    bed.program("mount", "--make-shared", shared.toString()).execute().ok();
    try {
      bed.folder("shared/late");
      Bundle bundle = bed.bundle().capabilities("CAP_SYS_ADMIN").lasting().folder("/made");
      bundle.mount("/s", "bind", shared, "rbind");
      bundle.set("/linux/rootfsPropagation", propagation);
      try (Container c = bed.start(bundle)) {
        bed.folder("shared/early");
        c.exec("mount", "-t", "tmpfs", "inside", "/s/early").ok();
        c.exec("mount", "-t", "tmpfs", "inside", "/made").ok();
        bed.program("mount", "-t", "tmpfs", "outside", shared + "/late").execute().ok();
        String host = bed.program("cat", "/proc/self/mountinfo").execute().ok().stdout();
        assertThat(host.contains(shared + "/early") ? "seen" : "not seen")
            .as("from outside")
            .isEqualTo(inside);
        // What is mounted elsewhere in the container's root is never the host's business.
        assertThat(host).doesNotContain(bundle.rootfs().toString());
        String there = c.exec("cat", "/proc/self/mountinfo").ok().stdout();
        assertThat(there.contains(" /s/late ") ? "seen" : "not seen")
            .as("from inside")
            .isEqualTo(outside);
      }
    } finally {
      bed.program("umount", "-R", "-l", shared.toString()).execute().ok();
      bed.program("rmdir", shared + "/early").execute();
    }
  }

  @Test
  void sharedLetsMountsOutAndIn(Testbed bed) {
    onSharedMount(bed, "rshared", "seen", "seen");
  }

  @Test
  void slaveLetsMountsInOnly(Testbed bed) {
    onSharedMount(bed, "rslave", "not seen", "seen");
  }

  @Test
  void privateLetsNoneThrough(Testbed bed) {
    onSharedMount(bed, "rprivate", "not seen", "not seen");
  }

  @Unsupported(runtime = "runc", reason = "1.1.5 binds the root after it made it unbindable")
  @Unsupported(
      runtime = "crun",
      reason = "1.8.1 binds the root after it made it unbindable",
      expect = Unsupported.Expect.EITHER)
  @Test
  void unbindableLetsNoneThroughAndIsNotBound(Testbed bed) {
    onSharedMount(bed, "runbindable", "not seen", "not seen");
    Bundle bundle = bed.bundle().capabilities("CAP_SYS_ADMIN").folder("/other");
    bundle.set("/linux/rootfsPropagation", "unbindable").sh("mount --bind / /other");
    bed.run(bundle).fails();
  }

  /**
   * Without the property nothing gets out, and what the host mounts comes in where a bind asks for
   * it.
   */
  @Test
  void isSlaveByDefault(Testbed bed) {
    assertThat(bed.outputOf(bed.bundle().sh("grep -c shared: /proc/self/mountinfo; true")))
        .isEqualTo("0");
  }
}
