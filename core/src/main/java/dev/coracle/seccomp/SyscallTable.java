package dev.coracle.seccomp;

/** Finds system calls by name, without building anything: see {@link SyscallNames}. */
public final class SyscallTable {
  /** One more than the largest number of any system call. */
  static final int NUMBERS = 1024;

  private static final int SLOTS = 1024;
  private static final int DIGITS = 3;

  private SyscallTable() {}

  /** The place of a name's record; −1 for a name that no architecture has. */
  public static int find(String name) {
    String table = SyscallNames.TABLE;
    int slot = name.hashCode() & SLOTS - 1;
    while (table.charAt(slot * DIGITS) != 'z') {
      int record = base36(table, slot * DIGITS);
      int end = record + name.length();
      if (table.startsWith(name, record) && table.charAt(end) == ':') {
        return end + 1;
      }
      slot = slot + 1 & SLOTS - 1;
    }
    return -1;
  }

  /** The number of the record from {@link #find}, without the ABI's bit; −1 where it has none. */
  public static int number(int record, Abi abi) {
    String table = SyscallNames.TABLE;
    int at = record + abi.ordinal() * DIGITS;
    if (table.charAt(at) == '-') {
      return -1;
    }
    return (table.charAt(at) - '0') * 100
        + (table.charAt(at + 1) - '0') * 10
        + (table.charAt(at + 2) - '0');
  }

  private static int base36(String table, int at) {
    int value = 0;
    for (int i = 0; i < DIGITS; i++) {
      char c = table.charAt(at + i);
      value = value * 36 + (c <= '9' ? c - '0' : c - 'a' + 10);
    }
    return value;
  }
}
