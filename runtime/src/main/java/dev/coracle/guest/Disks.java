package dev.coracle.guest;

import static dev.coracle.abi.Fcntl.AT_FDCWD;
import static dev.coracle.abi.Fcntl.O_CLOEXEC;
import static dev.coracle.abi.Fcntl.O_DIRECTORY;
import static dev.coracle.abi.Fcntl.O_PATH;
import static dev.coracle.abi.Mount.MNT_DETACH;
import static dev.coracle.abi.Mount.MOVE_MOUNT_F_EMPTY_PATH;
import static dev.coracle.abi.Mount.MOVE_MOUNT_T_EMPTY_PATH;
import static dev.coracle.abi.Mount.MS_BIND;
import static dev.coracle.abi.Mount.MS_NOATIME;
import static dev.coracle.abi.Mount.MS_NODEV;
import static dev.coracle.abi.Mount.MS_NOEXEC;
import static dev.coracle.abi.Mount.MS_NOSUID;
import static dev.coracle.abi.Mount.MS_RDONLY;
import static dev.coracle.abi.Mount.OPEN_TREE_CLOEXEC;
import static dev.coracle.abi.Mount.OPEN_TREE_CLONE;
import static dev.coracle.abi.Process.SIGKILL;
import static dev.coracle.abi.Process.WNOHANG;

import dev.coracle.execute.RootFiles;
import dev.coracle.host.VirtioDisks;
import dev.coracle.kernel.DescribingKernel;
import dev.coracle.kernel.Errno;
import dev.coracle.kernel.Kernel;
import dev.coracle.lifecycle.Failure;
import dev.coracle.sandbox.GuestSandbox;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The container's root filesystem, and its disks: virtio block devices, found by their serials. */
final class Disks {
  /** Each block device is mounted below it, by its number. */
  private static final String MOUNTED = Machine.DIRECTORY + "/disks";

  private static final String OVERLAY = Machine.DIRECTORY + "/overlay";
  private static final int LAST_PAUSES = 100;
  private static final int PAUSE_MILLIS = 5;

  private final DescribingKernel k;
  private int count;

  Disks(DescribingKernel k) {
    this.k = k;
  }

  /**
   * Mounts the root: {@code virtiofs:TAG}, {@code port:NAME}, {@code ext4:DEVICE} or {@code
   * erofs:DEVICE}.
   */
  void mountRoot(String text) throws Failure {
    int colon = text.indexOf(':');
    String kind = colon < 0 ? text : text.substring(0, colon);
    String source = text.substring(colon + 1);
    make(GuestSandbox.FILES);
    make(GuestSandbox.ROOT);
    switch (kind) {
      case "virtiofs" -> mount(source, GuestSandbox.FILES, kind, 0, null);
      case "port" -> FilesPort.mount(k, source, GuestSandbox.FILES);
      case "ext4" ->
          mount(mountDevice(source, kind, 0, null), GuestSandbox.FILES, null, MS_BIND, null);
      case "erofs" -> mountOverlay(mountDevice(source, kind, MS_RDONLY, null));
      default -> throw new Failure("the guest knows no root \"" + text + "\"");
    }
    // Twice: what the guest itself mounts in the root hides nothing of what is there.
    mount(GuestSandbox.FILES, GuestSandbox.ROOT, null, MS_BIND, null);
  }

  /** What is written goes to memory. */
  private void mountOverlay(String lower) throws Failure {
    make(OVERLAY);
    mount("tmpfs", OVERLAY, "tmpfs", 0, "mode=755");
    make(OVERLAY + "/upper");
    make(OVERLAY + "/work");
    String layers =
        "lowerdir=" + lower + ",upperdir=" + OVERLAY + "/upper,workdir=" + OVERLAY + "/work";
    mount("overlay", GuestSandbox.FILES, "overlay", 0, layers);
  }

  /** Mounts a disk: {@code SERIAL DESTINATION FILESYSTEM [OPTIONS]}. */
  void mount(String text) throws Failure {
    List<String> words = words(text);
    if (words.size() < 3 || words.size() > 4 || !words.get(1).startsWith("/")) {
      throw new Failure("the machine's DISK is broken: \"" + text + "\"");
    }
    long flags = 0;
    StringBuilder data = new StringBuilder();
    for (String option : words.size() < 4 ? List.<String>of() : options(words.get(3))) {
      long flag = flag(option);
      flags |= Math.max(flag, 0);
      if (flag < 0) {
        data.append(data.length() == 0 ? "" : ",").append(option);
      }
    }
    String at =
        mountDevice(words.get(0), words.get(2), flags, data.length() == 0 ? null : data.toString());
    attach(at, words.get(1));
  }

  private static List<String> words(String text) {
    return split(text, ' ');
  }

  private static List<String> options(String text) {
    return split(text, ',');
  }

  private static List<String> split(String text, char at) {
    List<String> out = new ArrayList<>();
    int from = 0;
    while (from <= text.length()) {
      int to = text.indexOf(at, from);
      to = to < 0 ? text.length() : to;
      if (to > from) {
        out.add(text.substring(from, to));
      }
      from = to + 1;
    }
    return out;
  }

  /** MS_* of an option that is the mount's, or −1 where it is the filesystem's. */
  private static long flag(String option) {
    return switch (option) {
      case "ro" -> MS_RDONLY;
      case "rw", "defaults" -> 0;
      case "nosuid" -> MS_NOSUID;
      case "nodev" -> MS_NODEV;
      case "noexec" -> MS_NOEXEC;
      case "noatime" -> MS_NOATIME;
      default -> -1;
    };
  }

  /** Mounts a device in a place of its own, and returns where. */
  private String mountDevice(String name, String type, long flags, @Nullable String data)
      throws Failure {
    if (count == 0) {
      make(MOUNTED);
    }
    String at = MOUNTED + "/" + count;
    make(at);
    mount(device(name), at, type, flags, data);
    count++;
    return at;
  }

  private String device(String name) throws Failure {
    if (name.startsWith("/dev/")) {
      return name;
    }
    String disk = VirtioDisks.name(k, name);
    if (disk == null) {
      throw new Failure("the guest has no disk \"" + name + "\"");
    }
    return "/dev/" + disk;
  }

  /** Shows a mount at a path in the container's root, whatever links lie on the way. */
  private void attach(String mounted, String destination) throws Failure {
    long flags = O_PATH | O_DIRECTORY | O_CLOEXEC;
    long root = k.openat2(AT_FDCWD, GuestSandbox.ROOT, flags, 0, 0);
    Machine.check(k, root, "open the root filesystem");
    long target = RootFiles.openDirectory(k, (int) root, destination);
    Machine.check(k, target, "make \"" + destination + "\" for a disk");
    long tree = k.open_tree(AT_FDCWD, mounted, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    Machine.check(k, tree, "show a disk");
    long how = MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH;
    Machine.check(
        k, k.move_mount((int) tree, "", (int) target, "", how), "mount a disk at " + destination);
    for (long fd : new long[] {tree, target, root}) {
      Machine.check(k, k.close((int) fd), "close a disk");
    }
  }

  private void make(String directory) throws Failure {
    Machine.check(k, k.mkdirat(AT_FDCWD, directory, 0700), "make " + directory);
  }

  private void mount(
      String source, String at, @Nullable String type, long flags, @Nullable String data)
      throws Failure {
    Machine.check(k, k.mount(source, at, type, flags, data), "mount the root filesystem or a disk");
  }

  /**
   * Writes back what is to be on disks, and lets them go; where there are none, nothing is waited
   * for: what is on virtiofs the host has already.
   */
  static void release(Kernel k) {
    long disks = k.openat2(AT_FDCWD, MOUNTED, O_PATH | O_CLOEXEC, 0, 0);
    if (disks < 0) {
      return;
    }
    int[] status = new int[1];
    long gone = k.kill(-1, SIGKILL);
    for (int i = 0; i < LAST_PAUSES && gone != -Errno.ECHILD; i++) {
      gone = k.wait4(-1, status, WNOHANG);
      if (gone == 0) {
        pause(k);
      }
    }
    boolean whole = detach(k, GuestSandbox.ROOT);
    whole &= detach(k, GuestSandbox.FILES);
    for (int number = 0; number < 'z' - 'a'; number++) {
      long result = k.umount2(MOUNTED + "/" + number, 0);
      for (int i = 0; i < LAST_PAUSES && result == -Errno.EBUSY; i++) {
        pause(k);
        result = k.umount2(MOUNTED + "/" + number, 0);
      }
      whole &= result >= 0 || result == -Errno.ENOENT;
    }
    if (!whole && k.sync() < 0) {
      return; // sync(2) has no errors.
    }
  }

  private static boolean detach(Kernel k, String path) {
    long result = k.umount2(path, MNT_DETACH);
    return result >= 0 || result == -Errno.EINVAL;
  }

  private static void pause(Kernel k) {
    long waited = k.poll(new int[0], new short[0], new short[0], PAUSE_MILLIS);
    if (waited < 0) {
      return; // Then it was short.
    }
  }
}
