package dev.coracle.abi;

import org.jspecify.annotations.Nullable;

/**
 * Lists of CPUs or memory nodes such as {@code 0-3,7} (cpuset(7), "List format") as bit masks; bit
 * n is number n, and a mask is a whole number of 64-bit words, as the kernel reads it.
 */
public final class BitList {
  private static final int WORD_BYTES = 8;

  private BitList() {}

  /**
   * The mask of a list, or null where it is malformed. Blanks around a number, and nothing between
   * two commas, are fine.
   *
   * @param most the highest number that is taken
   */
  public static byte @Nullable [] mask(String list, int most) {
    byte[] bits = new byte[most / 64 * WORD_BYTES + WORD_BYTES];
    int last = -1;
    int from = 0;
    while (from <= list.length()) {
      int to = list.indexOf(',', from);
      to = to < 0 ? list.length() : to;
      String range = list.substring(from, to).trim();
      from = to + 1;
      if (range.isEmpty()) {
        continue;
      }
      int dash = range.indexOf('-');
      int low = number(dash < 0 ? range : range.substring(0, dash).trim(), most);
      int high = dash < 0 ? low : number(range.substring(dash + 1).trim(), most);
      if (low < 0 || high < low) {
        return null;
      }
      for (int n = low; n <= high; n++) {
        bits[n / 8] |= (byte) (1 << n % 8);
      }
      last = Math.max(last, high);
    }
    byte[] out = new byte[last < 0 ? 0 : last / 64 * WORD_BYTES + WORD_BYTES];
    System.arraycopy(bits, 0, out, 0, out.length);
    return out;
  }

  private static int number(String digits, int most) {
    int value = 0;
    for (int i = 0; i < digits.length(); i++) {
      char c = digits.charAt(i);
      if (c < '0' || c > '9') {
        return -1;
      }
      value = value * 10 + c - '0';
      if (value > most) {
        return -1;
      }
    }
    return digits.isEmpty() ? -1 : value;
  }
}
