package dev.coracle.machine;

import dev.coracle.abi.Bytes;
import dev.coracle.kernel.Errno;
import dev.coracle.vm.FilesState;
import dev.coracle.vm.Fuse;

/**
 * Asks virtiofsd for the nodes of paths, name by name. What it has just walked it remembers, so
 * that of many paths in one directory each is one request.
 */
final class FilesWalk {
  private static final int MOST_DEPTH = FilesState.MOST_PATH_BYTES / 2 + 1;
  private static final int FORGOTTEN_AT_ONCE = 256;

  private final FilesQueue queue;

  /** Whether virtiofsd is to keep what is found; else it is as before. */
  private final boolean keep;

  private final byte[] request = new byte[Fuse.REQUEST_BYTES + FilesState.MOST_PATH_BYTES + 1];
  private final byte[] answer = new byte[Fuse.FIRST_AT + Fuse.ENTRY_BYTES];
  private final byte[] forgotten =
      new byte[Fuse.BATCH_AT + FORGOTTEN_AT_ONCE * Fuse.BATCH_ONE_BYTES];
  private int forgottenCount;

  // The path that was walked: where each of its names ends, and the name's node.
  private final byte[] walked = new byte[FilesState.MOST_PATH_BYTES];
  private final int[] ends = new int[MOST_DEPTH];
  private final long[] nodes = new long[MOST_DEPTH];
  private int depth;

  FilesWalk(FilesQueue queue, boolean keep) {
    this.queue = queue;
    this.keep = keep;
  }

  /**
   * The node of a path.
   *
   * @param path relative to the root, at most {@link FilesState#MOST_PATH_BYTES}
   * @return 0 where it is not there, −errno where that cannot be known
   */
  long find(byte[] path, int at, int length) {
    int same = 0;
    int from = 0;
    while (same < depth && begins(path, at, length, from, ends[same])) {
      from = ends[same] + 1;
      same++;
    }
    long result = back(same);
    while (result >= 0 && from < length) {
      int to = from;
      while (to < length && path[at + to] != '/') {
        to++;
      }
      result = to == from ? 0 : lookup(path, at + from, to - from);
      if (result <= 0) {
        return result;
      }
      System.arraycopy(path, at + from, walked, from, to - from);
      if (from > 0) {
        walked[from - 1] = '/';
      }
      ends[depth] = to;
      nodes[depth] = result;
      depth++;
      from = to + 1;
    }
    return result < 0 ? result : depth == 0 ? Fuse.ROOT_ID : nodes[depth - 1];
  }

  /** Whether a path has the same name from {@code from} to {@code to}. */
  private boolean begins(byte[] path, int at, int length, int from, int to) {
    if (to > length || to < length && path[at + to] != '/') {
      return false;
    }
    for (int i = from; i < to; i++) {
      if (path[at + i] != walked[i]) {
        return false;
      }
    }
    return true;
  }

  private long lookup(byte[] name, int at, int length) {
    int whole = Fuse.REQUEST_BYTES + length + 1;
    begin(request, whole, Fuse.LOOKUP, depth == 0 ? Fuse.ROOT_ID : nodes[depth - 1]);
    System.arraycopy(name, at, request, Fuse.REQUEST_BYTES, length);
    request[whole - 1] = 0;
    long n = queue.ask(request, whole, answer);
    if (n < 0) {
      return n;
    }
    int error = (int) Bytes.u32(answer, Fuse.ERROR_AT);
    if (error != 0) {
      return isAbsent(-error) ? 0 : error < 0 ? error : -Errno.EPROTO;
    }
    long node = n < answer.length ? -1 : Bytes.i64(answer, Fuse.FIRST_AT);
    return node < 0 ? -Errno.EPROTO : node;
  }

  /** Whether an error says that nothing of this name is there for a guest. */
  private static boolean isAbsent(int errno) {
    return errno == Errno.ENOENT
        || errno == Errno.ENOTDIR
        || errno == Errno.ESTALE
        || errno == Errno.EACCES
        || errno == Errno.ELOOP
        || errno == Errno.EINVAL
        || errno == Errno.ENAMETOOLONG;
  }

  /** Begins a request of ours. */
  static void begin(byte[] request, int length, int opcode, long node) {
    for (int i = 0; i < Fuse.REQUEST_BYTES; i++) {
      request[i] = 0;
    }
    Bytes.put32(request, 0, length);
    Bytes.put32(request, Fuse.OPCODE_AT, opcode);
    // virtiofsd ends where it is 0; the guest never sees it.
    Bytes.put64(request, Fuse.UNIQUE_AT, 1);
    Bytes.put64(request, Fuse.NODE_AT, node);
  }

  private long back(int to) {
    long result = 0;
    while (depth > to) {
      depth--;
      if (!keep) {
        int place = Fuse.BATCH_AT + forgottenCount * Fuse.BATCH_ONE_BYTES;
        Bytes.put64(forgotten, place, nodes[depth]);
        Bytes.put64(forgotten, place + 8, 1);
        forgottenCount++;
        if (forgottenCount == FORGOTTEN_AT_ONCE) {
          result = Math.min(result, forget());
        }
      }
    }
    return result;
  }

  private long forget() {
    int length = Fuse.BATCH_AT + forgottenCount * Fuse.BATCH_ONE_BYTES;
    begin(forgotten, length, Fuse.BATCH_FORGET, 0);
    Bytes.put64(forgotten, Fuse.BATCH_COUNT_AT, forgottenCount);
    forgottenCount = 0;
    return queue.ask(forgotten, length, answer);
  }

  /** Goes back to the root; 0 or −errno. */
  long end() {
    long result = back(0);
    return forgottenCount == 0 || result < 0 ? result : forget();
  }
}
