package dev.coracle.vm;

import dev.coracle.abi.Bytes;
import org.jspecify.annotations.Nullable;

/**
 * Reads the lines of QEMU's monitor in a fixed buffer, and allocates only where a text is asked
 * for. QEMU may have been taken over by its guest: a line that is too long, or not what it should
 * be, is a defect, and no more is read.
 */
public final class QmpReader {
  /** Longer than any answer to what {@link Qmp} asks. */
  public static final int MOST_LINE_BYTES = 64 * 1024;

  private static final int MOST_LEVELS = 32;
  private static final int NO_ID = -1;

  private final byte[] buffer = new byte[MOST_LINE_BYTES];
  private int from;
  private int end;
  private int lineEnd = -1;
  private @Nullable String defect;

  /** What a line is. */
  public enum Kind {
    /** QEMU is there. */
    GREETING,
    /** A command was done. */
    ANSWER,
    /** A command was not done. */
    ERROR,
    /** Something has happened. */
    EVENT
  }

  private Kind kind = Kind.GREETING;
  private int id = NO_ID;

  /** Where the next bytes go. */
  public byte[] buffer() {
    return buffer;
  }

  /** From here on. */
  public int end() {
    if (from > 0) {
      System.arraycopy(buffer, from, buffer, 0, end - from);
      end -= from;
      lineEnd -= lineEnd < 0 ? 0 : from;
      from = 0;
    }
    return end;
  }

  /** How many there is room for. */
  public int room() {
    return buffer.length - end();
  }

  /** Says that so many bytes have come. */
  public void took(int count) {
    end += count;
  }

  /** What is wrong with what came; null for nothing. */
  public @Nullable String defect() {
    return defect;
  }

  /** Takes the next line; false where it has not come whole, or is defect. */
  public boolean next() {
    if (lineEnd >= 0) {
      from = lineEnd + 1;
      lineEnd = -1;
    }
    for (int i = from; i < end && defect == null; i++) {
      if (buffer[i] == '\n') {
        lineEnd = i;
        return read();
      }
    }
    if (defect == null && end - from == buffer.length) {
      defect = "a line of QEMU's monitor is longer than " + MOST_LINE_BYTES + " bytes";
    }
    return false;
  }

  /** What the line is. */
  public Kind kind() {
    return kind;
  }

  /** Of which command it is the answer; −1 for none. */
  public int id() {
    return id;
  }

  /** The text of a member, of the answer or an object in it; null where there is none. */
  public @Nullable String text(String key) {
    int at = find(key, from, true);
    if (at < 0 || buffer[at] != '"') {
      return null;
    }
    int stop = afterString(at);
    return stop < 0 ? null : Bytes.text(buffer, at + 1, stop - 1);
  }

  /** Whether a member is true. */
  public boolean isTrue(String key) {
    int at = find(key, from, true);
    return at >= 0 && buffer[at] == 't';
  }

  private boolean read() {
    id = NO_ID;
    int at = find("id", from, false);
    if (at >= 0) {
      id = number(at);
    }
    if (find("return", from, false) >= 0) {
      kind = Kind.ANSWER;
    } else if (find("error", from, false) >= 0) {
      kind = Kind.ERROR;
    } else if (find("event", from, false) >= 0) {
      kind = Kind.EVENT;
    } else if (find("QMP", from, false) >= 0) {
      kind = Kind.GREETING;
    } else {
      defect = "QEMU's monitor says what is not known";
    }
    return defect == null;
  }

  private int number(int at) {
    int out = 0;
    int i = at;
    while (i < lineEnd && buffer[i] >= '0' && buffer[i] <= '9' && out < 100_000_000) {
      out = out * 10 + buffer[i++] - '0';
    }
    return i == at ? NO_ID : out;
  }

  /** Where the value of a key begins, at the top or at any depth; −1 where there is none. */
  private int find(String key, int begin, boolean deep) {
    int depth = 0;
    int at = begin;
    while (at < lineEnd) {
      byte c = buffer[at];
      if (c == '{' || c == '[') {
        depth++;
        if (depth > MOST_LEVELS) {
          defect = "QEMU's monitor nests too deep";
          return -1;
        }
      } else if (c == '}' || c == ']') {
        depth--;
      } else if (c == '"') {
        int stop = afterString(at);
        if (stop < 0) {
          defect = "QEMU's monitor leaves a text open";
          return -1;
        }
        int value = valueAfter(stop);
        if (value >= 0 && (deep || depth == 1) && isText(at, stop, key)) {
          return value;
        }
        at = stop;
        continue;
      }
      at++;
    }
    return -1;
  }

  private boolean isText(int at, int stop, String key) {
    boolean same = stop - at - 2 == key.length();
    for (int i = 0; same && i < key.length(); i++) {
      same = buffer[at + 1 + i] == key.charAt(i);
    }
    return same;
  }

  /** Where a value begins behind a key's end; −1 where no colon comes. */
  private int valueAfter(int at) {
    int i = at;
    while (i < lineEnd && buffer[i] == ' ') {
      i++;
    }
    if (i >= lineEnd || buffer[i] != ':') {
      return -1;
    }
    i++;
    while (i < lineEnd && buffer[i] == ' ') {
      i++;
    }
    return i < lineEnd ? i : -1;
  }

  private int afterString(int at) {
    for (int i = at + 1; i < lineEnd; i++) {
      if (buffer[i] == '\\') {
        i++;
      } else if (buffer[i] == '"') {
        return i + 1;
      }
    }
    return -1;
  }
}
