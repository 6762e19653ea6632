package dev.coracle.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.it.harness.Command;
import dev.coracle.it.harness.ContainerTest;
import dev.coracle.it.harness.CoracleOnly;
import dev.coracle.it.harness.MachineKernels;
import dev.coracle.it.harness.Result;
import dev.coracle.it.harness.Testbed;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** The store of kernels, with Debian's own package and with what is none. */
@ContainerTest
@Tag("vm")
@CoracleOnly("no peer has kernels")
class VmKernelIT {
  private static Result vm(Testbed bed, Path kernels, String... words) {
    return command(bed, kernels, words).execute();
  }

  private static Command command(Testbed bed, Path kernels, String... words) {
    List<String> argv = new ArrayList<>(List.of("vm", "kernel"));
    argv.addAll(List.of(words));
    argv.add("--kernels=" + kernels);
    return bed.plain(argv.toArray(new String[0]));
  }

  private static String few() {
    return MachineKernels.few().toString();
  }

  private static List<String> in(Path directory) throws IOException {
    List<String> out = new ArrayList<>();
    try (var files = Files.list(directory)) {
      files.forEach(f -> out.add(f.getFileName().toString()));
    }
    out.sort(null);
    return out;
  }

  @Test
  void debiansPackageIsTakenApart(Testbed bed) throws IOException {
    Path kernels = bed.directory().resolve("kernels");
    String line = vm(bed, kernels, "add", "debian", MachineKernels.debian().toString()).ok().line();
    assertThat(line).startsWith("debian (default): Linux ").endsWith("-cloud-amd64, vmlinux");
    Path made = kernels.resolve("debian");
    assertThat(in(made)).containsExactly("guest", "info", "modules", "vmlinux");
    byte[] elf = Files.readAllBytes(made.resolve("vmlinux"));
    assertThat(elf).startsWith(0x7f, 'E', 'L', 'F');
    // The size of what was packed stands at the end of the packed kernel: all of it came out.
    assertThat(elf.length).isGreaterThan(30 << 20);
    String order = Files.readString(made.resolve("guest/order"));
    assertThat(order)
        .containsSubsequence("virtio_ring\n", "virtio ", "virtio_mmio ", "virtio_console ")
        .containsSubsequence("fuse\n", "virtiofs ");
    assertThat(vm(bed, kernels, "list").ok().line()).isEqualTo(line);
    Path modules = made.resolve("modules").resolve(in(made.resolve("modules")).get(0));
    assertThat(in(modules)).contains("kernel", "modules.alias.bin", "modules.dep.bin");
    assertThat(Files.readString(modules.resolve("modules.dep")))
        .contains("kernel/drivers/net/dummy.ko:");
  }

  @Test
  void withoutDepmodItIsSaidWhatWillNotWork(Testbed bed) throws IOException {
    Path kernels = bed.directory().resolve("kernels");
    Path nothing = bed.file("nothing", "");
    String hidden = "mount --bind " + nothing + " $(command -v depmod) || exit 9; exec \"$@\"";
    List<String> argv =
        new ArrayList<>(List.of("unshare", "-m", "--propagation", "private", "sh", "-c", hidden));
    argv.addAll(List.of("sh", bed.runtime().binary().toString(), "vm", "kernel", "add"));
    argv.addAll(List.of("debian", few(), "--kernels=" + kernels));
    String line = bed.program(argv.toArray(new String[0])).execute().ok().line();
    assertThat(line)
        .endsWith(
            "modprobe will not find its modules: depmod is missing; install the package kmod");
    assertThat(kernels.resolve("debian/info")).exists();
    assertThat(in(kernels.resolve("debian"))).doesNotContain(".depmod");
  }

  @Test
  void namesAreAddedChosenAndRemoved(Testbed bed) throws IOException {
    Path kernels = bed.directory().resolve("kernels");
    vm(bed, kernels, "add", "one", few()).ok();
    Path vmlinux = kernels.resolve("one/vmlinux");
    Path all = kernels.resolve("one/modules");
    String modules = all.resolve(in(all).get(0)).toString();
    vm(bed, kernels, "add", "two", vmlinux.toString(), "--modules", modules).ok();
    assertThat(Files.mismatch(vmlinux, kernels.resolve("two/vmlinux"))).isEqualTo(-1);
    assertThat(Files.readString(kernels.resolve("two/guest/order")))
        .isEqualTo(Files.readString(kernels.resolve("one/guest/order")));
    vm(bed, kernels, "default", "two").ok();
    assertThat(vm(bed, kernels, "list").ok().stdout())
        .contains("one: ")
        .contains("two (default): ");
    // What has a name already is put in its place.
    vm(bed, kernels, "add", "two", few()).ok();
    vm(bed, kernels, "remove", "two").ok();
    assertThat(in(kernels)).containsExactly("one");
    assertThat(vm(bed, kernels, "remove", "two").fails().error().strip())
        .contains("there is no kernel \"two\"");
  }

  @Test
  void whatIsNoKernelLeavesNothing(Testbed bed) throws IOException {
    Path kernels = bed.directory().resolve("kernels");
    String text = bed.file("text", "no kernel").toString();
    assertThat(vm(bed, kernels, "add", "a", text).fails().error().strip())
        .endsWith("is no kernel: a vmlinux or bzImage of x86-64, or a .deb with one, is wanted");
    assertThat(vm(bed, kernels, "add", "a", "/nowhere").fails().error().strip())
        .contains("/nowhere cannot be read")
        .contains("ENOENT");
    assertThat(vm(bed, kernels, "add", "../a", text).fails().error().strip())
        .contains("cannot be the name of a kernel");
    assertThat(vm(bed, kernels, "add", "default", text).fails().error().strip())
        .contains("cannot be the name of a kernel");
    assertThat(vm(bed, kernels, "add", "a", emptyPackage(bed)).fails().error().strip())
        .contains("has no kernel in /boot");
    String broken = bed.file("broken.deb", "!<arch>\nthis is no archive").toString();
    assertThat(vm(bed, kernels, "add", "a", broken).fails().error().strip())
        .contains("dpkg-deb failed");
    assertThat(in(kernels)).isEmpty();
    assertThat(vm(bed, kernels, "list").ok().stdout()).isEmpty();
  }

  /** A package as dpkg-deb builds it, without a kernel. */
  private static String emptyPackage(Testbed bed) throws IOException {
    Path tree = bed.folder("package");
    Path control = Files.createDirectories(tree.resolve("DEBIAN"));
    Files.writeString(
        control.resolve("control"),
        "Package: nothing\nVersion: 1\nArchitecture: all\nMaintainer: x <x@y>\nDescription: x\n");
    Path deb = bed.directory().resolve("nothing.deb");
    bed.program("dpkg-deb", "-b", tree.toString(), deb.toString()).execute().ok();
    return deb.toString();
  }

  @Test
  void aDamagedKernelIsKeptPackedOrRefused(Testbed bed) throws IOException {
    Path kernels = bed.directory().resolve("kernels");
    Path tree = MachineKernels.unpacked();
    byte[] bytes = Files.readAllBytes(MachineKernels.bzImage(tree));
    // The length of the first block: a frame that says more than there is.
    int frame = frame(bytes);
    bytes[frame + 7] = 0x7f;
    Path damaged = Files.write(bed.directory().resolve("damaged"), bytes);
    String modules = MachineKernels.modules(tree).toString();
    assertThat(vm(bed, kernels, "add", "d", damaged.toString(), "--modules", modules).ok().line())
        .contains(
            ", bzImage, starts more slowly, for it stays packed: a block of it has no length");
  }

  private static int frame(byte[] b) {
    for (int i = 0; i < b.length - 4; i++) {
      if (b[i] == 0x02 && b[i + 1] == 0x21 && b[i + 2] == 0x4c && b[i + 3] == 0x18) {
        return i;
      }
    }
    throw new AssertionError("no frame of LZ4");
  }

  @Test
  void twoAtOnceBothGetTheirs(Testbed bed) throws IOException {
    Path kernels = bed.directory().resolve("kernels");
    Command.Running one = command(bed, kernels, "add", "one", few()).start();
    Command.Running two = command(bed, kernels, "add", "two", few()).start();
    one.end().ok();
    two.end().ok();
    assertThat(in(kernels)).containsExactly("default", "one", "two");
  }

  @Test
  void wordsThatAreNone(Testbed bed) {
    Path kernels = bed.directory().resolve("kernels");
    for (String[] words :
        new String[][] {{}, {"add"}, {"add", "x"}, {"drop", "x"}, {"list", "x"}}) {
      assertThat(vm(bed, kernels, words).fails().error().strip())
          .isEqualTo("there are vm kernel add NAME FILE, list, remove NAME or default NAME");
    }
    assertThat(vm(bed, kernels, "list", "--modules", "/x").fails().error().strip())
        .isEqualTo("--modules and --initrd are for vm kernel add");
  }
}
