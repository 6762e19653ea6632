package dev.coracle.it;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;
import dev.coracle.it.harness.Bundle;
import dev.coracle.it.harness.Command;
import dev.coracle.it.harness.Container;
import dev.coracle.it.harness.ContainerTest;
import dev.coracle.it.harness.Json;
import dev.coracle.it.harness.Libc;
import dev.coracle.it.harness.Poll;
import dev.coracle.it.harness.Testbed;
import dev.coracle.it.harness.Unsupported;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

@ContainerTest
class NamespacesIT {

  private static final String OWN = "for n in %s; do readlink /proc/self/ns/$n; done";

  private static Path of(long pid, String name) {
    return Path.of("/proc/" + pid + "/ns/" + name);
  }

  private static String mine(String name) throws IOException {
    return Files.readSymbolicLink(Path.of("/proc/self/ns/" + name)).toString();
  }

  @Test
  void areNewOnes(Testbed bed) throws IOException {
    String[] names = {"pid", "net", "ipc", "uts", "mnt"};
    String out = bed.outputOf(bed.bundle().sh(OWN.formatted(String.join(" ", names))));
    String[] lines = out.split("\n", -1);
    for (int i = 0; i < names.length; i++) {
      assertThat(lines[i]).startsWith(names[i] + ":").isNotEqualTo(mine(names[i]));
    }
  }

  @Test
  void thoseNotListedAreTheHosts(Testbed bed) throws IOException {
    Bundle bundle = bed.bundle().withoutNamespace("network").withoutNamespace("ipc");
    bundle.withoutMount("/dev/mqueue");
    assertThat(bed.outputOf(bundle.sh(OWN.formatted("net ipc user"))))
        .isEqualTo(mine("net") + "\n" + mine("ipc") + "\n" + mine("user"));
  }

  @Test
  void aCgroupNamespaceHidesTheHostsPath(Testbed bed) throws IOException {
    Bundle bundle = bed.bundle().namespace("cgroup", null);
    String out = bed.outputOf(bundle.sh("readlink /proc/self/ns/cgroup; cat /proc/self/cgroup"));
    assertThat(out).doesNotContain(mine("cgroup"), bundle.id());
  }

  @Test
  void theProcessIsPidOne(Testbed bed) {
    assertThat(bed.outputOf(bed.bundle().sh("echo $$"))).isEqualTo("1");
  }

  @Test
  void aNewNetworkHasALoopbackOnly(Testbed bed) {
    assertThat(bed.outputOf(bed.bundle().sh("ls /sys/class/net"))).isEqualTo("lo");
  }

  @Test
  void areJoinedByPath(Testbed bed) throws IOException {
    Command.Running other = bed.program("unshare", "-n", "-i", "-u", "sleep", "1000").start();
    try {
      Poll.until("unshared", () -> differs(other.pid(), "uts"));
      Bundle bundle =
          bed.bundle().remove("/hostname").withoutMount("/sys").withoutMount("/sys/fs/cgroup");
      bundle.namespace("network", of(other.pid(), "net")).namespace("ipc", of(other.pid(), "ipc"));
      bundle.namespace("uts", of(other.pid(), "uts")).sh(OWN.formatted("net ipc uts"));
      assertThat(bed.outputOf(bundle))
          .isEqualTo(
              Files.readSymbolicLink(of(other.pid(), "net"))
                  + "\n"
                  + Files.readSymbolicLink(of(other.pid(), "ipc"))
                  + "\n"
                  + Files.readSymbolicLink(of(other.pid(), "uts")));
    } finally {
      Libc.kill(other.pid(), Libc.SIGKILL);
      other.end();
    }
  }

  private static boolean differs(long pid, String name) {
    try {
      return !Files.readSymbolicLink(of(pid, name)).toString().equals(mine(name));
    } catch (IOException e) {
      return false;
    }
  }

  @Test
  void aPidNamespaceIsJoinedByPath(Testbed bed) {
    try (Container first = bed.start(bed.bundle().lasting())) {
      Bundle bundle = bed.bundle().namespace("pid", of(first.pid(), "pid"));
      String out =
          bed.outputOf(bundle.sh("readlink /proc/self/ns/pid; readlink /proc/1/ns/pid; echo $$"));
      String[] lines = out.split("\n", -1);
      assertThat(lines[0]).isEqualTo(lines[1]);
      assertThat(lines[2]).isNotEqualTo("1");
    }
  }

  @Test
  @Unsupported(
      runtime = "crun",
      reason = "1.8.1 leaves the check to setns",
      expect = Unsupported.Expect.EITHER)
  void theTypeOfAPathIsChecked(Testbed bed) {
    Bundle bundle = bed.bundle().remove("/hostname").namespace("uts", Path.of("/proc/self/ns/ipc"));
    bed.run(bundle).exitsWith(1);
  }

  @Unsupported(
      runtime = "crun",
      reason = "leaves its cgroup behind, sometimes",
      expect = Unsupported.Expect.EITHER)
  @Test
  void aMissingPathIsAnError(Testbed bed) {
    Bundle bundle = bed.bundle().namespace("network", Path.of("/not/there"));
    assertThat(bed.run(bundle).exitsWith(1).stderr())
        .containsIgnoringCase("no such file or directory")
        .contains("/not/there");
  }

  @Unsupported(runtime = "crun", reason = "takes it")
  @Test
  void aTypeTwiceIsAnError(Testbed bed) {
    bed.run(bed.bundle().add("/linux/namespaces", Json.object("type", "pid"))).fails();
  }

  @Unsupported(
      runtime = "crun",
      reason = "leaves its cgroup behind, sometimes",
      expect = Unsupported.Expect.EITHER)
  @Test
  void anUnknownTypeIsAnError(Testbed bed) {
    bed.run(bed.bundle().add("/linux/namespaces", Json.object("type", "dream"))).fails();
  }

  @Test
  void aUserNamespaceMapsIds(Testbed bed) {
    JsonObject mapping = Json.object("containerID", 0, "hostID", 100000, "size", 65536);
    Bundle bundle = bed.bundle().namespace("user", null);
    bundle.set("/linux/uidMappings", List.of(mapping)).set("/linux/gidMappings", List.of(mapping));
    bundle.sh("id -u; tr -s ' ' < /proc/self/uid_map;");
    assertThat(bed.outputOf(bundle)).isEqualTo("0\n 0 100000 65536");
  }

  @Test
  @Unsupported(runtime = "runc", reason = "1.1.5 knows no time namespace")
  @Unsupported(
      runtime = "crun",
      reason = "1.8.1 knows no time offsets",
      expect = Unsupported.Expect.EITHER)
  void aTimeNamespaceTakesOffsets(Testbed bed) {
    Bundle bundle = bed.bundle().namespace("time", null);
    bundle.set("/linux/timeOffsets", Json.object("boottime", Json.object("secs", 10000000)));
    bundle.sh("cut -d. -f1 /proc/uptime");
    assertThat(Integer.parseInt(bed.outputOf(bundle))).isGreaterThan(10_000_000);
  }
}
