package dev.coracle.vm;

import dev.coracle.abi.Bytes;

/** Writes a request: fields of a tag, a length and bytes (docs/vm-protocol.md, "Request"). */
public final class RequestWriter {
  static final int FIELD_HEADER_BYTES = 5;

  private byte[] out = new byte[1024];
  private int length;

  /** Adds a field. */
  public RequestWriter add(Field field, byte[] bytes, int from, int count) {
    reserve(FIELD_HEADER_BYTES + count);
    out[length] = (byte) field.tag();
    Bytes.put32(out, length + 1, count);
    System.arraycopy(bytes, from, out, length + FIELD_HEADER_BYTES, count);
    length += FIELD_HEADER_BYTES + count;
    return this;
  }

  private void reserve(int more) {
    if (length + more > out.length) {
      byte[] larger = new byte[Math.max(length + more, out.length * 2)];
      System.arraycopy(out, 0, larger, 0, length);
      out = larger;
    }
  }

  /** Adds a field of text. */
  public RequestWriter add(Field field, String text) {
    byte[] bytes = Bytes.utf8(text);
    return add(field, bytes, 0, bytes.length);
  }

  /** Adds all fields of another. */
  public RequestWriter addAll(RequestWriter other) {
    reserve(other.length);
    System.arraycopy(other.out, 0, out, length, other.length);
    length += other.length;
    return this;
  }

  /** Adds a field of a 64-bit number. */
  public RequestWriter add(Field field, long number) {
    byte[] bytes = new byte[8];
    Bytes.put64(bytes, 0, number);
    return add(field, bytes, 0, bytes.length);
  }

  /** The bytes, of which {@link #length} count. */
  public byte[] bytes() {
    return out;
  }

  public int length() {
    return length;
  }
}
