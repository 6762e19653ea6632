package dev.coracle.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.it.harness.Bundle;
import dev.coracle.it.harness.ContainerTest;
import dev.coracle.it.harness.Json;
import dev.coracle.it.harness.Testbed;
import dev.coracle.it.harness.Unsupported;
import org.junit.jupiter.api.Test;

@ContainerTest
class ProcessCwdIT {

  @Test
  void isWhereTheProcessStarts(Testbed bed) {
    assertThat(bed.outputOf(bed.bundle().set("/process/cwd", "/etc").args("pwd")))
        .isEqualTo("/etc");
  }

  @Test
  void isMadeIfMissing(Testbed bed) {
    assertThat(bed.outputOf(bed.bundle().set("/process/cwd", "/deep/er").args("pwd")))
        .isEqualTo("/deep/er");
  }

  @Unsupported(runtime = "crun", reason = "takes a relative one")
  @Test
  void mustBeAbsolute(Testbed bed) {
    assertThat(bed.run(bed.bundle().set("/process/cwd", "etc")).exitsWith(1).stderr())
        .containsIgnoringCase("cwd");
  }

  @Test
  void canBeAMount(Testbed bed) {
    Bundle bundle = bed.bundle().mount("/data", "tmpfs", "tmpfs").set("/process/cwd", "/data");
    assertThat(bed.outputOf(bundle.sh("pwd; touch here; ls /data"))).isEqualTo("/data\nhere");
  }

  @Test
  void mustBeAFolder(Testbed bed) {
    bed.run(bed.bundle().set("/process/cwd", "/etc/passwd")).fails();
  }

  @Test
  void canBeOneThatOnlyItsUserMayEnter(Testbed bed) {
    Bundle bundle = bed.bundle().folder("/own").capabilities();
    bundle.mode("/own", "rwx------");
    bed.program("chown", "1000:1000", bundle.inRootfs("/own").toString()).execute().ok();
    bundle.set("/process/user", Json.object("uid", 1000, "gid", 1000)).set("/process/cwd", "/own");
    assertThat(bed.outputOf(bundle.args("pwd"))).isEqualTo("/own");
  }
}
