package dev.coracle.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.it.harness.Bundle;
import dev.coracle.it.harness.ContainerTest;
import dev.coracle.it.harness.Result;
import dev.coracle.it.harness.Testbed;
import org.junit.jupiter.api.Test;

@ContainerTest
class OomScoreAdjIT {

  @Test
  void isSet(Testbed bed) {
    Bundle bundle = bed.bundle().set("/process/oomScoreAdj", 123);
    assertThat(bed.outputOf(bundle.args("cat", "/proc/self/oom_score_adj"))).isEqualTo("123");
  }

  @Test
  void isUntouchedUnlessTold(Testbed bed) {
    Result result =
        bed.runCommand(bed.bundle().args("cat", "/proc/self/oom_score_adj"))
            .after("echo 77 > /proc/self/oom_score_adj")
            .execute();
    assertThat(result.ok().line()).isEqualTo("77");
  }
}
