package dev.coracle.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.it.harness.Bundle;
import dev.coracle.it.harness.Command;
import dev.coracle.it.harness.Container;
import dev.coracle.it.harness.ContainerTest;
import dev.coracle.it.harness.CoracleOnly;
import dev.coracle.it.harness.Json;
import dev.coracle.it.harness.Libc;
import dev.coracle.it.harness.Mapped;
import dev.coracle.it.harness.Poll;
import dev.coracle.it.harness.Testbed;
import dev.coracle.it.harness.Unsupported;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import org.junit.jupiter.api.Test;

/** A container whose root is a user of the host. */
@ContainerTest
class UserNamespaceIT {

  @Test
  void rootIsAUserOfTheHost(Testbed bed) throws IOException {
    try (Container container = bed.start(Mapped.bundle(bed).lasting())) {
      String status = Files.readString(Path.of("/proc/" + container.pid() + "/status"));
      assertThat(status).containsPattern("Uid:\\s100000\\s100000\\s100000\\s100000");
      assertThat(status).containsPattern("Gid:\\s100000\\s100000\\s100000\\s100000");
      assertThat(status).containsPattern("Groups:\\s*\n");
    }
  }

  @Test
  void ownsItsOtherNamespaces(Testbed bed) {
    Bundle bundle = Mapped.bundle(bed).capabilities("CAP_SYS_ADMIN", "CAP_NET_ADMIN");
    bundle.sh(
        "hostname other && hostname && ip link set lo down && mount -t tmpfs x /tmp && echo ok");
    assertThat(bed.outputOf(bundle)).isEqualTo("other\nok");
  }

  @Test
  void devicesAreTheHosts(Testbed bed) {
    Bundle bundle = Mapped.bundle(bed);
    bundle.sh("echo gone > /dev/null; head -c 4 /dev/zero | wc -c; stat -c %t:%T /dev/urandom");
    assertThat(bed.outputOf(bundle)).isEqualTo("4\n1:9");
  }

  @Test
  @Unsupported(runtime = "runc", reason = "binds what stands at the path, whatever it is")
  @Unsupported(
      runtime = "crun",
      reason = "names no property, and leaves its cgroup behind at times",
      expect = Unsupported.Expect.EITHER)
  void aDeviceThatTheHostDoesNotHaveIsAnError(Testbed bed) {
    Bundle bundle = Mapped.bundle(bed);
    bundle.add(
        "/linux/devices", Json.object("path", "/dev/null", "type", "c", "major", 240, "minor", 77));
    assertThat(bed.run(bundle).fails().stderr())
        .contains("/linux/devices/0", "no char device 240:77");
  }

  @Unsupported(runtime = "runc", reason = "its root must reach the path")
  @Unsupported(runtime = "crun", reason = "its root must reach the path")
  @Test
  void aRootThatItsUserCannotReachIsEntered(Testbed bed) throws IOException {
    Bundle bundle = Mapped.bundle(bed).sh("echo in; ls /");
    Files.setPosixFilePermissions(bundle.directory(), PosixFilePermissions.fromString("rwx------"));
    assertThat(bed.outputOf(bundle)).startsWith("in\n").contains("proc");
  }

  @Test
  void aSourceThatItsUserCannotReachIsBound(Testbed bed) throws IOException {
    Path hidden = bed.folder("hidden");
    Path file = Files.writeString(hidden.resolve("file"), "told\n");
    Files.setPosixFilePermissions(hidden, PosixFilePermissions.fromString("rwx------"));
    Bundle bundle = Mapped.bundle(bed).mount("/mnt", "none", file, "bind", "ro").sh("cat /mnt");
    assertThat(bed.outputOf(bundle)).isEqualTo("told");
  }

  @Test
  @Unsupported(runtime = "crun", reason = "1.8.1 opens it outside: it comes without its locks")
  void whatTheHostMountedReadOnlyStaysReadOnly(Testbed bed) throws IOException {
    Path host = bed.folder("host");
    bed.program("mount", "-t", "tmpfs", "-o", "ro,nosuid,nodev", "host", host.toString())
        .execute()
        .ok();
    try {
      Bundle bundle = Mapped.bundle(bed).capabilities("CAP_SYS_ADMIN");
      bundle.mount("/mnt", "none", host, "rbind").folder("/mnt");
      bundle.sh(
          "mount -o remount,bind,rw /mnt && echo rw || echo locked; grep ' /mnt ' /proc/mounts");
      assertThat(bed.outputOf(bundle)).startsWith("locked\n").contains("ro,nosuid,nodev");
    } finally {
      Libc.unmount(host);
    }
  }

  @Test
  @Unsupported(runtime = "crun", reason = "1.8.1 opens it outside: it comes without its locks")
  void whatTheHostHasCoveredStaysCovered(Testbed bed) throws IOException {
    Path host = bed.folder("host");
    bed.program("mount", "-t", "tmpfs", "host", host.toString()).execute().ok();
    Path below = Files.createDirectory(host.resolve("below"));
    Files.writeString(below.resolve("secret"), "secret");
    bed.program("mount", "-t", "tmpfs", "cover", below.toString()).execute().ok();
    try {
      Bundle bundle = Mapped.bundle(bed).capabilities("CAP_SYS_ADMIN");
      bundle.mount("/mnt", "none", host, "rbind").folder("/mnt");
      bundle.sh("umount /mnt/below 2>/dev/null && echo off || echo locked; ls /mnt/below");
      assertThat(bed.outputOf(bundle)).isEqualTo("locked");
    } finally {
      Libc.unmount(below);
      Libc.unmount(host);
    }
  }

  @Test
  void execBecomesTheContainersUser(Testbed bed) throws IOException {
    try (Container container = bed.start(Mapped.bundle(bed).lasting())) {
      assertThat(container.exec("id", "-u").ok().line()).isEqualTo("0");
      String map = container.exec("cat", "/proc/self/uid_map").ok().line();
      assertThat(map.trim().split("\\s+")).containsExactly("0", "100000", "65536");
      assertThat(container.exec("readlink", "/proc/self/ns/user").ok().line())
          .isEqualTo(
              Files.readSymbolicLink(Path.of("/proc/" + container.pid() + "/ns/user")).toString());
      assertThat(container.exec("sh", "-c", "touch /made && stat -c %u /made").ok().line())
          .isEqualTo("0");
    }
  }

  @Test
  void oomScoreAdjAndLimitsAreSet(Testbed bed) {
    Bundle bundle = Mapped.bundle(bed).set("/process/oomScoreAdj", 321);
    bundle.set(
        "/process/rlimits",
        List.of(Json.object("type", "RLIMIT_NOFILE", "soft", 100, "hard", 200)));
    bundle.sh("cat /proc/self/oom_score_adj; ulimit -n; ulimit -Hn");
    assertThat(bed.outputOf(bundle)).isEqualTo("321\n100\n200");
  }

  @Test
  void aTerminalIsTheContainers(Testbed bed) {
    Bundle bundle = Mapped.bundle(bed).set("/process/terminal", false);
    bundle.sh("stat -c %u:%g /dev/pts /dev/pts/ptmx");
    assertThat(bed.outputOf(bundle)).isEqualTo("0:0\n0:0");
  }

  @Test
  @Unsupported(runtime = "runc", reason = "mounts a new sysfs, which the kernel refuses")
  void withTheHostsNetworkItSeesTheHostsSys(Testbed bed) {
    Bundle bundle = Mapped.bundle(bed).withoutNamespace("network");
    bundle.sh("ls -d /sys/class/net/lo; touch /sys/x 2>/dev/null || echo read-only");
    assertThat(bed.outputOf(bundle)).isEqualTo("/sys/class/net/lo\nread-only");
  }

  @Test
  @Unsupported(runtime = "runc", reason = "1.1.5 wants the maps stated beside the path")
  void isJoinedByPathWithANewPidNamespace(Testbed bed) throws IOException {
    try (Container first = bed.start(Mapped.bundle(bed).lasting())) {
      Bundle bundle = bed.bundle().namespace("user", Path.of("/proc/" + first.pid() + "/ns/user"));
      Mapped.give(bed, bundle, Mapped.ROOT);
      bundle.sh("echo $$; id -u; readlink /proc/self/ns/user; touch /x && echo made");
      assertThat(bed.outputOf(bundle))
          .isEqualTo(
              "1\n0\n"
                  + Files.readSymbolicLink(Path.of("/proc/" + first.pid() + "/ns/user"))
                  + "\nmade");
    }
  }

  @Test
  @Unsupported(runtime = "runc", reason = "1.1.5 wants the maps stated beside the path")
  void isJoinedByPathWithTheOthersOfAPod(Testbed bed) throws IOException {
    try (Container pod = bed.start(Mapped.bundle(bed).lasting())) {
      Bundle bundle = bed.bundle().remove("/hostname");
      for (String type : List.of("user", "network:net", "ipc", "uts")) {
        String[] names = type.split(":", -1);
        String file = names[names.length - 1];
        bundle.namespace(names[0], Path.of("/proc/" + pod.pid() + "/ns/" + file));
      }
      Mapped.give(bed, bundle, Mapped.ROOT);
      bundle.sh("for n in user net ipc uts; do readlink /proc/self/ns/$n; done; echo $$; hostname");
      StringBuilder expected = new StringBuilder();
      for (String file : List.of("user", "net", "ipc", "uts")) {
        expected
            .append(Files.readSymbolicLink(Path.of("/proc/" + pod.pid() + "/ns/" + file)))
            .append('\n');
      }
      assertThat(bed.outputOf(bundle)).isEqualTo(expected + "1\ncoracle");
      // And the container lasts: its process is the caller's to wait for.
      Bundle lasting =
          bed.bundle().namespace("user", Path.of("/proc/" + pod.pid() + "/ns/user")).lasting();
      Mapped.give(bed, lasting, Mapped.ROOT);
      try (Container second = bed.start(lasting)) {
        assertThat(second.status()).isEqualTo("running");
        assertThat(second.exec("id", "-u").ok().line()).isEqualTo("0");
        second.kill("KILL").ok();
        assertThat(second.awaitExit()).isEqualTo(137);
      }
    }
  }

  @Test
  @CoracleOnly("what the bundle states of a joined namespace is checked; runc does so since 1.1.11")
  void statedMapsOfAJoinedNamespaceMustBeTrue(Testbed bed) {
    try (Container first = bed.start(Mapped.bundle(bed).lasting())) {
      Path path = Path.of("/proc/" + first.pid() + "/ns/user");
      Bundle same = Mapped.bundle(bed).namespace("user", path).sh("echo fine");
      assertThat(bed.outputOf(same)).isEqualTo("fine");
      Bundle other = Mapped.bundle(bed).namespace("user", path).sh("echo fine");
      other.set("/linux/uidMappings", List.of(Mapped.line(0, 200000, 65536)));
      assertThat(bed.run(other).fails().stderr()).contains("/linux/uidMappings", "other maps");
    }
  }

  @Test
  void namespacesOfTheHostAreJoinedBesideANewUserNamespace(Testbed bed) throws IOException {
    Command.Running other = bed.program("unshare", "-n", "-u", "sleep", "1000").start();
    try {
      Path net = Path.of("/proc/" + other.pid() + "/ns/net");
      Path own = Path.of("/proc/self/ns/net");
      Poll.until("unshared", () -> differ(net, own));
      Bundle bundle = Mapped.bundle(bed).namespace("network", net).withoutMount("/sys");
      bundle.withoutMount("/sys/fs/cgroup").sh("readlink /proc/self/ns/net; id -u; echo $$");
      assertThat(bed.outputOf(bundle)).isEqualTo(Files.readSymbolicLink(net) + "\n0\n1");
    } finally {
      Libc.kill(other.pid(), Libc.SIGKILL);
      other.end();
    }
  }

  private static boolean differ(Path one, Path other) {
    try {
      return !Files.readSymbolicLink(one).equals(Files.readSymbolicLink(other));
    } catch (IOException e) {
      return false;
    }
  }

  @Test
  void hooksOfTheRuntimeRunInItsNamespaces(Testbed bed) throws IOException {
    Path out = bed.directory().resolve("hook");
    Bundle bundle = Mapped.bundle(bed).args("true");
    bundle.add(
        "/hooks/createRuntime",
        Json.object(
            "path",
            "/bin/sh",
            "args",
            List.of(
                "sh",
                "-c",
                "for n in user net mnt; do readlink /proc/self/ns/$n; done; id -u > "
                    + out
                    + ".uid; cd /; readlink /proc/self/ns/mnt > "
                    + out)));
    bed.run(bundle).ok();
    assertThat(Files.readString(Path.of(out + ".uid"))).isEqualTo("0\n");
    assertThat(Files.readString(out).trim())
        .isEqualTo(Files.readSymbolicLink(Path.of("/proc/self/ns/mnt")).toString());
  }

  @Test
  void nothingIsLeftWhenItFails(Testbed bed) {
    Bundle bundle = Mapped.bundle(bed).mount("/mnt", "none", "/not/there", "bind");
    assertThat(bed.run(bundle).fails().stderr()).contains("/not/there");
    bed.assertNothingLeft("after a failure");
  }
}
