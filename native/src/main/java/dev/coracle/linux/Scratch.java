package dev.coracle.linux;

import dev.coracle.abi.Bytes;
import org.jspecify.annotations.Nullable;
import org.teavm.interop.Address;

/**
 * Static memory for the arguments of one system call: text as the kernel reads it, and structures.
 * A call starts with {@link #reset}; nothing in here outlives it.
 */
final class Scratch {
  /** Room for structures; text comes behind it. */
  private static final int TEXT_FROM = 4096;

  private static final int BYTES = 256 * 1024;

  private static final Address BASE = Syscalls.scratch();
  private static int used = TEXT_FROM;
  private static boolean overflow;

  private Scratch() {}

  /** Forgets the texts of the call before. */
  static void reset() {
    used = TEXT_FROM;
    overflow = false;
  }

  /** Whether a text of this call was too long: the kernel takes none of that length either. */
  static boolean overflow() {
    return overflow;
  }

  /** How many bytes the texts of this call have, with their NUL bytes. */
  static int textBytes() {
    return used - TEXT_FROM;
  }

  /** The structure area, of 4096 bytes. */
  static Address structure() {
    return BASE;
  }

  /** The text in UTF-8 with a NUL byte, or 0 for null. */
  static long text(@Nullable String text) {
    if (text == null) {
      return 0;
    }
    if (used + text.length() * 3L + 1 > BYTES) {
      overflow = true;
      return 0;
    }
    Address start = BASE.add(used);
    used += encode(text, start);
    return start.toLong();
  }

  /** Writes the text in UTF-8 with a NUL byte, and returns the number of bytes. */
  static int encode(String text, Address to) {
    int n = 0;
    int length = text.length();
    for (int i = 0; i < length; i++) {
      int c = text.charAt(i);
      if (c < 0x80) {
        to.add(n++).putByte((byte) c);
      } else if (c < 0x800) {
        to.add(n++).putByte((byte) (0xc0 | c >> 6));
        to.add(n++).putByte((byte) (0x80 | c & 0x3f));
      } else if (c >= 0xd800 && c < 0xdc00 && i + 1 < length) {
        int point = 0x10000 + (c - 0xd800 << 10) + (text.charAt(++i) - 0xdc00);
        to.add(n++).putByte((byte) (0xf0 | point >> 18));
        to.add(n++).putByte((byte) (0x80 | point >> 12 & 0x3f));
        to.add(n++).putByte((byte) (0x80 | point >> 6 & 0x3f));
        to.add(n++).putByte((byte) (0x80 | point & 0x3f));
      } else {
        to.add(n++).putByte((byte) (0xe0 | c >> 12));
        to.add(n++).putByte((byte) (0x80 | c >> 6 & 0x3f));
        to.add(n++).putByte((byte) (0x80 | c & 0x3f));
      }
    }
    to.add(n++).putByte((byte) 0);
    return n;
  }

  /** The text at an address, up to its NUL byte. */
  static String read(Address from) {
    int length = 0;
    while (from.add(length).getByte() != 0) {
      length++;
    }
    byte[] bytes = new byte[length];
    for (int i = 0; i < length; i++) {
      bytes[i] = from.add(i).getByte();
    }
    return Bytes.text(bytes, 0, length);
  }
}
