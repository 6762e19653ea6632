package dev.coracle.vm;

import dev.coracle.abi.Bytes;

/**
 * Headers of an archive as the kernel unpacks it into its first root (cpio's "newc"; linux
 * Documentation/driver-api/early-userspace/buffer-format.rst):
 *
 * <pre>
 * "070701", then 8 hexadecimal digits each: ino mode uid gid nlink mtime filesize
 * maj min rmaj rmin namesize chksum; the name and its NUL, padded to 4; the file, padded to 4
 * </pre>
 */
public final class Newc {
  private static final String HEX = "0123456789abcdef";
  private static final int FIELDS = 13;
  private static final int HEADER_BYTES = 6 + 8 * FIELDS;
  private static final int DIRECTORY = 040755;
  private static final int EXECUTABLE = 0100755;
  private static final int FILE = 0100644;
  private static final int DEVICE = 020600;

  private int inode;

  /** The entry of a directory; without a slash in front. */
  public byte[] directory(String name) {
    return header(name, DIRECTORY, 0, 0, 0);
  }

  /** What stands before a file's bytes. */
  public byte[] file(String name, long size) {
    return header(name, FILE, size, 0, 0);
  }

  /** The same of one that can be executed. */
  public byte[] executable(String name, long size) {
    return header(name, EXECUTABLE, size, 0, 0);
  }

  /** A character device. */
  public byte[] device(String name, int major, int minor) {
    return header(name, DEVICE, 0, major, minor);
  }

  /** The end of the archive. */
  public byte[] end() {
    return header("TRAILER!!!", 0, 0, 0, 0);
  }

  /** How many zero bytes follow a file of this size. */
  public static int padding(long size) {
    return (int) (-size & 3);
  }

  private byte[] header(String name, int mode, long size, int major, int minor) {
    byte[] text = Bytes.utf8(name);
    int named = HEADER_BYTES + text.length + 1;
    byte[] out = new byte[named + padding(named)];
    byte[] magic = Bytes.utf8("070701");
    System.arraycopy(magic, 0, out, 0, magic.length);
    long[] fields = {
      inode++, mode, 0, 0, 1, 0, size, 0, 0, major, minor, text.length + 1, 0,
    };
    for (int i = 0; i < FIELDS; i++) {
      for (int digit = 0; digit < 8; digit++) {
        int shift = 28 - 4 * digit;
        out[6 + 8 * i + digit] = (byte) HEX.charAt((int) (fields[i] >> shift & 15));
      }
    }
    System.arraycopy(text, 0, out, HEADER_BYTES, text.length);
    return out;
  }
}
