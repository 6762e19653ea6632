package dev.coracle.abi;

import java.nio.charset.StandardCharsets;

/** Little-endian numbers and UTF-8 text in byte arrays, as the kernel's structures hold them. */
public final class Bytes {
  private Bytes() {}

  /** An unsigned 16-bit number. */
  public static int u16(byte[] b, int at) {
    return b[at] & 0xff | (b[at + 1] & 0xff) << 8;
  }

  /** An unsigned 32-bit number. */
  public static long u32(byte[] b, int at) {
    return (u16(b, at) | (long) u16(b, at + 2) << 16) & 0xffffffffL;
  }

  /** A 64-bit number. */
  public static long i64(byte[] b, int at) {
    return u32(b, at) | u32(b, at + 4) << 32;
  }

  /** Puts a 16-bit number. */
  public static void put16(byte[] b, int at, long value) {
    b[at] = (byte) value;
    b[at + 1] = (byte) (value >> 8);
  }

  /** Puts a 32-bit number. */
  public static void put32(byte[] b, int at, long value) {
    put16(b, at, value);
    put16(b, at + 2, value >> 16);
  }

  /** Puts a 64-bit number. */
  public static void put64(byte[] b, int at, long value) {
    put32(b, at, value);
    put32(b, at + 4, value >> 32);
  }

  /** The UTF-8 text from {@code from} to {@code to}. */
  public static String text(byte[] b, int from, int to) {
    for (int i = from; i < to; i++) {
      if (b[i] < 0) {
        return new String(b, from, to - from, StandardCharsets.UTF_8);
      }
    }
    char[] chars = new char[to - from];
    for (int i = 0; i < chars.length; i++) {
      chars[i] = (char) b[from + i];
    }
    return new String(chars);
  }

  /** The bytes of a text in UTF-8. */
  public static byte[] utf8(String text) {
    byte[] out = new byte[text.length()];
    for (int i = 0; i < out.length; i++) {
      char c = text.charAt(i);
      if (c >= 0x80) {
        return text.getBytes(StandardCharsets.UTF_8);
      }
      out[i] = (byte) c;
    }
    return out;
  }
}
