package dev.coracle.state;

import static dev.coracle.abi.Fcntl.AT_FDCWD;
import static dev.coracle.abi.Fcntl.AT_REMOVEDIR;
import static dev.coracle.abi.Fcntl.O_CLOEXEC;
import static dev.coracle.abi.Fcntl.O_CREAT;
import static dev.coracle.abi.Fcntl.O_DIRECTORY;
import static dev.coracle.abi.Fcntl.O_EXCL;
import static dev.coracle.abi.Fcntl.O_NONBLOCK;
import static dev.coracle.abi.Fcntl.O_RDONLY;
import static dev.coracle.abi.Fcntl.O_RDWR;
import static dev.coracle.abi.Fcntl.O_WRONLY;

import dev.coracle.abi.Dirent;
import dev.coracle.abi.Stat;
import dev.coracle.config.KnownFilter;
import dev.coracle.execute.Files;
import dev.coracle.execute.Freezer;
import dev.coracle.kernel.Errno;
import dev.coracle.kernel.Kernel;
import dev.coracle.sandbox.NotifySocket;
import dev.coracle.spec.CompiledSeccomp;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Containers on disk: for each a directory that only its owner can enter, with one file and, while
 * it is created and not started, the FIFO on which its process waits.
 */
public final class StateStore {
  /** The largest config.json that is read; the largest seen in the wild are a tenth of it. */
  public static final int MOST_CONFIG_BYTES = 8 << 20;

  /** The directory that is shown to a container which may tell that it is ready. */
  public static final String NOTIFY = "/notify";

  private static final String STATE = "/state.json";
  // The name that runc gives it, which others may look for.
  private static final String START = "/exec.fifo";
  private static final int MOST_BYTES = 2 * MOST_CONFIG_BYTES;
  private static final int DIRENTS_BYTES = 16 * 1024;

  private final Kernel k;
  private final String root;
  private int stateFd = -1;

  /** The containers below {@code root}, an absolute path. */
  public StateStore(Kernel kernel, String root) {
    this.k = kernel;
    this.root = root;
  }

  /**
   * A container as it is kept.
   *
   * @param length where config.json ends
   */
  public record Entry(ContainerState state, byte[] file, int configFrom, int length) {
    /** The seccomp filter that was compiled for it; null where none is kept. */
    public @Nullable KnownFilter filter() {
      ContainerState.KeptFilter kept = state.filter();
      if (kept == null) {
        return null;
      }
      byte[] program = new byte[kept.bytes()];
      System.arraycopy(file, length, program, 0, program.length);
      return new KnownFilter(
          configFrom + kept.from(),
          configFrom + kept.to(),
          new CompiledSeccomp(program, kept.flags()));
    }
  }

  /**
   * What is wrong with an id, or null: letters, digits, {@code _ + - .}, and no dot in front, so
   * that it is one name in a directory.
   */
  public static @Nullable String defect(String id) {
    if (id.isEmpty()) {
      return "container id must not be empty";
    }
    if (id.length() > 1024) {
      return "container id is too long";
    }
    for (int i = 0; i < id.length(); i++) {
      char c = id.charAt(i);
      boolean letter = c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9';
      if (!letter && c != '_' && c != '+' && c != '-' && (c != '.' || i == 0)) {
        return "container id \"" + id + "\" may hold letters, digits, _, +, - and . only";
      }
    }
    return null;
  }

  private String directory(String id) {
    return root + "/" + id;
  }

  /** Takes an id: −EEXIST where a container has it. */
  public long take(String id) {
    long result = k.mkdirat(AT_FDCWD, directory(id), 0700);
    if (result == -Errno.ENOENT) {
      result = Files.makeDirectories(k, root, 0711);
      return result < 0 ? result : k.mkdirat(AT_FDCWD, directory(id), 0700);
    }
    return result;
  }

  /** Writes what is known before there is a process, so that whatever comes can be cleaned up. */
  public long write(
      ContainerState state, byte[] config, int from, int to, @Nullable KnownFilter filter) {
    long fd =
        k.openat2(
            AT_FDCWD,
            directory(state.id()) + STATE,
            O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
            0600,
            0);
    if (fd < 0) {
      return fd;
    }
    stateFd = (int) fd;
    byte[] line = StateText.bytes(StateText.line(state));
    byte[] program = filter == null ? new byte[0] : filter.filter().program();
    byte[] all = new byte[line.length + to - from + program.length];
    System.arraycopy(line, 0, all, 0, line.length);
    System.arraycopy(config, from, all, line.length, to - from);
    System.arraycopy(program, 0, all, all.length - program.length, program.length);
    return Files.writeAll(k, stateFd, all, 0, all.length);
  }

  /** The state file while a container is made: the runtime's alone; −1 before {@link #write}. */
  public int descriptor() {
    return stateFd;
  }

  /** Adds the process in place: one small write, so a reader sees all of it or nothing. */
  public long writeProcess(int pid, long startTicks) {
    byte[] text = StateText.bytes(StateText.process(pid, startTicks));
    return Math.min(0, k.pwrite64(stateFd, text, 0, text.length, 0));
  }

  /** Makes the FIFO, and opens it for the process that will wait on it. */
  public long makeStartFifo(String id) {
    String path = directory(id) + START;
    long result = k.mknodat(AT_FDCWD, path, Stat.S_IFIFO | 0600, 0);
    // Read-write: opening does not wait for the other side, and reading never sees an end.
    return result < 0 ? result : k.openat2(AT_FDCWD, path, O_RDWR | O_CLOEXEC, 0, 0);
  }

  /** The writing end of the FIFO: −ENOENT or −ENXIO where nobody waits on it. */
  public long openStartFifo(String id) {
    String path = directory(id) + START;
    return k.openat2(AT_FDCWD, path, O_WRONLY | O_NONBLOCK | O_CLOEXEC, 0, 0);
  }

  /** The reading end of the FIFO, for what a process that failed left in it. */
  public long openStartFifoForReading(String id) {
    String path = directory(id) + START;
    return k.openat2(AT_FDCWD, path, O_RDONLY | O_NONBLOCK | O_CLOEXEC, 0, 0);
  }

  /** Removes the FIFO. */
  public long removeStartFifo(String id) {
    long result = k.unlinkat(AT_FDCWD, directory(id) + START, 0);
    return result == -Errno.ENOENT ? 0 : result;
  }

  /** Whether there is a directory for this id, even an unfinished one. */
  public boolean exists(String id) {
    return k.faccessat2(AT_FDCWD, directory(id), 0, 0) >= 0;
  }

  /** Reads a container; null where it is not there, was never finished, or cannot be read. */
  public @Nullable Entry read(String id) {
    return look(id).entry();
  }

  /**
   * What a look for a container found.
   *
   * @param entry null where it is not there, was never finished, or cannot be read
   * @param errno −errno where it cannot be read: then nobody knows what it is
   */
  public record Found(@Nullable Entry entry, long errno) {}

  /** Looks for a container. */
  public Found look(String id) {
    Files.Read read = Files.read(k, directory(id) + STATE, MOST_BYTES);
    Files.Content content = read.content();
    if (content == null) {
      return new Found(null, read.errno() == -Errno.ENOENT ? 0 : read.errno());
    }
    ContainerState state = StateText.read(content.bytes(), content.length());
    if (state == null) {
      return new Found(null, 0);
    }
    int end = StateText.endOfLine(content.bytes(), content.length());
    int from = Math.min(end + 1, content.length());
    ContainerState.KeptFilter filter = state.filter();
    int to = content.length() - (filter == null ? 0 : filter.bytes());
    if (filter != null && !filter.fits(to - from)) {
      // Cut off while it was written, and so of a container that was never made.
      return new Found(
          new Entry(state.withoutFilter(), content.bytes(), from, content.length()), 0);
    }
    return new Found(new Entry(state, content.bytes(), from, to), 0);
  }

  /** Removes all that is kept of a container. */
  public long remove(String id) {
    long result = stateFd < 0 ? 0 : k.close(stateFd);
    stateFd = -1;
    if (result >= 0) {
      result = removeStartFifo(id);
    }
    if (result >= 0) {
      result = k.unlinkat(AT_FDCWD, directory(id) + STATE, 0);
    }
    if (result >= 0 || result == -Errno.ENOENT) {
      result = k.unlinkat(AT_FDCWD, directory(id), AT_REMOVEDIR);
    }
    if (result == -Errno.ENOTEMPTY) {
      result = removeNotify(id);
    }
    return result == -Errno.ENOENT ? 0 : result;
  }

  /** The socket by which few containers tell that they are ready. */
  private long removeNotify(String id) {
    String notify = directory(id) + NOTIFY;
    long result = k.unlinkat(AT_FDCWD, notify + "/" + NotifySocket.NAME, 0);
    if (result >= 0 || result == -Errno.ENOENT) {
      result = k.unlinkat(AT_FDCWD, notify, AT_REMOVEDIR);
    }
    return result < 0 ? result : k.unlinkat(AT_FDCWD, directory(id), AT_REMOVEDIR);
  }

  /**
   * Adds the ids of all containers, in the order of their names: −ENOENT where there is no root.
   */
  public long ids(List<String> out) {
    long fd = k.openat2(AT_FDCWD, root, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0, 0);
    if (fd < 0) {
      return fd;
    }
    byte[] entries = new byte[DIRENTS_BYTES];
    long n = k.getdents64((int) fd, entries);
    while (n > 0) {
      for (int at = 0; at < n; at += Dirent.length(entries, at)) {
        String name = Dirent.name(entries, at);
        if (defect(name) == null) {
          insert(out, name);
        }
      }
      n = k.getdents64((int) fd, entries);
    }
    long closed = k.close((int) fd);
    return n < 0 ? n : Math.min(closed, 0);
  }

  private static void insert(List<String> sorted, String name) {
    int at = sorted.size();
    while (at > 0 && sorted.get(at - 1).compareTo(name) > 0) {
      at--;
    }
    sorted.add(at, name);
  }

  /**
   * What the kernel says of a container.
   *
   * @param status null where it does not say it
   * @param errno why, as −errno
   */
  public record Asked(@Nullable Status status, long errno) {
    static Asked of(Status status) {
      return new Asked(status, 0);
    }
  }

  /** Asks the kernel for the status of a container. */
  public Asked status(ContainerState state) {
    if (state.pid() == 0) {
      return Asked.of(Status.CREATING);
    }
    ProcStat.Found found = ProcStat.of(k, state.pid());
    if (found.errno() < 0) {
      return new Asked(null, found.errno());
    }
    ProcStat stat = found.stat();
    if (stat == null || stat.ended() || stat.startTicks() != state.startTicks()) {
      return Asked.of(Status.STOPPED);
    }
    long frozen = new Freezer(k, state.cgroups()).isFrozen();
    if (frozen != 0) {
      return frozen < 0 ? new Asked(null, frozen) : Asked.of(Status.PAUSED);
    }
    // Only a process that has not yet executed its program still has the FIFO open.
    long fifo = openStartFifo(state.id());
    if (fifo == -Errno.ENOENT || fifo == -Errno.ENXIO) {
      return Asked.of(Status.RUNNING);
    }
    long result = fifo < 0 ? fifo : k.close((int) fifo);
    return result < 0 ? new Asked(null, result) : Asked.of(Status.CREATED);
  }
}
