package dev.coracle.machine;

import static dev.coracle.abi.Fcntl.AT_EMPTY_PATH;
import static dev.coracle.abi.Fcntl.AT_FDCWD;
import static dev.coracle.abi.Fcntl.LOCK_EX;
import static dev.coracle.abi.Fcntl.LOCK_NB;
import static dev.coracle.abi.Fcntl.O_CLOEXEC;
import static dev.coracle.abi.Fcntl.O_CREAT;
import static dev.coracle.abi.Fcntl.O_DIRECTORY;
import static dev.coracle.abi.Fcntl.O_EXCL;
import static dev.coracle.abi.Fcntl.O_NOFOLLOW;
import static dev.coracle.abi.Fcntl.O_PATH;
import static dev.coracle.abi.Fcntl.O_RDONLY;
import static dev.coracle.abi.Fcntl.O_RDWR;
import static dev.coracle.abi.Fcntl.RENAME_NOREPLACE;

import dev.coracle.abi.Bytes;
import dev.coracle.abi.Process;
import dev.coracle.abi.Stat;
import dev.coracle.abi.Statx;
import dev.coracle.execute.RootFiles;
import dev.coracle.kernel.Errno;
import dev.coracle.kernel.Kernel;
import dev.coracle.sandbox.MicroVmSandbox;
import dev.coracle.vm.Field;
import dev.coracle.vm.GuestDevices;
import dev.coracle.vm.Machine.Disk;
import dev.coracle.vm.RequestWriter;
import dev.coracle.vm.VmConfig.DiskRequest;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The disks of a machine: files in the container's root or its mounts, which nobody vouches for.
 * Ways are walked by RESOLVE_IN_ROOT, and only a regular file is opened. A disk that is missing is
 * made beside, and gets its name when it is whole.
 */
final class DiskImages {
  private static final String UNFINISHED = ".coracle-new-";
  private static final int MOST_WORDS = 1024;
  private static final int NOBODY = 65534;

  private final Kernel k;
  private final @Nullable String mkfs;
  private int root = -1;

  /**
   * What was opened.
   *
   * @param problem why a disk could not be; null where all were
   * @param told what the guest is told of them
   */
  record Opened(@Nullable String problem, List<Disk> disks, List<RequestWriter> told) {}

  private DiskImages(Kernel kernel, @Nullable String mkfs) {
    this.k = kernel;
    this.mkfs = mkfs;
  }

  /**
   * Opens them. Whoever calls has no other children, and ends where it does not work.
   *
   * @param devices the paths that block devices have in the container
   * @param mkfs mkfs.ext4(8) of the host, as the root around the container's has it; null for none
   */
  static Opened open(
      Kernel k, List<DiskRequest> requests, List<String> devices, @Nullable String mkfs) {
    List<Disk> disks = new ArrayList<>();
    List<RequestWriter> told = new ArrayList<>();
    String problem = null;
    for (int i = 0; i < devices.size() && problem == null; i++) {
      problem = device(k, i, disks);
      problem = problem == null ? null : "the device " + devices.get(i) + " " + problem;
    }
    if (requests.isEmpty() || problem != null) {
      return new Opened(problem, disks, told);
    }
    DiskImages images = new DiskImages(k, mkfs);
    long root = k.openat2(AT_FDCWD, MicroVmSandbox.ROOT_AT, O_PATH | O_DIRECTORY | O_CLOEXEC, 0, 0);
    images.root = (int) root;
    problem = root < 0 ? "cannot open the root: " + k.explain(root) : null;
    for (int i = 0; i < requests.size() && problem == null; i++) {
      DiskRequest r = requests.get(i);
      int device = devices.indexOf(r.source());
      String serial = device < 0 ? "disk" + i : GuestDevices.serial(device);
      if (device < 0) {
        Image image = images.image(r);
        disks.add(new Disk(image.fd, "raw", serial, Disk.Content.FILE, Disk.Access.READ_WRITE));
        problem = image.problem == null ? null : "the disk " + r.source() + " " + image.problem;
      }
      String field = serial + " " + r.destination() + " " + r.filesystem();
      told.add(new RequestWriter().add(Field.DISK, field));
    }
    long closed = problem == null ? k.close(images.root) : 0;
    return new Opened(closed < 0 ? "close: " + k.explain(closed) : problem, disks, told);
  }

  /** A block device of the host's, of which we made the node; who may write it the cgroup knows. */
  private static @Nullable String device(Kernel k, int number, List<Disk> disks) {
    String path = MicroVmSandbox.DISK_AT + number;
    long fd = k.openat2(AT_FDCWD, path, O_RDWR | O_CLOEXEC, 0, 0);
    Disk.Access access = Disk.Access.READ_WRITE;
    if (fd == -Errno.EPERM || fd == -Errno.EACCES || fd == -Errno.EROFS) {
      fd = k.openat2(AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0, 0);
      access = Disk.Access.READ_ONLY;
    }
    if (fd < 0) {
      return "cannot be opened: " + k.explain(fd);
    }
    String serial = GuestDevices.serial(number);
    disks.add(new Disk((int) fd, "raw", serial, Disk.Content.BLOCK_DEVICE, access));
    return null;
  }

  /** One of them: open, or why not. */
  private record Image(int fd, @Nullable String problem) {
    static Image not(String problem) {
      return new Image(-1, problem);
    }
  }

  private Image image(DiskRequest r) {
    long at = RootFiles.open(k, root, r.source());
    if (at == -Errno.ENOENT) {
      return make(r);
    }
    if (at < 0) {
      return Image.not("cannot be opened: " + k.explain(at));
    }
    byte[] statx = new byte[Statx.SIZE];
    long result = k.statx((int) at, "", AT_EMPTY_PATH, Statx.STATX_BASIC_STATS, statx);
    if (result >= 0 && Statx.type(statx) != Stat.S_IFREG) {
      return Image.not("is no regular file");
    }
    // This very file, whatever its name stands for by now.
    long fd =
        result < 0 ? result : k.openat2(AT_FDCWD, "/proc/self/fd/" + at, O_RDWR | O_CLOEXEC, 0, 0);
    long closed = k.close((int) at);
    return fd < 0 || closed < 0
        ? Image.not("cannot be opened: " + k.explain(fd < 0 ? fd : closed))
        : locked((int) fd);
  }

  /** QEMU gets the descriptor, and the lock with it: two machines would destroy what is on it. */
  private Image locked(int fd) {
    long result = k.flock(fd, LOCK_EX | LOCK_NB);
    return result == -Errno.EAGAIN
        ? Image.not("is in use already")
        : result < 0 ? Image.not("cannot be locked: " + k.explain(result)) : new Image(fd, null);
  }

  private Image make(DiskRequest r) {
    String program = mkfs;
    if (r.sizeBytes() == 0) {
      return Image.not("is not there, and no size is given to make it");
    }
    if (program == null) {
      return Image.not("cannot be made: mkfs.ext4 is missing; install the package e2fsprogs");
    }
    int slash = r.source().lastIndexOf('/');
    String name = r.source().substring(slash + 1);
    String directory = slash == 0 ? "/" : r.source().substring(0, slash);
    long parent = RootFiles.open(k, root, directory);
    if (parent < 0) {
      return Image.not("cannot be made in " + directory + ": " + k.explain(parent));
    }
    String unfinished = UNFINISHED + name;
    // One that was left by a machine that was killed.
    long result = k.unlinkat((int) parent, unfinished, 0);
    if (result >= 0 || result == -Errno.ENOENT) {
      long flags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
      result = k.openat2((int) parent, unfinished, flags, 0600, 0);
    }
    if (result < 0) {
      return Image.not("cannot be made: " + k.explain(result));
    }
    Image image = filled((int) result, r, program);
    if (image.problem == null) {
      result = k.renameat2((int) parent, unfinished, (int) parent, name, RENAME_NOREPLACE);
      image = result < 0 ? Image.not("cannot get its name: " + k.explain(result)) : image;
    }
    long removed = image.problem == null ? 0 : k.unlinkat((int) parent, unfinished, 0);
    long closed = k.close((int) parent);
    return image.problem == null && (removed < 0 || closed < 0)
        ? Image.not("cannot be made: " + k.explain(Math.min(removed, closed)))
        : image;
  }

  /** A file of a size with holes only, and a filesystem in it. */
  private Image filled(int fd, DiskRequest r, String program) {
    Image image = locked(fd);
    long result = image.problem == null ? k.pwrite64(fd, new byte[1], 0, 1, r.sizeBytes() - 1) : 0;
    // mkfs opens it by its descriptor, and may do no more than that.
    if (result >= 0) {
      result = k.fchownat(fd, "", NOBODY, NOBODY, AT_EMPTY_PATH);
    }
    if (result < 0 || image.problem != null) {
      return image.problem != null
          ? image
          : Image.not("cannot be made with its size: " + k.explain(result));
    }
    String problem = format(fd, program, r.filesystem());
    result = problem == null ? k.fchownat(fd, "", 0, 0, AT_EMPTY_PATH) : 0;
    if (result < 0) {
      problem = "cannot be given to root: " + k.explain(result);
    }
    return problem == null ? image : Image.not(problem);
  }

  private @Nullable String format(int fd, String program, String filesystem) {
    int[] words = {-1, -1};
    long result = k.pipe2(words, O_CLOEXEC);
    if (result < 0) {
      return "cannot be formatted: " + k.explain(result);
    }
    List<String> argv =
        List.of(
            program,
            "-q",
            "-F",
            "-t",
            filesystem,
            "-E",
            // Of a file that is all holes there is nothing to overwrite.
            "lazy_itable_init=1,lazy_journal_init=1,root_owner=0:0",
            "/proc/self/fd/" + fd);
    long pidfd = Spawn.spawn(k, argv, new int[] {fd}, words[1], Spawn.Trust.NONE);
    result = pidfd < 0 ? pidfd : k.close(words[1]);
    int[] status = {0};
    if (result >= 0) {
      do {
        result = k.wait4(-1, status, 0);
      } while (result == -Errno.EINTR);
    }
    if (result < 0) {
      return "cannot be formatted: " + k.explain(result);
    }
    byte[] text = new byte[MOST_WORDS];
    long n = Process.exitCode(status[0]) == 0 ? 0 : k.read(words[0], text, 0, text.length);
    long closed = k.close(words[0]);
    closed = Math.min(closed, k.close((int) pidfd));
    if (closed < 0) {
      return "cannot be formatted: " + k.explain(closed);
    }
    int code = Process.exitCode(status[0]);
    return code == 0
        ? null
        : "cannot be formatted: "
            + program
            + " failed with exit status "
            + code
            + ": "
            + Bytes.text(text, 0, (int) Math.max(0, n)).trim();
  }
}
