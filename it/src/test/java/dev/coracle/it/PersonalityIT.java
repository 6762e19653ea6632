package dev.coracle.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.it.harness.Container;
import dev.coracle.it.harness.ContainerTest;
import dev.coracle.it.harness.Json;
import dev.coracle.it.harness.Testbed;
import dev.coracle.it.harness.Unsupported;
import org.junit.jupiter.api.Test;

@ContainerTest
class PersonalityIT {
  @Unsupported(runtime = "runc", reason = "1.1 does not know it")
  @Test
  void linux32SaysThatTheMachineIsOf32Bits(Testbed bed) {
    String real = bed.program("uname", "-m").execute().ok().line();
    assertThat(
            bed.outputOf(
                bed.bundle()
                    .set("/linux/personality", Json.object("domain", "LINUX32"))
                    .args("uname", "-m")))
        .isNotEqualTo(real)
        .isIn("i686", "armv8l");
    assertThat(
            bed.outputOf(
                bed.bundle()
                    .set("/linux/personality", Json.object("domain", "LINUX"))
                    .args("uname", "-m")))
        .isEqualTo(real);
  }

  @Unsupported(runtime = "runc", reason = "1.1 does not know it")
  @Test
  void execHasItToo(Testbed bed) {
    try (Container c =
        bed.start(
            bed.bundle().set("/linux/personality", Json.object("domain", "LINUX32")).lasting())) {
      assertThat(c.exec("uname", "-m").ok().line()).isIn("i686", "armv8l");
    }
  }
}
