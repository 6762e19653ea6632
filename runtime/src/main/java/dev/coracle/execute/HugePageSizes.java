package dev.coracle.execute;

import static dev.coracle.abi.Fcntl.AT_FDCWD;
import static dev.coracle.abi.Fcntl.O_CLOEXEC;
import static dev.coracle.abi.Fcntl.O_DIRECTORY;
import static dev.coracle.abi.Fcntl.O_RDONLY;

import dev.coracle.abi.Dirent;
import dev.coracle.kernel.Kernel;
import java.util.ArrayList;
import java.util.List;

/** The sizes of huge pages that a kernel has, by the files of a cgroup. */
public final class HugePageSizes {
  private static final String PREFIX = "hugetlb.";
  private static final int DIRENTS_BYTES = 16 * 1024;

  private HugePageSizes() {}

  /** The sizes, such as {@code 2MB}, of files hugetlb.SIZE with this suffix. */
  public static List<String> of(Kernel k, String cgroup, String suffix) {
    List<String> out = new ArrayList<>();
    long fd = k.openat2(AT_FDCWD, cgroup, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0, 0);
    if (fd < 0) {
      return out;
    }
    byte[] entries = new byte[DIRENTS_BYTES];
    long n = k.getdents64((int) fd, entries);
    while (n > 0) {
      for (int at = 0; at < n; at += Dirent.length(entries, at)) {
        String name = Dirent.name(entries, at);
        int end = name.length() - suffix.length();
        // One word: hugetlb.2MB.rsvd.max is about reservations.
        if (name.startsWith(PREFIX)
            && name.endsWith(suffix)
            && end > PREFIX.length()
            && name.substring(PREFIX.length(), end).indexOf('.') < 0) {
          out.add(name.substring(PREFIX.length(), end));
        }
      }
      n = k.getdents64((int) fd, entries);
    }
    long closed = k.close((int) fd);
    return closed < 0 ? new ArrayList<>() : out;
  }
}
