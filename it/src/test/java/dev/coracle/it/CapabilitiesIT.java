package dev.coracle.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.it.harness.Bundle;
import dev.coracle.it.harness.ContainerTest;
import dev.coracle.it.harness.Json;
import dev.coracle.it.harness.Testbed;
import java.util.List;
import org.junit.jupiter.api.Test;

@ContainerTest
class CapabilitiesIT {

  private static final String SETS = "grep ^Cap /proc/self/status | tr -s '\\t' ' '";

  @Test
  void eachSetIsItsOwn(Testbed bed) {
    Bundle bundle = bed.bundle().sh(SETS);
    bundle.set(
        "/process/capabilities",
        Json.object(
            "bounding", List.of("CAP_CHOWN", "CAP_KILL", "CAP_SETUID", "CAP_SYS_CHROOT"),
            "permitted", List.of("CAP_CHOWN", "CAP_KILL", "CAP_SETUID"),
            "inheritable", List.of("CAP_CHOWN", "CAP_KILL"),
            "effective", List.of("CAP_CHOWN"),
            "ambient", List.of("CAP_CHOWN")));
    // A process of another user, for whom execve does not raise them.
    bundle.set("/process/user", Json.object("uid", 1000, "gid", 1000));
    // After execve only what is ambient is permitted and effective: capabilities(7).
    assertThat(bed.outputOf(bundle).split("\n", -1))
        .containsExactly(
            "CapInh: 0000000000000021",
            "CapPrm: 0000000000000001",
            "CapEff: 0000000000000001",
            "CapBnd: 00000000000400a1",
            "CapAmb: 0000000000000001");
  }

  @Test
  void rootHasTheBoundingOnes(Testbed bed) {
    Bundle bundle = bed.bundle().capabilities("CAP_CHOWN", "CAP_NET_RAW").sh(SETS);
    assertThat(bed.outputOf(bundle).split("\n", -1))
        .containsExactly(
            "CapInh: 0000000000000000",
            "CapPrm: 0000000000002001",
            "CapEff: 0000000000002001",
            "CapBnd: 0000000000002001",
            "CapAmb: 0000000000000000");
  }

  @Test
  void anAmbientOneThatIsNotInheritableIsLeftOut(Testbed bed) {
    Bundle bundle = bed.bundle().capabilities("CAP_CHOWN", "CAP_KILL").sh(SETS);
    bundle.set("/process/capabilities/inheritable", List.of("CAP_KILL"));
    bundle.set("/process/capabilities/ambient", List.of("CAP_KILL", "CAP_CHOWN"));
    assertThat(bed.outputOf(bundle)).endsWith("CapAmb: 0000000000000020");
  }

  @Test
  void canBeNone(Testbed bed) {
    assertThat(bed.outputOf(bed.bundle().capabilities().sh(SETS)).lines())
        .allMatch(line -> line.endsWith(": 0000000000000000"));
  }

  @Test
  void theyAreWhatTheKernelChecks(Testbed bed) {
    String script = "chown 1:1 /etc/passwd 2>/dev/null && echo yes || echo no";
    assertThat(bed.outputOf(bed.bundle().capabilities("CAP_CHOWN").sh(script))).isEqualTo("yes");
    assertThat(bed.outputOf(bed.bundle().capabilities().sh(script))).isEqualTo("no");
  }

  @Test
  void anUnknownOneIsAWarning(Testbed bed) {
    Bundle bundle = bed.bundle().capabilities("CAP_CHOWN", "CAP_FLY").sh(SETS);
    assertThat(bed.run(bundle).ok().stdout()).contains("CapEff: ");
  }

  @Test
  void absentMeansNone(Testbed bed) {
    Bundle bundle =
        bed.bundle()
            .remove("/process/capabilities")
            .sh("grep CapEff /proc/self/status | tr -s '\\t' ' '");
    assertThat(bed.outputOf(bundle)).isEqualTo("CapEff: 0000000000000000");
  }
}
