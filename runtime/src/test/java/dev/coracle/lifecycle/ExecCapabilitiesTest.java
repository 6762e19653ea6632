package dev.coracle.lifecycle;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.problem.Problems;
import dev.coracle.spec.Process.Capabilities;
import java.util.List;
import org.junit.jupiter.api.Test;

/** exec --cap: nothing becomes inheritable by it (CVE-2022-29162). */
class ExecCapabilitiesTest {
  private static final long CHOWN = 1;
  private static final long NET_RAW = 1L << 13;
  private static final long NET_ADMIN = 1L << 12;
  private final Problems problems = new Problems();

  @Test
  void whatIsAddedIsAmbientOnlyWhereItWasInheritable() {
    Capabilities of = new Capabilities(CHOWN, CHOWN, NET_RAW, CHOWN, 0);
    assertThat(ExecCapabilities.with(of, List.of("CAP_NET_RAW", "CAP_NET_ADMIN"), -1L, problems))
        .isEqualTo(
            new Capabilities(
                CHOWN | NET_RAW | NET_ADMIN,
                CHOWN | NET_RAW | NET_ADMIN,
                NET_RAW,
                CHOWN | NET_RAW | NET_ADMIN,
                NET_RAW));
    assertThat(problems.all()).isEmpty();
  }

  @Test
  void withoutAnyTheyAreTheContainers() {
    assertThat(ExecCapabilities.with(null, List.of("CAP_CHOWN"), CHOWN, problems))
        .isEqualTo(new Capabilities(CHOWN, CHOWN, 0, CHOWN, 0));
  }

  @Test
  void oneThatIsUnknownIsAnErrorAndOneThatCannotBeGrantedAWarning() {
    Capabilities of = new Capabilities(CHOWN, CHOWN, 0, CHOWN, 0);
    assertThat(ExecCapabilities.with(of, List.of("NET_RAW", "CAP_NET_RAW"), CHOWN, problems))
        .isEqualTo(of);
    assertThat(problems.errorText()).isEqualTo("--cap: unknown capability \"NET_RAW\"");
    assertThat(problems.warningText()).contains("--cap CAP_NET_RAW cannot be granted");
  }
}
