package dev.coracle.vmm;

import static dev.coracle.abi.Fcntl.AT_FDCWD;

import dev.coracle.abi.Bytes;
import dev.coracle.kernel.Kernel;
import dev.coracle.vm.KernelImage;
import dev.coracle.vm.KernelImage.Kind;
import dev.coracle.vm.Sha256;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Puts one kernel together in a new directory. */
final class KernelMaker {
  /** What depmod(8) writes for modprobe(8), in a directory of modules. */
  static final String INDEX = "/modules.dep.bin";

  /** No kernel, and no archive for one, is larger. */
  private static final long MOST_BYTES = 1L << 30;

  /** The same of a kernel in an image. */
  static final long MOST_IMAGE_BYTES = 128 << 20;

  private static final String SOURCE = "/source";
  private static final List<String> MODULES_IN_PACKAGE =
      List.of("/lib/modules", "/usr/lib/modules");

  private final Kernel k;
  private final Place place;
  private final String to;

  KernelMaker(Kernel kernel, String to) {
    this.k = kernel;
    this.place = new Place(kernel);
    this.to = to;
  }

  void make(String file, @Nullable String modules, @Nullable String initrd) throws Refused {
    byte[] head = new byte[KernelImage.HEAD_BYTES];
    Kind kind = KernelImage.kind(head, place.head(file, head));
    String tree = modules;
    String image = file;
    String unpacked = to + "/.package";
    if (kind == Kind.DEB) {
      place.directory(unpacked);
      Tool.run(k, List.of(Tool.find(k, "dpkg-deb", "dpkg"), "-x", file, unpacked), -1, -1);
      image = imageIn(unpacked, file);
      tree = tree == null ? treeIn(unpacked) : tree;
    }
    String note = image(image);
    String release = releaseOf(image);
    String unlisted = "";
    if (tree != null) {
      ModuleTree.Copied copied = ModuleTree.copy(k, place, tree, to + "/guest");
      release = copied.release().isEmpty() ? release : copied.release();
      check(copied, tree);
      keep(tree, release, unpacked);
      unlisted = index(release);
    } else {
      place.directory(to + "/guest");
      write("/guest/order", "");
    }
    if (initrd != null) {
      copy(place, initrd, to + "/initrd", MOST_BYTES);
    }
    place.remove(unpacked);
    String notes = note + (note.isEmpty() || unlisted.isEmpty() ? "" : "; ") + unlisted;
    write("/info", "release " + release + "\nsource " + oneLine(file) + "\nnote " + notes + "\n");
  }

  /**
   * Takes what a guest needs of an image's kernel out of its root.
   *
   * @param from the image's root
   * @return a hash of it
   */
  String take(Place from, String file) throws Refused {
    copy(from, file, to + SOURCE, MOST_IMAGE_BYTES);
    String release = releaseOf(to + SOURCE);
    if (!KernelImage.isName(release)) {
      throw new Refused(file + " says no release: a bzImage is wanted");
    }
    String tree = "/lib/modules/" + release;
    if (from.exists(tree)) {
      check(ModuleTree.copy(k, from, tree, to + "/guest"), tree);
    } else {
      place.directory(to + "/guest");
      write("/guest/order", "");
    }
    Sha256 hash = new Sha256();
    hash(to + SOURCE, hash);
    hash(to + "/guest/order", hash);
    String order = place.content(to + "/guest/order", Initramfs.MOST_ORDER_BYTES).text();
    int at = 0;
    while (at < order.length()) {
      int end = order.indexOf('\n', at);
      int space = order.indexOf(' ', at);
      int name = space < 0 || space > end ? end : space;
      hash(to + "/guest/" + order.substring(at, name) + ".ko", hash);
      at = end + 1;
    }
    return hash.hex();
  }

  /** Makes a kernel of what was taken. */
  void finish(String file) throws Refused {
    String release = releaseOf(to + SOURCE);
    String note = image(to + SOURCE);
    place.remove(to + SOURCE);
    String source = "of an image: " + oneLine(file);
    write("/info", "release " + release + "\nsource " + source + "\nnote " + note + "\n");
  }

  /** Of a file its length too, so that no two lists of files give the same bytes. */
  private void hash(String path, Sha256 hash) throws Refused {
    int fd = place.read(path);
    byte[] buffer = place.buffer();
    long length = 0;
    int n = place.fill(fd, buffer, buffer.length, path);
    while (n > 0) {
      hash.take(buffer, n);
      length += n;
      n = place.fill(fd, buffer, buffer.length, path);
    }
    place.close(fd);
    Bytes.put32(buffer, 0, length);
    hash.take(buffer, 4);
  }

  /** Without these there is no way to the guest, or to its files. */
  private static void check(ModuleTree.Copied copied, String tree) throws Refused {
    for (String needed : List.of("virtio_console", "virtiofs")) {
      if (copied.missing().contains(needed)) {
        throw new Refused("the kernel of " + tree + " has no " + needed + ": guests cannot use it");
      }
    }
    if (copied.missing().contains("virtio_mmio") && copied.missing().contains("virtio_pci")) {
      throw new Refused("the kernel of " + tree + " has neither virtio_mmio nor virtio_pci");
    }
  }

  private String imageIn(String unpacked, String file) throws Refused {
    String found = null;
    for (String name : place.names(unpacked + "/boot")) {
      if (name.startsWith("vmlinu")) {
        found = unpacked + "/boot/" + name;
      }
    }
    if (found == null) {
      throw new Refused(file + " has no kernel in /boot: is it a linux-image package?");
    }
    return found;
  }

  private @Nullable String treeIn(String unpacked) throws Refused {
    for (String place1 : MODULES_IN_PACKAGE) {
      for (String release : place.names(unpacked + place1)) {
        if (KernelImage.isName(release)) {
          return unpacked + place1 + "/" + release;
        }
      }
    }
    return null;
  }

  /** Takes the kernel, unpacked if that goes; returns a note where it does not. */
  private String image(String file) throws Refused {
    byte[] head = new byte[KernelImage.HEAD_BYTES];
    Kind kind = KernelImage.kind(head, place.head(file, head));
    ImageUnpacker unpacker = new ImageUnpacker(k);
    if (kind == Kind.VMLINUX) {
      if (!unpacker.isBootable(file)) {
        throw new Refused(file + " has no PVH entry (CONFIG_PVH): give its bzImage");
      }
      copy(place, file, to + "/vmlinux", MOST_BYTES);
      return "";
    }
    if (kind != Kind.BZIMAGE) {
      throw new Refused(
          file + " is no kernel: a vmlinux or bzImage of x86-64, or a .deb with one, is wanted");
    }
    String why = unpacker.unpack(file, to + "/vmlinux");
    if (why == null) {
      return "";
    }
    copy(place, file, to + "/bzImage", MOST_BYTES);
    return "starts more slowly, for it stays packed: " + why;
  }

  private String releaseOf(String file) throws Refused {
    byte[] head = new byte[16 * KernelImage.HEAD_BYTES];
    int length = place.head(file, head);
    int at = KernelImage.releaseAt(head, length);
    return at == 0 || at >= length ? "" : KernelImage.release(head, at, length);
  }

  /** All modules: from the package they are moved, from elsewhere they are copied. */
  private void keep(String tree, String release, String unpacked) throws Refused {
    if (!KernelImage.isName(release)) {
      throw new Refused("the modules in " + tree + " do not say of which release they are");
    }
    place.directory(to + "/modules");
    String kept = to + "/modules/" + release;
    if (tree.startsWith(unpacked + "/")) {
      place.move(tree, kept);
    } else {
      Tool.run(k, List.of(Tool.find(k, "cp", "coreutils"), "-a", "--", tree, kept), -1, -1);
    }
  }

  /**
   * Makes the lists by which modprobe(8) finds modules (depmod(8)); returns a note where it cannot:
   * a kernel starts without them.
   */
  private String index(String release) throws Refused {
    if (place.exists(to + "/modules/" + release + INDEX)) {
      return "";
    }
    // depmod looks below /lib/modules of a directory, or below /usr/lib/modules.
    String base = to + "/.depmod";
    for (String lib : List.of("/lib", "/usr/lib")) {
      place.directory(base + lib);
      String link = base + lib + "/modules";
      place.must(link + " cannot be made", k.symlinkat(to + "/modules", AT_FDCWD, link));
    }
    String why = depmod(base, release);
    place.remove(base);
    return why.isEmpty() ? "" : "modprobe will not find its modules: " + oneLine(why);
  }

  private String depmod(String base, String release) {
    try {
      String program = Tool.find(k, "depmod", "kmod");
      Tool.run(k, List.of(program, "-b", base, release), -1, -1);
      return "";
    } catch (Refused refused) {
      return refused.getMessage();
    }
  }

  private void copy(Place where, String from, String path, long most) throws Refused {
    int in = where.read(from);
    int out = place.write(path);
    long copied = place.copy(in, out, most, from, path);
    place.close(in);
    place.close(out);
    if (copied == 0) {
      throw new Refused(from + " is empty");
    }
  }

  private void write(String name, String text) throws Refused {
    byte[] bytes = Bytes.utf8(text);
    int fd = place.write(to + name);
    place.put(fd, bytes, bytes.length, to + name);
    place.close(fd);
  }

  private static String oneLine(String text) {
    return text.replace('\n', ' ');
  }
}
