package dev.coracle.vmm;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.coracle.abi.Bytes;
import dev.coracle.abi.Process;
import dev.coracle.kernel.RecordingKernel;
import dev.coracle.vm.GuestModules;
import dev.coracle.vm.ModuleInfo;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.assertj.core.api.AbstractThrowableAssert;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The kernel that an image brings along, and how much of a hostile one is read. */
class ImageKernelTest {
  private static final String RELEASE = "6.1.0-test";
  private static final int SETUP_BYTES = 5 * 512;

  @TempDir Path temporary = Path.of("/");

  private final HostFiles host = new HostFiles();
  private Path root = Path.of("/");
  private Path store = Path.of("/");

  /** A root of Debian's whose kernel has what a guest cannot be without. */
  @BeforeEach
  void image() throws IOException {
    root = temporary.resolve("root");
    store = temporary.resolve("kernels");
    write("etc/os-release", "ID=debian\n".getBytes(UTF_8));
    write("vmlinuz", kernel(new byte[64]));
    module("virtio_console", "");
    module("virtio_mmio", "");
    module("virtiofs", "fuse");
    module("fuse", "");
  }

  private void write(String path, byte[] bytes) throws IOException {
    Path file = root.resolve(path);
    Files.createDirectories(file.resolveSibling(""));
    Files.write(file, bytes);
  }

  private void grow(String path, long bytes) throws IOException {
    try (RandomAccessFile file = new RandomAccessFile(root.resolve(path).toFile(), "rw")) {
      file.setLength(bytes);
    }
  }

  /** A bzImage with this in it. */
  private static byte[] kernel(byte[] payload) {
    byte[] b = new byte[SETUP_BYTES + payload.length + 4096];
    b[0x1f1] = 4;
    put(b, 0x202, "HdrS");
    Bytes.put16(b, 0x206, 0x20f);
    Bytes.put16(b, 0x20e, 0x400);
    put(b, 0x400 + 512, RELEASE + " (somebody) #1\0");
    Bytes.put32(b, 0x248, 0);
    Bytes.put32(b, 0x24c, payload.length);
    System.arraycopy(payload, 0, b, SETUP_BYTES, payload.length);
    return b;
  }

  private static void put(byte[] b, int at, String text) {
    byte[] bytes = text.getBytes(UTF_8);
    System.arraycopy(bytes, 0, b, at, bytes.length);
  }

  private static String pathOf(String module) {
    return "lib/modules/" + RELEASE + "/kernel/" + module + ".ko";
  }

  private void module(String name, String depends) throws IOException {
    byte[] info = ("depends=" + depends + "\0vermagic=" + RELEASE + " SMP\0").getBytes(UTF_8);
    byte[] b = new byte[512 + info.length];
    put(b, 0, "\177ELF\2");
    Bytes.put64(b, 40, 64);
    Bytes.put16(b, 58, 64);
    Bytes.put16(b, 60, 3);
    Bytes.put16(b, 62, 2);
    Bytes.put32(b, 128, 1);
    Bytes.put64(b, 128 + 24, 400);
    Bytes.put64(b, 128 + 32, info.length);
    Bytes.put64(b, 192 + 24, 300);
    put(b, 300, "\0.modinfo\0");
    System.arraycopy(info, 0, b, 400, info.length);
    write(pathOf(name), b);
  }

  private Kernels.@Nullable Stored taken() throws Refused {
    return new Kernels(host.kernel(), store.toString()).ofImage(root.toString());
  }

  private Kernels.Stored kernelOfImage() throws Refused {
    return Objects.requireNonNull(taken());
  }

  private List<String> kept() throws IOException {
    List<String> out = new ArrayList<>();
    if (Files.exists(store)) {
      try (var files = Files.list(store)) {
        files.forEach(f -> out.add(f.getFileName().toString()));
      }
    }
    return out;
  }

  /** It is refused, and nothing of it stays. */
  private AbstractThrowableAssert<?, ? extends Throwable> refused() throws IOException {
    var thrown = assertThatThrownBy(this::taken).isInstanceOf(Refused.class);
    assertThat(kept()).isEmpty();
    return thrown;
  }

  @Test
  void whatAGuestNeedsIsKeptOnce() throws Exception {
    Kernels.Stored stored = kernelOfImage();
    assertThat(stored.release()).isEqualTo(RELEASE);
    assertThat(stored.note()).startsWith("starts more slowly, for it stays packed: ");
    assertThat(kept()).containsExactly(stored.name());
    assertThat(stored.name()).matches("image-[0-9a-f]{32}");
    assertThat(Path.of(stored.path(), "guest/order"))
        .hasContent("virtio_mmio\nvirtio_console\nfuse\nvirtiofs fuse\n");
    assertThat(Path.of(stored.image()))
        .hasBinaryContent(Files.readAllBytes(root.resolve("vmlinuz")));
    assertThat(taken()).isEqualTo(stored);
    module("fuse", "virtio_mmio");
    assertThat(kernelOfImage().name()).isNotEqualTo(stored.name());
  }

  @Test
  void anImageWithoutOneHasNone() throws Exception {
    write("etc/os-release", "ID=slackware\n".getBytes(UTF_8));
    assertThat(taken()).isNull();
    write("etc/os-release", "ID=ubuntu\n".getBytes(UTF_8));
    Files.delete(root.resolve("vmlinuz"));
    assertThat(taken()).isNull();
    Files.delete(root.resolve("etc/os-release"));
    assertThat(taken()).isNull();
    assertThat(kept()).isEmpty();
  }

  @Test
  void levelsAreBounded() throws IOException {
    // virtiofs, fuse, and these: one more than there may be.
    module("fuse", "m3");
    for (int i = 3; i <= GuestModules.MOST_LEVELS + 1; i++) {
      module("m" + i, "m" + (i + 1));
    }
    refused().hasMessage("the kernel of the image: more than 32 modules need each the next one");
  }

  @Test
  void modulesAreBounded() throws IOException {
    for (int group = 0; group < 2; group++) {
      StringBuilder depends = new StringBuilder();
      for (int i = 0; i < GuestModules.MOST_MODULES / 2; i++) {
        String name = "m" + group + "x" + i;
        module(name, "");
        depends.append(name).append(',');
      }
      module(group == 0 ? "fuse" : "virtio_console", depends.toString());
    }
    refused().hasMessageEndingWith("a guest would need more than 256 modules");
  }

  @Test
  void namesOfOneModuleAreBounded() throws IOException {
    module("fuse", "m,".repeat(ModuleInfo.MOST_NAMES + 1));
    refused().hasMessageEndingWith("fuse.ko is no kernel module");
  }

  @Test
  void bytesOfModulesAreBounded() throws IOException {
    grow(pathOf("fuse"), ModuleInfo.MOST_BYTES + 1L);
    refused().hasMessageEndingWith("fuse.ko has more than 33554432 bytes");
    host.discarded = ".ko";
    module("overlay", "");
    for (String name : List.of("fuse", "virtio_console", "overlay")) {
      grow(pathOf(name), ModuleTree.MOST_BYTES / 2 - 4096);
    }
    refused()
        .hasMessageContaining("the modules of guests have more than 67108864 bytes: ")
        .hasMessageEndingWith("overlay.ko");
    assertThat(host.written).isLessThan(ModuleTree.MOST_BYTES + (1 << 20));
  }

  @Test
  void theKernelIsBounded() throws IOException {
    host.discarded = "/source";
    grow("vmlinuz", KernelMaker.MOST_IMAGE_BYTES + 1);
    refused().hasMessageEndingWith("/vmlinuz has more than 134217728 bytes");
    assertThat(host.written).isLessThanOrEqualTo(KernelMaker.MOST_IMAGE_BYTES);
  }

  /** A block of LZ4 is a zero, and that once more until there are 8 MiB. */
  @Test
  void whatItUnpacksToIsBounded() throws IOException {
    int extended = (8 << 20) / 255 - 1;
    byte[] block = new byte[4 + 1 + 1 + 2 + extended + 2];
    Bytes.put32(block, 0, block.length - 4);
    block[4] = 0x1f;
    block[6] = 1;
    for (int i = 0; i < extended; i++) {
      block[8 + i] = (byte) 255;
    }
    int blocks = 40;
    byte[] payload = new byte[4 + blocks * block.length + 4];
    Bytes.put32(payload, 0, 0x184c2102L);
    for (int i = 0; i < blocks; i++) {
      System.arraycopy(block, 0, payload, 4 + i * block.length, block.length);
    }
    write("vmlinuz", kernel(payload));
    host.discarded = "/vmlinux";
    refused().hasMessageContaining("unpacks to more than 268435456 bytes");
    assertThat(host.written)
        .isLessThan(ImageUnpacker.MOST_BYTES + 2L * kernel(payload).length + (1 << 20));
  }

  @Test
  void directoriesAndNamesAreBounded() throws IOException {
    // As a link to the directory above would have it.
    Path above = root.resolve("lib/modules/" + RELEASE + "/kernel");
    host.listing = path -> path.startsWith(above) ? List.of("a", "b") : null;
    refused().hasMessageEndingWith(" is nested too deep");
    host.listing =
        path ->
            path.startsWith(above) && path.getNameCount() < above.getNameCount() + 14
                ? List.of("a", "b")
                : path.startsWith(above) ? List.of() : null;
    refused().hasMessageEndingWith(RELEASE + " has more than 4000 directories");
    List<String> many = new ArrayList<>();
    for (int i = 0; i <= Place.MOST_NAMES; i++) {
      many.add("n." + i);
    }
    host.listing = path -> path.equals(above) ? many : null;
    refused().hasMessageContaining("there are more than 40000 names up to");
    many.replaceAll(name -> name + ".ko");
    many.subList(20_001, many.size()).clear();
    refused().hasMessageEndingWith(" has more than 20000 modules");
  }

  @Test
  void aNameIsNothingElse() throws Exception {
    Files.writeString(temporary.resolve("secret.ko"), "of the host");
    module("fuse", "../../../../secret");
    refused().hasMessageEndingWith("fuse.ko is no kernel module");
    module("fuse", "x\n../../../../secret");
    refused().hasMessageEndingWith("fuse.ko is no kernel module");
    module("fuse", "");
    write(pathOf("x\n"), new byte[0]);
    assertThat(taken()).isNotNull();
  }

  @Test
  void onlyRegularFilesAreRead() throws Exception {
    Files.delete(root.resolve("vmlinuz"));
    Files.createDirectory(root.resolve("vmlinuz"));
    refused().hasMessageEndingWith("/vmlinuz is no regular file");
    host.listing = path -> null;
    Files.delete(root.resolve("etc/os-release"));
    Files.createDirectory(root.resolve("etc/os-release"));
    refused().hasMessage("/etc/os-release is no regular file");
  }

  @Test
  void notMoreThanSoManyAreKept() throws Exception {
    for (int i = 0; i < Kernels.MOST_IMAGES; i++) {
      Files.createDirectories(store.resolve("image-" + i));
    }
    assertThatThrownBy(this::taken)
        .hasMessageContaining("there are 32 kernels of images in " + store + " already");
    assertThat(kept()).hasSize(Kernels.MOST_IMAGES);
    Files.delete(store.resolve("image-0"));
    assertThat(taken()).isNotNull();
    assertThat(taken()).isNotNull();
  }

  @Test
  void unpackersAreNobodyAndBounded() {
    host.forked = 0;
    assertThatThrownBy(() -> Tool.filter(host.kernel(), List.of("/usr/bin/xz", "-dc"), 5, 6, 7))
        .isInstanceOf(RecordingKernel.Ended.class);
    assertThat(String.join("\n", host.recorded.calls()))
        .containsSubsequence(
            "close_range(3, ",
            "prlimit64(0, RLIMIT_FSIZE, 7, 7)",
            "prlimit64(0, RLIMIT_AS, ",
            "setgroups([0])",
            "setresgid(65534",
            "setresuid(65534",
            "prctl(PR_SET_NO_NEW_PRIVS, 1",
            "execve(\"/usr/bin/xz\"");
    host.forked = 1;
    host.waitStatus = Process.SIGXFSZ;
    assertThatThrownBy(() -> Tool.filter(host.kernel(), List.of("/usr/bin/xz", "-dc"), 5, 6, 7))
        .hasMessage("/usr/bin/xz was ended: it writes more than 7 bytes");
  }
}
