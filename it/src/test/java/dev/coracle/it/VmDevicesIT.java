package dev.coracle.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.it.harness.Bundle;
import dev.coracle.it.harness.Command;
import dev.coracle.it.harness.ContainerTest;
import dev.coracle.it.harness.CoracleOnly;
import dev.coracle.it.harness.Json;
import dev.coracle.it.harness.MachineKernels;
import dev.coracle.it.harness.Testbed;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Devices of a container in a virtual machine: /linux/devices. */
@ContainerTest
@Tag("vm")
@CoracleOnly("no peer gives a guest devices")
class VmDevicesIT {
  private static Bundle machine(Testbed bed) {
    return bed.bundle()
        .set(
            "/annotations",
            Json.object("dev.coracle.sandbox", "microvm", "dev.coracle.vm.accelerator", "tcg"));
  }

  private static Bundle device(Bundle b, String path, String type, long major, long minor) {
    return b.add(
        "/linux/devices", Json.object("path", path, "type", type, "major", major, "minor", minor));
  }

  private static void allow(Bundle b, String type, long major, long minor, String access) {
    b.add(
        "/linux/resources/devices",
        Json.object("allow", true, "type", type, "major", major, "minor", minor, "access", access));
  }

  private static Command command(Testbed bed, Bundle bundle) {
    return bed.runCommand(bundle)
        .env("CORACLE_CONFIG", MachineKernels.configuration().toString())
        .timeout(Duration.ofSeconds(90));
  }

  @Test
  void aBlockDeviceIsADiskOfTheGuest(Testbed bed) throws IOException {
    Path image = bed.file("image", "of the host\n");
    try (RandomAccessFile file = new RandomAccessFile(image.toFile(), "rw")) {
      file.setLength(8 << 20);
    }
    String loop =
        bed.program("losetup", "--find", "--show", image.toString()).execute().ok().line();
    try {
      String number = bed.program("stat", "-c", "%Hr %Lr", loop).execute().ok().line();
      long major = Long.parseLong(number.split(" ", -1)[0]);
      long minor = Long.parseLong(number.split(" ", -1)[1]);
      Bundle bundle = machine(bed);
      device(bundle, "/dev/data", "b", major, minor);
      allow(bundle, "b", major, minor, "rwm");
      bundle.sh(
          "head -n 1 /dev/data; echo of the guest | dd of=/dev/data bs=4096 seek=1 conv=notrunc,fsync"
              + " 2>/dev/null; stat -c %F /dev/data");
      assertThat(command(bed, bundle).execute().ok().stdout())
          .isEqualTo("of the host\nblock special file\n");
      try (RandomAccessFile file = new RandomAccessFile(image.toFile(), "r")) {
        file.seek(4096);
        assertThat(file.readLine()).isEqualTo("of the guest");
      }
      Bundle readable = machine(bed);
      device(readable, "/dev/data", "b", major, minor);
      allow(readable, "b", major, minor, "r");
      readable.sh("head -n 1 /dev/data; cat /sys/block/vda/ro; echo no > /dev/data");
      var result = command(bed, readable).execute().fails();
      assertThat(result.stdout()).isEqualTo("of the host\n1\n");
    } finally {
      bed.program("losetup", "--detach", loop).execute().ok();
    }
    assertThat(Files.size(image)).isEqualTo(8 << 20);
  }

  @Test
  void whatTheGuestHasItselfIsThere(Testbed bed) {
    Bundle bundle = machine(bed);
    device(bundle, "/dev/net/tun", "c", 10, 200);
    device(bundle, "/dev/fuse", "c", 10, 229);
    device(bundle, "/dev/kvm", "c", 10, 232);
    for (long minor : new long[] {200, 229, 232}) {
      allow(bundle, "c", 10, minor, "rwm");
    }
    bundle.sh("for d in net/tun fuse; do (: <> /dev/$d) && echo $d; done; stat -c %t,%T /dev/kvm");
    var result = command(bed, bundle).execute().ok();
    assertThat(result.stdout()).isEqualTo("net/tun\nfuse\na,e8\n");
    assertThat(result.stderr()).doesNotContain("kernel module");
  }

  @Test
  void anotherIsAnErrorAndNothingIsStarted(Testbed bed) {
    Bundle bundle = machine(bed).args("true");
    device(bundle, "/dev/rtc", "c", 10, 135);
    assertThat(command(bed, bundle).execute().fails().stderr())
        .contains("config.json /linux/devices/0: a virtual machine cannot be given \"/dev/rtc\"");
  }
}
