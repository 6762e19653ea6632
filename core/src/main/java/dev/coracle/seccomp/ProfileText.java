package dev.coracle.seccomp;

import org.jspecify.annotations.Nullable;

/**
 * Where the value of {@code "seccomp"} stands in a config.json, found without reading it: a guess
 * that whoever uses it checks, for the word may stand elsewhere.
 *
 * @param from where the value begins
 * @param to one more than its last byte
 * @param hash of its bytes
 */
public record ProfileText(int from, int to, int hash) {
  /** A longer text is not worth keeping. */
  static final int MOST_BYTES = 64 * 1024;

  private static final String KEY = "\"seccomp\"";

  /** The first object that has that key; null where there is none. */
  public static @Nullable ProfileText find(byte[] text, int from, int end) {
    int at = keyEnd(text, from, end);
    while (at >= 0) {
      int value = afterColon(text, at, end);
      if (value < end && text[value] == '{') {
        return measure(text, value, end);
      }
      at = keyEnd(text, at, end);
    }
    return null;
  }

  /** One more than the end of the next key; −1 for none. It looks at every ninth byte or so. */
  private static int keyEnd(byte[] text, int from, int end) {
    int last = KEY.length() - 1;
    int at = from + last;
    while (at < end) {
      if (text[at] == '"' && matches(text, at - last)) {
        return at + 1;
      }
      at += skip(text[at]);
    }
    return -1;
  }

  private static boolean matches(byte[] text, int at) {
    for (int i = 0; i < KEY.length(); i++) {
      if (text[at + i] != KEY.charAt(i)) {
        return false;
      }
    }
    return true;
  }

  /** How far the key's end is, at the least, from one of its characters (Horspool's table). */
  private static int skip(byte b) {
    return switch (b) {
      case 'p' -> 1;
      case 'm' -> 2;
      case 'o' -> 3;
      case 'c' -> 4;
      case 'e' -> 6;
      case 's' -> 7;
      case '"' -> 8;
      default -> 9;
    };
  }

  private static int afterColon(byte[] text, int from, int end) {
    int at = space(text, from, end);
    return at < end && text[at] == ':' ? space(text, at + 1, end) : end;
  }

  private static int space(byte[] text, int from, int end) {
    int at = from;
    while (at < end
        && (text[at] == ' ' || text[at] == '\n' || text[at] == '\r' || text[at] == '\t')) {
      at++;
    }
    return at;
  }

  /** Goes to the brace that closes the one at {@code from}. */
  private static @Nullable ProfileText measure(byte[] text, int from, int end) {
    int most = Math.min(end, from + MOST_BYTES);
    int depth = 0;
    int hash = 0;
    boolean quoted = false;
    for (int at = from; at < most; at++) {
      byte b = text[at];
      hash = hash * 31 + b;
      if (b == '"') {
        quoted = !quoted;
      } else if (quoted) {
        if (b == '\\' && ++at < most) {
          hash = hash * 31 + text[at];
        }
      } else if (b == '{') {
        depth++;
      } else if (b == '}' && --depth == 0) {
        return new ProfileText(from, at + 1, hash);
      }
    }
    return null;
  }
}
