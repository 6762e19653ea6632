package dev.coracle.it;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;
import dev.coracle.it.harness.Bundle;
import dev.coracle.it.harness.Cgroups;
import dev.coracle.it.harness.Container;
import dev.coracle.it.harness.ContainerTest;
import dev.coracle.it.harness.Json;
import dev.coracle.it.harness.Testbed;
import dev.coracle.it.harness.Unsupported;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;

@ContainerTest
class BlockIoIT {
  private static final String BLOCK_IO = "/linux/resources/blockIO/";

  private static boolean isV2() {
    return Cgroups.here().view() == Cgroups.View.V2;
  }

  private static void needsController() {
    Assumptions.assumeTrue(
        Cgroups.here().hasController(isV2() ? "io" : "blkio"), "no controller of block devices");
  }

  /** MAJOR:MINOR of any disk. */
  private static String disk() throws IOException {
    try (Stream<Path> disks = Files.list(Path.of("/sys/block"))) {
      Path disk = disks.sorted().findFirst().orElse(null);
      Assumptions.assumeTrue(disk != null, "no block device");
      return Files.readString(Path.of(disk + "/dev")).strip();
    }
  }

  private static JsonObject rate(String disk, long rate) {
    String[] numbers = disk.split(":", -1);
    return Json.object(
        "major", Integer.parseInt(numbers[0]), "minor", Integer.parseInt(numbers[1]), "rate", rate);
  }

  @Test
  void ratesAreSet(Testbed bed) throws IOException {
    needsController();
    String disk = disk();
    Bundle bundle = bed.bundle();
    bundle.set(BLOCK_IO + "throttleReadBpsDevice", List.of(rate(disk, 1 << 20)));
    bundle.set(BLOCK_IO + "throttleWriteIOPSDevice", List.of(rate(disk, 500)));
    try (Container c = bed.create(bundle)) {
      assertThat(c.status()).isEqualTo("created");
      String read =
          Cgroups.here()
              .value(bundle, isV2() ? "io" : "blkio", "blkio.throttle.read_bps_device", "io.max");
      String written =
          Cgroups.here()
              .value(bundle, isV2() ? "io" : "blkio", "blkio.throttle.write_iops_device", "io.max");
      if (isV2()) {
        assertThat(read).isEqualTo(disk + " rbps=1048576 wbps=max riops=max wiops=500");
      } else {
        assertThat(read).isEqualTo(disk + " 1048576");
        assertThat(written).isEqualTo(disk + " 500");
      }
    }
  }

  @Unsupported(
      runtime = "crun",
      reason = "1.8.1 wants blkio.weight or an io.weight that this kernel has not",
      expect = Unsupported.Expect.EITHER)
  @Test
  void theWeightGoesToTheSchedulerThatIsThere(Testbed bed) {
    needsController();
    Bundle bundle = bed.bundle().set(BLOCK_IO + "weight", 500);
    Path cgroup = Path.of(Cgroups.here().controllerRoot(isV2() ? "io" : "blkio") + "");
    Path any = firstChild(cgroup);
    boolean bfq = Files.exists(any.resolve(isV2() ? "io.bfq.weight" : "blkio.bfq.weight"));
    boolean other = Files.exists(any.resolve(isV2() ? "io.weight" : "blkio.weight"));
    if (!bfq && !other) {
      bed.run(bundle).fails(); // a kernel without weights: not passed over
      return;
    }
    try (Container c = bed.create(bundle)) {
      assertThat(c.status()).isEqualTo("created");
      String file = bfq ? "bfq.weight" : "weight";
      assertThat(
              Cgroups.here()
                  .value(bundle, isV2() ? "io" : "blkio", "blkio." + file, "io." + file)
                  .lines()
                  .findFirst()
                  .orElse(""))
          .isIn(bfq || !isV2() ? "500" : "default 4950", "default 500");
    }
  }

  /** The top has no weight; any cgroup below it does. */
  private static Path firstChild(Path cgroup) {
    Path made = cgroup.resolve("coracle-it-weights-" + ProcessHandle.current().pid());
    try {
      Files.createDirectory(made);
      if (isV2()) {
        Files.writeString(cgroup.resolve("cgroup.subtree_control"), "+io");
      }
      return made;
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    } finally {
      made.toFile().deleteOnExit();
    }
  }
}
