package dev.coracle.it;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;
import dev.coracle.it.harness.Bundle;
import dev.coracle.it.harness.ContainerTest;
import dev.coracle.it.harness.CoracleOnly;
import dev.coracle.it.harness.Mapped;
import dev.coracle.it.harness.Testbed;
import dev.coracle.it.harness.Unsupported;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

@ContainerTest
class UidMappingsIT {

  @Test
  void severalLinesAreWritten(Testbed bed) {
    Bundle bundle = Mapped.bundle(bed);
    bundle.set(
        "/linux/uidMappings", List.of(Mapped.line(0, 100000, 10), Mapped.line(1000, 200000, 1)));
    bundle.set("/process/user", Mapped.line(0, 0, 0)).set("/process/user/uid", 1000);
    bundle.set("/process/user/gid", 7).sh("id -u; id -g; tr -s ' ' < /proc/self/uid_map");
    assertThat(bed.outputOf(bundle)).isEqualTo("1000\n7\n 0 100000 10\n 1000 200000 1");
  }

  @Test
  void aUserThatIsNotMappedIsAnError(Testbed bed) {
    Bundle bundle = Mapped.bundle(bed).set("/process/user/uid", 70000);
    bed.run(bundle).fails();
    bed.assertNothingLeft("after a failure");
  }

  @CoracleOnly("all errors at once, each with its pointer")
  @Test
  void everyErrorHasItsPointer(Testbed bed) {
    Bundle bundle = Mapped.bundle(bed);
    bundle.set("/process/user/uid", 70000).set("/process/user/additionalGids", List.of(1, 70001));
    bundle.set("/linux/gidMappings", List.of(Mapped.line(5, 100000, 10)));
    assertThat(bed.run(bundle).fails().stderr())
        .contains(
            "/process/user/uid: 70000 is not mapped by /linux/uidMappings",
            "/process/user/additionalGids/1: 70001 is not mapped by /linux/gidMappings",
            "/linux/gidMappings: must map 0");
  }

  @Test
  @Unsupported(runtime = "crun", reason = "ignores them")
  @Unsupported(runtime = "runc", reason = "1.1.5 ignores them")
  void mappingsWithoutAUserNamespaceAreAnError(Testbed bed) {
    Bundle bundle = bed.bundle().set("/linux/uidMappings", List.of(Mapped.line(0, 100000, 10)));
    bed.run(bundle).fails();
  }

  @Test
  void aUserNamespaceWithoutMappingsIsAnError(Testbed bed) {
    bed.run(bed.bundle().namespace("user", null)).fails();
  }

  /** CVE-2021-43784: lists and numbers whose size, counted in few bits, wraps around. */
  @Test
  @Unsupported(
      runtime = "crun",
      reason = "leaves its cgroup behind, sometimes",
      expect = Unsupported.Expect.EITHER)
  void hugeMapsAreRefusedAndLeaveNothing(Testbed bed) {
    List<JsonObject> many = new ArrayList<>();
    for (int i = 0; i < 5000; i++) {
      many.add(Mapped.line(i, 100000 + i, 1));
    }
    bed.run(Mapped.bundle(bed).set("/linux/uidMappings", many)).fails();
    bed.run(Mapped.bundle(bed).set("/linux/uidMappings", List.of(Mapped.line(0, 1, 0xffffffffL))))
        .fails();
    bed.run(Mapped.bundle(bed).set("/linux/gidMappings", List.of(Mapped.line(0, 1L << 32, 1))))
        .fails();
    bed.assertNothingLeft("after huge maps");
  }

  @Test
  @Unsupported(
      runtime = "crun",
      reason = "leaves its cgroup behind, sometimes",
      expect = Unsupported.Expect.EITHER)
  void overlapsAreRefused(Testbed bed) {
    List<JsonObject> lines = List.of(Mapped.line(0, 100000, 10), Mapped.line(5, 200000, 10));
    bed.run(Mapped.bundle(bed).set("/linux/uidMappings", lines)).fails();
  }

  @CoracleOnly("the message says which option")
  @Test
  void aGroupOfAMountThatIsNotMappedIsAnError(Testbed bed) {
    Bundle bundle = Mapped.bundle(bed);
    bundle.set("/linux/gidMappings", List.of(Mapped.line(0, 100000, 1)));
    assertThat(bed.run(bundle).fails().stderr())
        .contains("/mounts/2: \"gid=5\" is not mapped by /linux/gidMappings");
  }
}
