package dev.coracle.bus;

import dev.coracle.dbus.Message;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/** What systemd sends, marshalled without the code that is tested. */
final class Wire {
  private final ByteBuffer b = ByteBuffer.allocate(8192).order(ByteOrder.LITTLE_ENDIAN);

  private Wire() {}

  private Wire pad(int to) {
    while (b.position() % to != 0) {
      b.put((byte) 0);
    }
    return this;
  }

  private Wire text(String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    pad(4).b.putInt(bytes.length).put(bytes).put((byte) 0);
    return this;
  }

  private Wire signature(String text) {
    b.put((byte) text.length()).put(text.getBytes(StandardCharsets.UTF_8)).put((byte) 0);
    return this;
  }

  private Wire field(int code, String type, String text) {
    pad(8).b.put((byte) code);
    signature(type);
    return type.equals("g") ? signature(text) : text(text);
  }

  private static byte[] message(
      int type, int serial, int replyTo, String error, String member, String signature, Wire body) {
    Wire w = new Wire();
    byte[] content = body.bytes();
    w.b.put((byte) 'l').put((byte) type).put((byte) 1).put((byte) 1);
    w.b.putInt(content.length).putInt(serial).putInt(0);
    if (replyTo != 0) {
      w.pad(8).b.put((byte) Message.REPLY_SERIAL);
      w.signature("u").pad(4).b.putInt(replyTo);
    }
    if (!error.isEmpty()) {
      w.field(Message.ERROR_NAME, "s", error);
    }
    if (!member.isEmpty()) {
      w.field(Message.PATH, "o", "/org/freedesktop/systemd1");
      w.field(Message.INTERFACE, "s", "org.freedesktop.systemd1.Manager");
      w.field(Message.MEMBER, "s", member);
    }
    w.field(Message.SENDER, "s", "org.freedesktop.systemd1");
    if (!signature.isEmpty()) {
      w.field(Message.SIGNATURE, "g", signature);
    }
    w.b.putInt(12, w.b.position() - Message.FIXED_BYTES);
    w.pad(8).b.put(content);
    return w.bytes();
  }

  private byte[] bytes() {
    byte[] out = new byte[b.position()];
    b.get(0, out);
    return out;
  }

  private static Wire texts(String... texts) {
    Wire w = new Wire();
    for (String text : texts) {
      w.text(text);
    }
    return w;
  }

  static byte[] reply(int serial, int to, String signature, String... texts) {
    return message(Message.METHOD_RETURN, serial, to, "", "", signature, texts(texts));
  }

  static byte[] variant(int serial, int to, String text) {
    Wire body = new Wire().signature("s").text(text);
    return message(Message.METHOD_RETURN, serial, to, "", "", "v", body);
  }

  static byte[] error(int serial, int to, String name, String text) {
    return message(Message.ERROR, serial, to, name, "", "s", texts(text));
  }

  static byte[] signal(int serial, String member, String signature, String... texts) {
    return message(Message.SIGNAL, serial, 0, "", member, signature, texts(texts));
  }

  static byte[] jobRemoved(int serial, String job, String unit, String result) {
    Wire body = new Wire();
    body.b.putInt(7);
    body.text(job).text(unit).text(result);
    return message(Message.SIGNAL, serial, 0, "", "JobRemoved", "uoss", body);
  }
}
