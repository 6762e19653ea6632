package dev.coracle.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.it.harness.Bundle;
import dev.coracle.it.harness.Container;
import dev.coracle.it.harness.ContainerTest;
import dev.coracle.it.harness.Testbed;
import dev.coracle.it.harness.Unsupported;
import java.util.List;
import org.junit.jupiter.api.Test;

@ContainerTest
class SessionKeyringIT {
  private static final String SHOW = "grep _ses. /proc/keys || true";

  /** A bundle in which /proc/keys is not masked. */
  private static Bundle shown(Testbed bed) {
    return bed.bundle().set("/linux/maskedPaths", List.of());
  }

  @Unsupported(runtime = "crun", reason = "gives it no name of the container's")
  @Test
  void theContainerHasOneOfItsOwn(Testbed bed) {
    var bundle = shown(bed).sh(SHOW);
    assertThat(bed.outputOf(bundle))
        .contains(" _ses." + bundle.id() + ": ")
        // Possessor: all. User: view, read, search, link. Nobody else.
        .contains(" 3f1b0000 ");
  }

  @Unsupported(runtime = "crun", reason = "gives it no name of the container's")
  @Test
  void execJoinsIt(Testbed bed) {
    var bundle = shown(bed).lasting();
    try (Container c = bed.start(bundle)) {
      assertThat(c.exec("sh", "-c", SHOW).ok().line()).contains("_ses." + bundle.id() + ": ");
    }
  }

  @Test
  void noNewKeyringLeavesTheCallers(Testbed bed) {
    var bundle = shown(bed).sh(SHOW);
    assertThat(bed.run(bundle, "--no-new-keyring").ok().stdout())
        .doesNotContain("_ses." + bundle.id());
    var lasting = shown(bed).lasting();
    try (Container c = bed.start(lasting, "--no-new-keyring")) {
      assertThat(c.exec("sh", "-c", SHOW).ok().stdout()).doesNotContain("_ses." + lasting.id());
    }
  }
}
