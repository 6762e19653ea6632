package dev.coracle.dbus;

import java.util.ArrayList;
import java.util.List;

/** A value with its type (D-Bus Specification, "Type System"). */
public sealed interface Value {
  /** A number or boolean of the types {@code y b n q i u x t}, as its bits. */
  record Number(char type, long bits) implements Value {
    @Override
    public String signature() {
      return String.valueOf(type);
    }

    @Override
    public String toString() {
      return type == 'b'
          ? bits != 0 ? "true" : "false"
          : type == 't' ? Long.toUnsignedString(bits) : Long.toString(bits);
    }
  }

  /** A text of the types {@code s o g}. */
  record Text(char type, String text) implements Value {
    @Override
    public String signature() {
      return String.valueOf(type);
    }

    @Override
    public String toString() {
      return "\"" + text + "\"";
    }
  }

  /** Many values of one type, whose signature is {@code element}. */
  record Array(String element, List<Value> items) implements Value {
    @Override
    public String signature() {
      return "a" + element;
    }

    @Override
    public String toString() {
      return items.toString();
    }
  }

  /** Values of any types in order. */
  record Struct(List<Value> items) implements Value {
    @Override
    public String signature() {
      StringBuilder out = new StringBuilder("(");
      for (Value v : items) {
        out.append(v.signature());
      }
      return out.append(')').toString();
    }

    @Override
    public String toString() {
      return items.toString();
    }
  }

  /** A value that brings its signature along. */
  record Variant(Value value) implements Value {
    @Override
    public String signature() {
      return "v";
    }

    @Override
    public String toString() {
      return value.toString();
    }
  }

  /** Its signature. */
  String signature();

  /** A boolean. */
  static Value of(boolean value) {
    return new Number('b', value ? 1 : 0);
  }

  /** An unsigned 32-bit number. */
  static Value u32(long value) {
    return new Number('u', value);
  }

  /** An unsigned 64-bit number. */
  static Value u64(long value) {
    return new Number('t', value);
  }

  /** A string. */
  static Value of(String value) {
    return new Text('s', value);
  }

  /** An array of strings. */
  static Value strings(List<String> values) {
    List<Value> items = new ArrayList<>();
    for (String value : values) {
      items.add(of(value));
    }
    return new Array("s", items);
  }

  /** A structure. */
  static Value struct(Value... items) {
    return new Struct(List.of(items));
  }
}
