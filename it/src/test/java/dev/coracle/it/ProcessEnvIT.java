package dev.coracle.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.it.harness.Bundle;
import dev.coracle.it.harness.ContainerTest;
import dev.coracle.it.harness.Json;
import dev.coracle.it.harness.Testbed;
import dev.coracle.it.harness.Unsupported;
import java.util.List;
import org.junit.jupiter.api.Test;

@ContainerTest
class ProcessEnvIT {

  @Test
  void isExactlyTheConfiguredOne(Testbed bed) {
    Bundle bundle = bed.bundle().args("env");
    bundle.set("/process/env", List.of("PATH=/bin", "A=1", "EMPTY=", "EQ=a=b", "HOME=/somewhere"));
    String out = bed.runCommand(bundle).env("LEAK", "yes").execute().ok().line();
    assertThat(out.split("\n", -1))
        .containsExactlyInAnyOrder("PATH=/bin", "A=1", "EMPTY=", "EQ=a=b", "HOME=/somewhere");
  }

  @Test
  void homeComesFromTheContainersPasswd(Testbed bed) {
    Bundle bundle = bed.bundle().set("/process/user", Json.object("uid", 1000, "gid", 1000));
    assertThat(bed.outputOf(bundle.sh("echo $HOME"))).isEqualTo("/home/sailor");
  }

  @Unsupported(runtime = "crun", reason = "sets none")
  @Test
  void homeIsTheRootForAnUnknownUser(Testbed bed) {
    Bundle bundle = bed.bundle().set("/process/user", Json.object("uid", 4321, "gid", 4321));
    assertThat(bed.outputOf(bundle.sh("echo $HOME"))).isEqualTo("/");
  }

  @Test
  void theLastOfADoubleOneWins(Testbed bed) {
    Bundle bundle = bed.bundle().env("A=1").env("A=2").sh("echo $A");
    assertThat(bed.outputOf(bundle)).isEqualTo("2");
  }

  @Test
  void canBeLong(Testbed bed) {
    Bundle bundle = bed.bundle().env("LONG=" + "x".repeat(100_000)).sh("echo ${#LONG}");
    assertThat(bed.outputOf(bundle)).isEqualTo("100000");
  }

  @Test
  void canBeManifold(Testbed bed) {
    Bundle bundle = bed.bundle().sh("env | grep -c ^MANY");
    for (int i = 0; i < 2000; i++) {
      bundle.env("MANY" + i + "=" + i);
    }
    assertThat(bed.outputOf(bundle)).isEqualTo("2000");
  }
}
