package dev.coracle.vm;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The kernel modules that a guest loads before anything else, and in which order. What modules say
 * of themselves may come from anybody.
 */
public final class GuestModules {
  /** How many modules may each need the next one. */
  public static final int MOST_LEVELS = 32;

  /** How many modules there may be in all, those that are missing among them. */
  public static final int MOST_MODULES = 256;

  /** What a guest may need; each is a few modules. */
  public enum Need {
    MMIO("virtio_mmio"),
    PCI("virtio_pci"),
    PORT("virtio_console"),
    VIRTIOFS("virtiofs"),
    NET("virtio_net"),
    DISK("virtio_blk", "ext4"),
    LAYERS("virtio_blk", "erofs", "overlay"),
    OVERLAY("overlay"),
    FUSE("fuse"),
    TUN("tun"),
    KVM("kvm", "kvm_intel", "kvm_amd");

    private final List<String> modules;

    Need(String... modules) {
      this.modules = List.of(modules);
    }
  }

  /** Finds modules by name, in which {@code -} was made {@code _}. */
  public interface Source {
    /** What a module says of itself, or null where there is none of that name. */
    @Nullable ModuleInfo info(String name);

    /** Whether the kernel has it in itself. */
    boolean isBuiltIn(String name);
  }

  private final Source source;
  private final List<String> order = new ArrayList<>();
  private final List<String> visiting = new ArrayList<>();
  private final List<String> missing = new ArrayList<>();
  private @Nullable String excess;

  private GuestModules(Source source) {
    this.source = source;
  }

  /**
   * The modules of one list.
   *
   * @param order what is to be loaded, first to last
   * @param missing what is neither a module nor in the kernel
   * @param excess which bound was met, and the list is not whole; null where none was
   */
  public record Resolved(List<String> order, List<String> missing, @Nullable String excess) {}

  /** All modules that any guest may need, with what they depend on. */
  public static Resolved all(Source source) {
    return of(source, List.of(Need.values()));
  }

  /** The modules for some needs. */
  public static Resolved of(Source source, List<Need> needs) {
    GuestModules g = new GuestModules(source);
    for (Need need : needs) {
      for (String name : need.modules) {
        g.add(name, true);
      }
    }
    return new Resolved(g.order, g.missing, g.excess);
  }

  /** Modules by name, with what they depend on: those that a container asks for. */
  public static Resolved named(Source source, List<String> names) {
    GuestModules g = new GuestModules(source);
    for (String name : names) {
      g.add(normal(name), true);
    }
    return new Resolved(g.order, g.missing, g.excess);
  }

  /** A module's name as the kernel has it: the file may be written with dashes. */
  public static String normal(String name) {
    return name.replace('-', '_');
  }

  /** The name in a path such as {@code kernel/fs/fuse/fuse.ko.xz}, or an empty text. */
  public static String nameOf(String path) {
    int from = path.lastIndexOf('/') + 1;
    int end = path.indexOf(".ko", from);
    return end < 0 ? "" : normal(path.substring(from, end));
  }

  private void add(String name, boolean needed) {
    if (excess != null
        || order.contains(name)
        || visiting.contains(name)
        || source.isBuiltIn(name)) {
      return;
    }
    if (visiting.size() == MOST_LEVELS) {
      excess = "more than " + MOST_LEVELS + " modules need each the next one";
      return;
    }
    if (order.size() + visiting.size() + missing.size() == MOST_MODULES) {
      excess = "a guest would need more than " + MOST_MODULES + " modules";
      return;
    }
    ModuleInfo info = source.info(name);
    if (info == null) {
      if (needed && !missing.contains(name)) {
        missing.add(name);
      }
      return;
    }
    visiting.add(name);
    for (String before : info.before()) {
      // The name of an algorithm, which the generic module of that name has.
      String module = normal(before);
      add(module, false);
      add(module + "_generic", false);
    }
    for (String d : info.depends()) {
      add(normal(d), true);
    }
    visiting.remove(visiting.size() - 1);
    order.add(name);
  }
}
