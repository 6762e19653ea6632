package dev.coracle.machine;

import static dev.coracle.abi.Fcntl.AT_EMPTY_PATH;
import static dev.coracle.abi.Fcntl.AT_FDCWD;
import static dev.coracle.abi.Fcntl.AT_REMOVEDIR;
import static dev.coracle.abi.Fcntl.LOCK_EX;
import static dev.coracle.abi.Fcntl.O_CLOEXEC;
import static dev.coracle.abi.Fcntl.O_CREAT;
import static dev.coracle.abi.Fcntl.O_DIRECTORY;
import static dev.coracle.abi.Fcntl.O_EXCL;
import static dev.coracle.abi.Fcntl.O_PATH;
import static dev.coracle.abi.Fcntl.O_RDWR;

import dev.coracle.execute.Files;
import dev.coracle.kernel.Errno;
import dev.coracle.kernel.Kernel;
import dev.coracle.vm.Qmp;
import org.jspecify.annotations.Nullable;

/**
 * A guest that was stopped when it had said its first word and had heard none: what was in its
 * memory and the state of its machine, in a directory of two files. It knows nothing of any
 * container, and any number of machines can begin as its copies.
 */
final class Template {
  private static final String MEMORY = "memory";
  private static final String STATE = "state";
  private static final String KEY = "key";

  /** As many are kept in a directory: a new one takes the place of an old one. */
  static final int SLOTS = 16;

  private static final int NOBODY = 65534;
  private static final int MOST_KEY = 64 * 1024;
  private static final int PAUSE_MILLIS = 2;

  private final Kernel k;
  private final String key;
  private final String path;
  private final String unfinished;
  private int lock = -1;

  /**
   * A template that may be there.
   *
   * @param directory where templates are
   * @param key all that shapes it; one of another key is not it
   */
  Template(Kernel k, String directory, String key) {
    this.k = k;
    this.key = key;
    int hash = key.hashCode();
    int slot = (hash ^ hash >>> 16) & SLOTS - 1;
    this.path = directory + "/" + slot;
    this.unfinished = directory + "/new-" + slot;
  }

  /**
   * Its files, open; or −errno.
   *
   * @param isEmpty whether they are to be written
   */
  record Opened(long memory, long state, boolean isEmpty) {
    static Opened not(long errno) {
      return new Opened(errno, errno, false);
    }

    long problem() {
      return Math.min(0, Math.min(memory, state));
    }
  }

  /** Opens it; −ENOENT where there is none of this key. */
  Opened open() {
    // All by one descriptor: another one may take its place at any moment.
    long directory = k.openat2(AT_FDCWD, path, O_PATH | O_DIRECTORY | O_CLOEXEC, 0, 0);
    if (directory < 0) {
      return Opened.not(directory);
    }
    int at = (int) directory;
    Files.Content content = Files.read(k, at, KEY, MOST_KEY).content();
    boolean ours = content != null && content.text().equals(key);
    Opened opened =
        ours
            ? new Opened(open(at, MEMORY, 0), open(at, STATE, 0), false)
            : Opened.not(-Errno.ENOENT);
    long closed = k.close(at);
    return closed < 0 ? Opened.not(closed) : opened;
  }

  private long open(int at, String file, long flags) {
    return k.openat2(at, file, O_RDWR | O_CLOEXEC | flags, flags == 0 ? 0 : 0600, 0);
  }

  /**
   * Begins to make it. Whoever is about to make one in the same place is waited for, and if it is
   * this one it is there by now; else the files are empty, and QEMU may write them.
   */
  Opened begin() {
    long fd = k.openat2(AT_FDCWD, path + ".lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600, 0);
    lock = (int) fd;
    long result = fd < 0 ? fd : -Errno.EINTR;
    while (result == -Errno.EINTR) {
      result = k.flock(lock, LOCK_EX);
    }
    if (result < 0) {
      return Opened.not(result);
    }
    Opened there = open();
    if (there.problem() != -Errno.ENOENT) {
      return there;
    }
    // One that was left by whoever was killed.
    result = remove(unfinished);
    if (result >= 0 || result == -Errno.ENOENT) {
      result = k.mkdirat(AT_FDCWD, unfinished, 0700);
    }
    long memory = result < 0 ? result : open(AT_FDCWD, unfinished + "/" + MEMORY, O_CREAT | O_EXCL);
    if (memory >= 0) {
      long owned = k.fchownat((int) memory, "", NOBODY, NOBODY, AT_EMPTY_PATH);
      memory = owned < 0 ? owned : memory;
    }
    long state = memory < 0 ? memory : open(AT_FDCWD, unfinished + "/" + STATE, O_CREAT | O_EXCL);
    return new Opened(memory, state, true);
  }

  /** Puts what was made in its place; copies of one that was there keep what they have. */
  long finish() {
    long result = Files.create(k, unfinished + "/" + KEY, key, 0600);
    if (result >= 0) {
      result = remove(path);
    }
    return result < 0 && result != -Errno.ENOENT
        ? result
        : k.renameat2(AT_FDCWD, unfinished, AT_FDCWD, path, 0);
  }

  /** Removes what was begun. */
  long abandon() {
    return remove(unfinished);
  }

  /** Lets others make theirs. */
  long end() {
    return k.close(lock);
  }

  private long remove(String directory) {
    long result = 0;
    for (String file : new String[] {MEMORY, STATE, KEY}) {
      long removed = k.unlinkat(AT_FDCWD, directory + "/" + file, 0);
      result = removed == -Errno.ENOENT ? result : Math.min(result, removed);
    }
    long removed = k.unlinkat(AT_FDCWD, directory, AT_REMOVEDIR);
    return Math.min(result, removed);
  }

  /**
   * Stops a machine, and writes its state.
   *
   * @param apart whether its memory is in a file by itself
   */
  static @Nullable String freeze(Kernel k, QmpSession qemu, int state, boolean apart) {
    String problem = prepare(qemu, state, apart);
    if (problem == null) {
      problem = qemu.ask(id -> Qmp.migrate(id, STATE));
    }
    while (problem == null) {
      problem = qemu.ask(Qmp::queryMigrate);
      String status = problem == null ? qemu.text("status") : null;
      if ("completed".equals(status)) {
        return null;
      }
      if ("failed".equals(status)) {
        return "QEMU cannot write the machine's state";
      }
      problem = problem == null ? pause(k) : problem;
    }
    return problem;
  }

  /**
   * Has a machine go on where another was stopped.
   *
   * @param apart whether its memory is in a file by itself
   */
  static @Nullable String thaw(Kernel k, QmpSession qemu, int state, boolean apart) {
    String problem = qemu.ask(Qmp::capabilities);
    if (problem == null) {
      problem = prepare(qemu, state, apart);
    }
    if (problem == null) {
      problem = qemu.ask(id -> Qmp.migrateIncoming(id, STATE));
    }
    while (problem == null) {
      problem = qemu.ask(Qmp::queryStatus);
      String status = problem == null ? qemu.text("status") : "";
      if ("running".equals(status)) {
        return null;
      }
      if (problem == null && !"inmigrate".equals(status)) {
        return qemu.ask(Qmp::cont);
      }
      problem = problem == null ? pause(k) : problem;
    }
    return problem;
  }

  private static @Nullable String pause(Kernel k) {
    long waited = k.poll(new int[0], new short[0], new short[0], PAUSE_MILLIS);
    return waited < 0 && waited != -Errno.EINTR ? "cannot wait: " + k.explain(waited) : null;
  }

  private static @Nullable String prepare(QmpSession qemu, int state, boolean apart) {
    String problem = qemu.ask(id -> Qmp.ignoreSharedMemory(id, apart));
    return problem == null ? qemu.ask(id -> Qmp.getfd(id, STATE), state) : problem;
  }
}
