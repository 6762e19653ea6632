package dev.coracle.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.it.harness.Cgroups;
import dev.coracle.it.harness.Checkpoints;
import dev.coracle.it.harness.Command;
import dev.coracle.it.harness.Container;
import dev.coracle.it.harness.ContainerTest;
import dev.coracle.it.harness.CoracleOnly;
import dev.coracle.it.harness.CriuProgram;
import dev.coracle.it.harness.Libc;
import dev.coracle.it.harness.Result;
import dev.coracle.it.harness.Testbed;
import dev.coracle.it.harness.Unsupported;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;

/**
 * What goes wrong in a checkpoint or a restore: it is told, and the container still runs, or
 * nothing is left of it.
 */
@ContainerTest
@EnabledIfSystemProperty(named = CriuProgram.PROPERTY, matches = ".+")
@Unsupported(
    runtime = "crun",
    reason = "Debian's has no checkpoint",
    expect = Unsupported.Expect.NOT_RUN)
class CheckpointFaultsIT {

  /** A folder with a criu that does as told in its second run: the first one tells its version. */
  private static String fakeCriu(Testbed bed, String second) throws IOException {
    Path folder = bed.folder("fake");
    Path criu = folder.resolve("criu");
    String real = System.getProperty(CriuProgram.PROPERTY) + "/criu";
    Files.writeString(
        criu,
        "#!/bin/sh\nreal="
            + real
            + "\n[ -e "
            + folder
            + "/ran ] || { touch "
            + folder
            + "/ran; exec $real \"$@\"; }\n"
            + second
            + "\n");
    Files.setPosixFilePermissions(criu, PosixFilePermissions.fromString("rwxr-xr-x"));
    return folder + ":" + System.getenv("PATH");
  }

  /** Words of a script that kill criu once its log says something. */
  private static String killAt(Path log, String text) {
    return "(until grep -q '"
        + text
        + "' "
        + log
        + " 2>/dev/null; do :; done; kill -9 $$) & exec"
        + " $real \"$@\"";
  }

  private static void assertGoesOn(Checkpoints checkpoints, Container c) {
    assertThat(c.status()).isEqualTo("running");
    checkpoints.awaitCount(checkpoints.count() + 3);
  }

  @Test
  @CoracleOnly("criu may have stopped it by its cgroup: it goes on")
  void aContainerThatCriuLeftFrozenGoesOn(Testbed bed) throws IOException {
    Checkpoints checkpoints = new Checkpoints(bed);
    try (Container c = checkpoints.started()) {
      String freeze = "/sys/fs/cgroup" + checkpoints.bundle().cgroupsPath() + "/cgroup.freeze";
      if (Cgroups.here().view() != Cgroups.View.V2) {
        Path v1 = Path.of(Cgroups.here().controllerRoot("freezer") + "");
        freeze = v1 + checkpoints.bundle().cgroupsPath() + "/freezer.state";
      }
      String word = freeze.endsWith("state") ? "FROZEN" : "1";
      String path = fakeCriu(bed, "echo " + word + " > " + freeze + "; kill -9 $$");
      Result result = checkpoints.checkpoint().env("PATH", path).execute().fails();
      assertThat(result.error()).contains("criu ended without an answer: killed by signal 9");
      assertGoesOn(checkpoints, c);
    }
  }

  @Test
  @Unsupported(
      runtime = "runc",
      reason = "1.1.5 waits for an answer that does not come",
      expect = Unsupported.Expect.NOT_RUN)
  void criuIsKilledInACheckpoint(Testbed bed) throws IOException {
    Checkpoints checkpoints = new Checkpoints(bed);
    try (Container c = checkpoints.started()) {
      Path log = Path.of(checkpoints.images(), "dump.log");
      String path = fakeCriu(bed, killAt(log, "Collected"));
      assertThat(checkpoints.checkpoint().env("PATH", path).execute().fails().error())
          .contains("criu ended without an answer: killed by signal 9");
      assertGoesOn(checkpoints, c);
      checkpoints.checkpoint().execute().ok(); // and now it can be
    }
    bed.assertNothingLeft("checkpointed");
  }

  @Test
  void aCheckpointThatCannotBeWritten(Testbed bed) throws IOException {
    Checkpoints checkpoints = new Checkpoints(bed);
    Path images = bed.folder("images");
    try (Container c = checkpoints.started()) {
      for (String options : new String[] {"ro", "size=64k"}) {
        bed.program("mount", "-t", "tmpfs", "-o", options, "none", images.toString())
            .execute()
            .ok();
        try {
          Result result = checkpoints.checkpoint().execute().fails();
          assertThat(result.stderr()).as(options).isNotEmpty();
          if (bed.runtime().isCoracle()) {
            assertThat(result.error())
                .containsIgnoringCase(
                    options.equals("ro") ? "read-only file system" : "no space left");
          }
        } finally {
          Libc.unmount(images);
        }
        assertGoesOn(checkpoints, c);
      }
      Path file = bed.file("file", "");
      assertThat(checkpoints.checkpoint("--image-path", file.toString()).execute().fails().stderr())
          .contains(file.toString());
      assertGoesOn(checkpoints, c);
    }
  }

  @Test
  void aRestoreWithoutImages(Testbed bed) throws IOException {
    Checkpoints checkpoints = checkpointed(bed);
    bed.program("rm", "-r", checkpoints.images()).execute().ok();
    Result result = checkpoints.restore("--detach").execute().fails();
    assertThat(result.error()).contains(checkpoints.images());
    bed.assertNothingLeft("no images");
    bed.folder("images");
    checkpoints.restore("--detach").execute().fails();
    bed.assertNothingLeft("empty images");
  }

  @Test
  void aRestoreOfBrokenImages(Testbed bed) throws IOException {
    Checkpoints checkpoints = checkpointed(bed);
    Files.writeString(Path.of(checkpoints.images(), "core-1.img"), "broken");
    Result result = checkpoints.restore("--detach").execute().fails();
    if (bed.runtime().isCoracle()) {
      assertThat(result.error())
          .contains("cannot restore the container: criu failed", "restore.log");
    }
    bed.assertNothingLeft("broken images");
  }

  @Test
  @CoracleOnly("says what is missing")
  void aRestoreWithoutCriu(Testbed bed) {
    Checkpoints checkpoints = checkpointed(bed);
    Result result =
        checkpoints.restore("--detach").env("PATH", bed.directory().toString()).execute().fails();
    assertThat(result.error()).contains("\"criu\": executable file not found in $PATH");
    bed.assertNothingLeft("no criu");
  }

  @Test
  @CoracleOnly("what criu had restored when it was killed is killed too")
  void criuIsKilledInARestore(Testbed bed) throws IOException {
    Checkpoints checkpoints = checkpointed(bed);
    Path log = Path.of(checkpoints.images(), "restore.log");
    for (String when :
        new String[] {"Forking task", "Restoring resources", "Restore via sigreturn"}) {
      Files.deleteIfExists(bed.directory().resolve("fake/ran"));
      Files.deleteIfExists(log);
      String path = fakeCriu(bed, killAt(log, when));
      Command restore = checkpoints.restore("--detach").env("PATH", path);
      Result result = restore.execute().fails();
      assertThat(result.error())
          .as(when)
          .contains("criu ended without an answer: killed by signal 9");
      bed.assertNothingLeft(when);
    }
    try (Container c = bed.created(checkpoints.bundle().id(), checkpoints.restore("--detach"))) {
      assertGoesOn(checkpoints, c);
    }
  }

  private static Checkpoints checkpointed(Testbed bed) {
    Checkpoints checkpoints = new Checkpoints(bed);
    checkpoints.started();
    checkpoints.checkpoint().execute().ok();
    bed.assertNothingLeft("checkpointed");
    return checkpoints;
  }
}
