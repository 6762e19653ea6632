package dev.coracle.it;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.it.harness.Bundle;
import dev.coracle.it.harness.Command;
import dev.coracle.it.harness.ContainerTest;
import dev.coracle.it.harness.CoracleOnly;
import dev.coracle.it.harness.Json;
import dev.coracle.it.harness.MachineKernels;
import dev.coracle.it.harness.Testbed;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** The kernel in a container's image: dev.coracle.vm.kernel=image. */
@ContainerTest
@Tag("vm")
@CoracleOnly("no peer starts an image's kernel")
class VmImageKernelIT {
  private static Path store(Testbed bed) {
    return bed.directory().resolve("kernels");
  }

  private static Bundle machine(Testbed bed, String distribution) {
    return bed.bundle()
        .set(
            "/annotations",
            Json.object("dev.coracle.sandbox", "microvm", "dev.coracle.vm.accelerator", "tcg"))
        .env("RUNCVM_KERNEL=image")
        .file("/usr/lib/os-release", "NAME=x\nID=" + distribution + "\n")
        .symlink("/etc/os-release", "../usr/lib/os-release");
  }

  private static Command command(Testbed bed, Bundle bundle) {
    Path config = bed.file("config.toml", "[vm]\nkernels = \"" + store(bed) + "\"\n");
    return bed.runCommand(bundle)
        .env("CORACLE_CONFIG", config.toString())
        .timeout(Duration.ofSeconds(90));
  }

  private static String refused(Testbed bed, Bundle bundle) {
    return command(bed, bundle.args("true")).execute().fails().stderr();
  }

  private static List<String> stored(Testbed bed) throws IOException {
    List<String> out = new ArrayList<>();
    if (Files.isDirectory(store(bed))) {
      try (var files = Files.list(store(bed))) {
        files.forEach(f -> out.add(f.getFileName().toString()));
      }
    }
    return out;
  }

  @Test
  void itIsStartedAndKeptOnce(Testbed bed) throws IOException {
    Bundle bundle = machine(bed, "debian").sh("uname -r");
    Path debian = MachineKernels.unpacked();
    bed.program("cp", "-r", debian + "/boot", debian + "/lib", bundle.rootfs().toString())
        .execute()
        .ok();
    String release = MachineKernels.modules(bundle.rootfs()).getFileName().toString();
    bundle.symlink("/vmlinuz", "/boot/vmlinuz-" + release);
    assertThat(command(bed, bundle).execute().ok().line()).isEqualTo(release);
    List<String> kept = stored(bed);
    assertThat(kept).singleElement().asString().matches("image-[0-9a-f]{32}");
    Path vmlinux = store(bed).resolve(kept.get(0)).resolve("vmlinux");
    Object before = Files.getLastModifiedTime(vmlinux);
    assertThat(command(bed, bundle).execute().ok().line()).isEqualTo(release);
    assertThat(stored(bed)).isEqualTo(kept);
    assertThat(Files.getLastModifiedTime(vmlinux)).isEqualTo(before);
  }

  @Test
  void anImageWithoutOneGetsTheDefaultKernel(Testbed bed) throws IOException {
    // There is none: that it was looked for shows.
    for (Bundle b : List.of(machine(bed, "slackware"), machine(bed, "debian"))) {
      assertThat(refused(bed, b)).contains("there is no kernel for virtual machines in");
    }
    assertThat(stored(bed)).isEmpty();
  }

  @Test
  void anImageLeadsNowhereElse(Testbed bed) throws IOException {
    Path outside = bed.file("vmlinuz", "of the host");
    Bundle out = machine(bed, "debian").symlink("/vmlinuz", outside.toString());
    assertThat(refused(bed, out)).contains("there is no kernel for virtual machines in");
    Bundle up = machine(bed, "debian").symlink("/vmlinuz", "../../../../../../../.." + outside);
    assertThat(refused(bed, up)).contains("there is no kernel for virtual machines in");
    Bundle fifo = machine(bed, "ubuntu").folder("/boot");
    bed.program("mkfifo", fifo.inRootfs("/boot/vmlinuz").toString()).execute().ok();
    assertThat(refused(bed, fifo)).contains("/boot/vmlinuz is no regular file");
    Bundle text = machine(bed, "alpine").file("/boot/vmlinuz-virt", "no kernel");
    assertThat(refused(bed, text)).contains("says no release: a bzImage is wanted");
    assertThat(stored(bed)).isEmpty();
  }

  /** A bzImage as far as its header goes, which says of which release it is. */
  private static byte[] kernel() {
    ByteBuffer b = ByteBuffer.allocate(8192).order(ByteOrder.LITTLE_ENDIAN);
    b.put(0x1f1, (byte) 4).put(0x202, "HdrS".getBytes(UTF_8)).putShort(0x206, (short) 0x20f);
    b.putShort(0x20e, (short) 0x400).put(0x400 + 512, "6.1.0 (somebody)".getBytes(UTF_8));
    return b.putInt(0x24c, 4096).array();
  }

  private static byte[] module(String depends) {
    byte[] info = ("depends=" + depends + "\0").getBytes(UTF_8);
    ByteBuffer b = ByteBuffer.allocate(512 + info.length).order(ByteOrder.LITTLE_ENDIAN);
    b.put(0, "\177ELF\2".getBytes(UTF_8)).putLong(40, 64).putShort(58, (short) 64);
    b.putShort(60, (short) 3).putShort(62, (short) 2).putInt(128, 1).putLong(152, 400);
    b.putLong(160, info.length).putLong(216, 300).put(300, "\0.modinfo\0".getBytes(UTF_8));
    return b.put(400, info).array();
  }

  @Test
  void aHostileImageIsRefused(Testbed bed) throws IOException {
    Bundle bundle = machine(bed, "debian").folder("/lib/modules/6.1.0/kernel");
    Path modules = bundle.inRootfs("/lib/modules/6.1.0/kernel");
    Files.write(bundle.inRootfs("/vmlinuz"), kernel());
    // So deep that a walk without bounds would overrun the stack.
    Files.write(modules.resolve("virtio_mmio.ko"), module("m0"));
    for (int i = 0; i < 15_000; i++) {
      Files.write(modules.resolve("m" + i + ".ko"), module("m" + (i + 1)));
    }
    assertThat(refused(bed, bundle)).contains("more than 32 modules need each the next one");
    Files.write(modules.resolve("virtio_mmio.ko"), module(""));
    Path bomb = modules.resolve("virtiofs.ko");
    bed.program("truncate", "-s", "200M", bomb.toString()).execute().ok();
    assertThat(refused(bed, bundle)).contains("the modules of guests have more than 67108864");
    bed.program("xz", "-0", bomb.toString()).execute().ok();
    assertThat(refused(bed, bundle)).contains("xz was ended: it writes more than 33554432 bytes");
    Files.delete(modules.resolve("virtiofs.ko.xz"));
    Path outside = Files.write(bed.directory().resolve("virtiofs.ko"), module(""));
    Files.createSymbolicLink(bomb, outside);
    assertThat(refused(bed, bundle)).contains("virtiofs.ko cannot be read");
    assertThat(stored(bed)).isEmpty();
  }
}
