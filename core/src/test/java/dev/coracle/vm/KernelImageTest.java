package dev.coracle.vm;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.abi.Bytes;
import dev.coracle.vm.KernelImage.Kind;
import dev.coracle.vm.KernelImage.Packing;
import dev.coracle.vm.KernelImage.Part;
import java.util.Random;
import org.junit.jupiter.api.Test;

class KernelImageTest {
  private static byte[] bzImage() {
    byte[] b = new byte[KernelImage.HEAD_BYTES];
    b[0x1f1] = 39;
    put(b, 0x202, "HdrS");
    Bytes.put16(b, 0x206, 0x20f);
    Bytes.put16(b, 0x20e, 0x400);
    Bytes.put32(b, 0x248, 716);
    Bytes.put32(b, 0x24c, 14_063_308);
    put(b, 0x600, "6.1.0-56-cloud-amd64 (debian-kernel@lists.debian.org)");
    return b;
  }

  private static byte[] vmlinux() {
    byte[] b = new byte[KernelImage.HEAD_BYTES];
    put(b, 0, "\177ELF");
    b[4] = 2;
    Bytes.put16(b, 18, 62);
    Bytes.put64(b, 32, 64);
    Bytes.put16(b, 54, 56);
    Bytes.put16(b, 56, 2);
    Bytes.put32(b, 64, 1);
    Bytes.put32(b, 64 + 56, 4);
    Bytes.put64(b, 64 + 56 + 8, 0x1000);
    Bytes.put64(b, 64 + 56 + 32, 24);
    return b;
  }

  private static void put(byte[] b, int at, String text) {
    byte[] bytes = text.getBytes(UTF_8);
    System.arraycopy(bytes, 0, b, at, bytes.length);
  }

  @Test
  void aBzImageSaysWhereItsKernelIs() {
    byte[] b = bzImage();
    assertThat(KernelImage.kind(b, b.length)).isEqualTo(Kind.BZIMAGE);
    assertThat(KernelImage.payload(b, b.length)).isEqualTo(new Part(0x52cc, 14_063_308));
    int at = KernelImage.releaseAt(b, b.length);
    assertThat(KernelImage.release(b, at, b.length)).isEqualTo("6.1.0-56-cloud-amd64");
    Bytes.put16(b, 0x206, 0x207);
    assertThat(KernelImage.payload(b, b.length)).isNull();
  }

  @Test
  void aVmlinuxSaysWhereItsNotesAre() {
    byte[] b = vmlinux();
    assertThat(KernelImage.kind(b, b.length)).isEqualTo(Kind.VMLINUX);
    assertThat(KernelImage.notes(b, b.length)).containsExactly(new Part(0x1000, 24));
    Bytes.put64(b, 32, -1);
    assertThat(KernelImage.notes(b, b.length)).isEmpty();
    b[18] = 40;
    assertThat(KernelImage.kind(b, b.length)).isEqualTo(Kind.OTHER);
  }

  @Test
  void theEntryIsANoteOfXen() {
    byte[] notes = new byte[40];
    Bytes.put32(notes, 0, 4);
    Bytes.put32(notes, 4, 2);
    Bytes.put32(notes, 8, 6);
    put(notes, 12, "Xen\0xy");
    Bytes.put32(notes, 20, 4);
    Bytes.put32(notes, 24, 4);
    Bytes.put32(notes, 28, 18);
    put(notes, 32, "Xen\0");
    assertThat(KernelImage.hasEntry(notes, 40)).isTrue();
    assertThat(KernelImage.hasEntry(notes, 30)).isFalse();
    notes[32] = 'Y';
    assertThat(KernelImage.hasEntry(notes, 40)).isFalse();
    Bytes.put32(notes, 4, 0xffffffffL);
    assertThat(KernelImage.hasEntry(notes, 40)).isFalse();
  }

  @Test
  void packing() {
    assertThat(KernelImage.packing(new byte[] {2, 0x21, 0x4c, 0x18, 0, 0}, 0))
        .isEqualTo(Packing.LZ4);
    assertThat(KernelImage.packing(new byte[] {0x1f, (byte) 0x8b, 8, 0, 0, 0}, 0))
        .isEqualTo(Packing.GZIP);
    assertThat(KernelImage.packing(new byte[] {(byte) 0xfd, '7', 'z', 'X', 'Z', 0}, 0))
        .isEqualTo(Packing.XZ);
    assertThat(KernelImage.packing(new byte[] {0x28, (byte) 0xb5, 0x2f, (byte) 0xfd, 0, 0}, 0))
        .isEqualTo(Packing.ZSTD);
    assertThat(KernelImage.packing(new byte[] {'B', 'Z', 'h', '9', 0, 0}, 0))
        .isEqualTo(Packing.OTHER);
  }

  @Test
  void names() {
    assertThat(KernelImage.isName("6.1.0-56_x+~1")).isTrue();
    for (String bad : new String[] {"", ".", "..", ".new-x", "a/b", "a b", "x".repeat(129)}) {
      assertThat(KernelImage.isName(bad)).as(bad).isFalse();
    }
  }

  @Test
  void anyBytesAreReadWithoutHarm() {
    Random random = new Random(9);
    for (int round = 0; round < 2000; round++) {
      byte[] b = round % 2 == 0 ? bzImage() : vmlinux();
      for (int i = 0; i < 20; i++) {
        b[random.nextInt(0x260)] = (byte) random.nextInt(256);
      }
      KernelImage.payload(b, b.length);
      KernelImage.releaseAt(b, b.length);
      KernelImage.notes(b, b.length);
      KernelImage.hasEntry(b, random.nextInt(b.length));
      KernelImage.kind(b, random.nextInt(b.length));
    }
  }

  @Test
  void debianPackage() {
    byte[] b = "!<arch>\ndebian-binary".getBytes(UTF_8);
    assertThat(KernelImage.kind(b, b.length)).isEqualTo(Kind.DEB);
    assertThat(KernelImage.kind(b, 3)).isEqualTo(Kind.OTHER);
  }
}
