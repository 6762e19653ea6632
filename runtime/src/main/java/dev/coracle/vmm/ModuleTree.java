package dev.coracle.vmm;

import dev.coracle.execute.Files;
import dev.coracle.kernel.Kernel;
import dev.coracle.vm.GuestModules;
import dev.coracle.vm.ModuleInfo;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The modules of a kernel, as a package has them: a directory with {@code modules.builtin} and the
 * directory {@code kernel}. Those that a guest may need are copied out of it, unpacked.
 */
final class ModuleTree implements GuestModules.Source {
  private static final int MOST_LEVELS = 16;
  private static final int MOST_MODULES = 20_000;

  private final Kernel k;
  private final Place place;
  private final String directory;
  private final String to;
  private final Map<String, String> paths = new HashMap<>();
  private final List<String> builtIn = new ArrayList<>();
  private @Nullable String problem;

  /** What was not found, but nothing depends on it. */
  record Copied(List<String> order, List<String> missing, String release) {}

  private ModuleTree(Kernel kernel, String directory, String to) {
    this.k = kernel;
    this.place = new Place(kernel);
    this.directory = directory;
    this.to = to;
  }

  /** Copies what a guest may need, and writes {@code order}: the names, first to last. */
  static Copied copy(Kernel k, String directory, String to) throws Refused {
    ModuleTree tree = new ModuleTree(k, directory, to);
    tree.place.directory(to);
    tree.walk(directory + "/kernel", MOST_LEVELS);
    tree.readBuiltIn();
    return tree.copy();
  }

  private void walk(String path, int levels) throws Refused {
    if (levels == 0) {
      throw new Refused(path + " is nested too deep");
    }
    for (String name : place.names(path)) {
      String module = GuestModules.nameOf(name);
      if (!module.isEmpty()) {
        paths.put(module, path + "/" + name);
        if (paths.size() > MOST_MODULES) {
          throw new Refused(directory + " has too many modules");
        }
      } else if (name.indexOf('.') < 0) {
        walk(path + "/" + name, levels - 1);
      }
    }
  }

  private void readBuiltIn() throws Refused {
    String path = directory + "/modules.builtin";
    if (!place.exists(path)) {
      return;
    }
    String text = place.content(path, 1 << 20).text();
    int at = 0;
    while (at < text.length()) {
      int end = text.indexOf('\n', at);
      end = end < 0 ? text.length() : end;
      builtIn.add(GuestModules.nameOf(text.substring(at, end)));
      at = end + 1;
    }
  }

  private Copied copy() throws Refused {
    GuestModules.Resolved all = GuestModules.all(this);
    String wrong = problem;
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
    byte[] text = dev.coracle.abi.Bytes.utf8(order.toString());
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
    if (path == null) {
      return null;
    }
    try {
      return read(name, path);
    } catch (Refused refused) {
      problem = refused.getMessage();
      return null;
    }
  }

  private @Nullable ModuleInfo read(String name, String path) throws Refused {
    String copy = to + "/" + name + ".ko";
    if (!place.exists(copy)) {
      unpack(path, copy);
    }
    Files.Content file = place.content(copy, ModuleInfo.MOST_BYTES);
    ModuleInfo info = ModuleInfo.of(file.bytes(), file.length());
    if (info == null) {
      throw new Refused(path + " is no kernel module");
    }
    return info;
  }

  private void unpack(String path, String copy) throws Refused {
    String program =
        path.endsWith(".xz")
            ? Tool.find(k, "xz", "xz-utils")
            : path.endsWith(".zst")
                ? Tool.find(k, "zstd", "zstd")
                : path.endsWith(".gz") ? Tool.find(k, "gzip", "gzip") : "";
    int out = place.write(copy);
    if (program.isEmpty()) {
      Files.Content file = place.content(path, ModuleInfo.MOST_BYTES);
      place.put(out, file.bytes(), file.length(), copy);
    } else {
      int in = place.read(path);
      Tool.run(k, List.of(program, "-dc"), in, out);
      place.close(in);
    }
    place.close(out);
  }
}
