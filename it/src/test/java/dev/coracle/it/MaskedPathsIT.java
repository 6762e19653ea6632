package dev.coracle.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.it.harness.Bundle;
import dev.coracle.it.harness.ContainerTest;
import dev.coracle.it.harness.Testbed;
import java.io.IOException;
import java.nio.file.Files;
import org.junit.jupiter.api.Test;

@ContainerTest
class MaskedPathsIT {

  @Test
  void aFileReadsAsEmpty(Testbed bed) {
    Bundle bundle = bed.bundle().file("/secret", "treasure");
    bundle.add("/linux/maskedPaths", "/secret").sh("cat /secret; echo read $?");
    assertThat(bed.outputOf(bundle)).isEqualTo("read 0");
  }

  @Test
  void aFolderIsEmptyAndReadOnly(Testbed bed) {
    Bundle bundle = bed.bundle().file("/secrets/one", "treasure");
    bundle
        .add("/linux/maskedPaths", "/secrets")
        .sh("ls -A /secrets | wc -l; touch /secrets/two 2>/dev/null || echo read-only");
    assertThat(bed.outputOf(bundle)).isEqualTo("0\nread-only");
  }

  @Test
  void aMissingPathIsPassedOver(Testbed bed) {
    Bundle bundle = bed.bundle();
    bundle.add("/linux/maskedPaths", "/not/there").args("ls", "/not");
    assertThat(bed.run(bundle).fails().stderr()).contains("No such file");
  }

  @Test
  void theUsualOnesAreMasked(Testbed bed) {
    assertThat(bed.outputOf(bed.bundle().sh("wc -c < /proc/timer_list; wc -c < /proc/keys")))
        .isEqualTo("0\n0");
  }

  @Test
  void theFileOnTheHostIsUntouched(Testbed bed) throws IOException {
    Bundle bundle = bed.bundle().file("/secret", "treasure");
    bundle.add("/linux/maskedPaths", "/secret").sh("echo over > /secret");
    bed.run(bundle).ok();
    assertThat(Files.readString(bundle.inRootfs("/secret"))).isEqualTo("treasure");
  }
}
