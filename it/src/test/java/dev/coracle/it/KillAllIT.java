package dev.coracle.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.coracle.it.harness.Bundle;
import dev.coracle.it.harness.Cgroups;
import dev.coracle.it.harness.Command;
import dev.coracle.it.harness.Container;
import dev.coracle.it.harness.ContainerTest;
import dev.coracle.it.harness.CoracleOnly;
import dev.coracle.it.harness.Libc;
import dev.coracle.it.harness.Poll;
import dev.coracle.it.harness.Testbed;
import dev.coracle.it.harness.Unsupported;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/** The end of all processes of a container, whether they wish it or not. */
@ContainerTest
class KillAllIT {
  private static final String BOMB =
      "bomb() { bomb | bomb & }; trap '' TERM HUP INT; echo ready; bomb; while :; do (:) & sleep 0.02; done";

  private static Bundle bomb(Testbed bed) {
    Bundle bundle = bed.bundle();
    if (Cgroups.here().hasController("pids")) {
      return bundle.set("/linux/resources/pids/limit", 200).sh(BOMB);
    }
    // Without a limit it must stay small, but it forks away from every list all the same.
    return bundle.sh(
        "trap '' TERM; echo ready; f() { while :; do (sleep 0.001) & wait; done; };"
            + " for i in 1 2 3 4 5 6 7 8; do f & done; wait");
  }

  @Test
  void aForkBombIsDeleted(Testbed bed) {
    Container c = bed.start(bomb(bed)).awaitOutput("ready");
    c.delete("--force").ok();
    assertThat(Cgroups.here().named("/" + c.id())).isEmpty();
  }

  /**
   * A process outside of the runtime's PID namespace is 0 in cgroup.procs: whoever kills by that
   * list cannot kill it, cgroup.kill does.
   */
  @Test
  @Unsupported(
      runtime = "runc",
      reason = "1.1.5 sends SIGKILL to 0: to its own process group",
      expect = Unsupported.Expect.NOT_RUN)
  void oneThatNoListCanNameIsKilledToo(Testbed bed) throws IOException {
    assumeTrue(Cgroups.here().view() != Cgroups.View.V1, "cgroup.kill is of cgroup v2");
    Bundle bundle = bed.bundle().lasting();
    Path go = bed.directory().resolve("go");
    String oci = bed.runtime().binary() + " --root " + bed.stateRoot() + " ";
    String script =
        oci
            + "create --bundle "
            + bundle.write()
            + " "
            + bundle.id()
            + " && "
            + oci
            + "start "
            + bundle.id()
            + " && while [ ! -e "
            + go
            + " ]; do sleep 0.01; done; "
            + oci
            + "delete --force "
            + bundle.id();
    Command.Running inside =
        bed.program("setsid", "-w", "unshare", "-p", "-f", "--mount-proc", "sh", "-c", script)
            .start();
    Command.Running outside = bed.program("sleep", "1000").start();
    try {
      Path procs = killable(bundle).resolve("cgroup.procs");
      Files.writeString(procs, outside.pid() + "");
      assertThat(Cgroups.read(procs).lines()).contains(outside.pid() + "");
      Files.createFile(go);
      inside.end().ok();
      assertThat(outside.end().exitCode()).isEqualTo(137);
      assertThat(Cgroups.here().named(bundle.cgroupsPath())).isEmpty();
    } finally {
      Libc.kill(outside.pid(), Libc.SIGKILL);
      Libc.kill(inside.pid(), Libc.SIGKILL);
    }
  }

  /** The container's cgroup that has cgroup.kill, once the container is in it. */
  private static Path killable(Bundle bundle) {
    Path root = Path.of("/sys/fs/cgroup");
    Path unified = Cgroups.here().view() == Cgroups.View.V2 ? root : root.resolve("unified");
    Path cgroup = Path.of(unified + bundle.cgroupsPath());
    Poll.until(
        "a process in " + cgroup,
        () -> Files.exists(cgroup) && !Cgroups.read(cgroup.resolve("cgroup.procs")).isEmpty());
    assertThat(cgroup.resolve("cgroup.kill")).exists();
    return cgroup;
  }

  @Unsupported(
      runtime = "runc",
      reason = "1.1.5 may leave some of them",
      expect = Unsupported.Expect.EITHER)
  @Unsupported(
      runtime = "crun",
      reason = "1.8.1 may leave some of them",
      expect = Unsupported.Expect.EITHER)
  @Test
  void aForkBombInTheHostsPidNamespaceIsDeleted(Testbed bed) {
    Container c = bed.start(bomb(bed).withoutNamespace("pid")).awaitOutput("ready");
    c.delete("--force").ok();
    assertThat(Cgroups.here().named("/" + c.id())).isEmpty();
  }

  @Test
  @CoracleOnly("runc does so since 1.2")
  void sigkillMeansAllWhereTheFirstProcessIsNotPidOne(Testbed bed) {
    Bundle bundle = bed.bundle().withoutNamespace("pid").sh("sleep 1000 & echo ready; sleep 1001");
    try (Container c = bed.start(bundle).awaitOutput("ready")) {
      c.kill("KILL").ok();
      assertThat(c.awaitExit()).isEqualTo(137);
      for (var cgroup : Cgroups.here().named("/" + c.id())) {
        Poll.until("nobody is left", () -> Cgroups.read(cgroup.resolve("cgroup.procs")).isEmpty());
      }
    }
  }

  @Test
  void killAllReachesWhatTheFirstProcessLeft(Testbed bed) {
    Bundle bundle = bed.bundle().withoutNamespace("pid");
    bundle.sh("(trap 'echo got; exit 0' USR1; echo armed; while :; do sleep 0.05; done) &");
    try (Container c = bed.start(bundle).awaitOutput("armed")) {
      assertThat(c.awaitExit()).isZero();
      bed.oci("kill", "--all", c.id(), "USR1").execute().ok();
      c.awaitOutput("got");
    }
  }

  @Test
  void killAllOfAPausedOne(Testbed bed) {
    Bundle bundle = bed.bundle().withoutNamespace("pid").sh("sleep 1000 & echo ready; sleep 1001");
    try (Container c = bed.start(bundle).awaitOutput("ready")) {
      bed.oci("pause", c.id()).execute().ok();
      bed.oci("kill", "--all", c.id(), "KILL").execute().ok();
      bed.oci("resume", c.id()).execute(); // the peers' own freezer needs it
      assertThat(c.awaitExit()).isEqualTo(137);
    }
  }
}
