package dev.coracle.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.it.harness.Bundle;
import dev.coracle.it.harness.Command;
import dev.coracle.it.harness.Container;
import dev.coracle.it.harness.ContainerTest;
import dev.coracle.it.harness.CoracleOnly;
import dev.coracle.it.harness.Json;
import dev.coracle.it.harness.MachineKernels;
import dev.coracle.it.harness.Poll;
import dev.coracle.it.harness.Testbed;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Disks of a virtual machine that are files of its container: dev.coracle.vm.disks. */
@ContainerTest
@Tag("vm")
@CoracleOnly("no peer gives a guest disks")
class DisksIT {
  private static final String ONE = "/disks/one,/var/lib/data,ext4,256M";

  private static Bundle machine(Testbed bed, String disks) {
    return bed.bundle()
        .set(
            "/annotations",
            Json.object("dev.coracle.sandbox", "microvm", "dev.coracle.vm.accelerator", "tcg"))
        .set("/annotations/dev.coracle.vm.disks", disks)
        .mount("/disks", "bind", bed.folder("disks"), "bind");
  }

  private static Command command(Testbed bed, Bundle bundle) {
    return bed.runCommand(bundle)
        .env("CORACLE_CONFIG", MachineKernels.configuration().toString())
        .timeout(Duration.ofSeconds(90));
  }

  private static String refused(Testbed bed, String disks) {
    return command(bed, machine(bed, disks).args("true")).execute().fails().stderr();
  }

  @Test
  void aDiskIsMadeOnceAndKeepsWhatIsOnIt(Testbed bed) throws IOException {
    Path image = bed.folder("disks").resolve("one");
    String both = ONE + ";/disks/two,/old,ext2,16777216";
    Bundle first =
        machine(bed, both)
            .sh(
                "grep -E ' (/var/lib/data|/old) ' /proc/mounts; echo kept > /var/lib/data/file;"
                    + " echo old > /old/file; ls -a /old");
    String output = command(bed, first).execute().ok().stdout();
    assertThat(output)
        .contains("/dev/vda /var/lib/data ext4 rw,", "/dev/vdb /old ext2 rw,")
        .contains("lost+found");
    assertThat(Files.size(image)).isEqualTo(256L << 20);
    assertThat(bed.program("stat", "-c", "%u %g %a", image.toString()).execute().ok().line())
        .isEqualTo("0 0 600");
    String blocks = bed.program("stat", "-c", "%b", image.toString()).execute().ok().line();
    assertThat(Long.parseLong(blocks) * 512).isLessThan(32L << 20);
    // Unmounted in order: nothing is to be mended.
    assertThat(bed.program("dumpe2fs", "-h", image.toString()).execute().ok().stdout())
        .doesNotContain("needs_recovery");
    assertThat(bed.folder("disks").toFile().list()).containsExactlyInAnyOrder("one", "two");
    Bundle second = machine(bed, "/disks/one,/elsewhere,ext4").sh("cat /elsewhere/file");
    assertThat(command(bed, second).execute().ok().line()).isEqualTo("kept");
  }

  @Test
  void twoMachinesDoNotGetTheSameDisk(Testbed bed) {
    Bundle up = machine(bed, ONE).sh("echo up > /disks/up; sleep 1000");
    Command create =
        bed.createCommand(up).env("CORACLE_CONFIG", MachineKernels.configuration().toString());
    try (Container container = bed.created(up.id(), create).start()) {
      Path sign = bed.folder("disks").resolve("up");
      Poll.until("the machine is up", Duration.ofSeconds(60), () -> Files.exists(sign));
      assertThat(container.status()).isEqualTo("running");
      assertThat(refused(bed, ONE)).contains("the disk /disks/one is in use already");
    }
  }

  @Test
  void whatIsNoDiskIsNotTaken(Testbed bed) throws IOException {
    Path outside = bed.file("outside", "of the host");
    Files.createSymbolicLink(bed.folder("disks").resolve("link"), outside);
    Files.createSymbolicLink(
        bed.folder("disks").resolve("up"), Path.of("../../../../../../.." + outside));
    assertThat(refused(bed, "/disks/none,/d,ext4"))
        .contains("the disk /disks/none is not there, and no size is given to make it");
    assertThat(refused(bed, "/disks,/d,ext4")).contains("the disk /disks is no regular file");
    // Links are followed in the container's root, where they lead to nothing.
    assertThat(refused(bed, "/disks/link,/d,ext4,16M")).contains("/disks/link").contains("EEXIST");
    assertThat(refused(bed, "/disks/up,/d,ext4")).contains("is not there");
    assertThat(refused(bed, "/disks/small,/d,ext4,1K"))
        .contains("the disk /disks/small cannot be formatted", "mkfs.ext4");
    assertThat(outside).hasContent("of the host");
    assertThat(bed.folder("disks").toFile().list()).containsExactlyInAnyOrder("link", "up");
  }
}
