package dev.coracle.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.it.harness.Bundle;
import dev.coracle.it.harness.Container;
import dev.coracle.it.harness.ContainerTest;
import dev.coracle.it.harness.CoracleOnly;
import dev.coracle.it.harness.Json;
import dev.coracle.it.harness.Mapped;
import dev.coracle.it.harness.Testbed;
import dev.coracle.it.harness.Unsupported;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

@ContainerTest
@Unsupported(
    runtime = "runc",
    reason = "1.1.5 knows no time namespace",
    expect = Unsupported.Expect.EITHER)
@Unsupported(
    runtime = "crun",
    reason = "1.8.1 knows no time offsets",
    expect = Unsupported.Expect.EITHER)
class TimeOffsetsIT {
  private static final int DAYS = 10_000_000;

  private static Bundle shifted(Bundle bundle) {
    bundle.namespace("time", null).set("/linux/timeOffsets", Json.object());
    bundle.set("/linux/timeOffsets/boottime", Json.object("secs", DAYS, "nanosecs", 5));
    bundle.set("/linux/timeOffsets/monotonic", Json.object("secs", DAYS));
    return bundle;
  }

  private static int uptime(String text) {
    return Integer.parseInt(text.substring(0, text.indexOf('.')));
  }

  @Test
  void clocksAreShifted(Testbed bed) {
    Bundle bundle = shifted(bed.bundle()).sh("cat /proc/uptime; cat /proc/self/timens_offsets");
    String out = bed.outputOf(bundle);
    assertThat(uptime(out)).isGreaterThan(DAYS);
    assertThat(out).containsPattern("boottime\\s+10000000\\s+5");
  }

  @Test
  void execSeesTheSameClocks(Testbed bed) {
    try (Container container = bed.start(shifted(bed.bundle()).lasting())) {
      assertThat(uptime(container.exec("cat", "/proc/uptime").ok().line())).isGreaterThan(DAYS);
    }
  }

  @Test
  void hooksHaveTheHostsClocks(Testbed bed) throws IOException {
    Path out = bed.directory().resolve("time");
    Bundle bundle = shifted(bed.bundle()).args("true");
    String command = "readlink /proc/self/ns/time > " + out + "; cat /proc/uptime >> " + out;
    bundle.add(
        "/hooks/createRuntime",
        Json.object("path", "/bin/sh", "args", List.of("sh", "-c", command)));
    bed.run(bundle).ok();
    String[] lines = Files.readString(out).split("\n", -1);
    assertThat(lines[0])
        .isEqualTo(Files.readSymbolicLink(Path.of("/proc/self/ns/time")).toString());
    assertThat(uptime(lines[1])).isLessThan(DAYS);
  }

  @Test
  void goWithAUserNamespace(Testbed bed) {
    Bundle bundle = shifted(Mapped.bundle(bed)).sh("cat /proc/uptime; id -u");
    assertThat(uptime(bed.outputOf(bundle))).isGreaterThan(DAYS);
  }

  @Test
  void ofAJoinedNamespaceAreAnError(Testbed bed) {
    Bundle bundle = shifted(bed.bundle()).namespace("time", Path.of("/proc/self/ns/time"));
    bed.run(bundle).fails();
  }

  @Test
  void aTimeNamespaceIsJoinedByPath(Testbed bed) throws IOException {
    try (Container first = bed.start(shifted(bed.bundle()).lasting())) {
      Path path = Path.of("/proc/" + first.pid() + "/ns/time");
      Bundle bundle =
          bed.bundle().namespace("time", path).sh("readlink /proc/self/ns/time; cat /proc/uptime");
      String[] lines = bed.outputOf(bundle).split("\n", -1);
      assertThat(lines[0]).isEqualTo(Files.readSymbolicLink(path).toString());
      assertThat(uptime(lines[1])).isGreaterThan(DAYS);
    }
  }

  @CoracleOnly("the error has its pointer")
  @Test
  void withoutANamespaceAreAnError(Testbed bed) {
    Bundle bundle =
        bed.bundle().set("/linux/timeOffsets", Json.object("monotonic", Json.object("secs", 1)));
    assertThat(bed.run(bundle).fails().stderr())
        .contains("/linux/timeOffsets: needs a new time namespace");
  }
}
