package dev.coracle.json;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** A JSON value (RFC 8259). */
public sealed interface Json {
  /** What a person calls this kind of value: {@code "an object"}, {@code "a string"}. */
  String kind();

  /** An object; its members keep their order, and no key stands twice. */
  record Obj(List<String> keys, List<Json> values) implements Json {
    @Override
    public String kind() {
      return "an object";
    }

    /** The member {@code key}, or null where there is none. Objects are small: a walk is enough. */
    public @Nullable Json get(String key) {
      for (int i = 0; i < keys.size(); i++) {
        if (keys.get(i).equals(key)) {
          return values.get(i);
        }
      }
      return null;
    }
  }

  /** An array. */
  record Arr(List<Json> items) implements Json {
    @Override
    public String kind() {
      return "an array";
    }
  }

  /** A string. */
  record Str(String value) implements Json {
    @Override
    public String kind() {
      return "a string";
    }
  }

  /**
   * A number without fraction and exponent that fits 64 bits.
   *
   * @param value its two's complement bits
   * @param unsigned whether it is above {@link Long#MAX_VALUE}, so that the bits are to be read as
   *     unsigned
   */
  record Int(long value, boolean unsigned) implements Json {
    @Override
    public String kind() {
      return unsigned ? "the number " + Long.toUnsignedString(value) : "the number " + value;
    }
  }

  /** Any other number, as it was written. */
  record Other(String text) implements Json {
    @Override
    public String kind() {
      return "the number " + text;
    }
  }

  /** True or false. */
  record Bool(boolean value) implements Json {
    @Override
    public String kind() {
      return "a boolean";
    }
  }

  /** The null value. The runtime-spec treats it like an absent property. */
  record Null() implements Json {
    @Override
    public String kind() {
      return "null";
    }
  }
}
