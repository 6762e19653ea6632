package dev.coracle.vmm;

import dev.coracle.abi.Bytes;
import dev.coracle.kernel.Kernel;
import dev.coracle.vm.GuestModules;
import dev.coracle.vm.KernelImage;
import dev.coracle.vm.ModuleInfo;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The modules of a kernel, as a package has them: a directory with {@code modules.builtin} and the
 * directory {@code kernel}. Those that a guest may need are copied out of it, unpacked. It may be
 * an image's: all is bounded.
 */
final class ModuleTree implements GuestModules.Source {
  private static final int MOST_LEVELS = 16;
  private static final int MOST_DIRECTORIES = 4_000;
  private static final int MOST_MODULES = 20_000;
  private static final int MOST_BUILT_IN_BYTES = 1 << 20;
  private static final int MOST_ORDER_BYTES = Initramfs.MOST_ORDER_BYTES;

  /** The modules of all guests, unpacked. */
  static final long MOST_BYTES = 64 << 20;

  private final Kernel k;
  private final Place place;
  private final Place from;
  private final String directory;
  private final String to;
  private final Map<String, String> paths = new HashMap<>();
  private final Map<String, ModuleInfo> known = new HashMap<>();
  private final Set<String> builtIn = new HashSet<>();
  private int directories;
  private long left = MOST_BYTES;

  /** A module at a time. */
  private byte[] module = new byte[0];

  private @Nullable String problem;

  /** What was not found, but nothing depends on it. */
  record Copied(List<String> order, List<String> missing, String release) {}

  private ModuleTree(Kernel kernel, Place from, String directory, String to) {
    this.k = kernel;
    this.place = new Place(kernel);
    this.from = from;
    this.directory = directory;
    this.to = to;
  }

  /**
   * Copies what a guest may need, and writes {@code order}: the names, first to last.
   *
   * @param from where the directory is
   */
  static Copied copy(Kernel k, Place from, String directory, String to) throws Refused {
    ModuleTree tree = new ModuleTree(k, from, directory, to);
    tree.place.directory(to);
    tree.walk(directory + "/kernel", MOST_LEVELS);
    tree.readBuiltIn();
    return tree.copy();
  }

  private void walk(String path, int levels) throws Refused {
    if (levels == 0) {
      throw new Refused(path + " is nested too deep");
    }
    // A link to a directory above would make a forest of the tree.
    if (++directories > MOST_DIRECTORIES) {
      throw new Refused(directory + " has more than " + MOST_DIRECTORIES + " directories");
    }
    for (String name : from.names(path)) {
      // Others are no modules: they would be words of a list.
      if (!KernelImage.isName(name)) {
        continue;
      }
      String module = GuestModules.nameOf(name);
      if (!module.isEmpty()) {
        paths.put(module, path + "/" + name);
        if (paths.size() > MOST_MODULES) {
          throw new Refused(directory + " has more than " + MOST_MODULES + " modules");
        }
      } else if (name.indexOf('.') < 0) {
        walk(path + "/" + name, levels - 1);
      }
    }
  }

  private void readBuiltIn() throws Refused {
    String path = directory + "/modules.builtin";
    if (!from.exists(path)) {
      return;
    }
    String text = from.content(path, MOST_BUILT_IN_BYTES).text();
    int at = 0;
    while (at < text.length()) {
      int end = text.indexOf('\n', at);
      end = end < 0 ? text.length() : end;
      builtIn.add(GuestModules.nameOf(text.substring(at, end)));
      if (builtIn.size() > MOST_MODULES) {
        throw new Refused(path + " has more than " + MOST_MODULES + " modules");
      }
      at = end + 1;
    }
  }

  private Copied copy() throws Refused {
    GuestModules.Resolved all = GuestModules.all(this);
    String wrong = problem == null ? all.excess() : problem;
    if (wrong != null) {
      throw new Refused(wrong);
    }
    String release = "";
    StringBuilder order = new StringBuilder();
    for (String name : all.order()) {
      ModuleInfo info = info(name);
      if (info == null) {
        continue;
      }
      order.append(name);
      for (String before : info.depends()) {
        order.append(' ').append(GuestModules.normal(before));
      }
      for (String before : info.before()) {
        order.append(' ').append(GuestModules.normal(before)).append("_generic");
      }
      order.append('\n');
      int space = info.vermagic().indexOf(' ');
      release = space < 0 ? release : info.vermagic().substring(0, space);
    }
    byte[] text = Bytes.utf8(order.toString());
    if (text.length > MOST_ORDER_BYTES) {
      throw new Refused("the modules in " + directory + " need too many others");
    }
    int fd = place.write(to + "/order");
    place.put(fd, text, text.length, to + "/order");
    place.close(fd);
    return new Copied(all.order(), all.missing(), release);
  }

  @Override
  public boolean isBuiltIn(String name) {
    return builtIn.contains(name);
  }

  @Override
  public @Nullable ModuleInfo info(String name) {
    String path = paths.get(name);
    // Once there is a problem nothing more is read.
    if (path != null && problem == null && !known.containsKey(name)) {
      try {
        known.put(name, read(path, to + "/" + name + ".ko"));
      } catch (Refused refused) {
        problem = refused.getMessage();
      }
    }
    return known.get(name);
  }

  private ModuleInfo read(String path, String copy) throws Refused {
    String program =
        path.endsWith(".xz")
            ? Tool.find(k, "xz", "xz-utils")
            : path.endsWith(".zst")
                ? Tool.find(k, "zstd", "zstd")
                : path.endsWith(".gz") ? Tool.find(k, "gzip", "gzip") : "";
    int out = place.write(copy);
    int length;
    if (program.isEmpty()) {
      length = load(from, path);
      place.put(out, module, length, copy);
    } else {
      int in = from.read(path);
      Tool.filter(k, List.of(program, "-dc"), in, out, Math.min(left, ModuleInfo.MOST_BYTES));
      place.close(in);
      length = load(place, copy);
    }
    place.close(out);
    ModuleInfo info = ModuleInfo.of(module, length);
    if (info == null) {
      throw new Refused(path + " is no kernel module");
    }
    return info;
  }

  /** Reads a module; returns its length. */
  private int load(Place where, String path) throws Refused {
    int fd = where.read(path);
    long size = place.size(fd, path);
    left -= size;
    if (left < 0) {
      throw new Refused("the modules of guests have more than " + MOST_BYTES + " bytes: " + path);
    }
    if (size > ModuleInfo.MOST_BYTES) {
      throw new Refused(path + " has more than " + ModuleInfo.MOST_BYTES + " bytes");
    }
    if (size > module.length) {
      module = new byte[(int) Math.min(2 * size, ModuleInfo.MOST_BYTES)];
    }
    int length = place.fill(fd, module, (int) size, path);
    place.close(fd);
    return length;
  }
}
