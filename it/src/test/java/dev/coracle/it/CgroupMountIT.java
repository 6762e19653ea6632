package dev.coracle.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.it.harness.Bundle;
import dev.coracle.it.harness.Cgroups;
import dev.coracle.it.harness.ContainerTest;
import dev.coracle.it.harness.CoracleOnly;
import dev.coracle.it.harness.Json;
import dev.coracle.it.harness.Testbed;
import dev.coracle.it.harness.Unsupported;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The mount of type cgroup, on each layout: what it shows, and whether it can be written. */
@ContainerTest
class CgroupMountIT {
  /** The folder in which the container's own processes are listed, of whichever hierarchy. */
  private static final String OWN =
      "f=/sys/fs/cgroup/cgroup.procs; [ -e $f ] || f=/sys/fs/cgroup/devices/cgroup.procs; d=${f%/*};";

  private static boolean unified() {
    return Cgroups.here().view() == Cgroups.View.V2;
  }

  private static Bundle bundle(Testbed bed, String... options) {
    Bundle bundle = bed.bundle().namespace("cgroup", null).withoutMount("/sys/fs/cgroup");
    return bundle.mount("/sys/fs/cgroup", "cgroup", "cgroup", options);
  }

  @ParameterizedTest
  @ValueSource(strings = {"ro", "rw"})
  void showsTheContainersOwnCgroup(String access, Testbed bed) {
    Bundle bundle = bundle(bed, "nosuid", "noexec", "nodev", access);
    bundle.sh(OWN + "cat $f; mkdir $d/made 2>/dev/null && rmdir $d/made && echo writable; true");
    List<String> lines = bed.outputOf(bundle).lines().toList();
    // The shell, and cat.
    assertThat(lines.get(0)).isEqualTo("1");
    assertThat(lines.contains("writable")).isEqualTo(access.equals("rw"));
  }

  @Test
  void takesItsFlags(Testbed bed) {
    Bundle bundle = bundle(bed, "nosuid", "noexec", "nodev", "ro");
    bundle.sh("grep ' /sys/fs/cgroup' /proc/self/mountinfo | cut -d' ' -f6");
    assertThat(bed.outputOf(bundle).lines())
        .isNotEmpty()
        .allSatisfy(l -> assertThat(l.split(",", -1)).contains("nosuid", "noexec", "nodev"));
  }

  /**
   * Without a namespace the path in /proc/self/cgroup is found: below the mount, or as its root.
   */
  @ParameterizedTest
  @ValueSource(strings = {"ro", "rw"})
  void withoutANamespace(String access, Testbed bed) {
    Bundle bundle = bundle(bed, access).withoutNamespace("cgroup");
    bundle.sh(
        "p=/sys/fs/cgroup$(sed -n 's/^0:://p' /proc/self/cgroup)/cgroup.procs;"
            + " q=/sys/fs/cgroup/devices/cgroup.procs; [ -e $q ] && p=$q; grep -x 1 $p");
    bed.run(bundle);
    Bundle same = bundle(bed, access).withoutNamespace("cgroup");
    same.sh(
        unified()
            ? "grep -c . /sys/fs/cgroup$(sed -n 's/^0:://p' /proc/self/cgroup)/cgroup.procs"
            : "grep -c . /sys/fs/cgroup/devices/cgroup.procs");
    // The shell, grep, and maybe what sed left.
    assertThat(Integer.parseInt(bed.outputOf(same))).isBetween(1, 3);
  }

  @Test
  @Unsupported(
      runtime = "crun",
      reason = "makes no links, which matter where controllers share a hierarchy",
      views = Cgroups.View.V1,
      expect = Unsupported.Expect.EITHER)
  void everyControllerHasItsName(Testbed bed) {
    if (unified()) {
      Bundle bundle = bundle(bed, "ro").sh("ls /sys/fs/cgroup | grep -c cgroup.controllers");
      assertThat(bed.outputOf(bundle)).isEqualTo("1");
      return;
    }
    Bundle bundle =
        bundle(bed, "ro").sh("cut -d: -f2 /proc/self/cgroup; echo --; ls /sys/fs/cgroup");
    String[] parts = bed.outputOf(bundle).split("--\n", -1);
    List<String> there = List.of(parts[1].split("\n", -1));
    for (String hierarchy : parts[0].split("\n", -1)) {
      for (String controller : hierarchy.split(",", -1)) {
        if (!controller.isEmpty()) {
          assertThat(there).contains(controller.replace("name=", ""));
        }
      }
    }
  }

  @Test
  @CoracleOnly("options of cgroup v2's filesystem are taken, and refused where they mean nothing")
  void takesOptionsOfItsFilesystem(Testbed bed) {
    Bundle bundle = bundle(bed, "ro", "nsdelegate").args("true");
    if (unified()) {
      bed.run(bundle).ok();
    } else {
      assertThat(bed.run(bundle).exitsWith(1).stderr()).contains("/mounts/", "nsdelegate");
    }
    assertThat(bed.run(bundle(bed, "no-such-option").args("true")).exitsWith(1).stderr())
        .contains("no-such-option");
  }

  /** CVE-2023-25809: where cgroup2 cannot be mounted, the host's hierarchy is no substitute. */
  @ParameterizedTest
  @ValueSource(strings = {"ro", "rw"})
  @Unsupported(
      runtime = "runc",
      reason = "binds all of the host's",
      expect = Unsupported.Expect.EITHER)
  @Unsupported(
      runtime = "crun",
      reason = "1.8.1: not looked into",
      expect = Unsupported.Expect.EITHER)
  void inAUserNamespaceWithoutACgroupNamespace(String access, Testbed bed) {
    Bundle bundle = bundle(bed, access).withoutNamespace("cgroup").namespace("user", null);
    for (String kind : List.of("uid", "gid")) {
      bundle.set(
          "/linux/" + kind + "Mappings",
          List.of(Json.object("containerID", 0, "hostID", 100_000, "size", 5000)));
    }
    bundle.sh(OWN + "cat $f; find /sys/fs/cgroup -name '" + bundle.id() + "'");
    String out = bed.outputOf(bundle);
    assertThat(out.lines()).contains("1").doesNotContain("0");
    assertThat(out).doesNotContain(bundle.id());
  }
}
