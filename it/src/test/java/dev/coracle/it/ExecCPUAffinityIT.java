package dev.coracle.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.it.harness.Container;
import dev.coracle.it.harness.ContainerTest;
import dev.coracle.it.harness.CoracleOnly;
import dev.coracle.it.harness.Json;
import dev.coracle.it.harness.Testbed;
import dev.coracle.it.harness.Unsupported;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

@ContainerTest
class ExecCPUAffinityIT {
  private static final String SHOW =
      "sed -n 's/^Cpus_allowed_list:[[:space:]]*//p' /proc/self/status";

  private static String allCpus(Container c) {
    return c.exec("sh", "-c", SHOW).ok().line();
  }

  private static String exec(Testbed bed, Container c, Object affinity) {
    Path process =
        bed.file(
            "process.json",
            Json.text(
                Json.object(
                    "args",
                    List.of("sh", "-c", SHOW),
                    "cwd",
                    "/",
                    "env",
                    List.of("PATH=/bin"),
                    "user",
                    Json.object("uid", 0, "gid", 0),
                    "execCPUAffinity",
                    affinity)));
    return bed.oci("exec", "--process", process.toString(), c.id()).execute().ok().line();
  }

  @CoracleOnly("runc has it since 1.3, crun since 1.22")
  @Test
  void theFinalOneHolds(Testbed bed) {
    try (Container c = bed.start(bed.bundle().lasting())) {
      assertThat(exec(bed, c, Json.object("initial", "0", "final", "0"))).isEqualTo("0");
      assertThat(exec(bed, c, Json.object("final", "0, 8190"))).isEqualTo("0");
    }
  }

  @CoracleOnly("runc has it since 1.3, crun since 1.22")
  @Test
  void withoutAFinalOneThoseOfTheCgroupCount(Testbed bed) {
    try (Container c = bed.start(bed.bundle().lasting())) {
      assertThat(exec(bed, c, Json.object("initial", "0"))).isEqualTo(allCpus(c));
    }
  }

  @CoracleOnly("peers name no property")
  @Test
  void cpusThatAreNotThereAreRefused(Testbed bed) {
    try (Container c = bed.start(bed.bundle().lasting())) {
      Path process =
          bed.file(
              "bad.json",
              "{\"args\":[\"true\"],\"cwd\":\"/\",\"execCPUAffinity\":{\"initial\":\"8191\"}}");
      assertThat(
              bed.oci("exec", "--process", process.toString(), c.id())
                  .execute()
                  .exitsWith(255)
                  .error())
          .contains("config.json /process/execCPUAffinity/initial: cannot bind to CPUs 8191");
    }
  }

  @Unsupported(
      runtime = "runc",
      reason = "keeps what its caller is bound to",
      expect = Unsupported.Expect.EITHER)
  @Unsupported(
      runtime = "crun",
      reason = "keeps what its caller is bound to",
      expect = Unsupported.Expect.EITHER)
  @Test
  void itIsNothingToTheFirstProcessWhichMayUseAll(Testbed bed) {
    var bundle = bed.bundle().set("/process/execCPUAffinity", Json.object("final", "0")).sh(SHOW);
    String all =
        bed.program("sh", "-c", "sed -n 's/^Cpus_allowed_list:[[:space:]]*//p' /proc/self/status")
            .execute()
            .ok()
            .line();
    assertThat(bed.runCommand(bundle).after("taskset -p 1 $$ >/dev/null").execute().ok().line())
        .isEqualTo(all);
  }
}
