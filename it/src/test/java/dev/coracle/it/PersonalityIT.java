package dev.coracle.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.it.harness.Cgroups;
import dev.coracle.it.harness.Container;
import dev.coracle.it.harness.ContainerTest;
import dev.coracle.it.harness.Json;
import dev.coracle.it.harness.Testbed;
import dev.coracle.it.harness.Unsupported;
import org.junit.jupiter.api.Test;

@ContainerTest
class PersonalityIT {
  /** What the kernel says in 32 bits: User Mode Linux says the same as in 64. */
  private static String machine32(Testbed bed) {
    return bed.program("setarch", "linux32", "uname", "-m").execute().ok().line();
  }

  @Unsupported(
      runtime = "runc",
      reason = "1.1 does not know it",
      views = {Cgroups.View.V1, Cgroups.View.HYBRID})
  @Test
  void linux32SaysThatTheMachineIsOf32Bits(Testbed bed) {
    assertThat(
            bed.outputOf(
                bed.bundle()
                    .set("/linux/personality", Json.object("domain", "LINUX32"))
                    .args("uname", "-m")))
        .isEqualTo(machine32(bed));
    assertThat(
            bed.outputOf(
                bed.bundle()
                    .set("/linux/personality", Json.object("domain", "LINUX"))
                    .args("uname", "-m")))
        .isEqualTo(bed.program("uname", "-m").execute().ok().line());
  }

  @Unsupported(
      runtime = "runc",
      reason = "1.1 does not know it",
      views = {Cgroups.View.V1, Cgroups.View.HYBRID})
  @Test
  void execHasItToo(Testbed bed) {
    try (Container c =
        bed.start(
            bed.bundle().set("/linux/personality", Json.object("domain", "LINUX32")).lasting())) {
      assertThat(c.exec("uname", "-m").ok().line()).isEqualTo(machine32(bed));
    }
  }
}
