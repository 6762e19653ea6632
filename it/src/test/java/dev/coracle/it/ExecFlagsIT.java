package dev.coracle.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.it.harness.Bundle;
import dev.coracle.it.harness.Cgroups;
import dev.coracle.it.harness.ConsoleSocket;
import dev.coracle.it.harness.Container;
import dev.coracle.it.harness.ContainerTest;
import dev.coracle.it.harness.CoracleOnly;
import dev.coracle.it.harness.Json;
import dev.coracle.it.harness.NeedsController;
import dev.coracle.it.harness.Testbed;
import dev.coracle.it.harness.Unsupported;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;

/** What exec takes from its flags, and what create, run and exec hand on. */
@ContainerTest
class ExecFlagsIT {

  @Test
  void aCgroupBelowTheContainers(Testbed bed) throws IOException {
    Bundle bundle = bed.bundle().lasting();
    try (Container c = bed.start(bundle)) {
      for (Path cgroup : Cgroups.here().named(bundle.cgroupsPath())) {
        Path below = Files.createDirectory(cgroup.resolve("below"));
        for (String file : List.of("cpuset.cpus", "cpuset.mems")) {
          // A v1 cpuset takes no process before it has both.
          if (Cgroups.here().view() != Cgroups.View.V2 && Files.exists(below.resolve(file))) {
            Files.writeString(below.resolve(file), Cgroups.read(cgroup.resolve(file)));
          }
        }
      }
      String own =
          bed.oci("exec", "--cgroup", "below", c.id(), "sh", "-c", "cat /proc/self/cgroup")
              .execute()
              .ok()
              .stdout();
      assertThat(own.lines())
          .filteredOn(line -> line.contains(bundle.id()))
          .isNotEmpty()
          .allMatch(line -> line.endsWith("/" + bundle.id() + "/below"));
    }
  }

  @NeedsController("pids")
  @Unsupported(runtime = "crun", reason = "1.8.1 goes where it can, though it was told where")
  @Test
  void anInitThatMovedIntoACgroupBelowIsFollowed(Testbed bed) {
    Assumptions.assumeTrue(
        Cgroups.here().view() == Cgroups.View.V2, "cgroup v1 knows no such rule");
    Bundle bundle =
        bed.bundle()
            .namespace("cgroup", null)
            .sh(
                "mkdir /sys/fs/cgroup/init && echo 1 > /sys/fs/cgroup/init/cgroup.procs"
                    + " && echo +pids > /sys/fs/cgroup/cgroup.subtree_control && echo moved;"
                    + " trap 'exit 143' TERM; while :; do sleep 100 & wait; done");
    bundle.mountAt("/sys/fs/cgroup").add("options", Json.parse("[\"rw\"]"));
    try (Container c = bed.start(bundle)) {
      c.awaitOutput("moved");
      assertThat(c.exec("cat", "/proc/self/cgroup").ok().line()).isEqualTo("0::/init");
      assertThat(bed.oci("exec", "--cgroup", "/", c.id(), "true").execute().exitsWith(255).error())
          .containsPattern("adding pid .* to cgroups.*/cgroup.procs: device or resource busy");
    }
  }

  @CoracleOnly("runc 1.1 passes it to the kernel; later ones refuse it too")
  @Test
  void aCgroupMustNotClimb(Testbed bed) {
    try (Container c = bed.start(bed.bundle().lasting())) {
      assertThat(
              bed.oci("exec", "--cgroup", "a/../..", c.id(), "true")
                  .execute()
                  .exitsWith(255)
                  .error())
          .contains("a/../.. is not a sub cgroup path: it must not hold");
      assertThat(
              bed.oci("exec", "--cgroup", "nowhere", c.id(), "true")
                  .execute()
                  .exitsWith(255)
                  .error())
          .contains("nowhere", "ENOENT");
    }
  }

  @CoracleOnly("runc has it since 1.2")
  @Test
  void aPidfdIsSent(Testbed bed) throws IOException {
    Bundle bundle = bed.bundle().lasting();
    try (ConsoleSocket socket = new ConsoleSocket(bed);
        Container c = bed.start(bundle, "--pidfd-socket", socket.path().toString())) {
      try (ConsoleSocket.Terminal pidfd = socket.receive()) {
        assertThat(fdinfo(pidfd)).contains("Pid:\t" + c.pid() + "\n");
      }
      bed.oci(
              "exec",
              "--detach",
              "--pidfd-socket",
              socket.path().toString(),
              c.id(),
              "sleep",
              "100")
          .execute()
          .ok();
      try (ConsoleSocket.Terminal pidfd = socket.receive()) {
        assertThat(fdinfo(pidfd)).contains("Pid:").doesNotContain("Pid:\t" + c.pid() + "\n");
      }
    }
  }

  private static String fdinfo(ConsoleSocket.Terminal pidfd) throws IOException {
    return Files.readString(Path.of("/proc/self/fdinfo/" + pidfd.received().fd()));
  }

  @CoracleOnly("nothing is left where nobody listens")
  @Test
  void aPidfdSocketWhereNobodyListensIsAnError(Testbed bed) {
    Path nobody = bed.directory().resolve("nobody");
    assertThat(
            bed.run(bed.bundle().args("true"), "--pidfd-socket", nobody.toString()).fails().error())
        .contains("cannot send a pidfd to --pidfd-socket");
    bed.assertNothingLeft("after the error");
  }

  @CoracleOnly("the peers say 1 for the pid of exec too, and crun hands no names on")
  @Test
  void socketsOfActivationAreHandedOn(Testbed bed) {
    String caller =
        "exec 3</etc/hostname 4</etc/passwd; export LISTEN_FDS=1 LISTEN_FDNAMES=web LISTEN_PID=$$";
    String show =
        "echo $LISTEN_FDS $LISTEN_FDNAMES; [ $LISTEN_PID = $$ ] && echo pid;"
            + " readlink /proc/self/fd/3; readlink /proc/self/fd/4; [ -e /proc/self/fd/5 ] && echo more";
    String expected = "1 web\npid\n/etc/hostname\n/etc/passwd\n";
    assertThat(
            bed.runCommand(bed.bundle().sh(show), "--preserve-fds", "1")
                .after(caller)
                .execute()
                .stdout())
        .isEqualTo(expected);
    try (Container c = bed.start(bed.bundle().lasting())) {
      assertThat(
              bed.oci("exec", "--preserve-fds", "1", c.id(), "sh", "-c", show)
                  .after(caller)
                  .execute()
                  .stdout())
          .isEqualTo(expected);
    }
  }

  @Unsupported(runtime = "crun", reason = "hands on what it is not told to")
  @Test
  void socketsForAnotherProcessAreNot(Testbed bed) {
    assertThat(
            bed.runCommand(bed.bundle().sh("echo .$LISTEN_FDS.; ls /proc/self/fd | wc -l"))
                .after("exec 3</etc/hostname; export LISTEN_FDS=1 LISTEN_PID=1")
                .execute()
                .ok()
                .line())
        .isEqualTo("..\n4");
  }

  @Unsupported(runtime = "runc", reason = "takes descriptors of its own for them")
  @Unsupported(runtime = "crun", reason = "does not look")
  @Test
  void aPreservedDescriptorMustBeOpen(Testbed bed) {
    assertThat(bed.run(bed.bundle().args("true"), "--preserve-fds", "2").fails().error())
        .contains("3");
    bed.assertNothingLeft("after the error");
  }

  @Unsupported(
      runtime = "runc",
      reason = "opens it, and waits for a writer",
      expect = Unsupported.Expect.NOT_RUN)
  @Unsupported(
      runtime = "crun",
      reason = "opens it, and waits for a writer",
      expect = Unsupported.Expect.NOT_RUN)
  @Test
  void aFifoInThePlaceOfPasswdDoesNotHang(Testbed bed) throws IOException {
    Bundle bundle = bed.bundle().sh("echo $HOME");
    Files.delete(bundle.inRootfs("/etc/passwd"));
    bed.program("mkfifo", bundle.inRootfs("/etc/passwd").toString()).execute().ok();
    assertThat(bed.outputOf(bundle)).isEqualTo("/");
  }

  @Test
  void aLinkInThePlaceOfPasswdStaysInside(Testbed bed) throws IOException {
    Path outside = bed.file("outside", "root:x:0:0:root:/outside:/bin/sh\n");
    Bundle bundle = bed.bundle().sh("echo $HOME");
    Files.delete(bundle.inRootfs("/etc/passwd"));
    bundle.symlink("/etc/passwd", outside.toString());
    assertThat(bed.outputOf(bundle)).isEqualTo("/");
    bundle.file(outside.toString(), "root:x:0:0:root:/inside:/bin/sh\n");
    assertThat(bed.outputOf(bundle)).isEqualTo("/inside");
  }
}
