package dev.coracle.cli;

import dev.coracle.lifecycle.Failure;

/** A length of time as Go programs write it: {@code 5s}, {@code 1m30s}, {@code 0.5s}. */
final class Duration {
  private static final long MOST_MILLIS = Integer.MAX_VALUE;

  private Duration() {}

  /** Its milliseconds, at least 1. */
  static int millis(String flag, String text) throws Failure {
    double millis = 0;
    int at = 0;
    boolean good = !text.isEmpty();
    while (at < text.length() && good) {
      int from = at;
      while (at < text.length() && (isDigit(text.charAt(at)) || text.charAt(at) == '.')) {
        at++;
      }
      double number = number(text.substring(from, at));
      int unit = at;
      while (at < text.length() && !isDigit(text.charAt(at)) && text.charAt(at) != '.') {
        at++;
      }
      double factor = factor(text.substring(unit, at));
      good = number >= 0 && factor > 0;
      millis += number * factor;
    }
    if (!good || millis <= 0 || millis > MOST_MILLIS) {
      throw new Failure("--" + flag + " must be a time like 5s or 1m30s, not \"" + text + "\"");
    }
    return (int) Math.max(1, Math.round(millis));
  }

  private static boolean isDigit(char c) {
    return c >= '0' && c <= '9';
  }

  /** A number with or without a fraction, or −1. */
  private static double number(String text) {
    double value = 0;
    double scale = 0;
    int digits = 0;
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c == '.') {
        if (scale > 0) {
          return -1;
        }
        scale = 1;
      } else {
        value = value * 10 + (c - '0');
        scale *= 10;
        digits++;
      }
    }
    return digits == 0 ? -1 : scale > 0 ? value / scale : value;
  }

  private static double factor(String unit) {
    return switch (unit) {
      case "ns" -> 1e-6;
      case "us", "µs" -> 1e-3;
      case "ms" -> 1;
      case "s" -> 1e3;
      case "m" -> 60e3;
      case "h" -> 3600e3;
      default -> 0;
    };
  }
}
