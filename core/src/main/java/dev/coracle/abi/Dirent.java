package dev.coracle.abi;

/**
 * Reads the entries of getdents64(2):
 *
 * <pre>
 * 0 ino u64   8 off i64   16 reclen u16   18 type u8   19 name, ends with NUL
 * </pre>
 */
public final class Dirent {
  private Dirent() {}

  /** The length of the entry at {@code at}: the next one follows. */
  public static int length(byte[] entries, int at) {
    return Bytes.u16(entries, at + 16);
  }

  /** Its name. */
  public static String name(byte[] entries, int at) {
    int end = at + 19;
    while (entries[end] != 0) {
      end++;
    }
    return Bytes.text(entries, at + 19, end);
  }
}
