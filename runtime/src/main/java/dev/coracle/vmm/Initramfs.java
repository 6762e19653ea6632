package dev.coracle.vmm;

import static dev.coracle.abi.Fcntl.AT_FDCWD;
import static dev.coracle.abi.Fcntl.O_CLOEXEC;
import static dev.coracle.abi.Fcntl.O_CREAT;
import static dev.coracle.abi.Fcntl.O_TRUNC;
import static dev.coracle.abi.Fcntl.O_WRONLY;

import dev.coracle.abi.Bytes;
import dev.coracle.abi.Statx;
import dev.coracle.execute.Files;
import dev.coracle.kernel.Kernel;
import dev.coracle.vm.GuestModules;
import dev.coracle.vm.GuestModules.Need;
import dev.coracle.vm.ModuleInfo;
import dev.coracle.vm.Newc;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A guest's first root: our own program as {@code /init}, the modules that it loads, and their list
 * in {@code /modules}. It is made in a millisecond or two, and kept beside the kernel for the same
 * program and the same modules; one that is there is whole, for it appears by rename(2).
 */
public final class Initramfs {
  private static final String OWN = "/proc/self/exe";
  private static final int MOST_PROGRAM_BYTES = 16 << 20;
  private static final int MOST_INITRD_BYTES = 256 << 20;

  /** The list of a kernel's modules. */
  static final int MOST_ORDER_BYTES = 256 * 1024;

  private static final long FNV_PRIME = 0x100000001b3L;
  private static final long FNV_BASIS = 0xcbf29ce484222325L;

  private final Kernel k;
  private final Place place;
  private final Kernels.Stored kernel;

  private Initramfs(Kernel kernel, Kernels.Stored stored) {
    this.k = kernel;
    this.place = new Place(kernel);
    this.kernel = stored;
  }

  /** The path of the one for some needs; it is made where it is not there. */
  public static String path(Kernel k, Kernels.Stored kernel, List<Need> needs) throws Refused {
    return new Initramfs(k, kernel).path(needs);
  }

  private String path(List<Need> needs) throws Refused {
    List<String> modules = modules(needs);
    String path = kernel.path() + "/initramfs-" + name(modules);
    if (place.exists(path)) {
      return path;
    }
    String unfinished = path + ".new-" + k.getpid();
    // Anew: two at once have two names, and of two that are the same either may stay.
    long flags = O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC;
    int fd =
        (int)
            place.must(
                unfinished + " cannot be written", k.openat2(AT_FDCWD, unfinished, flags, 0644, 0));
    try {
      write(fd, modules, unfinished);
    } catch (Refused refused) {
      place.close(fd);
      place.remove(unfinished);
      throw refused;
    }
    place.close(fd);
    place.move(unfinished, path);
    return path;
  }

  /** The modules that are needed, first to last, out of those that were kept of the kernel. */
  private List<String> modules(List<Need> needs) throws Refused {
    Order order = new Order(place.content(kernel.path() + "/guest/order", MOST_ORDER_BYTES).text());
    GuestModules.Resolved resolved = GuestModules.of(order, needs);
    String excess = resolved.excess();
    if (excess != null) {
      throw new Refused("the kernel \"" + kernel.name() + "\": " + excess);
    }
    return resolved.order();
  }

  /** What the file is made from: another program or another list is another file. */
  private String name(List<String> modules) throws Refused {
    byte[] statx = new byte[Statx.SIZE];
    place.must(OWN, k.statx(AT_FDCWD, OWN, 0, Statx.STATX_BASIC_STATS, statx));
    StringBuilder key = new StringBuilder();
    key.append(Statx.size(statx)).append(' ').append(Bytes.i64(statx, Statx.MTIME_AT));
    key.append('.').append(Bytes.u32(statx, Statx.MTIME_AT + 8));
    for (String module : modules) {
      key.append(' ').append(module);
    }
    return hash(key);
  }

  /** A short name for a text: FNV-1a of its characters, in hexadecimal digits. */
  private static String hash(CharSequence text) {
    long hash = FNV_BASIS;
    for (int i = 0; i < text.length(); i++) {
      hash = (hash ^ text.charAt(i)) * FNV_PRIME;
    }
    return Long.toHexString(hash);
  }

  private void write(int fd, List<String> modules, String path) throws Refused {
    String before = kernel.initrd();
    if (before != null) {
      int in = place.read(before);
      long length = place.copy(in, fd, MOST_INITRD_BYTES, before, path);
      place.put(fd, new byte[4], Newc.padding(length), path);
      place.close(in);
    }
    Newc newc = new Newc();
    put(fd, newc.directory("dev"), path);
    put(fd, newc.device("dev/console", 5, 1), path);
    Files.Content own = place.content(OWN, MOST_PROGRAM_BYTES);
    put(fd, newc.executable("init", own.length()), path);
    body(fd, own.bytes(), own.length(), path);
    put(fd, newc.directory("m"), path);
    StringBuilder list = new StringBuilder();
    for (String module : modules) {
      String file = kernel.path() + "/guest/" + module + ".ko";
      int in = place.read(file);
      long length = place.size(in, file);
      put(fd, newc.file("m/" + module + ".ko", length), path);
      if (place.copy(in, fd, length, file, path) < length) {
        throw new Refused(file + " was cut short");
      }
      place.put(fd, new byte[4], Newc.padding(length), path);
      place.close(in);
      list.append("/m/").append(module).append(".ko\n");
    }
    byte[] lines = Bytes.utf8(list.toString());
    put(fd, newc.file("modules", lines.length), path);
    body(fd, lines, lines.length, path);
    put(fd, newc.end(), path);
  }

  private void put(int fd, byte[] bytes, String path) throws Refused {
    place.put(fd, bytes, bytes.length, path);
  }

  private void body(int fd, byte[] bytes, int length, String path) throws Refused {
    place.put(fd, bytes, length, path);
    place.put(fd, new byte[4], Newc.padding(length), path);
  }

  /** The file {@code order}: a module in each line, and what must be there before it. */
  private static final class Order implements GuestModules.Source {
    private final List<String> names = new ArrayList<>();
    private final List<List<String>> depends = new ArrayList<>();

    Order(String text) {
      int at = 0;
      while (at < text.length()) {
        int end = text.indexOf('\n', at);
        end = end < 0 ? text.length() : end;
        List<String> words = new ArrayList<>();
        int from = at;
        while (from < end) {
          int space = text.indexOf(' ', from);
          int to = space < 0 || space > end ? end : space;
          words.add(text.substring(from, to));
          from = to + 1;
        }
        if (!words.isEmpty()) {
          names.add(words.get(0));
          depends.add(words.subList(1, words.size()));
        }
        at = end + 1;
      }
    }

    @Override
    public @Nullable ModuleInfo info(String name) {
      int at = names.indexOf(name);
      // Those of "before" that are not there were not kept.
      return at < 0 ? null : new ModuleInfo(depends.get(at), List.of(), "");
    }

    @Override
    public boolean isBuiltIn(String name) {
      // What is not in the list is in the kernel, or the kernel was not taken.
      return false;
    }
  }
}
