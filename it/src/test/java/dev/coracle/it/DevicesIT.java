package dev.coracle.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.it.harness.Bundle;
import dev.coracle.it.harness.ContainerTest;
import dev.coracle.it.harness.Json;
import dev.coracle.it.harness.Testbed;
import dev.coracle.it.harness.Unsupported;
import org.junit.jupiter.api.Test;

@ContainerTest
class DevicesIT {

  private static String stat(String path) {
    return "stat -c '%n %t:%T %a %u:%g %F' " + path;
  }

  @Test
  void theDefaultOnesAreThere(Testbed bed) {
    String out =
        bed.outputOf(
            bed.bundle().sh("cd /dev; stat -c '%n %t:%T %a %F' null zero full random urandom tty"));
    assertThat(out.split("\n", -1))
        .containsExactly(
            "null 1:3 666 character special file",
            "zero 1:5 666 character special file",
            "full 1:7 666 character special file",
            "random 1:8 666 character special file",
            "urandom 1:9 666 character special file",
            "tty 5:0 666 character special file");
  }

  @Test
  void theDefaultOnesCanBeUsed(Testbed bed) {
    String script =
        "head -c 3 /dev/zero | wc -c; head -c 3 /dev/urandom | wc -c; echo x > /dev/null && echo ok;"
            + " (echo x > /dev/full) 2>/dev/null || echo full";
    assertThat(bed.outputOf(bed.bundle().sh(script))).isEqualTo("3\n3\nok\nfull");
  }

  @Test
  void theLinksAreThere(Testbed bed) {
    String script = "cd /dev; for l in fd stdin stdout stderr ptmx; do readlink $l; done";
    String[] links = bed.outputOf(bed.bundle().sh(script)).split("\n", -1);
    assertThat(links)
        .containsExactly(
            "/proc/self/fd", "/proc/self/fd/0", "/proc/self/fd/1", "/proc/self/fd/2", links[4]);
    assertThat(links[4]).isIn("pts/ptmx", "/dev/pts/ptmx");
  }

  @Test
  void areMadeAsConfigured(Testbed bed) {
    Bundle bundle = bed.bundle().remove("/linux/resources/devices".replace("/devices", ""));
    bundle.add(
        "/linux/devices",
        Json.object(
            "path",
            "/dev/mine",
            "type",
            "c",
            "major",
            1,
            "minor",
            5,
            "fileMode",
            0640,
            "uid",
            7,
            "gid",
            8));
    bundle.add(
        "/linux/devices",
        Json.object("path", "/dev/deep/block", "type", "b", "major", 7, "minor", 99));
    bundle.add("/linux/devices", Json.object("path", "/dev/pipe", "type", "p", "fileMode", 0600));
    bundle.add(
        "/linux/devices",
        Json.object("path", "/dev/raw", "type", "u", "major", 1, "minor", 3, "fileMode", 0666));
    String out =
        bed.outputOf(
            bundle.sh(
                stat("/dev/mine") + ";stat -c '%t:%T %F' /dev/deep/block /dev/pipe /dev/raw"));
    assertThat(out.split("\n", -1))
        .containsExactly(
            "/dev/mine 1:5 640 7:8 character special file",
            "7:63 block special file",
            "0:0 fifo",
            "1:3 character special file");
  }

  @Unsupported(runtime = "runc", reason = "takes whatever exists for the device")
  @Unsupported(runtime = "crun", reason = "takes whatever exists for the device")
  @Test
  void oneOfOtherNumbersInTheWayIsAnError(Testbed bed) {
    Bundle bundle = bed.bundle().withoutMount("/dev/shm").withoutMount("/dev/mqueue");
    bundle.withoutMount("/dev/pts").withoutMount("/dev").file("/dev/mine", "a plain file");
    bundle.add(
        "/linux/devices", Json.object("path", "/dev/mine", "type", "c", "major", 1, "minor", 5));
    bed.run(bundle.sh("stat -c %F /dev/mine")).fails();
  }

  @Test
  void canBeOutsideOfDev(Testbed bed) {
    Bundle bundle = bed.bundle();
    bundle.add(
        "/linux/devices",
        Json.object("path", "/opt/null", "type", "c", "major", 1, "minor", 3, "fileMode", 0622));
    assertThat(bed.outputOf(bundle.args("stat", "-c", "%t:%T %a", "/opt/null")))
        .isEqualTo("1:3 622");
  }

  @Test
  void ptsIsTheContainersOwn(Testbed bed) {
    assertThat(bed.outputOf(bed.bundle().sh("ls /dev/pts"))).isEqualTo("ptmx");
  }
}
