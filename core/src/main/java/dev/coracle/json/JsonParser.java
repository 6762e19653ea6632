package dev.coracle.json;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A reader of JSON text in UTF-8 (RFC 8259) straight from bytes, strict, with a bounded depth:
 * nesting is a call each, and a native stack that runs out is a crash, not an exception.
 */
public final class JsonParser {
  /** The deepest nesting that is read; the runtime-spec needs 8. */
  public static final int MAX_DEPTH = 64;

  /** Most objects and arrays of a config.json have no more elements. */
  private static final int FEW = 4;

  private final byte[] in;
  private final int end;
  private int at;
  private @Nullable Known known;
  private int knownFrom = -1;
  private String unwanted = "";
  private char[] chars = new char[256];

  private JsonParser(byte[] in, int from, int end) {
    this.in = in;
    this.at = from;
    this.end = end;
  }

  /** The one value that the bytes {@code from} to {@code end} hold. */
  public static Json parse(byte[] in, int from, int end) throws JsonException {
    return new JsonParser(in, from, end).whole();
  }

  private Json whole() throws JsonException {
    space();
    Json value = value(0);
    space();
    if (at != end) {
      throw broken("unexpected text after the JSON value");
    }
    return value;
  }

  /**
   * The same, where the value of a part is known, and others are not wanted: the text must have
   * been read before, for what is passed over is not checked.
   *
   * @param unwanted keys of the object and of the objects in it whose values are passed over, each
   *     between two spaces; null stands for them
   */
  public static Json parse(byte[] in, int from, int end, @Nullable Known known, String unwanted)
      throws JsonException {
    JsonParser p = new JsonParser(in, from, end);
    p.unwanted = unwanted;
    p.known = known;
    p.knownFrom = known == null ? -1 : known.from();
    return p.whole();
  }

  /** The one value that {@code in} holds. */
  public static Json parse(byte[] in) throws JsonException {
    return parse(in, 0, in.length);
  }

  private Json value(int depth) throws JsonException {
    if (at >= end) {
      throw broken("unexpected end of JSON");
    }
    Known part = known;
    if (at == knownFrom && part != null) {
      at = part.to();
      return part.value();
    }
    switch (in[at]) {
      case '{':
        return object(depth);
      case '[':
        return array(depth);
      case '"':
        return new Json.Str(string());
      case 't':
        word("true");
        return new Json.Bool(true);
      case 'f':
        word("false");
        return new Json.Bool(false);
      case 'n':
        word("null");
        return new Json.Null();
      default:
        return number();
    }
  }

  private Json object(int depth) throws JsonException {
    deeper(depth);
    at++;
    List<String> keys = new ArrayList<>(FEW);
    List<Json> values = new ArrayList<>(FEW);
    Json.Obj object = new Json.Obj(keys, values);
    Set<String> seen = null;
    space();
    if (take('}')) {
      return object;
    }
    while (true) {
      if (at >= end || in[at] != '"') {
        throw broken("expected a key in double quotes");
      }
      int keyAt = at;
      String key = string();
      // A walk is faster than a set for the few members of a usual object, but must not be
      // quadratic.
      if (keys.size() == 32) {
        seen = new HashSet<>(keys);
      }
      if (seen != null ? !seen.add(key) : contains(keys, key)) {
        at = keyAt;
        throw broken("the key \"" + key + "\" stands twice in one object");
      }
      space();
      if (!take(':')) {
        throw broken("expected ':' after a key");
      }
      space();
      keys.add(key);
      if (depth < 2 && !unwanted.isEmpty() && isUnwanted(key)) {
        pass();
        values.add(new Json.Null());
      } else {
        values.add(value(depth + 1));
      }
      space();
      if (take('}')) {
        return object;
      }
      if (!take(',')) {
        throw broken("expected ',' or '}'");
      }
      space();
    }
  }

  private boolean isUnwanted(String key) {
    int found = unwanted.indexOf(key);
    return found > 0
        && unwanted.charAt(found - 1) == ' '
        && unwanted.charAt(found + key.length()) == ' ';
  }

  /** Goes to the end of a value. */
  private void pass() throws JsonException {
    int open = 0;
    while (at < end) {
      byte b = in[at];
      if (b == '"') {
        at++;
        while (at < end && in[at] != '"') {
          at += in[at] == '\\' ? 2 : 1;
        }
      } else if (b == '{' || b == '[') {
        open++;
      } else if (b == '}' || b == ']' || b == ',') {
        if (open == 0) {
          return;
        }
        open -= b == ',' ? 0 : 1;
      }
      at++;
    }
    throw broken("unexpected end of JSON");
  }

  /** As List.contains, which makes an iterator each time. */
  private static boolean contains(List<String> keys, String key) {
    for (int i = 0; i < keys.size(); i++) {
      if (keys.get(i).equals(key)) {
        return true;
      }
    }
    return false;
  }

  private Json array(int depth) throws JsonException {
    deeper(depth);
    at++;
    List<Json> items = new ArrayList<>(FEW);
    space();
    if (take(']')) {
      return new Json.Arr(items);
    }
    while (true) {
      items.add(value(depth + 1));
      space();
      if (take(']')) {
        return new Json.Arr(items);
      }
      if (!take(',')) {
        throw broken("expected ',' or ']'");
      }
      space();
    }
  }

  private String string() throws JsonException {
    at++;
    int length = 0;
    while (at < end) {
      int b = in[at++];
      if (length + 2 > chars.length) {
        char[] larger = new char[chars.length * 2];
        System.arraycopy(chars, 0, larger, 0, length);
        chars = larger;
      }
      if (b == '"') {
        return new String(chars, 0, length);
      }
      if (b == '\\') {
        char c = escape();
        chars[length++] = c;
        if (c >= 0xd800 && c < 0xe000) {
          chars[length++] = otherHalf(c);
        }
      } else if (b >= 0x20) {
        chars[length++] = (char) b;
      } else if (b >= 0) {
        at--;
        throw broken("a control character in a string must be escaped");
      } else {
        int point = utf8(b & 0xff);
        if (point >= 0x10000) {
          chars[length++] = (char) (0xd7c0 + (point >> 10));
          chars[length++] = (char) (0xdc00 + (point & 0x3ff));
        } else {
          chars[length++] = (char) point;
        }
      }
    }
    throw broken("a string without an end");
  }

  private char escape() throws JsonException {
    if (at >= end) {
      throw broken("a string without an end");
    }
    switch (in[at++]) {
      case '"':
        return '"';
      case '\\':
        return '\\';
      case '/':
        return '/';
      case 'b':
        return '\b';
      case 'f':
        return '\f';
      case 'n':
        return '\n';
      case 'r':
        return '\r';
      case 't':
        return '\t';
      case 'u':
        int value = 0;
        for (int i = 0; i < 4; i++) {
          int digit = at < end ? Character.digit((char) in[at], 16) : -1;
          if (digit < 0) {
            throw broken("expected four hexadecimal digits after \\u");
          }
          value = value << 4 | digit;
          at++;
        }
        return (char) value;
      default:
        at--;
        throw broken("an unknown escape in a string");
    }
  }

  /** What must follow the first half of a surrogate pair: alone it has no bytes in UTF-8. */
  private char otherHalf(char first) throws JsonException {
    if (first < 0xdc00 && at + 1 < end && in[at] == '\\' && in[at + 1] == 'u') {
      at++;
      char second = escape();
      if (second >= 0xdc00 && second < 0xe000) {
        return second;
      }
    }
    throw broken("half of a surrogate pair in a string");
  }

  /** The code point of a multi-byte sequence (RFC 3629: shortest form, no surrogates). */
  private int utf8(int first) throws JsonException {
    int more;
    int point;
    int least;
    if (first >= 0xc2 && first < 0xe0) {
      more = 1;
      point = first & 0x1f;
      least = 0x80;
    } else if (first >= 0xe0 && first < 0xf0) {
      more = 2;
      point = first & 0xf;
      least = 0x800;
    } else if (first >= 0xf0 && first < 0xf5) {
      more = 3;
      point = first & 0x7;
      least = 0x10000;
    } else {
      at--;
      throw broken("not UTF-8");
    }
    for (int i = 0; i < more; i++) {
      if (at >= end || (in[at] & 0xc0) != 0x80) {
        throw broken("not UTF-8");
      }
      point = point << 6 | in[at++] & 0x3f;
    }
    if (point < least || point > 0x10ffff || point >= 0xd800 && point < 0xe000) {
      at--;
      throw broken("not UTF-8");
    }
    return point;
  }

  private Json number() throws JsonException {
    int start = at;
    boolean negative = take('-');
    int digits = at;
    boolean fits = true;
    long value = 0;
    while (at < end && in[at] >= '0' && in[at] <= '9') {
      int digit = in[at++] - '0';
      // 1844674407370955161 is the largest unsigned 64-bit value divided by ten.
      if (value > 1844674407370955161L || value == 1844674407370955161L && digit > 5 || value < 0) {
        fits = false;
      }
      value = value * 10 + digit;
    }
    if (at == digits || at - digits > 1 && in[digits] == '0') {
      at = at == digits ? start : digits;
      throw broken("unexpected character");
    }
    boolean whole = true;
    if (take('.')) {
      whole = false;
      digits();
    }
    if (take('e') || take('E')) {
      whole = false;
      if (!take('+')) {
        take('-');
      }
      digits();
    }
    if (negative && (value < 0 && value != Long.MIN_VALUE)) {
      fits = false;
    }
    if (!whole || !fits) {
      return new Json.Other(ascii(start, at));
    }
    return negative ? new Json.Int(-value, false) : new Json.Int(value, value < 0);
  }

  private void digits() throws JsonException {
    int start = at;
    while (at < end && in[at] >= '0' && in[at] <= '9') {
      at++;
    }
    if (at == start) {
      throw broken("expected a digit");
    }
  }

  private String ascii(int from, int to) {
    char[] text = new char[to - from];
    for (int i = 0; i < text.length; i++) {
      text[i] = (char) in[from + i];
    }
    return new String(text);
  }

  private void word(String word) throws JsonException {
    for (int i = 0; i < word.length(); i++) {
      if (at + i >= end || in[at + i] != word.charAt(i)) {
        throw broken("unexpected character");
      }
    }
    at += word.length();
  }

  private boolean take(char c) {
    if (at < end && in[at] == c) {
      at++;
      return true;
    }
    return false;
  }

  private void space() {
    while (at < end && (in[at] == ' ' || in[at] == '\n' || in[at] == '\r' || in[at] == '\t')) {
      at++;
    }
  }

  private void deeper(int depth) throws JsonException {
    if (depth >= MAX_DEPTH) {
      throw broken("nested deeper than " + MAX_DEPTH + " levels");
    }
  }

  private JsonException broken(String message) {
    int line = 1;
    int column = 1;
    for (int i = 0; i < at && i < end; i++) {
      column++;
      if (in[i] == '\n') {
        line++;
        column = 1;
      }
    }
    return new JsonException(message, line, column);
  }
}
