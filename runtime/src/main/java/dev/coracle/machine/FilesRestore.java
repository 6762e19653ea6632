package dev.coracle.machine;

import static dev.coracle.abi.Fcntl.O_CREAT;
import static dev.coracle.abi.Fcntl.O_EXCL;
import static dev.coracle.abi.Fcntl.O_NOCTTY;
import static dev.coracle.abi.Fcntl.O_TRUNC;

import dev.coracle.abi.Bytes;
import dev.coracle.kernel.Errno;
import dev.coracle.kernel.Kernel;
import dev.coracle.vm.FileIds;
import dev.coracle.vm.FilesState.Reader;
import dev.coracle.vm.Fuse;
import dev.coracle.vm.OpenFiles;
import org.jspecify.annotations.Nullable;

/** Tells a new virtiofsd what the guest knows of its files from the one before. */
final class FilesRestore {
  private static final long NOT_AGAIN = O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC;

  private final Kernel k;
  private final FilesQueue queue;
  private final int saved;
  private final byte[] request = new byte[Fuse.OPEN_BYTES];
  private final byte[] answer = new byte[FileIds.MOST_INIT_BYTES];
  private FileIds ids = new FileIds(FilesQueue.SLOTS, 0, 0);
  private int inputLength;
  private long position;

  /**
   * What will be told.
   *
   * @param saved the file that {@link FilesSave} wrote
   */
  FilesRestore(Kernel k, FilesQueue queue, int saved) {
    this.k = k;
    this.queue = queue;
    this.saved = saved;
  }

  /** What the guest and virtiofsd call its files. */
  FileIds ids() {
    return ids;
  }

  /** How much the guest had sent that was not passed on. */
  int inputLength() {
    return inputLength;
  }

  /**
   * Tells it.
   *
   * @param input gets what the guest had sent that was not passed on
   * @return why it cannot be, or null
   */
  @Nullable String run(byte[] input) {
    // All of it is read before anything is done.
    Reader reader = reader();
    int known = 0;
    boolean more = reader.begin(input) && reader.skipHandles();
    while (more && reader.nextNode()) {
      known++;
    }
    inputLength = reader.inputLength();
    String problem = reader.problem();
    if (problem == null) {
      reader = reader();
      ids = new FileIds(FilesQueue.SLOTS, reader.begin(input) ? reader.epoch() + 1 : 0, known);
      problem = reader.problem();
    }
    if (problem != null) {
      return "cannot read what was kept of the guest's files: " + problem;
    }
    problem = init(reader);
    problem = problem == null ? nodes(reader) : problem;
    return problem == null ? open() : problem;
  }

  private Reader reader() {
    position = 0;
    return new Reader((into, at, most) -> read(into, at, most));
  }

  private long read(byte[] into, int at, int most) {
    long n = k.pread64(saved, into, at, most, position);
    position += Math.max(0, n);
    return n;
  }

  private @Nullable String init(Reader reader) {
    long n = queue.ask(reader.request(), reader.requestLength(), answer);
    if (n < 0) {
      return cannotAsk(n);
    }
    boolean same = n == reader.answerLength() && isError(n) == 0;
    for (int at : new int[] {0, Fuse.INIT_MAJOR_AT, Fuse.INIT_MINOR_AT, Fuse.INIT_FLAGS_AT}) {
      same = same && isSame(reader, at);
    }
    if (!same || !isSame(reader, Fuse.INIT_MAX_WRITE_AT)) {
      return "virtiofsd is not the one of the checkpoint";
    }
    ids.setInit(reader.request(), reader.requestLength(), reader.answer(), reader.answerLength());
    return null;
  }

  private boolean isSame(Reader reader, int at) {
    return at + 4 <= reader.answerLength()
        && Bytes.u32(answer, at) == Bytes.u32(reader.answer(), at);
  }

  private long isError(long n) {
    return n < Fuse.ANSWER_BYTES ? -Errno.EPROTO : (int) Bytes.u32(answer, Fuse.ERROR_AT);
  }

  private static String cannotAsk(long result) {
    return "cannot ask virtiofsd: " + Errno.text(-result);
  }

  private @Nullable String nodes(Reader reader) {
    OpenFiles open = ids.open();
    while (reader.nextHandle()) {
      open.add(reader.handle(), reader.isDirectory(), reader.handleNode(), reader.flags(), 0);
    }
    FilesWalk walk = new FilesWalk(queue, true);
    while (reader.nextNode()) {
      long server = walk.find(reader.path(), reader.pathAt(), reader.pathLength());
      if (server < 0) {
        return cannotOpen(path(reader), server);
      }
      // A path that is gone concerns the guest when it comes back to it.
      if (server > 0) {
        ids.know(reader.node(), server);
      }
    }
    String problem = reader.problem();
    return problem == null ? null : "cannot read what was kept of the guest's files: " + problem;
  }

  private @Nullable String open() {
    OpenFiles open = ids.open();
    for (int i = 0; i < open.places(); i++) {
      if (!open.isUsed(i)) {
        continue;
      }
      long node = ids.server(open.node(i));
      int opcode = open.isDirectory(i) ? Fuse.OPENDIR : Fuse.OPEN;
      FilesWalk.begin(request, request.length, opcode, node);
      Bytes.put64(request, Fuse.OPEN_FLAGS_AT, open.flags(i) & ~NOT_AGAIN);
      long n = node < 0 ? -Errno.ENOENT : queue.ask(request, request.length, answer);
      n = n < 0 || isError(n) == 0 ? n : isError(n);
      if (n >= 0 && n < Fuse.FIRST_AT + 8) {
        n = -Errno.EPROTO;
      }
      if (n < 0) {
        return cannotOpen(pathOf(open.node(i)), n);
      }
      open.setServer(i, Bytes.i64(answer, Fuse.FIRST_AT));
    }
    return null;
  }

  private static String cannotOpen(String path, long result) {
    return "cannot open /" + path + " again: " + Errno.text(-result);
  }

  private static String path(Reader reader) {
    return Bytes.text(reader.path(), reader.pathAt(), reader.pathAt() + reader.pathLength());
  }

  /** Which path a node has in the file. */
  private String pathOf(long node) {
    Reader reader = reader();
    boolean more = reader.begin(new byte[inputLength]) && reader.skipHandles();
    while (more && reader.nextNode()) {
      if (reader.node() == node) {
        return path(reader);
      }
    }
    return "";
  }
}
