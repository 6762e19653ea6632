package dev.coracle.bus;

import dev.coracle.abi.Bytes;
import dev.coracle.dbus.Message;
import dev.coracle.kernel.RecordingKernel;
import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A systemd, or a bus before one, that answers as it was told. */
public final class FakeSystemd implements RecordingKernel.Peer {
  private static final String JOB = "/org/freedesktop/systemd1/job/7";

  private final List<String> calls = new ArrayList<>();
  private final Map<String, List<Object>> answers = new LinkedHashMap<>();
  private final ByteArrayOutputStream said = new ByteArrayOutputStream();
  private String greeting = "DATA\r\nOK 0123456789abcdef0123456789abcdef\r\n";
  private String result = "done";
  private String version = "252.38-1~deb12u1";
  private String controlGroup = "";
  private boolean endsBeforeReply;
  private int serial = 100;

  /** What is said to the authentication. */
  public FakeSystemd greeting(String text) {
    greeting = text;
    return this;
  }

  /** How jobs end; an empty text lets them go on for ever. */
  public FakeSystemd jobs(String how) {
    result = how;
    return this;
  }

  /** Tells the end of a job before the call that made it is answered. */
  public FakeSystemd endsJobsEarly() {
    endsBeforeReply = true;
    return this;
  }

  public FakeSystemd version(String text) {
    version = text;
    return this;
  }

  public FakeSystemd controlGroup(String path) {
    controlGroup = path;
    return this;
  }

  /** Answers the next calls of a method: with an error's name, with bytes, or as always ("ok"). */
  public FakeSystemd answers(String method, Object... with) {
    answers.put(method, new ArrayList<>(List.of(with)));
    return this;
  }

  /** The calls that came: methods, with the first text of their body. */
  public List<String> calls() {
    return calls;
  }

  @Override
  public byte @Nullable [] hear(byte[] bytes) {
    if (bytes[0] == 0) {
      calls.add(Bytes.text(bytes, 0, bytes.length).replace("\r\n", "|").replace("\0", "0|"));
      return Bytes.utf8(greeting);
    }
    said.writeBytes(bytes);
    byte[] all = said.toByteArray();
    if (all.length < Message.FIXED_BYTES || Message.length(all, 0) > all.length) {
      return new byte[0];
    }
    said.reset();
    Message call = new Message();
    if (!call.read(all, 0, all.length)) {
      throw new IllegalStateException("a broken call");
    }
    String method = call.text(Message.MEMBER);
    String first = call.text(Message.SIGNATURE).startsWith("s") ? call.nextText() : "";
    String second = method.equals("Get") ? call.nextText() : first;
    calls.add(method + (second.isEmpty() ? "" : " " + second));
    int callSerial = (int) Bytes.u32(all, 8);
    List<Object> scripted = answers.getOrDefault(method, new ArrayList<>());
    Object with = scripted.isEmpty() ? "ok" : scripted.remove(0);
    if (with instanceof byte[] raw) {
      return raw;
    }
    if (with.equals("close")) {
      return null;
    }
    if (with.equals("silence")) {
      return new byte[0];
    }
    return with.equals("ok")
        ? answer(method, second, callSerial)
        : Wire.error(++serial, callSerial, (String) with, "because of the test");
  }

  private byte[] answer(String method, String text, int callSerial) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.writeBytes(Wire.signal(++serial, "UnitNew", "so", "x.scope", "/x"));
    switch (method) {
      case "Get" ->
          out.writeBytes(
              Wire.variant(++serial, callSerial, text.equals("Version") ? version : controlGroup));
      case "StartTransientUnit", "StopUnit" -> {
        byte[] end = Wire.jobRemoved(++serial, JOB, text, result);
        byte[] other = Wire.jobRemoved(++serial, "/org/freedesktop/systemd1/job/8", text, "failed");
        byte[] reply = Wire.reply(++serial, callSerial, "o", JOB);
        out.writeBytes(other);
        out.writeBytes(endsBeforeReply && !result.isEmpty() ? end : new byte[0]);
        out.writeBytes(reply);
        out.writeBytes(endsBeforeReply || result.isEmpty() ? new byte[0] : end);
      }
      default -> out.writeBytes(Wire.reply(++serial, callSerial, ""));
    }
    return out.toByteArray();
  }
}
