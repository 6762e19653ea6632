package dev.coracle.vmm;

import static dev.coracle.abi.Fcntl.AT_FDCWD;
import static dev.coracle.abi.Fcntl.LOCK_EX;
import static dev.coracle.abi.Fcntl.O_CLOEXEC;
import static dev.coracle.abi.Fcntl.O_DIRECTORY;
import static dev.coracle.abi.Fcntl.O_PATH;
import static dev.coracle.abi.Fcntl.O_RDONLY;

import dev.coracle.abi.Bytes;
import dev.coracle.abi.Stat;
import dev.coracle.abi.Statx;
import dev.coracle.execute.Files;
import dev.coracle.kernel.Errno;
import dev.coracle.kernel.Kernel;
import dev.coracle.vm.KernelImage;
import dev.coracle.vm.KernelImage.Kind;
import dev.coracle.vm.KernelRules;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The kernels that guests can start, each in a directory of its name:
 *
 * <pre>
 * NAME/vmlinux | NAME/bzImage   the kernel
 * NAME/guest/order, *.ko        the modules that a guest loads at first, and in which order
 * NAME/modules/RELEASE          all modules, where they came with the kernel
 * NAME/initrd                   an archive that is unpacked before ours, where one was given
 * NAME/info                     release, source and a note, a line each
 * NAME/initramfs-*              our first root, made when it is needed
 * default                       a link to NAME
 * </pre>
 *
 * <p>A kernel is put together beside, and appears as a whole.
 */
public final class Kernels {
  private static final String DEFAULT = "default";
  private static final String UNFINISHED = ".new-";
  private static final int MOST_INFO_BYTES = 64 * 1024;
  private static final int PATH_MAX = 4096;

  /** 128 bits: as many as nobody finds twice. */
  private static final int IMAGE_DIGITS = 32;

  private static final String IMAGE = "image-";

  /** How many kernels of images are kept: nobody may fill the host's disk with them. */
  static final int MOST_IMAGES = 32;

  private final Kernel k;
  private final Place place;
  private final String directory;

  /**
   * A kernel.
   *
   * @param path of its directory
   * @param image of the kernel itself
   * @param initrd an archive to unpack before ours; null for none
   */
  public record Stored(
      String name,
      String path,
      String image,
      @Nullable String initrd,
      String release,
      String note) {
    /** Where all of its modules are, in a directory of its release; there may be none. */
    public String modules() {
      return path + "/modules/" + release;
    }
  }

  /** The kernels in a directory. */
  public Kernels(Kernel kernel, String directory) {
    this.k = kernel;
    this.place = new Place(kernel);
    this.directory = directory;
  }

  /** Where they are. */
  public String directory() {
    return directory;
  }

  /** The kernel of a name, or the default one where it is null. */
  public Stored find(@Nullable String name) throws Refused {
    String wanted = name == null ? defaultName() : name;
    if (wanted == null) {
      throw new Refused(
          "there is no kernel for virtual machines in "
              + directory
              + "; add one, such as the package linux-image-*-cloud-amd64 of Debian:"
              + " coracle vm kernel add NAME FILE.deb");
    }
    Stored found = KernelImage.isName(wanted) ? stored(wanted) : null;
    if (found == null) {
      throw new Refused(
          "there is no kernel \""
              + wanted
              + "\" in "
              + directory
              + "; coracle vm kernel list shows those that are there");
    }
    return found;
  }

  /**
   * A kernel that a bundle names by its file: it is put into the store when it is first used, and
   * anew when the file is another one. Those of {@code DIR/boot/vmlinuz-RELEASE} are its modules
   * that are in {@code DIR/lib/modules/RELEASE}.
   */
  public Stored ofFile(String file, @Nullable String initrd) throws Refused {
    String name = "file-" + Long.toHexString(mark(file) * 31 + (initrd == null ? 0 : mark(initrd)));
    Stored known = stored(name);
    if (known != null) {
      return known;
    }
    String modules = modulesBeside(file);
    boolean there = modules != null && place.type(modules) == Stat.S_IFDIR;
    return add(name, file, there ? modules : null, initrd, false);
  }

  /**
   * The kernel that a container's image brings along (see KernelRules). What a guest needs of it is
   * put into the store, once for the same bytes; the initrd of the image is not: ours does its
   * work.
   *
   * @param rootfs the image's root, which nobody vouches for
   * @return null where the image has none, or is of a distribution that is not known
   */
  public @Nullable Stored ofImage(String rootfs) throws Refused {
    long flags = O_PATH | O_DIRECTORY | O_CLOEXEC;
    int root =
        (int) place.must(rootfs + " cannot be read", k.openat2(AT_FDCWD, rootfs, flags, 0, 0));
    Place from = Place.in(k, root);
    String file = inImage(from);
    Stored found = null;
    if (file != null) {
      place.directory(directory);
      int lock = lock();
      String made = directory + "/" + UNFINISHED + "image";
      place.remove(made);
      place.directory(made);
      found = taken(from, file, made);
      place.close(lock);
    }
    place.close(root);
    return found;
  }

  /** What was begun is removed, by the next one where we are killed. */
  private Stored taken(Place from, String file, String made) throws Refused {
    try {
      KernelMaker maker = new KernelMaker(k, made);
      String name = IMAGE + maker.take(from, file).substring(0, IMAGE_DIGITS);
      if (stored(name) == null) {
        refuseMore();
        maker.finish(file);
        place.move(made, directory + "/" + name);
      } else {
        place.remove(made);
      }
      return find(name);
    } catch (Refused refused) {
      place.remove(made);
      throw new Refused("the kernel of the image: " + refused.getMessage());
    }
  }

  private void refuseMore() throws Refused {
    int kept = 0;
    for (String name : place.names(directory)) {
      kept += name.startsWith(IMAGE) ? 1 : 0;
    }
    if (kept >= MOST_IMAGES) {
      throw new Refused(
          "there are "
              + kept
              + " kernels of images in "
              + directory
              + " already; coracle vm kernel remove NAME removes one");
    }
  }

  private static @Nullable String inImage(Place from) throws Refused {
    String release = "/etc/os-release";
    release = from.exists(release) ? release : "/usr/lib/os-release";
    if (!from.exists(release)) {
      return null;
    }
    Files.Content text = from.content(release, MOST_INFO_BYTES);
    List<String> paths = KernelRules.paths(KernelRules.id(text.bytes(), text.length()));
    for (String path : paths == null ? List.<String>of() : paths) {
      if (from.exists(path)) {
        return path;
      }
    }
    return null;
  }

  static @Nullable String modulesBeside(String file) {
    int boot = file.lastIndexOf("/boot/vmlinu");
    int dash = boot < 0 ? -1 : file.indexOf('-', boot);
    return dash < 0 ? null : file.substring(0, boot) + "/lib/modules/" + file.substring(dash + 1);
  }

  /** The same number for the same file as long as nobody writes it. */
  private long mark(String file) throws Refused {
    byte[] statx = new byte[Statx.SIZE];
    place.must(
        file + " cannot be read", k.statx(AT_FDCWD, file, 0, Statx.STATX_BASIC_STATS, statx));
    long out = file.hashCode();
    out = out * 31 + Statx.inode(statx);
    out = out * 31 + Statx.size(statx);
    return out * 31
        + Bytes.i64(statx, Statx.MTIME_AT) * 1_000_000_007L
        + Bytes.u32(statx, Statx.MTIME_AT + 8);
  }

  /** All of them, in the order of their names. */
  public List<Stored> all() throws Refused {
    List<Stored> out = new ArrayList<>();
    for (String name : place.names(directory)) {
      Stored s =
          KernelImage.isName(name) && place.type(directory + "/" + name) == Stat.S_IFDIR
              ? stored(name)
              : null;
      if (s != null) {
        int at = 0;
        while (at < out.size() && out.get(at).name().compareTo(name) < 0) {
          at++;
        }
        out.add(at, s);
      }
    }
    return out;
  }

  /** The name of the default one, or null. */
  public @Nullable String defaultName() {
    byte[] target = new byte[PATH_MAX];
    long n = k.readlinkat(AT_FDCWD, directory + "/" + DEFAULT, target);
    return n <= 0 ? null : Bytes.text(target, 0, (int) n);
  }

  /** Makes a kernel the default one. */
  public void setDefault(String name) throws Refused {
    find(name);
    int lock = lock();
    link(name);
    place.close(lock);
  }

  private void link(String name) throws Refused {
    String link = directory + "/" + UNFINISHED + DEFAULT;
    place.remove(link);
    place.must(link + " cannot be made", k.symlinkat(name, AT_FDCWD, link));
    place.move(link, directory + "/" + DEFAULT);
  }

  /** Removes a kernel, and the default with it where it is that. */
  public void remove(String name) throws Refused {
    Stored s = find(name);
    int lock = lock();
    if (name.equals(defaultName())) {
      place.remove(directory + "/" + DEFAULT);
    }
    String gone = directory + "/" + UNFINISHED + name;
    place.remove(gone);
    // Gone at once; what a guest has open stays until it has ended.
    place.move(s.path(), gone);
    place.remove(gone);
    place.close(lock);
  }

  /**
   * Adds a kernel; the first one is the default.
   *
   * @param file a vmlinux, a bzImage or a package of Debian
   * @param modules the directory of its modules, such as /lib/modules/6.1.0; null where they are in
   *     the package, or in the kernel
   */
  public Stored add(String name, String file, @Nullable String modules, @Nullable String initrd)
      throws Refused {
    return add(name, file, modules, initrd, true);
  }

  private Stored add(
      String name,
      String file,
      @Nullable String modules,
      @Nullable String initrd,
      boolean mayBeDefault)
      throws Refused {
    if (!KernelImage.isName(name) || name.equals(DEFAULT)) {
      throw new Refused(
          "\"" + name + "\" cannot be the name of a kernel: letters, digits, . _ + -");
    }
    place.directory(directory);
    int lock = lock();
    for (String old : place.names(directory)) {
      if (old.startsWith(UNFINISHED)) {
        place.remove(directory + "/" + old);
      }
    }
    String made = directory + "/" + UNFINISHED + name;
    place.directory(made);
    try {
      new KernelMaker(k, made).make(file, modules, initrd);
    } catch (Refused refused) {
      place.remove(made);
      throw refused;
    }
    String old = directory + "/" + name;
    String aside = directory + "/" + UNFINISHED + "old-" + name;
    if (place.exists(old)) {
      place.move(old, aside);
    }
    place.move(made, old);
    place.remove(aside);
    if (mayBeDefault && defaultName() == null) {
      link(name);
    }
    place.close(lock);
    return find(name);
  }

  /** One at a time: whoever holds it may remove what is unfinished. */
  private int lock() throws Refused {
    int fd =
        (int)
            place.must(
                directory + " cannot be read",
                k.openat2(AT_FDCWD, directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0, 0));
    long locked = k.flock(fd, LOCK_EX);
    while (locked == -Errno.EINTR) {
      locked = k.flock(fd, LOCK_EX);
    }
    place.must(directory + " cannot be locked", locked);
    return fd;
  }

  /** The directory of all of a kernel's modules, which guests may be shown. */
  public String modules(Stored s) throws Refused {
    if (s.release().isEmpty() || place.type(s.modules()) != Stat.S_IFDIR) {
      throw new Refused("the kernel \"" + s.name() + "\" was added without modules: --modules DIR");
    }
    return s.modules();
  }

  /** Whether modprobe(8) can find what is in a directory of modules. */
  public boolean isIndexed(String modules) throws Refused {
    return place.exists(modules + KernelMaker.INDEX);
  }

  private @Nullable Stored stored(String name) throws Refused {
    String path = directory + "/" + name;
    if (!place.exists(path + "/info")) {
      return null;
    }
    String info = place.content(path + "/info", MOST_INFO_BYTES).text();
    String vmlinux = path + "/vmlinux";
    String initrd = path + "/initrd";
    return new Stored(
        name,
        path,
        place.exists(vmlinux) ? vmlinux : path + "/bzImage",
        place.exists(initrd) ? initrd : null,
        value(info, "release "),
        value(info, "note "));
  }

  private static String value(String info, String key) {
    int from = info.startsWith(key) ? 0 : info.indexOf("\n" + key);
    if (from < 0) {
      return "";
    }
    from = from == 0 && info.startsWith(key) ? key.length() : from + 1 + key.length();
    return info.substring(from, info.indexOf('\n', from));
  }

  /** What kind a file is, for messages. */
  static String kindText(Kind kind) {
    return switch (kind) {
      case VMLINUX -> "vmlinux";
      case BZIMAGE -> "bzImage";
      case DEB -> "Debian package";
      case OTHER -> "unknown file";
    };
  }
}
