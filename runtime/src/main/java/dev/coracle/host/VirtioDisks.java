package dev.coracle.host;

import dev.coracle.execute.Files;
import dev.coracle.kernel.Kernel;
import org.jspecify.annotations.Nullable;

/** The disks of a guest, as its kernel shows them in sysfs: virtio-blk, found by their serials. */
public final class VirtioDisks {
  private static final int MOST_SERIAL = 64;

  private VirtioDisks() {}

  /** The name, such as {@code vda}, of the disk with a serial; null where there is none. */
  public static @Nullable String name(Kernel k, String serial) {
    for (char letter = 'a'; letter <= 'z'; letter++) {
      String name = "vd" + letter;
      if (serial.equals(read(k, name, "/serial"))) {
        return name;
      }
    }
    return null;
  }

  /** The numbers of a disk's device, {@code MAJOR:MINOR}; an empty text where there is none. */
  public static String numbers(Kernel k, String name) {
    return read(k, name, "/dev");
  }

  private static String read(Kernel k, String name, String file) {
    Files.Content content = Files.read(k, "/sys/block/" + name + file, MOST_SERIAL).content();
    return content == null ? "" : content.text().strip();
  }
}
