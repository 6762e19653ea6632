package dev.coracle.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.it.harness.Container;
import dev.coracle.it.harness.ContainerTest;
import dev.coracle.it.harness.CoracleOnly;
import dev.coracle.it.harness.Testbed;
import dev.coracle.it.harness.Unsupported;
import org.junit.jupiter.api.Test;

/** On a host without AppArmor; what is written where there is one, SecurityActionsTest shows. */
@ContainerTest
class ApparmorProfileIT {
  @Unsupported(runtime = "crun", reason = "passes over it where there is no AppArmor")
  @Test
  void aProfileThatCannotBeSetIsAnError(Testbed bed) {
    String error =
        bed.run(bed.bundle().set("/process/apparmorProfile", "no-such-profile").args("true"))
            .fails()
            .error();
    assertThat(error).contains("apparmor", "/attr/");
    bed.assertNothingLeft("after the error");
  }

  @CoracleOnly("engines look for the file between back-ticks; runc has none")
  @Test
  void theErrorIsAsEnginesReadIt(Testbed bed) {
    assertThat(
            bed.run(bed.bundle().set("/process/apparmorProfile", "no-such-profile").args("true"))
                .fails()
                .error())
        .contains("config.json /process/apparmorProfile: cannot set AppArmor profile")
        .containsPattern("`/proc/[a-z0-9-].+/attr/.*exec`");
  }

  @CoracleOnly("crun passes over it, and runc has other words")
  @Test
  void theFlagOfExecTakesThePlaceOfTheBundles(Testbed bed) {
    try (Container c = bed.start(bed.bundle().lasting())) {
      assertThat(
              bed.oci("exec", "--apparmor", "no-such-profile", c.id(), "true")
                  .execute()
                  .exitsWith(255)
                  .error())
          .contains("--apparmor: cannot set AppArmor profile \"no-such-profile\"");
    }
  }

  @Unsupported(
      runtime = "crun",
      reason = "takes an empty one for one, where it can set any",
      expect = Unsupported.Expect.EITHER)
  @Test
  void anEmptyOneIsNone(Testbed bed) {
    bed.run(bed.bundle().set("/process/apparmorProfile", "").args("true")).ok();
  }
}
