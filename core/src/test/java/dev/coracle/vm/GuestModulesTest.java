package dev.coracle.vm;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.abi.Bytes;
import dev.coracle.vm.GuestModules.Need;
import dev.coracle.vm.GuestModules.Source;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class GuestModulesTest {
  private record Fake(Map<String, ModuleInfo> modules, List<String> builtIn) implements Source {
    @Override
    public @Nullable ModuleInfo info(String name) {
      return modules.get(name);
    }

    @Override
    public boolean isBuiltIn(String name) {
      return builtIn.contains(name);
    }
  }

  private static ModuleInfo needs(String... names) {
    return new ModuleInfo(List.of(names), List.of(), "");
  }

  private static final Fake KERNEL =
      new Fake(
          Map.of(
              "virtio_ring", needs(),
              "virtio", needs("virtio_ring"),
              "virtio_mmio", needs("virtio", "virtio_ring"),
              "virtio_blk", needs("virtio"),
              "fuse", needs(),
              "virtiofs", needs("fuse", "virtio"),
              "crc32c_generic", needs(),
              "jbd2", needs("crc16"),
              "ext4", new ModuleInfo(List.of("jbd2"), List.of("crc32c"), "")),
          List.of("crc16"));

  @Test
  void whatIsNeededComesFirst() {
    GuestModules.Resolved r = GuestModules.of(KERNEL, List.of(Need.MMIO, Need.VIRTIOFS));
    assertThat(r.order())
        .containsExactly("virtio_ring", "virtio", "virtio_mmio", "fuse", "virtiofs");
    assertThat(r.missing()).isEmpty();
  }

  @Test
  void algorithmsComeByTheirNames() {
    assertThat(GuestModules.of(KERNEL, List.of(Need.DISK)).order())
        .containsExactly("virtio_ring", "virtio", "virtio_blk", "crc32c_generic", "jbd2", "ext4");
  }

  @Test
  void whatIsNowhereIsMissing() {
    assertThat(GuestModules.of(KERNEL, List.of(Need.NET)).missing()).containsExactly("virtio_net");
    Fake circle = new Fake(Map.of("tun", needs("a"), "a", needs("tun")), List.of());
    assertThat(GuestModules.of(circle, List.of(Need.TUN)).order()).containsExactly("a", "tun");
    assertThat(GuestModules.named(KERNEL, List.of("virtio-mmio")).order()).endsWith("virtio_mmio");
  }

  @Test
  void namesInPaths() {
    assertThat(GuestModules.nameOf("kernel/a/kvm-intel.ko.xz")).isEqualTo("kvm_intel");
    assertThat(GuestModules.nameOf("fuse.ko")).isEqualTo("fuse");
    assertThat(GuestModules.nameOf("modules.dep")).isEmpty();
  }

  private static byte[] module(String info) {
    byte[] b = new byte[2048];
    byte[] text = info.getBytes(UTF_8);
    byte[] names = "\0.modinfo\0".getBytes(UTF_8);
    System.arraycopy("\177ELF\2".getBytes(UTF_8), 0, b, 0, 5);
    Bytes.put64(b, 40, 64);
    Bytes.put16(b, 58, 64);
    Bytes.put16(b, 60, 3);
    Bytes.put16(b, 62, 2);
    Bytes.put32(b, 64 + 64, 1);
    Bytes.put64(b, 64 + 64 + 24, 400);
    Bytes.put64(b, 64 + 64 + 32, text.length);
    Bytes.put64(b, 64 + 128 + 24, 300);
    System.arraycopy(names, 0, b, 300, names.length);
    System.arraycopy(text, 0, b, 400, text.length);
    return b;
  }

  @Test
  void aModuleSaysWhatItNeeds() {
    byte[] b =
        module(
            "license=GPL\0depends=virtio,virtio_ring\0softdep=pre: crc32c x-y post: z\0"
                + "vermagic=6.1.0-56-cloud-amd64 SMP preempt\0");
    ModuleInfo info = Objects.requireNonNull(ModuleInfo.of(b, b.length));
    assertThat(info.depends()).containsExactly("virtio", "virtio_ring");
    assertThat(info.before()).containsExactly("crc32c", "x-y");
    assertThat(info.vermagic()).startsWith("6.1.0-56-cloud-amd64 ");
    byte[] none = module("depends=\0");
    assertThat(Objects.requireNonNull(ModuleInfo.of(none, none.length)).depends()).isEmpty();
    assertThat(ModuleInfo.of(b, 60)).isNull();
  }

  @Test
  void levelsAndModulesAreBounded() {
    Map<String, ModuleInfo> chain = new HashMap<>(Map.of("tun", needs("m1")));
    for (int i = 1; i < GuestModules.MOST_LEVELS; i++) {
      chain.put("m" + i, i + 1 < GuestModules.MOST_LEVELS ? needs("m" + (i + 1)) : needs());
    }
    GuestModules.Resolved most = GuestModules.of(new Fake(chain, List.of()), List.of(Need.TUN));
    assertThat(most.order()).hasSize(GuestModules.MOST_LEVELS);
    assertThat(most.excess()).isNull();
    chain.put("m" + (GuestModules.MOST_LEVELS - 1), needs("last"));
    assertThat(GuestModules.of(new Fake(chain, List.of()), List.of(Need.TUN)).excess())
        .isEqualTo("more than 32 modules need each the next one");
    String[] names = new String[GuestModules.MOST_MODULES];
    for (int i = 0; i < names.length; i++) {
      names[i] = "m" + i;
    }
    // What is missing counts too: it is looked for.
    Fake wide = new Fake(Map.of("tun", needs(names)), List.of());
    assertThat(GuestModules.of(wide, List.of(Need.TUN)).excess())
        .isEqualTo("a guest would need more than 256 modules");
  }

  @Test
  void namesOfOtherModulesAreNamesAndNotTooMany() {
    String most = "m,".repeat(ModuleInfo.MOST_NAMES);
    for (String info :
        List.of("depends=../m", "depends=a b\nc", "softdep=pre: \n", "depends=" + most + "m")) {
      byte[] b = module(info + "\0");
      assertThat(ModuleInfo.of(b, b.length)).as(info).isNull();
    }
    byte[] b = module("depends=" + most + "\0softdep=pre: a post: \n\0");
    assertThat(Objects.requireNonNull(ModuleInfo.of(b, b.length)).depends())
        .hasSize(ModuleInfo.MOST_NAMES);
  }

  @Test
  void anyBytesAreReadWithoutHarm() {
    Random random = new Random(3);
    for (int round = 0; round < 5000; round++) {
      byte[] b = module("depends=a\0");
      for (int i = 0; i < 6; i++) {
        b[40 + random.nextInt(240)] = (byte) random.nextInt(256);
      }
      ModuleInfo.of(b, 64 + random.nextInt(b.length - 64));
    }
  }

  @Test
  void distributions() {
    byte[] os = "NAME=x\nID=\"debian\"\nID_LIKE=y".getBytes(UTF_8);
    assertThat(KernelRules.id(os, os.length)).isEqualTo("debian");
    assertThat(KernelRules.paths("debian")).startsWith("/vmlinuz");
    assertThat(KernelRules.paths("ubuntu")).startsWith("/boot/vmlinuz");
    assertThat(KernelRules.paths("ol")).startsWith("/boot/vmlinuz");
    assertThat(KernelRules.paths("alpine")).startsWith("/boot/vmlinuz-virt");
    assertThat(KernelRules.paths("plan9")).isNull();
    assertThat(KernelRules.id(os, 3)).isEmpty();
  }

  @Test
  void archive() {
    Newc newc = new Newc();
    String text = new String(newc.executable("init", 5), UTF_8);
    assertThat(text)
        .startsWith(
            "070701"
                + "00000000"
                + "000081ed"
                + "0000000000000000"
                + "00000001"
                + "00000000"
                + "00000005")
        .endsWith("init\0\0");
    assertThat(text.length() % 4).isZero();
    assertThat(Newc.padding(5)).isEqualTo(3);
    assertThat(Newc.padding(8)).isZero();
    assertThat(new String(newc.device("dev/console", 5, 1), UTF_8)).contains("0000000500000001");
    assertThat(new String(newc.end(), UTF_8)).contains("TRAILER!!!");
  }
}
