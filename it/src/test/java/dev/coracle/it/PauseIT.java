package dev.coracle.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.it.harness.Bundle;
import dev.coracle.it.harness.Cgroups;
import dev.coracle.it.harness.Container;
import dev.coracle.it.harness.ContainerTest;
import dev.coracle.it.harness.CoracleOnly;
import dev.coracle.it.harness.Poll;
import dev.coracle.it.harness.Testbed;
import dev.coracle.it.harness.Unsupported;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

@ContainerTest
class PauseIT {
  @Test
  void nothingMovesWhilePaused(Testbed bed) {
    Bundle bundle = bed.bundle().sh("while :; do echo tick; sleep 0.01; done");
    try (Container c = bed.start(bundle).awaitOutput("tick")) {
      bed.oci("pause", c.id()).execute().ok();
      String then = c.stdout();
      java.util.concurrent.locks.LockSupport.parkNanos(100_000_000);
      assertThat(c.stdout()).isEqualTo(then);
      bed.oci("resume", c.id()).execute().ok();
      Poll.until("it moves again", () -> c.stdout().length() > then.length());
    }
  }

  @Unsupported(
      runtime = "crun",
      reason = "1.8.1 does not wait until all stand still, and knows no limit of -1 on v1",
      expect = Unsupported.Expect.EITHER)
  @Test
  void aForkBombCanBePaused(Testbed bed) {
    // Fewer than the limit: a shell that cannot fork ends.
    String bomb = "(while :; do (:); done) & sleep 0.01";
    Bundle bundle =
        bed.bundle().sh("i=0; while [ $i -lt 40 ]; do i=$((i+1)); " + bomb + "; done; wait");
    if (Cgroups.here().hasController("pids")) {
      bundle.set("/linux/resources/pids/limit", 100);
    } else {
      bundle.sh("for i in 1 2 3 4; do while :; do (:); done & done; wait");
    }
    try (Container c = bed.start(bundle)) {
      for (int i = 0; i < 3; i++) {
        bed.oci("pause", c.id()).execute().ok();
        assertThat(c.status()).isEqualTo("paused");
        bed.oci("resume", c.id()).execute().ok();
        assertThat(c.status()).isEqualTo("running");
      }
    }
  }

  @Test
  @CoracleOnly("runc refuses to pause what is created, or forgets that it is paused")
  void whatIsCreatedCanBePausedAndStarted(Testbed bed) {
    try (Container c = bed.create(bed.bundle().sh("echo ran; sleep 100"))) {
      bed.oci("pause", c.id()).execute().ok();
      assertThat(c.status()).isEqualTo("paused");
      bed.oci("resume", c.id()).execute().ok();
      assertThat(c.status()).isEqualTo("created");
      c.start().awaitOutput("ran");
    }
  }

  @Test
  void aPausedOneIsDeletedByForce(Testbed bed) {
    Container c = bed.start(bed.bundle().lasting());
    bed.oci("pause", c.id()).execute().ok();
    c.delete("--force").ok();
    assertThat(c.isKnown()).isFalse();
  }

  @Test
  @CoracleOnly("a cgroup that stands still would hold create for ever")
  void aFrozenCgroupIsRefused(Testbed bed) throws IOException {
    Bundle bundle = bed.bundle();
    boolean v2 = Cgroups.here().view() == Cgroups.View.V2;
    Path cgroup = Path.of(Cgroups.here().controllerRoot("freezer") + bundle.cgroupsPath());
    Files.createDirectory(cgroup);
    Path state = cgroup.resolve(v2 ? "cgroup.freeze" : "freezer.state");
    try {
      Files.writeString(state, v2 ? "1" : "FROZEN");
      assertThat(bed.run(bundle).fails().error()).contains("frozen");
      Files.writeString(state, v2 ? "0" : "THAWED");
      bed.run(bundle).ok();
    } finally {
      Cgroups.here().named(bundle.cgroupsPath()).forEach(Cgroups::destroy);
    }
  }
}
