package dev.coracle.it;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;
import dev.coracle.it.harness.Bundle;
import dev.coracle.it.harness.ContainerTest;
import dev.coracle.it.harness.CoracleOnly;
import dev.coracle.it.harness.Json;
import dev.coracle.it.harness.Testbed;
import dev.coracle.it.harness.Unsupported;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

@ContainerTest
class RlimitsIT {

  @Test
  void softAndHardAreSet(Testbed bed) {
    Bundle bundle = bed.bundle();
    bundle.set(
        "/process/rlimits",
        List.of(
            Json.object("type", "RLIMIT_NOFILE", "soft", 100, "hard", 200),
            Json.object("type", "RLIMIT_CORE", "soft", 0, "hard", 0),
            Json.object("type", "RLIMIT_NPROC", "soft", 3000, "hard", 4000)));
    String out =
        bed.outputOf(
            bundle.sh("grep -E 'open files|core file|processes' /proc/self/limits | tr -s ' '"));
    assertThat(out.split("\n", -1))
        .extracting(String::strip)
        .containsExactlyInAnyOrder(
            "Max core file size 0 0 bytes",
            "Max processes 3000 4000 processes",
            "Max open files 100 200 files");
  }

  @Test
  void allTypesAreKnown(Testbed bed) {
    List<JsonObject> limits = new ArrayList<>();
    for (String type :
        "AS CORE CPU DATA FSIZE LOCKS MEMLOCK MSGQUEUE NOFILE NPROC RSS RTPRIO RTTIME SIGPENDING STACK"
            .split(" ", -1)) {
      long value =
          type.equals("AS") || type.equals("DATA")
              ? 1L << 40
              : type.equals("RTPRIO") || type.equals("CORE") ? 0 : 8192;
      if (type.equals("STACK") || type.equals("FSIZE")) {
        value = 1 << 20;
      }
      limits.add(Json.object("type", "RLIMIT_" + type, "soft", value, "hard", value));
    }
    String out =
        bed.outputOf(bed.bundle().set("/process/rlimits", limits).args("cat", "/proc/self/limits"));
    assertThat(out)
        .containsPattern("Max pending signals +8192 +8192")
        .containsPattern("Max stack size +1048576 +1048576");
  }

  @Unsupported(runtime = "runc", reason = "opens files of its own after it")
  @Unsupported(runtime = "crun", reason = "opens files of its own after it")
  @Test
  void aLowOneDoesNotHurtTheRuntime(Testbed bed) {
    Bundle bundle =
        bed.bundle()
            .set(
                "/process/rlimits",
                List.of(Json.object("type", "RLIMIT_NOFILE", "soft", 4, "hard", 4)));
    assertThat(bed.outputOf(bundle.args("echo", "alive"))).isEqualTo("alive");
  }

  @Unsupported(
      runtime = "crun",
      reason = "leaves its cgroup behind, sometimes",
      expect = Unsupported.Expect.EITHER)
  @Test
  void anUnknownTypeIsAnError(Testbed bed) {
    Bundle bundle =
        bed.bundle()
            .add("/process/rlimits", Json.object("type", "RLIMIT_HOPE", "soft", 1, "hard", 1));
    assertThat(bed.run(bundle).exitsWith(1).stderr()).contains("RLIMIT_HOPE");
  }

  @Unsupported(runtime = "runc", reason = "1.1.5 takes the last")
  @Unsupported(
      runtime = "crun",
      reason = "leaves its cgroup behind",
      expect = Unsupported.Expect.EITHER)
  @Test
  void aTypeTwiceIsAnError(Testbed bed) {
    bed.run(
            bed.bundle()
                .add(
                    "/process/rlimits", Json.object("type", "RLIMIT_NOFILE", "soft", 9, "hard", 9)))
        .exitsWith(1);
  }

  @Unsupported(
      runtime = "crun",
      reason = "leaves its cgroup behind, sometimes",
      expect = Unsupported.Expect.EITHER)
  @Test
  void softAboveHardIsAnError(Testbed bed) {
    bed.run(
            bed.bundle()
                .set(
                    "/process/rlimits",
                    List.of(Json.object("type", "RLIMIT_NOFILE", "soft", 99, "hard", 9))))
        .fails();
  }

  @CoracleOnly("peers tell neither the property nor the reason")
  @Test
  void aHardLimitAboveOursIsExplained(Testbed bed) {
    assertThat(
            bed.run(
                    bed.bundle()
                        .set(
                            "/process/rlimits",
                            List.of(
                                Json.object(
                                    "type", "RLIMIT_NOFILE", "soft", 1L << 31, "hard", 1L << 40)))
                        .args("true"))
                .fails()
                .error())
        .contains("config.json /process/rlimits/0: cannot set resource limit RLIMIT_NOFILE")
        .contains("EPERM", "to raise a hard limit the runtime needs CAP_SYS_RESOURCE");
  }
}
