package dev.coracle.vmm;

import static dev.coracle.abi.Fcntl.MFD_CLOEXEC;

import dev.coracle.abi.Bytes;
import dev.coracle.kernel.Kernel;
import dev.coracle.vm.KernelImage;
import dev.coracle.vm.KernelImage.Kind;
import dev.coracle.vm.KernelImage.Packing;
import dev.coracle.vm.KernelImage.Part;
import dev.coracle.vm.Lz4;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Makes a vmlinux of a bzImage, once, so that no guest has to unpack its kernel: it starts at the
 * entry that a PVH note names.
 */
final class ImageUnpacker {
  private static final int MOST_NOTES_BYTES = 64 << 10;
  private static final int MOST_NOTES = 8;

  /** What a kernel unpacks to at most: twice what those of distributions do. */
  static final long MOST_BYTES = 256 << 20;

  private static final int SIZE_BYTES = 4;

  private final Kernel k;
  private final Place place;

  ImageUnpacker(Kernel kernel) {
    this.k = kernel;
    this.place = new Place(kernel);
  }

  /**
   * Writes the kernel in {@code from} to {@code to}.
   *
   * @return null, or why it stays packed: nothing is at {@code to} then
   */
  @Nullable String unpack(String from, String to) throws Refused {
    byte[] head = new byte[KernelImage.HEAD_BYTES];
    int length = place.head(from, head);
    Part payload = KernelImage.payload(head, length);
    if (payload == null) {
      return "its header does not say where the kernel is";
    }
    int in = place.read(from);
    skip(in, payload.at(), from);
    byte[] magic = new byte[8];
    place.fill(in, magic, magic.length, from);
    Packing packing = KernelImage.packing(magic, 0);
    int out = place.write(to);
    String why =
        switch (packing) {
          case LZ4 -> lz4(in, magic, payload.length(), out, from);
          case GZIP, XZ, ZSTD -> program(packing, in, magic, payload.length(), out, from);
          case NONE -> plain(in, magic, payload.length(), out, from);
          case OTHER -> "it is packed in a way that is not known";
        };
    place.close(in);
    place.close(out);
    if (why == null && !isBootable(to)) {
      why = "the kernel in it has no PVH entry (CONFIG_PVH)";
    }
    if (why != null) {
      place.remove(to);
    }
    return why;
  }

  /** Whether a vmlinux says where it begins. */
  boolean isBootable(String path) throws Refused {
    byte[] head = new byte[KernelImage.HEAD_BYTES];
    int length = place.head(path, head);
    if (KernelImage.kind(head, length) != Kind.VMLINUX) {
      return false;
    }
    Part[] parts = KernelImage.notes(head, length);
    for (int i = 0; i < Math.min(parts.length, MOST_NOTES); i++) {
      Part notes = parts[i];
      if (notes.length() > 0 && notes.length() <= MOST_NOTES_BYTES && notes.at() >= 0) {
        byte[] bytes = new byte[(int) notes.length()];
        int fd = place.read(path);
        skip(fd, notes.at(), path);
        int n = place.fill(fd, bytes, bytes.length, path);
        place.close(fd);
        if (KernelImage.hasEntry(bytes, n)) {
          return true;
        }
      }
    }
    return false;
  }

  private void skip(int fd, long count, String path) throws Refused {
    byte[] buffer = place.buffer();
    long left = count;
    while (left > 0) {
      int n = place.fill(fd, buffer, (int) Math.min(left, buffer.length), path);
      if (n == 0) {
        throw new Refused(path + " is cut short");
      }
      left -= n;
    }
  }

  /** The frame begins with four bytes, the first block's length is in {@code magic} as well. */
  private @Nullable String lz4(int in, byte[] magic, long length, int out, String from)
      throws Refused {
    byte[] packed = new byte[Lz4.MOST_PACKED_BYTES];
    byte[] block = new byte[Lz4.MOST_BLOCK_BYTES];
    byte[] size = {magic[4], magic[5], magic[6], magic[7]};
    long left = length - magic.length;
    long written = 0;
    while (true) {
      long count = Bytes.u32(size, 0);
      if (left == 0) {
        // What stands behind the last block is the kernel's size.
        return count == written ? null : "it unpacks to " + written + " bytes, not " + count;
      }
      if (count == 0 || count > packed.length || count > left - SIZE_BYTES) {
        return "a block of it has no length";
      }
      int n = place.fill(in, packed, (int) count, from);
      int unpacked = n < count ? -1 : Lz4.unpack(packed, n, block);
      if (unpacked < 0 || place.fill(in, size, SIZE_BYTES, from) < SIZE_BYTES) {
        return "a block of it is damaged";
      }
      left -= count + SIZE_BYTES;
      if (written + unpacked > MOST_BYTES) {
        throw new Refused(from + " unpacks to more than " + MOST_BYTES + " bytes");
      }
      place.put(out, block, unpacked, "the unpacked kernel");
      written += unpacked;
    }
  }

  private @Nullable String plain(int in, byte[] first, long length, int out, String from)
      throws Refused {
    place.put(out, first, first.length, "the kernel");
    byte[] buffer = place.buffer();
    long left = length - first.length;
    while (left > 0) {
      int n = place.fill(in, buffer, (int) Math.min(left, buffer.length), from);
      if (n == 0) {
        return "it is cut short";
      }
      place.put(out, buffer, n, "the kernel");
      left -= n;
    }
    return null;
  }

  /** Behind what gzip writes is nothing, behind the others the kernel's size. */
  private @Nullable String program(
      Packing packing, int in, byte[] first, long length, int out, String from) throws Refused {
    String program;
    String name = packing.program();
    program = Tool.find(k, name, name.equals("xz") ? "xz-utils" : name);
    int copy = (int) place.must("memfd_create", k.memfd_create("kernel", MFD_CLOEXEC));
    long payload = packing == Packing.GZIP ? length : length - SIZE_BYTES;
    String problem = plain(in, first, payload, copy, from);
    // Opened anew, it is read from its beginning.
    int again = place.read("/proc/self/fd/" + copy);
    place.close(copy);
    if (problem == null) {
      Tool.filter(k, List.of(program, "-dc"), again, out, MOST_BYTES);
    }
    place.close(again);
    return problem;
  }
}
