package dev.coracle.vm;

import dev.coracle.abi.Bytes;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a kernel module says of itself, in its section {@code .modinfo} (linux
 * include/linux/module.h; elf(5)).
 *
 * @param depends modules that must be there before
 * @param before modules that are better there before, if there are any such
 * @param vermagic the release and how the kernel was built
 */
public record ModuleInfo(List<String> depends, List<String> before, String vermagic) {
  /** A larger file is no module. */
  public static final int MOST_BYTES = 32 << 20;

  /** How many names each of the lists may have. */
  public static final int MOST_NAMES = 256;

  private static final int SECTION_HEADER_BYTES = 64;
  private static final int MOST_VERMAGIC_BYTES = 1024;

  private static final int MOST_NAME_BYTES = 128;

  /** Reads it; null where it is no module, or names what cannot be one. */
  public static @Nullable ModuleInfo of(byte[] file, int length) {
    if (length < 64 || Bytes.u32(file, 0) != 0x464c457fL || file[4] != 2) {
      return null;
    }
    long at = Bytes.i64(file, 40);
    int count = Bytes.u16(file, 60);
    long names = Bytes.u16(file, 62);
    if (Bytes.u16(file, 58) != SECTION_HEADER_BYTES
        || at < 0
        || at > length - (long) count * SECTION_HEADER_BYTES
        || names >= count) {
      return null;
    }
    long text = Bytes.i64(file, (int) (at + names * SECTION_HEADER_BYTES) + 24);
    for (int i = 0; i < count; i++) {
      int header = (int) at + i * SECTION_HEADER_BYTES;
      if (isNamed(file, length, text + Bytes.u32(file, header), ".modinfo\0")) {
        long from = Bytes.i64(file, header + 24);
        long size = Bytes.i64(file, header + 32);
        boolean fits = from >= 0 && size >= 0 && from <= length && size <= length - from;
        return fits ? read(file, (int) from, (int) (from + size)) : null;
      }
    }
    return null;
  }

  private static boolean isNamed(byte[] file, int length, long at, String name) {
    if (at < 0 || at > length - name.length()) {
      return false;
    }
    for (int i = 0; i < name.length(); i++) {
      if (file[(int) at + i] != (byte) name.charAt(i)) {
        return false;
      }
    }
    return true;
  }

  private static @Nullable ModuleInfo read(byte[] file, int from, int end) {
    List<String> depends = new ArrayList<>();
    List<String> before = new ArrayList<>();
    String vermagic = null;
    boolean good = true;
    int at = from;
    while (good && at < end) {
      int stop = at;
      while (stop < end && file[stop] != 0) {
        stop++;
      }
      if (isNamed(file, stop, at, "depends=")) {
        good = names(file, at + 8, stop, depends);
      } else if (isNamed(file, stop, at, "softdep=pre:")) {
        good = names(file, at + 12, stop, before);
      } else if (vermagic == null && isNamed(file, stop, at, "vermagic=")) {
        vermagic = Bytes.text(file, at + 9, Math.min(stop, at + MOST_VERMAGIC_BYTES));
      }
      at = stop + 1;
    }
    return good ? new ModuleInfo(depends, before, vermagic == null ? "" : vermagic) : null;
  }

  /**
   * Adds the names, up to what comes after the module ("post:"). They become names of files, and
   * words of a list.
   *
   * @return whether they can be names, and are not too many
   */
  private static boolean names(byte[] file, int from, int end, List<String> out) {
    int at = from;
    while (at < end && !isNamed(file, end, at, "post:")) {
      int stop = at;
      while (stop < end && file[stop] != ',' && file[stop] != ' ') {
        stop++;
      }
      if (stop > at) {
        String name = KernelImage.release(file, at, Math.min(stop, at + MOST_NAME_BYTES));
        if (name.length() < stop - at || out.size() == MOST_NAMES) {
          return false;
        }
        out.add(name);
      }
      at = stop + 1;
    }
    return true;
  }
}
