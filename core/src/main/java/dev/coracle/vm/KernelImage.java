package dev.coracle.vm;

import dev.coracle.abi.Bytes;
import org.jspecify.annotations.Nullable;

/**
 * What the first bytes of a kernel's file say of it (linux Documentation/arch/x86/boot.rst;
 * elf(5)). The file may come from anywhere: each number is checked.
 */
public final class KernelImage {
  /** How many bytes are enough to tell. */
  public static final int HEAD_BYTES = 4096;

  private static final int SECTOR = 512;
  private static final int OLD_SECTORS = 4;
  private static final int SETUP_SECTORS_AT = 0x1f1;
  private static final int MAGIC_AT = 0x202;
  private static final int VERSION_AT = 0x206;
  private static final int RELEASE_AT = 0x20e;
  private static final int PAYLOAD_AT = 0x248;
  private static final int PAYLOAD_LENGTH_AT = 0x24c;
  private static final int PAYLOAD_VERSION = 0x208;
  private static final int X86_64 = 62;
  private static final int PT_NOTE = 4;
  private static final int XEN_ELFNOTE_PHYS32_ENTRY = 18;
  private static final int MOST_PROGRAM_HEADERS = 64;
  private static final int PROGRAM_HEADER_BYTES = 56;

  /** The kinds of files. */
  public enum Kind {
    /** An executable of x86-64, not packed. */
    VMLINUX,
    /** As a boot loader wants it. */
    BZIMAGE,
    /** A package of Debian. */
    DEB,
    OTHER
  }

  /** How a bzImage packs the kernel in it. */
  public enum Packing {
    LZ4(""),
    GZIP("gzip"),
    XZ("xz"),
    ZSTD("zstd"),
    /** Not packed. */
    NONE(""),
    OTHER("");

    private final String program;

    Packing(String program) {
      this.program = program;
    }

    /** What unpacks it; empty where we do it, or cannot. */
    public String program() {
      return program;
    }
  }

  /** Where in a file something stands. */
  public record Part(long at, long length) {}

  private KernelImage() {}

  /** The kind of a file. */
  public static Kind kind(byte[] head, int length) {
    if (length >= 64 && isElf(head) && head[4] == 2 && Bytes.u16(head, 18) == X86_64) {
      return Kind.VMLINUX;
    }
    if (length > PAYLOAD_LENGTH_AT + 4 && is(head, MAGIC_AT, "HdrS")) {
      return Kind.BZIMAGE;
    }
    return length >= 8 && is(head, 0, "!<arch>\n") ? Kind.DEB : Kind.OTHER;
  }

  /** Where the packed kernel of a bzImage stands; null where its header does not tell. */
  public static @Nullable Part payload(byte[] head, int length) {
    if (kind(head, length) != Kind.BZIMAGE || Bytes.u16(head, VERSION_AT) < PAYLOAD_VERSION) {
      return null;
    }
    int sectors = head[SETUP_SECTORS_AT] & 0xff;
    long setup = ((sectors == 0 ? OLD_SECTORS : sectors) + 1L) * SECTOR;
    long bytes = Bytes.u32(head, PAYLOAD_LENGTH_AT);
    return bytes < 8 ? null : new Part(setup + Bytes.u32(head, PAYLOAD_AT), bytes);
  }

  /**
   * Where the text with the release stands in a bzImage: {@code 6.1.0-56-cloud-amd64 (…}; 0 where
   * there is none.
   */
  public static int releaseAt(byte[] head, int length) {
    int at = kind(head, length) == Kind.BZIMAGE ? Bytes.u16(head, RELEASE_AT) : 0;
    return at == 0 ? 0 : at + SECTOR;
  }

  /** The first word of a text, if it could be a release: it becomes the name of a directory. */
  public static String release(byte[] text, int from, int end) {
    int to = from;
    while (to < end && isOfName((char) (text[to] & 0xff))) {
      to++;
    }
    String word = Bytes.text(text, from, to);
    return isName(word) ? word : "";
  }

  /** Whether a text can be the name of a kernel, or a release. */
  public static boolean isName(String text) {
    boolean good = !text.isEmpty() && text.length() <= 128 && text.charAt(0) != '.';
    for (int i = 0; good && i < text.length(); i++) {
      good = isOfName(text.charAt(i));
    }
    return good;
  }

  private static boolean isOfName(char c) {
    return c >= '0' && c <= '9'
        || c >= 'a' && c <= 'z'
        || c >= 'A' && c <= 'Z'
        || c == '.'
        || c == '-'
        || c == '_'
        || c == '+'
        || c == '~';
  }

  /** How something is packed, by its first six bytes. */
  public static Packing packing(byte[] b, int at) {
    if (Bytes.u32(b, at) == Lz4.LEGACY_MAGIC) {
      return Packing.LZ4;
    }
    if (Bytes.u16(b, at) == 0x8b1f) {
      return Packing.GZIP;
    }
    if ((b[at] & 0xff) == 0xfd && is(b, at + 1, "7zXZ")) {
      return Packing.XZ;
    }
    if (Bytes.u32(b, at) == 0xfd2fb528L) {
      return Packing.ZSTD;
    }
    return Bytes.u32(b, at) == 0x464c457fL ? Packing.NONE : Packing.OTHER;
  }

  /** The notes of a vmlinux; empty parts where there are none. */
  public static Part[] notes(byte[] head, int length) {
    Part[] out = new Part[0];
    long at = Bytes.i64(head, 32);
    int count = Math.min(Bytes.u16(head, 56), MOST_PROGRAM_HEADERS);
    if (kind(head, length) != Kind.VMLINUX || Bytes.u16(head, 54) != PROGRAM_HEADER_BYTES) {
      return out;
    }
    for (int i = 0; i < count; i++) {
      long header = at + (long) i * PROGRAM_HEADER_BYTES;
      if (header < 0 || header + PROGRAM_HEADER_BYTES > length) {
        return out;
      }
      int h = (int) header;
      if (Bytes.u32(head, h) == PT_NOTE) {
        Part[] more = new Part[out.length + 1];
        System.arraycopy(out, 0, more, 0, out.length);
        more[out.length] = new Part(Bytes.i64(head, h + 8), Bytes.i64(head, h + 32));
        out = more;
      }
    }
    return out;
  }

  /** Whether one of these notes says where a machine without firmware begins (PVH). */
  public static boolean hasEntry(byte[] notes, int length) {
    int at = 0;
    while (length - at >= 12) {
      long name = Bytes.u32(notes, at);
      long text = Bytes.u32(notes, at + 4);
      if (Bytes.u32(notes, at + 8) == XEN_ELFNOTE_PHYS32_ENTRY
          && name == 4
          && length - at >= 16
          && is(notes, at + 12, "Xen\0")) {
        return true;
      }
      long next = at + 12 + (name + 3 & ~3L) + (text + 3 & ~3L);
      if (next > length) {
        return false;
      }
      at = (int) next;
    }
    return false;
  }

  private static boolean isElf(byte[] b) {
    return Bytes.u32(b, 0) == 0x464c457fL;
  }

  private static boolean is(byte[] b, int at, String text) {
    for (int i = 0; i < text.length(); i++) {
      if (b[at + i] != (byte) text.charAt(i)) {
        return false;
      }
    }
    return true;
  }
}
