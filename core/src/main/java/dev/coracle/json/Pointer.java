package dev.coracle.json;

import org.jspecify.annotations.Nullable;

/**
 * A JSON pointer (RFC 6901), kept as a chain so that making a child costs one object and no text.
 */
public final class Pointer {
  /** No element of an array, but a member. */
  private static final int MEMBER = -1;

  /** Several steps, as the token has them. */
  private static final int TEXT = -2;

  /** The whole document: the empty pointer. */
  public static final Pointer ROOT = new Pointer(null, "", MEMBER);

  private final @Nullable Pointer parent;
  private final String token;
  private final int index;

  private Pointer(@Nullable Pointer parent, String token, int index) {
    this.parent = parent;
    this.token = token;
    this.index = index;
  }

  /** A pointer from its text, such as {@code /linux/maskedPaths}, in which nothing is escaped. */
  public static Pointer of(String text) {
    return text.isEmpty() ? ROOT : new Pointer(ROOT, text, TEXT);
  }

  /** The member {@code key} of the object that this pointer names. */
  public Pointer child(String key) {
    return new Pointer(this, key, MEMBER);
  }

  /** The element {@code at} of the array that this pointer names. */
  public Pointer child(int at) {
    return new Pointer(this, "", at);
  }

  @Override
  public String toString() {
    StringBuilder out = new StringBuilder();
    append(out);
    return out.toString();
  }

  private void append(StringBuilder out) {
    if (parent == null) {
      return;
    }
    parent.append(out);
    if (index == TEXT) {
      out.append(token);
      return;
    }
    out.append('/');
    if (index >= 0) {
      out.append(index);
      return;
    }
    for (int i = 0; i < token.length(); i++) {
      char c = token.charAt(i);
      if (c == '~') {
        out.append("~0");
      } else if (c == '/') {
        out.append("~1");
      } else {
        out.append(c);
      }
    }
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof Pointer p && p.toString().equals(toString());
  }

  @Override
  public int hashCode() {
    return toString().hashCode();
  }
}
