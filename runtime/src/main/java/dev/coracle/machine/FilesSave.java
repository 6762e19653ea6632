package dev.coracle.machine;

import dev.coracle.abi.Bytes;
import dev.coracle.execute.Files;
import dev.coracle.kernel.Errno;
import dev.coracle.kernel.Kernel;
import dev.coracle.vm.FileIds;
import dev.coracle.vm.FilesState;
import dev.coracle.vm.OpenFiles;
import org.jspecify.annotations.Nullable;

/**
 * Writes down what a guest knows of its files, so that another virtiofsd can be told: the paths of
 * its nodes, and what is open.
 */
final class FilesSave {
  private static final int CHUNK_BYTES = 64 * 1024;

  private final Kernel k;
  private final FileIds ids;
  private final FilesWalk walk;
  private final FilesState.Writer writer = new FilesState.Writer();
  private final byte[] chunk = new byte[CHUNK_BYTES];
  private int out;
  private final FilesState.Sink sink = (bytes, at, count) -> write(bytes, at, count);
  private int nodes;

  FilesSave(Kernel k, FilesQueue queue, FileIds ids) {
    this.k = k;
    this.ids = ids;
    this.walk = new FilesWalk(queue, false);
  }

  /**
   * Saves it. Nothing may be on its way.
   *
   * @param paths a file of paths, relative to the root, each with a NUL byte behind it
   * @param to the file that it is written to
   * @param input what has come from the guest and was not passed on
   * @return why it cannot be, or null
   */
  @Nullable String save(int paths, int to, byte[] input, int inputLength) {
    if (ids.initRequestLength() == 0) {
      return "the guest has not mounted its files yet";
    }
    if (ids.open().isIncomplete()) {
      return "more than " + OpenFiles.MOST + " files were open at once";
    }
    if (ids.epoch() >= FileIds.MOST_EPOCH - 1) {
      return "it was restored too often";
    }
    out = to;
    nodes = 0;
    long result = writer.begin(sink, ids, input, inputLength);
    String problem = result < 0 ? cannotWrite(result) : names(paths);
    long ended = walk.end();
    int unnamed = ids.open().unnamed();
    if (problem != null) {
      return problem;
    }
    if (ended < 0) {
      return "cannot ask virtiofsd: " + Errno.text(-ended);
    }
    if (unnamed > 0) {
      return unnamed == 1
          ? "1 open file has no name any more (it was deleted)"
          : unnamed + " open files have no name any more (they were deleted)";
    }
    result = writer.end(sink);
    return result < 0 ? cannotWrite(result) : null;
  }

  private String cannotWrite(long result) {
    return "cannot write what is known of its files: " + k.explain(result);
  }

  private @Nullable String names(int paths) {
    int length = 0;
    long position = 0;
    while (true) {
      long n = k.pread64(paths, chunk, length, chunk.length - length, position);
      if (n < 0) {
        return "cannot read the paths of its files: " + k.explain(n);
      }
      if (n == 0) {
        return length == 0 ? null : "the last path of its files has no end";
      }
      position += n;
      length += (int) n;
      int from = 0;
      for (int i = 0; i < length; i++) {
        if (chunk[i] == 0) {
          String problem = name(from, i - from);
          if (problem != null) {
            return problem;
          }
          from = i + 1;
        }
      }
      length -= from;
      if (length > FilesState.MOST_PATH_BYTES) {
        return "a path of its files is too long";
      }
      System.arraycopy(chunk, from, chunk, 0, length);
    }
  }

  private @Nullable String name(int at, int length) {
    if (length == 0) {
      return null; // The root needs no name.
    }
    if (length > FilesState.MOST_PATH_BYTES) {
      return "a path of its files is too long";
    }
    long server = walk.find(chunk, at, length);
    long guest = server <= 0 ? server : ids.guest(server);
    if (guest == 0) {
      return null;
    }
    if (server < 0 || guest < 0) {
      String why = server < 0 ? Errno.text(-server) : "virtiofsd does not answer as it should";
      return "cannot look up " + Bytes.text(chunk, at, at + length) + ": " + why;
    }
    nodes++;
    if (nodes > FileIds.MOST_NODES) {
      return "it knows more than " + FileIds.MOST_NODES + " files";
    }
    ids.open().name(guest);
    long result = writer.node(sink, guest, chunk, at, length);
    return result < 0 ? cannotWrite(result) : null;
  }

  private long write(byte[] bytes, int at, int count) {
    return Files.writeAll(k, out, bytes, at, at + count);
  }
}
