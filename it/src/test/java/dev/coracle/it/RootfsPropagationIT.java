package dev.coracle.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.it.harness.Bundle;
import dev.coracle.it.harness.ContainerTest;
import dev.coracle.it.harness.Testbed;
import dev.coracle.it.harness.Unsupported;
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
}
