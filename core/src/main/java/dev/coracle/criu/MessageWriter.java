package dev.coracle.criu;

import dev.coracle.abi.Bytes;

/**
 * A protobuf message as bytes (protobuf.dev, "Encoding"): for each field a key, which is its number
 * and its wire type, and its value.
 */
final class MessageWriter {
  private static final int VARINT = 0;
  private static final int LENGTH_DELIMITED = 2;

  private byte[] bytes = new byte[256];
  private int length;

  /** A number: int32, uint32 or an enum. A negative int32 has the sign bits of an int64. */
  MessageWriter number(int field, long value) {
    varint((long) field << 3 | VARINT);
    varint(value);
    return this;
  }

  MessageWriter flag(int field, boolean value) {
    return number(field, value ? 1 : 0);
  }

  MessageWriter text(int field, String value) {
    return delimited(field, Bytes.utf8(value));
  }

  MessageWriter message(int field, MessageWriter value) {
    return delimited(field, value.toBytes());
  }

  private MessageWriter delimited(int field, byte[] value) {
    varint((long) field << 3 | LENGTH_DELIMITED);
    varint(value.length);
    room(value.length);
    System.arraycopy(value, 0, bytes, length, value.length);
    length += value.length;
    return this;
  }

  /** Seven bits in a byte, the low ones first; the high bit says that more follow. */
  private void varint(long value) {
    room(10);
    long rest = value;
    while ((rest & ~0x7fL) != 0) {
      bytes[length++] = (byte) (rest | 0x80);
      rest >>>= 7;
    }
    bytes[length++] = (byte) rest;
  }

  private void room(int count) {
    if (length + count > bytes.length) {
      byte[] larger = new byte[Math.max(bytes.length * 2, length + count)];
      System.arraycopy(bytes, 0, larger, 0, length);
      bytes = larger;
    }
  }

  byte[] toBytes() {
    byte[] out = new byte[length];
    System.arraycopy(bytes, 0, out, 0, length);
    return out;
  }
}
