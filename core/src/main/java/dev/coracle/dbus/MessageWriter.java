package dev.coracle.dbus;

import dev.coracle.abi.Bytes;

/**
 * Makes method calls, little-endian (D-Bus Specification, "Message Format", "Marshaling").
 *
 * <pre>
 *   0      1      2       3         4           8        12               16
 *   +------+------+-------+---------+-----------+--------+----------------+---------------------+
 *   | 'l'  | type | flags | version | body size | serial | size of fields | fields: a(yv), to 8 |
 *   +------+------+-------+---------+-----------+--------+----------------+---------------------+
 * </pre>
 */
public final class MessageWriter {
  private static final int BODY_SIZE = 4;
  private static final int BUS_FLAGS_NONE = 0;
  private static final int VERSION = 1;

  private byte[] bytes = new byte[1024];
  private int length;

  private MessageWriter() {}

  /**
   * A method call.
   *
   * @param destination a name on the bus; empty where the other side of the socket is meant
   * @param arguments the body
   */
  public static byte[] call(
      int serial,
      String destination,
      String path,
      String interfaceName,
      String member,
      Value... arguments) {
    MessageWriter w = new MessageWriter();
    w.number('y', 'l');
    w.number('y', Message.METHOD_CALL);
    w.number('y', BUS_FLAGS_NONE);
    w.number('y', VERSION);
    w.number('u', 0);
    w.number('u', serial);
    int fields = w.begin(8);
    w.field(Message.PATH, new Value.Text('o', path));
    w.field(Message.INTERFACE, Value.of(interfaceName));
    if (!destination.isEmpty()) {
      w.field(Message.DESTINATION, Value.of(destination));
    }
    StringBuilder signature = new StringBuilder();
    for (Value v : arguments) {
      signature.append(v.signature());
    }
    if (signature.length() > 0) {
      w.field(Message.SIGNATURE, new Value.Text('g', signature.toString()));
    }
    w.field(Message.MEMBER, Value.of(member));
    w.end(fields, 8);
    w.align(8);
    int body = w.length;
    for (Value v : arguments) {
      w.value(v);
    }
    Bytes.put32(w.bytes, BODY_SIZE, w.length - body);
    byte[] out = new byte[w.length];
    System.arraycopy(w.bytes, 0, out, 0, w.length);
    return out;
  }

  private void field(int code, Value value) {
    align(8);
    number('y', code);
    value(new Value.Variant(value));
  }

  private void value(Value value) {
    switch (value) {
      case Value.Number n -> number(n.type(), n.bits());
      case Value.Text t -> text(t.type(), t.text());
      case Value.Variant v -> {
        text('g', v.value().signature());
        value(v.value());
      }
      case Value.Struct s -> {
        align(8);
        for (Value item : s.items()) {
          value(item);
        }
      }
      case Value.Array a -> {
        int alignment = Message.alignment(a.element().charAt(0));
        int start = begin(alignment);
        for (Value item : a.items()) {
          value(item);
        }
        end(start, alignment);
      }
    }
  }

  private void number(char type, long bits) {
    int size = Message.size(type);
    align(size);
    reserve(size);
    for (int i = 0; i < size; i++) {
      bytes[length++] = (byte) (bits >> 8 * i);
    }
  }

  private void text(char type, String text) {
    byte[] utf8 = Bytes.utf8(text);
    number(type == 'g' ? 'y' : 'u', utf8.length);
    reserve(utf8.length + 1);
    System.arraycopy(utf8, 0, bytes, length, utf8.length);
    length += utf8.length;
    bytes[length++] = 0;
  }

  /** Where an array's elements will be counted from: its size does not count the padding. */
  private int begin(int alignment) {
    number('u', 0);
    int at = length - 4;
    align(alignment);
    return at;
  }

  private void end(int at, int alignment) {
    int first = (at + 4 + alignment - 1) / alignment * alignment;
    Bytes.put32(bytes, at, length - first);
  }

  private void align(int alignment) {
    reserve(alignment);
    while (length % alignment != 0) {
      bytes[length++] = 0;
    }
  }

  private void reserve(int more) {
    if (length + more > bytes.length) {
      byte[] larger = new byte[2 * (length + more)];
      System.arraycopy(bytes, 0, larger, 0, length);
      bytes = larger;
    }
  }
}
