package dev.coracle.dbus;

import dev.coracle.abi.Bytes;

/**
 * A message that was received: a view of a buffer, which can be set on one message after the other
 * without making anything. What the other side sends is not believed: a broken message is refused,
 * and none is longer than {@link #MOST_BYTES}.
 *
 * <p>Little-endian only: both sides are on one machine.
 */
public final class Message {
  public static final int METHOD_CALL = 1;
  public static final int METHOD_RETURN = 2;
  public static final int ERROR = 3;
  public static final int SIGNAL = 4;

  public static final int PATH = 1;
  public static final int INTERFACE = 2;
  public static final int MEMBER = 3;
  public static final int ERROR_NAME = 4;
  public static final int REPLY_SERIAL = 5;
  public static final int DESTINATION = 6;
  public static final int SENDER = 7;
  public static final int SIGNATURE = 8;

  /** More than systemd has ever to say to us; the specification allows 128 MiB. */
  public static final int MOST_BYTES = 1 << 20;

  /** How many bytes tell how long a message is. */
  public static final int FIXED_BYTES = 16;

  private static final int FIELDS = 9;

  private byte[] bytes = new byte[0];
  private int type;
  private long replySerial;
  private final int[] from = new int[FIELDS];
  private final int[] to = new int[FIELDS];
  private int at;
  private int end;
  private boolean broken;

  /** How long the message is that starts with these bytes; −1 where it is none for us. */
  public static int length(byte[] b, int at) {
    long body = Bytes.u32(b, at + 4);
    long fields = Bytes.u32(b, at + 12);
    boolean good = b[at] == 'l' && b[at + 3] == 1 && body < MOST_BYTES && fields < MOST_BYTES;
    long length = FIXED_BYTES + (fields + 7) / 8 * 8 + body;
    return good && length <= MOST_BYTES ? (int) length : -1;
  }

  /** Looks at a whole message; false where it is broken. */
  public boolean read(byte[] buffer, int start, int length) {
    bytes = buffer;
    type = buffer[start + 1];
    replySerial = 0;
    broken = false;
    for (int i = 0; i < FIELDS; i++) {
      from[i] = 0;
      to[i] = 0;
    }
    int offset = start & 7;
    if (offset != 0) {
      throw new IllegalArgumentException("a message must start at a multiple of 8");
    }
    int body = start + length - (int) Bytes.u32(buffer, start + 4);
    at = start + FIXED_BYTES;
    end = at + (int) Bytes.u32(buffer, start + 12);
    while (at < end && !broken) {
      field();
    }
    at = body;
    end = start + length;
    return !broken;
  }

  private void field() {
    align(8);
    int code = (int) number('y');
    int signature = text('y');
    char kind =
        broken || bytes[signature] == 0 || bytes[signature + 1] != 0 ? 0 : letter(signature);
    if (kind == 's' || kind == 'o' || kind == 'g') {
      int start = text(kind == 'g' ? 'y' : 'u');
      if (code < FIELDS && !broken) {
        from[code] = start;
        to[code] = at - 1;
      }
    } else if (kind != 0 && size(kind) > 0) {
      long value = number(kind);
      if (code == REPLY_SERIAL) {
        replySerial = value;
      }
    } else {
      broken = true; // no field has such a type, in any version so far
    }
  }

  private char letter(int index) {
    return (char) (bytes[index] & 0x7f);
  }

  /** METHOD_RETURN and so on. */
  public int type() {
    return type;
  }

  /** The call that this answers. */
  public long replySerial() {
    return replySerial;
  }

  /** A field of the header; empty where there is none. */
  public String text(int field) {
    return Bytes.text(bytes, from[field], to[field]);
  }

  /** Whether a field of the header is this text. */
  public boolean has(int field, String text) {
    boolean same = to[field] - from[field] == text.length();
    for (int i = 0; same && i < text.length(); i++) {
      same = bytes[from[field] + i] == text.charAt(i);
    }
    return same;
  }

  /** Whether anything that was read so far was not there. */
  public boolean isBroken() {
    return broken;
  }

  /** The next string, object path or signature of the body, or of a variant in it. */
  public String nextText() {
    int start = text('u');
    return broken ? "" : Bytes.text(bytes, start, at - 1);
  }

  /** The next number of the body. */
  public long nextNumber(char kind) {
    return number(kind);
  }

  /** Goes into the next variant of the body, which must hold a value of this type. */
  public void enterVariant(char kind) {
    int signature = text('y');
    broken |= broken || at - signature != 2 || bytes[signature] != kind;
  }

  private long number(char kind) {
    int size = size(kind);
    align(size);
    if (broken || size == 0 || at + size > end) {
      broken = true;
      return 0;
    }
    long out = 0;
    for (int i = 0; i < size; i++) {
      out |= (bytes[at + i] & 0xffL) << 8 * i;
    }
    at += size;
    return out;
  }

  /** Passes a text over and returns where it starts. */
  private int text(char sizeKind) {
    long size = number(sizeKind);
    if (broken || size >= end - at || bytes[at + (int) size] != 0) {
      broken = true;
      return 0;
    }
    int start = at;
    at += (int) size + 1;
    return start;
  }

  private void align(int alignment) {
    while (alignment > 1 && at % alignment != 0) {
      broken |= at >= end || bytes[at] != 0;
      at++;
    }
  }

  /** The bytes of a number of a type; 0 where the type is none of a number. */
  static int size(char type) {
    return switch (type) {
      case 'y' -> 1;
      case 'n', 'q' -> 2;
      case 'b', 'i', 'u', 'h' -> 4;
      case 'x', 't', 'd' -> 8;
      default -> 0;
    };
  }

  /** What the first byte of a value of a type is aligned to. */
  static int alignment(char type) {
    int size = size(type);
    return size > 0
        ? size
        : switch (type) {
          case 'g', 'v' -> 1;
          case '(', '{' -> 8;
          default -> 4;
        };
  }
}
