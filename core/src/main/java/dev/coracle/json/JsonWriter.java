package dev.coracle.json;

import org.jspecify.annotations.Nullable;

/**
 * A writer of JSON text: compact, or with two spaces of indentation.
 *
 * <p>Calls nest as the text does; a comma is set where one is due.
 */
public final class JsonWriter {
  private static final String HEX = "0123456789abcdef";
  private final StringBuilder out = new StringBuilder(512);
  private final boolean indented;
  private int depth;
  private boolean first = true;
  private boolean afterKey;

  private JsonWriter(boolean indented) {
    this.indented = indented;
  }

  /** A writer that adds no white space. */
  public static JsonWriter compact() {
    return new JsonWriter(false);
  }

  /** A writer that puts every member on its own line. */
  public static JsonWriter indented() {
    return new JsonWriter(true);
  }

  /** Opens an object. */
  public JsonWriter object() {
    return open('{');
  }

  /** Closes the object that was opened last. */
  public JsonWriter endObject() {
    return close('}');
  }

  /** Opens an array. */
  public JsonWriter array() {
    return open('[');
  }

  /** Closes the array that was opened last. */
  public JsonWriter endArray() {
    return close(']');
  }

  /** The key of the value that comes next. */
  public JsonWriter key(String key) {
    separate();
    quote(key);
    out.append(indented ? ": " : ":");
    afterKey = true;
    return this;
  }

  /** A string, or null. */
  public JsonWriter value(@Nullable String text) {
    separate();
    if (text == null) {
      out.append("null");
    } else {
      quote(text);
    }
    return this;
  }

  /** A number. */
  public JsonWriter value(long number) {
    separate();
    out.append(number);
    return this;
  }

  /** A boolean. */
  public JsonWriter value(boolean bool) {
    separate();
    out.append(bool);
    return this;
  }

  /** A key with a string. */
  public JsonWriter field(String key, @Nullable String text) {
    return key(key).value(text);
  }

  /** A key with a number. */
  public JsonWriter field(String key, long number) {
    return key(key).value(number);
  }

  /** A key with a boolean. */
  public JsonWriter field(String key, boolean bool) {
    return key(key).value(bool);
  }

  /** A value that was read before. */
  public JsonWriter json(Json value) {
    switch (value) {
      case Json.Obj o -> {
        object();
        for (int i = 0; i < o.keys().size(); i++) {
          key(o.keys().get(i)).json(o.values().get(i));
        }
        endObject();
      }
      case Json.Arr a -> {
        array();
        for (Json item : a.items()) {
          json(item);
        }
        endArray();
      }
      case Json.Str s -> value(s.value());
      case Json.Int i -> {
        separate();
        out.append(i.unsigned() ? Long.toUnsignedString(i.value()) : Long.toString(i.value()));
      }
      case Json.Other o -> {
        separate();
        out.append(o.text());
      }
      case Json.Bool b -> value(b.value());
      case Json.Null n -> value((String) null);
    }
    return this;
  }

  private JsonWriter open(char bracket) {
    separate();
    out.append(bracket);
    depth++;
    first = true;
    return this;
  }

  private JsonWriter close(char bracket) {
    depth--;
    if (!first) {
      line();
    }
    first = false;
    out.append(bracket);
    return this;
  }

  private void separate() {
    if (afterKey) {
      afterKey = false;
      return;
    }
    if (depth > 0) {
      if (!first) {
        out.append(',');
      }
      line();
    }
    first = false;
  }

  private void line() {
    if (indented) {
      out.append('\n');
      for (int i = 0; i < depth; i++) {
        out.append("  ");
      }
    }
  }

  private void quote(String text) {
    out.append('"');
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c == '"' || c == '\\') {
        out.append('\\').append(c);
      } else if (c == '\n') {
        out.append("\\n");
      } else if (c == '\t') {
        out.append("\\t");
      } else if (c == '\r') {
        out.append("\\r");
      } else if (c < 0x20) {
        out.append("\\u00").append(HEX.charAt(c >> 4)).append(HEX.charAt(c & 0xf));
      } else {
        out.append(c);
      }
    }
    out.append('"');
  }

  @Override
  public String toString() {
    return out.toString();
  }
}
