package dev.coracle.machine;

import static dev.coracle.abi.Fcntl.AT_EMPTY_PATH;
import static dev.coracle.abi.Fcntl.AT_FDCWD;
import static dev.coracle.abi.Fcntl.AT_REMOVEDIR;
import static dev.coracle.abi.Fcntl.O_CLOEXEC;
import static dev.coracle.abi.Fcntl.O_CREAT;
import static dev.coracle.abi.Fcntl.O_EXCL;
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
  private static final String MEMORY = "/memory";
  private static final String STATE = "/state";
  private static final String KEY = "/key";

  /** What QEMU calls the file of the state. */
  private static final String STATE_NAME = "state";

  private static final int NOBODY = 65534;
  private static final int MOST_KEY = 64 * 1024;
  private static final int PAUSE_MILLIS = 2;

  private final Kernel k;
  private final String directory;
  private final String name;
  private final String key;

  /**
   * A template that may be there.
   *
   * @param directory where templates are
   * @param name of its directory
   * @param key all that shapes it; one of another key is not it
   */
  Template(Kernel k, String directory, String name, String key) {
    this.k = k;
    this.directory = directory;
    this.name = name;
    this.key = key;
  }

  /** Its files, open; or −errno. */
  record Opened(long memory, long state) {
    long problem() {
      return Math.min(0, Math.min(memory, state));
    }
  }

  /** Opens it; −ENOENT where there is none of this key. */
  Opened open() {
    String path = directory + "/" + name;
    Files.Content content = Files.read(k, path + KEY, MOST_KEY).content();
    if (content == null || !content.text().equals(key)) {
      return new Opened(-Errno.ENOENT, -Errno.ENOENT);
    }
    return new Opened(open(path + MEMORY, 0), open(path + STATE, 0));
  }

  private long open(String path, long flags) {
    return k.openat2(AT_FDCWD, path, O_RDWR | O_CLOEXEC | flags, flags == 0 ? 0 : 0600, 0);
  }

  private String unfinished() {
    return directory + "/new-" + k.getpid();
  }

  /** Makes room for a new one: empty files, which QEMU may write; or −errno. */
  Opened begin() {
    long made = k.mkdirat(AT_FDCWD, unfinished(), 0700);
    if (made < 0) {
      return new Opened(made, made);
    }
    long memory = open(unfinished() + MEMORY, O_CREAT | O_EXCL);
    if (memory >= 0) {
      long owned = k.fchownat((int) memory, "", NOBODY, NOBODY, AT_EMPTY_PATH);
      memory = owned < 0 ? owned : memory;
    }
    return new Opened(memory, memory < 0 ? memory : open(unfinished() + STATE, O_CREAT | O_EXCL));
  }

  /** Puts a new one in its place. Where another was quicker, that one stays, and is as good. */
  long finish() {
    String old = directory + "/" + name;
    long result = Files.create(k, unfinished() + KEY, key, 0600);
    if (result >= 0) {
      result = k.renameat2(AT_FDCWD, unfinished(), AT_FDCWD, old, 0);
    }
    if (result == -Errno.EEXIST || result == -Errno.ENOTEMPTY) {
      Files.Content there = Files.read(k, old + KEY, MOST_KEY).content();
      if (there != null && there.text().equals(key)) {
        return abandon();
      }
      result = remove(old);
      result = result < 0 ? result : k.renameat2(AT_FDCWD, unfinished(), AT_FDCWD, old, 0);
    }
    return result;
  }

  /** Removes what was begun. */
  long abandon() {
    return remove(unfinished());
  }

  private long remove(String path) {
    long result = 0;
    for (String file : new String[] {MEMORY, STATE, KEY}) {
      long removed = k.unlinkat(AT_FDCWD, path + file, 0);
      result = removed == -Errno.ENOENT ? result : Math.min(result, removed);
    }
    long removed = k.unlinkat(AT_FDCWD, path, AT_REMOVEDIR);
    return Math.min(result, removed);
  }

  /** Stops a machine, and writes its state. */
  static @Nullable String freeze(Kernel k, QmpSession qemu, int state) {
    String problem = prepare(qemu, state);
    if (problem == null) {
      problem = qemu.ask(id -> Qmp.migrate(id, STATE_NAME));
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

  /** Has a machine go on where another was stopped. */
  static @Nullable String thaw(Kernel k, QmpSession qemu, int state) {
    String problem = prepare(qemu, state);
    if (problem == null) {
      problem = qemu.ask(id -> Qmp.migrateIncoming(id, STATE_NAME));
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

  private static @Nullable String prepare(QmpSession qemu, int state) {
    String problem = qemu.ask(Qmp::capabilities);
    if (problem == null) {
      problem = qemu.ask(Qmp::ignoreSharedMemory);
    }
    return problem == null ? qemu.ask(id -> Qmp.getfd(id, STATE_NAME), state) : problem;
  }
}
