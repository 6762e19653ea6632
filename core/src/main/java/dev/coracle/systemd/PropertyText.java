package dev.coracle.systemd;

import dev.coracle.dbus.Value;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Reads a value as GVariant writes it: {@code true}, {@code -1}, {@code uint64 5}, {@code 'text'},
 * {@code ['a', 'b']}, {@code @as []}, {@code @a(ss) [('/dev/null', 'rw')]}.
 *
 * <p>Numbers without a type are int32. There are no floating-point numbers, dictionaries and byte
 * strings: no property of a unit has such a type.
 *
 * <p>Source: GLib, "GVariant Text Format". Peers: runc and crun take the same texts.
 */
public final class PropertyText {
  private static final int MOST_DEPTH = 16;
  private static final String KEYWORDS =
      "boolean b;byte y;int16 n;uint16 q;int32 i;uint32 u;int64 x;uint64 t;string s;objectpath o;"
          + "signature g;";

  private final String text;
  private int at;
  private @Nullable String problem;

  private PropertyText(String text) {
    this.text = text;
  }

  /** What a text says, or else what is wrong with it. */
  public record Parsed(@Nullable Value value, String problem) {}

  /** Reads a text. */
  public static Parsed parse(String text) {
    PropertyText p = new PropertyText(text);
    Value value = p.value("", 0);
    p.space();
    if (p.problem == null && p.at < text.length()) {
      p.fail("unexpected \"" + text.charAt(p.at) + "\"");
    }
    String problem = p.problem;
    return problem == null ? new Parsed(value, "") : new Parsed(null, problem);
  }

  private void fail(String what) {
    if (problem == null) {
      problem = what + " at character " + (at + 1);
    }
    at = text.length();
  }

  private void space() {
    while (at < text.length() && " \t\n".indexOf(text.charAt(at)) >= 0) {
      at++;
    }
  }

  private char peek() {
    space();
    return at < text.length() ? text.charAt(at) : 0;
  }

  private boolean take(char c) {
    boolean there = peek() == c;
    at += there ? 1 : 0;
    return there;
  }

  private void expect(char c) {
    if (!take(c)) {
      fail("\"" + c + "\" is missing");
    }
  }

  /** A value of a type, or of the one that it has by itself where that is empty. */
  private Value value(String type, int depth) {
    char c = peek();
    if (depth > MOST_DEPTH) {
      fail("nested too deeply");
    } else if (c == '@') {
      at++;
      String declared = letters("()");
      if (end(declared, 0, 0) != declared.length()) {
        fail("\"" + declared + "\" is no type of one value");
      }
      return typed(type, declared, depth);
    } else if (c == '[') {
      return array(type, depth);
    } else if (c == '(') {
      return struct(type, depth);
    } else if (c == '<') {
      at++;
      Value inner = value("", depth + 1);
      expect('>');
      return typed(type, new Value.Variant(inner));
    } else if (c == '\'' || c == '"') {
      return string(type);
    } else if (c == '-' || c == '+' || c >= '0' && c <= '9') {
      return number(type);
    } else if (c >= 'a' && c <= 'z') {
      return word(type, depth);
    } else {
      fail(c == 0 ? "a value is missing" : "unexpected \"" + c + "\"");
    }
    return Value.of("");
  }

  private Value typed(String asked, String declared, int depth) {
    if (!asked.isEmpty() && !asked.equals(declared)) {
      fail("a value of type " + declared + " stands where " + asked + " is expected");
    }
    return value(declared, depth + 1);
  }

  private Value typed(String asked, Value value) {
    if (!asked.isEmpty() && !asked.equals(value.signature())) {
      fail("a value of type " + value.signature() + " stands where " + asked + " is expected");
    }
    return value;
  }

  private Value word(String type, int depth) {
    int start = at;
    String word = letters("");
    if (word.equals("true") || word.equals("false")) {
      return typed(type, Value.of(word.equals("true")));
    }
    int keyword = (";" + KEYWORDS).indexOf(";" + word + " ");
    if (keyword < 0) {
      at = start;
      fail("unknown word \"" + word + "\"");
      return Value.of("");
    }
    return typed(type, KEYWORDS.substring(keyword + word.length() + 1).substring(0, 1), depth);
  }

  private String letters(String others) {
    int start = at;
    while (at < text.length() && isLetter(text.charAt(at), others)) {
      at++;
    }
    return text.substring(start, at);
  }

  private static boolean isLetter(char c, String others) {
    return c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || others.indexOf(c) >= 0;
  }

  private Value array(String type, int depth) {
    at++;
    if (!type.isEmpty() && type.charAt(0) != 'a') {
      fail("an array stands where " + type + " is expected");
    }
    String element = type.isEmpty() ? "" : type.substring(1);
    List<Value> items = new ArrayList<>();
    boolean more = peek() != ']';
    while (more) {
      Value item = value(element, depth + 1);
      element = element.isEmpty() ? item.signature() : element;
      items.add(item);
      more = take(',');
    }
    expect(']');
    if (element.isEmpty()) {
      fail("an empty array needs a type, such as @as");
    }
    return new Value.Array(element, items);
  }

  private Value struct(String type, int depth) {
    at++;
    if (!type.isEmpty() && type.charAt(0) != '(') {
      fail("a tuple stands where " + type + " is expected");
    }
    List<Value> items = new ArrayList<>();
    int from = 1;
    boolean more = true;
    while (more) {
      int to = type.isEmpty() ? 0 : end(type, from, 0);
      if (!type.isEmpty() && to < 0) {
        fail("too many values for " + type);
      }
      items.add(value(to <= 0 ? "" : type.substring(from, to), depth + 1));
      from = to;
      more = take(',') && peek() != ')';
    }
    expect(')');
    return typed(type, new Value.Struct(items));
  }

  private Value string(String type) {
    char quote = text.charAt(at++);
    StringBuilder out = new StringBuilder();
    while (at < text.length() && text.charAt(at) != quote) {
      char c = text.charAt(at++);
      if (c == '\\' && at < text.length()) {
        int escape = "'\"\\nrt".indexOf(text.charAt(at));
        if (escape < 0) {
          fail("unknown escape \"\\" + text.charAt(at) + "\"");
          return Value.of("");
        }
        at++;
        c = "'\"\\\n\r\t".charAt(escape);
      }
      if (c == 0) {
        fail("a NUL character");
      }
      out.append(c);
    }
    if (at >= text.length()) {
      fail("a closing quote is missing");
    }
    at++;
    char kind = type.isEmpty() ? 's' : type.charAt(0);
    return typed(type, new Value.Text(kind == 'o' || kind == 'g' ? kind : 's', out.toString()));
  }

  private Value number(String type) {
    int start = at;
    boolean negative = take('-');
    at += negative || text.charAt(at) != '+' ? 0 : 1;
    boolean hex = text.startsWith("0x", at);
    at += hex ? 2 : 0;
    int first = at;
    long value = 0;
    boolean good = true;
    while (at < text.length() && Character.digit(text.charAt(at), hex ? 16 : 10) >= 0) {
      int digit = Character.digit(text.charAt(at++), hex ? 16 : 10);
      // Not above 2^64 - 1, in unsigned numbers.
      good &= Long.compareUnsigned(value, Long.divideUnsigned(-1L - digit, hex ? 16 : 10)) <= 0;
      value = value * (hex ? 16 : 10) + digit;
    }
    char kind = type.isEmpty() ? 'i' : type.charAt(0);
    good &= at > first && type.length() <= 1 && fits(kind, negative, value);
    if (!good) {
      String written = text.substring(start, at);
      at = start;
      fail("\"" + written + "\" is no number of type " + (type.isEmpty() ? "i" : type));
    }
    return new Value.Number(kind, negative ? -value : value);
  }

  /** Whether a number, whose absolute value is unsigned, is one of a type. */
  private static boolean fits(char kind, boolean negative, long value) {
    int bits =
        switch (kind) {
          case 'y' -> 8;
          case 'n', 'q' -> 16;
          case 'i', 'u' -> 32;
          case 'x', 't' -> 64;
          default -> 0;
        };
    boolean signed = kind == 'n' || kind == 'i' || kind == 'x';
    if (bits == 0 || negative && !signed && value != 0) {
      return false;
    }
    long most = signed ? (1L << bits - 1) - (negative ? 0 : 1) : bits == 64 ? -1 : (1L << bits) - 1;
    return Long.compareUnsigned(value, most) <= 0;
  }

  /** Where the type of one value ends; −1 where there is none. */
  private static int end(String type, int from, int depth) {
    char c = from < type.length() && depth <= MOST_DEPTH ? type.charAt(from) : 0;
    if (c == 'a') {
      return end(type, from + 1, depth + 1);
    }
    if (c == '(') {
      int to = end(type, from + 1, depth + 1);
      while (to >= 0 && to < type.length() && type.charAt(to) != ')') {
        to = end(type, to, depth + 1);
      }
      return to >= 0 && to < type.length() ? to + 1 : -1;
    }
    return c != 0 && "ybnqiuxtsogv".indexOf(c) >= 0 ? from + 1 : -1;
  }
}
