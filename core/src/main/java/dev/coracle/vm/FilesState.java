package dev.coracle.vm;

import dev.coracle.abi.Bytes;
import org.jspecify.annotations.Nullable;

/**
 * What is kept of a guest's files with a checkpoint of its machine, little-endian:
 *
 * <pre>
 * 0         8        12        16        20        24        28
 * | CORFILES | epoch | request | answer  | input   | handles | INIT, its answer, input
 * handle, handles times:  u64 handle | u64 node | u32 flags of open(2) | u32 1 for a directory
 * node, any number:       u64 node | u32 length of its path | its path, without / in front
 * the end:                u64 0 | u32 0
 * </pre>
 *
 * <p>Numbers of nodes and handles are the guest's. {@code input} is what had come from the guest
 * and was not passed on.
 */
public final class FilesState {
  /** PATH_MAX without the NUL byte. */
  public static final int MOST_PATH_BYTES = 4095;

  private static final long MAGIC = 0x53454c4946524f43L;
  private static final int HEADER_BYTES = 28;
  private static final int HANDLE_BYTES = 24;
  private static final int NODE_BYTES = 12;
  private static final int BUFFER_BYTES = 64 * 1024;

  private FilesState() {}

  /** Takes bytes, one piece after the other; −errno where it cannot. */
  public interface Sink {
    long write(byte[] bytes, int at, int count);
  }

  /** Gives bytes, one piece after the other; 0 at the end, −errno where it cannot. */
  public interface Source {
    long read(byte[] into, int at, int most);
  }

  /** Writes one; each method returns 0 or −errno. */
  public static final class Writer {
    private final byte[] buffer = new byte[BUFFER_BYTES];
    private int length;

    /** Begins another one. */
    public long begin(Sink sink, FileIds ids, byte[] input, int inputLength) {
      length = 0;
      Bytes.put64(buffer, 0, MAGIC);
      Bytes.put32(buffer, 8, ids.epoch());
      Bytes.put32(buffer, 12, ids.initRequestLength());
      Bytes.put32(buffer, 16, ids.initAnswerLength());
      Bytes.put32(buffer, 20, inputLength);
      Bytes.put32(buffer, 24, ids.open().size());
      length = HEADER_BYTES;
      long result = put(sink, ids.initRequest(), 0, ids.initRequestLength());
      result = result < 0 ? result : put(sink, ids.initAnswer(), 0, ids.initAnswerLength());
      result = result < 0 ? result : put(sink, input, 0, inputLength);
      return result < 0 ? result : handles(sink, ids.open());
    }

    private long handles(Sink sink, OpenFiles open) {
      long result = 0;
      for (int i = 0; i < open.places() && result >= 0; i++) {
        if (open.isUsed(i)) {
          result = room(sink, HANDLE_BYTES);
          Bytes.put64(buffer, length, open.handle(i));
          Bytes.put64(buffer, length + 8, open.node(i));
          Bytes.put32(buffer, length + 16, open.flags(i));
          Bytes.put32(buffer, length + 20, open.isDirectory(i) ? 1 : 0);
          length += HANDLE_BYTES;
        }
      }
      return result;
    }

    /** A node that has a path. */
    public long node(Sink sink, long node, byte[] path, int at, int count) {
      long result = room(sink, NODE_BYTES);
      Bytes.put64(buffer, length, node);
      Bytes.put32(buffer, length + 8, count);
      length += NODE_BYTES;
      return result < 0 ? result : put(sink, path, at, count);
    }

    /** That was all. */
    public long end(Sink sink) {
      long result = node(sink, 0, buffer, 0, 0);
      return result < 0 ? result : flush(sink);
    }

    private long room(Sink sink, int count) {
      return length + count <= buffer.length ? 0 : flush(sink);
    }

    private long put(Sink sink, byte[] bytes, int at, int count) {
      long result = 0;
      int done = 0;
      while (done < count && result >= 0) {
        result = room(sink, 1);
        int some = Math.min(count - done, buffer.length - length);
        System.arraycopy(bytes, at + done, buffer, length, some);
        length += some;
        done += some;
      }
      return result;
    }

    private long flush(Sink sink) {
      int count = length;
      length = 0;
      return sink.write(buffer, 0, count);
    }
  }

  /** Reads one, which may be anything, from front to end. */
  public static final class Reader {
    private static final String SHORT = "it ends too early";

    private final Source source;
    private final byte[] buffer = new byte[BUFFER_BYTES];
    private int start;
    private int end;
    private @Nullable String problem;
    private final byte[] request = new byte[FileIds.MOST_INIT_BYTES];
    private final byte[] answer = new byte[FileIds.MOST_INIT_BYTES];
    private int epoch;
    private int requestLength;
    private int answerLength;
    private int inputLength;
    private int handlesLeft;
    private int nodesLeft = FileIds.MOST_NODES;
    private int at;
    private int pathLength;

    public Reader(Source source) {
      this.source = source;
    }

    /** Why it cannot be read, or null. */
    public @Nullable String problem() {
      return problem;
    }

    /**
     * Reads what is in front of the handles.
     *
     * @param input gets what the guest had sent
     * @return false where that is not possible
     */
    public boolean begin(byte[] input) {
      if (!take(HEADER_BYTES)) {
        return false;
      }
      long newEpoch = Bytes.u32(buffer, at + 8);
      long requests = Bytes.u32(buffer, at + 12);
      long answers = Bytes.u32(buffer, at + 16);
      long inputs = Bytes.u32(buffer, at + 20);
      long handles = Bytes.u32(buffer, at + 24);
      if (Bytes.i64(buffer, at) != MAGIC) {
        return fail("it is none, or another version's");
      }
      if (newEpoch >= FileIds.MOST_EPOCH - 1
          || requests < Fuse.REQUEST_BYTES
          || requests > request.length
          || answers < Fuse.ANSWER_BYTES
          || answers > answer.length
          || inputs > input.length
          || handles > OpenFiles.MOST) {
        return fail("a number in it cannot be");
      }
      epoch = (int) newEpoch;
      requestLength = (int) requests;
      answerLength = (int) answers;
      inputLength = (int) inputs;
      handlesLeft = (int) handles;
      return copy(request, requestLength)
          && copy(answer, answerLength)
          && copy(input, inputLength)
          && (Bytes.u32(request, 0) == requestLength
                  && Bytes.u32(request, Fuse.OPCODE_AT) == Fuse.INIT
              || fail("what it has for INIT is none"));
    }

    /** How often the machine had been restored. */
    public int epoch() {
      return epoch;
    }

    /** INIT. */
    public byte[] request() {
      return request;
    }

    public int requestLength() {
      return requestLength;
    }

    /** INIT's answer. */
    public byte[] answer() {
      return answer;
    }

    public int answerLength() {
      return answerLength;
    }

    public int inputLength() {
      return inputLength;
    }

    /** Goes to the next handle; false where there is none, or a problem. */
    public boolean nextHandle() {
      if (problem != null || handlesLeft == 0 || !take(HANDLE_BYTES)) {
        return false;
      }
      handlesLeft--;
      boolean can = handle() >= 0 && handle() < OpenFiles.HANDLES_END;
      return can && Bytes.u32(buffer, at + 20) <= 1 || fail("a handle in it cannot be");
    }

    public long handle() {
      return Bytes.i64(buffer, at);
    }

    /** The node of a handle. */
    public long handleNode() {
      return Bytes.i64(buffer, at + 8);
    }

    public long flags() {
      return Bytes.u32(buffer, at + 16);
    }

    public boolean isDirectory() {
      return Bytes.u32(buffer, at + 20) == 1;
    }

    /** Goes behind all handles. */
    public boolean skipHandles() {
      boolean more = true;
      while (more) {
        more = nextHandle();
      }
      return problem == null;
    }

    /** Goes to the next node, behind all handles; false where there is none, or a problem. */
    public boolean nextNode() {
      if (problem != null || !take(NODE_BYTES)) {
        return false;
      }
      long node = Bytes.i64(buffer, at);
      long count = Bytes.u32(buffer, at + 8);
      if (node == 0 && count == 0) {
        // What is left in the buffer is looked at first.
        return (start < end || fill() != 0) && fail("there is more behind its end");
      }
      if (node == 0 || node == Fuse.ROOT_ID || count == 0 || count > MOST_PATH_BYTES) {
        return fail("a node in it cannot be");
      }
      if (nodesLeft-- == 0) {
        return fail("there are more than " + FileIds.MOST_NODES + " nodes in it");
      }
      pathLength = (int) count;
      return take(pathLength, NODE_BYTES);
    }

    public long node() {
      return Bytes.i64(buffer, at);
    }

    /** Where the path of a node stands. */
    public byte[] path() {
      return buffer;
    }

    public int pathAt() {
      return at + NODE_BYTES;
    }

    public int pathLength() {
      return pathLength;
    }

    private boolean fail(String why) {
      problem = problem == null ? why : problem;
      return false;
    }

    private boolean take(int count) {
      return take(count, 0);
    }

    /** Makes the next bytes stand at {@link #at}, behind so many that stand there already. */
    private boolean take(int count, int before) {
      at = start - before;
      while (end - start < count) {
        if (at > 0) {
          System.arraycopy(buffer, at, buffer, 0, end - at);
          end -= at;
          start -= at;
          at = 0;
        }
        if (fill() <= 0) {
          return fail(SHORT);
        }
      }
      start += count;
      return true;
    }

    private boolean copy(byte[] into, int count) {
      int done = 0;
      while (done < count) {
        if (start == end) {
          start = 0;
          end = 0;
          if (fill() <= 0) {
            return fail(SHORT);
          }
        }
        int some = Math.min(count - done, end - start);
        System.arraycopy(buffer, start, into, done, some);
        start += some;
        done += some;
      }
      return true;
    }

    private long fill() {
      if (end == buffer.length) {
        System.arraycopy(buffer, start, buffer, 0, end - start);
        end -= start;
        start = 0;
      }
      long n = source.read(buffer, end, buffer.length - end);
      if (n < 0) {
        problem = "it cannot be read";
      }
      end += (int) Math.max(0, n);
      return n;
    }
  }
}
