package dev.coracle.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.it.harness.Bundle;
import dev.coracle.it.harness.ContainerTest;
import dev.coracle.it.harness.Json;
import dev.coracle.it.harness.Result;
import dev.coracle.it.harness.Testbed;
import dev.coracle.it.harness.Unsupported;
import java.util.List;
import org.junit.jupiter.api.Test;

@ContainerTest
class ProcessUserIT {

  @Test
  void uidAndGidAreSet(Testbed bed) {
    Bundle bundle = bed.bundle().set("/process/user", Json.object("uid", 1000, "gid", 1001));
    assertThat(
            bed.outputOf(
                bundle.sh("grep -E '^(Uid|Gid|Groups):' /proc/self/status | tr -s '\\t ' ' '")))
        .isEqualTo("Uid: 1000 1000 1000 1000\nGid: 1001 1001 1001 1001\nGroups:");
  }

  @Test
  void additionalGidsAreTheOnlyOnes(Testbed bed) {
    Bundle bundle = bed.bundle();
    bundle.set("/process/user", Json.object("uid", 5, "gid", 6, "additionalGids", List.of(10, 20)));
    assertThat(bed.outputOf(bundle.sh("grep ^Groups: /proc/self/status | tr -s '\\t ' ' '")))
        .isEqualTo("Groups: 10 20");
  }

  @Test
  void umaskIsSet(Testbed bed) {
    Bundle bundle = bed.bundle().set("/process/user/umask", 027);
    assertThat(bed.outputOf(bundle.sh("umask; touch f; stat -c %a f"))).isEqualTo("0027\n640");
  }

  @Test
  void umaskIs022UnlessTold(Testbed bed) {
    Result result = bed.runCommand(bed.bundle().sh("umask")).after("umask 077").execute().ok();
    assertThat(result.line()).isEqualTo("0022");
  }

  @Test
  void otherUsersHaveNoCapabilities(Testbed bed) {
    Bundle bundle = bed.bundle().set("/process/user", Json.object("uid", 1000, "gid", 1000));
    assertThat(bed.outputOf(bundle.sh("grep CapEff /proc/self/status | tr -s '\\t' ' '")))
        .isEqualTo("CapEff: 0000000000000000");
  }

  @Test
  void stdioBelongsToTheUser(Testbed bed) {
    Bundle bundle = bed.bundle().set("/process/user", Json.object("uid", 1000, "gid", 1000));
    assertThat(bed.outputOf(bundle.sh("echo to-stdout > /dev/stdout"))).isEqualTo("to-stdout");
  }

  @Unsupported(runtime = "runc", reason = "takes ids up to 2^31-1")
  @Test
  void bigIdsAreFine(Testbed bed) {
    Bundle bundle =
        bed.bundle().set("/process/user", Json.object("uid", 4294967294L, "gid", 3000000000L));
    assertThat(
            bed.outputOf(
                bundle.sh(
                    "grep -E '^(Uid|Gid):' /proc/self/status | tr -s '\\t' ' ' | cut -d' ' -f2")))
        .isEqualTo("4294967294\n3000000000");
  }
}
