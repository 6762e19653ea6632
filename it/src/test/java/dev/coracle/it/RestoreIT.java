package dev.coracle.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.it.harness.Cgroups;
import dev.coracle.it.harness.Checkpoints;
import dev.coracle.it.harness.Command;
import dev.coracle.it.harness.Container;
import dev.coracle.it.harness.ContainerTest;
import dev.coracle.it.harness.CriuProgram;
import dev.coracle.it.harness.Json;
import dev.coracle.it.harness.Libc;
import dev.coracle.it.harness.Testbed;
import dev.coracle.it.harness.Unsupported;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;

/** What a restore does beside the processes. */
@ContainerTest
@EnabledIfSystemProperty(named = CriuProgram.PROPERTY, matches = ".+")
@Unsupported(
    runtime = "crun",
    reason = "Debian's has no checkpoint",
    expect = Unsupported.Expect.NOT_RUN)
class RestoreIT {
  @Test
  void inTheForegroundItsExitCodeArrives(Testbed bed) throws IOException {
    Checkpoints checkpoints = new Checkpoints(bed);
    checkpoints
        .bundle()
        .sh(
            "trap 'exit 7' TERM; i=0; while [ ! -e /tmp/end ]; do i=$((i+1));"
                + " echo $i > /tmp/count; usleep 20000; done; exit 42");
    for (int code : new int[] {42, 7}) {
      Files.deleteIfExists(checkpoints.bundle().inRootfs("/tmp/end"));
      checkpoints.started();
      checkpoints.checkpoint().execute().ok();
      int count = checkpoints.count();
      Command.Running restore = checkpoints.restore().start();
      checkpoints.awaitCount(count + 3);
      if (code == 42) {
        checkpoints.bundle().file("/tmp/end", "");
      } else {
        Libc.kill(restore.pid(), Libc.SIGTERM);
      }
      restore.end().exitsWith(code);
      bed.assertNothingLeft("the end");
    }
  }

  @Test
  @Unsupported(runtime = "runc", reason = "1.1.5 tells them that it has stopped")
  void hooksRunAtARestoreToo(Testbed bed) {
    Checkpoints checkpoints = new Checkpoints(bed);
    Path told = bed.directory().resolve("told");
    for (String kind : List.of("prestart", "createRuntime", "poststop")) {
      checkpoints
          .bundle()
          .add(
              "/hooks/" + kind,
              Json.object(
                  "path",
                  "/bin/sh",
                  "args",
                  List.of("sh", "-c", "{ echo " + kind + "; cat; echo; } >> " + told)));
    }
    checkpoints.started();
    checkpoints.checkpoint().execute().ok();
    bed.program("rm", told.toString()).execute().ok();
    try (Container c = bed.created(checkpoints.bundle().id(), checkpoints.restore("--detach"))) {
      String text = Cgroups.read(told);
      assertThat(text).contains("prestart\n", "createRuntime\n").doesNotContain("poststop");
      assertThat(text).contains("\"pid\":" + c.pid(), "\"status\":\"creat");
    }
    assertThat(Cgroups.read(told)).contains("poststop\n");
  }

  @Test
  @Unsupported(runtime = "runc", reason = "1.1.5 restores it where the network is unreachable")
  void anEstablishedConnectionGoesOn(Testbed bed) {
    Checkpoints checkpoints = new Checkpoints(bed);
    checkpoints
        .bundle()
        .capabilities("CAP_NET_ADMIN")
        .sh(
            "ip link set lo up; sleep 1000 | nc -l -p 9999 > /tmp/count.all & usleep 200000;"
                + " (while :; do tail -n 1 /tmp/count.all > /tmp/count; usleep 50000; done) &"
                + " i=0; while :; do i=$((i+1)); echo $i; usleep 20000; done"
                + " | nc 127.0.0.1 9999; rm /tmp/count; sleep 1000");
    checkpoints.started();
    // It must be asked for, as the connection is cut for whoever is at its other end.
    checkpoints.checkpoint().execute().fails();
    checkpoints.awaitCount(checkpoints.count() + 3);
    checkpoints.checkpoint("--tcp-established").execute().ok();
    int count = checkpoints.count();
    Command restore = checkpoints.restore("--detach", "--tcp-established");
    try (Container c = bed.created(checkpoints.bundle().id(), restore)) {
      checkpoints.awaitCount(count + 5);
      assertThat(c.status()).isEqualTo("running");
    }
  }
}
