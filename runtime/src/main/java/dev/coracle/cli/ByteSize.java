package dev.coracle.cli;

import dev.coracle.json.Json;
import dev.coracle.lifecycle.Failure;

/**
 * A number of bytes as people write it: {@code 64M}, {@code 1.5GiB}, {@code 512 kb}; units are
 * powers of 1024, and −1 is no limit. Peers: runc and Docker read sizes in this way.
 */
final class ByteSize {
  private static final String UNITS = "kmgtp";
  private static final int MOST_FRACTION_DIGITS = 6;

  private ByteSize() {}

  static Json parse(String flag, String text) throws Failure {
    return new Json.Int(bytes(flag, text), false);
  }

  private static long bytes(String flag, String text) throws Failure {
    if (text.equals("-1")) {
      return -1;
    }
    int at = 0;
    long whole = 0;
    while (at < text.length() && isDigit(text.charAt(at)) && whole < Long.MAX_VALUE / 100) {
      whole = whole * 10 + text.charAt(at++) - '0';
    }
    boolean digits = at > 0;
    long fraction = 0;
    long scale = 1;
    if (digits && at < text.length() && text.charAt(at) == '.') {
      int from = ++at;
      while (at < text.length() && isDigit(text.charAt(at))) {
        if (at - from < MOST_FRACTION_DIGITS) {
          fraction = fraction * 10 + text.charAt(at) - '0';
          scale *= 10;
        }
        at++;
      }
      digits = at > from;
    }
    int shift = digits ? shift(text.substring(at)) : -1;
    if (shift < 0 || whole > Long.MAX_VALUE >> shift) {
      String like = "must be a number of bytes like 64M, not";
      throw new Failure("--" + flag + " " + like + " \"" + text + "\"");
    }
    return (whole << shift)
        + (fraction << Math.min(shift, 40)) / scale * (1L << Math.max(0, shift - 40));
  }

  private static boolean isDigit(char c) {
    return c >= '0' && c <= '9';
  }

  /** By how many bits a unit shifts, or −1 where it is none. */
  private static int shift(String unit) {
    String rest = unit.startsWith(" ") ? unit.substring(1) : unit;
    if (rest.isEmpty() || rest.equals("b") || rest.equals("B")) {
      return 0;
    }
    char first = rest.charAt(0);
    int power = UNITS.indexOf(first >= 'A' && first <= 'Z' ? (char) (first + 32) : first);
    String more = rest.substring(1);
    boolean known =
        more.isEmpty()
            || more.equals("b")
            || more.equals("B")
            || more.equals("ib")
            || more.equals("iB")
            || more.equals("IB");
    return power >= 0 && known ? 10 * (power + 1) : -1;
  }
}
