package dev.coracle.dbus;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Messages against bytes that GLib 2.74 made (Gio.DBusMessage.to_blob). */
class MessageTest {
  private static final String HELLO =
      "6c01000100000000010000006e00000001016f00150000002f6f72672f667265656465736b74"
          + "6f702f4442757300000002017300140000006f72672e667265656465736b746f702e44427573"
          + "0000000006017300140000006f72672e667265656465736b746f702e44427573000000000301"
          + "73000500000048656c6c6f000000";

  private static final String START =
      "6c010001e0000000020000008b00000001016f00190000002f6f72672f667265656465736b74"
          + "6f702f73797374656d64310000000000000002017300200000006f72672e667265656465736b"
          + "746f702e73797374656d64312e4d616e61676572000000000000000008016700107373612873"
          + "7629612873612873762929000000030173001200000053746172745472616e7369656e74556e"
          + "697400000000000007000000612e73636f706500070000007265706c61636500bc0000000000"
          + "00000800000044656c6567617465000162000100000000000000040000005049447300026175"
          + "0000000004000000070000000b000000446576696365416c6c6f770005612873732900001c00"
          + "0000000000000d0000002f6465762f636861722f313a330000000300000072776d0000000000"
          + "0b000000416c6c6f776564435055730002617900010000000300000000000000080000005461"
          + "736b734d617800017400ffffffffffffffff0500000041667465720002617300000000000000"
          + "00000000";

  private static final String SIGNAL =
      "6c0401013d000000090000007b00000001016f00190000002f6f72672f667265656465736b74"
          + "6f702f73797374656d64310000000000000002017300200000006f72672e667265656465736b"
          + "746f702e73797374656d64312e4d616e6167657200000000000000000801670004756f737300"
          + "000000000000030173000a0000004a6f6252656d6f766564000000000000050000001f000000"
          + "2f6f72672f667265656465736b746f702f73797374656d64312f6a6f622f350007000000612e"
          + "73636f70650004000000646f6e6500";

  private static final String PATH = "/org/freedesktop/systemd1";
  private static final String MANAGER = "org.freedesktop.systemd1.Manager";

  private static Value property(String name, Value value) {
    return Value.struct(Value.of(name), new Value.Variant(value));
  }

  private static byte[] bytes(String hex) {
    return HexFormat.of().parseHex(hex);
  }

  @Test
  void callWithoutBody() {
    String bus = "org.freedesktop.DBus";
    assertThat(MessageWriter.call(1, bus, "/org/freedesktop/DBus", bus, "Hello"))
        .isEqualTo(bytes(HELLO));
  }

  @Test
  void callWithEveryKindOfArgument() {
    Value device = Value.struct(Value.of("/dev/char/1:3"), Value.of("rwm"));
    Value properties =
        new Value.Array(
            "(sv)",
            List.of(
                property("Delegate", Value.of(true)),
                property("PIDs", new Value.Array("u", List.of(Value.u32(7)))),
                property("DeviceAllow", new Value.Array("(ss)", List.of(device))),
                property("AllowedCPUs", new Value.Array("y", List.of(new Value.Number('y', 3)))),
                property("TasksMax", Value.u64(-1)),
                property("After", Value.strings(List.of()))));
    byte[] call =
        MessageWriter.call(
            2,
            "",
            PATH,
            MANAGER,
            "StartTransientUnit",
            Value.of("a.scope"),
            Value.of("replace"),
            properties,
            new Value.Array("(sa(sv))", List.of()));
    assertThat(call).isEqualTo(bytes(START));
  }

  @Test
  void callLongerThanTheFirstBuffer() {
    String text = "x".repeat(10_000);
    byte[] call = MessageWriter.call(1, "", "/", "a.b", "C", Value.of(text), Value.u64(5));
    Message message = new Message();
    assertThat(Message.length(call, 0)).isEqualTo(call.length);
    assertThat(message.read(call, 0, call.length)).isTrue();
    assertThat(message.nextText()).isEqualTo(text);
    assertThat(message.nextNumber('t')).isEqualTo(5);
    assertThat(message.isBroken()).isFalse();
  }

  @Test
  void readsSignal() {
    byte[] signal = bytes(SIGNAL);
    Message message = new Message();
    assertThat(Message.length(signal, 0)).isEqualTo(signal.length);
    assertThat(message.read(signal, 0, signal.length)).isTrue();
    assertThat(message.type()).isEqualTo(Message.SIGNAL);
    assertThat(message.has(Message.MEMBER, "JobRemoved")).isTrue();
    assertThat(message.has(Message.MEMBER, "JobRemove")).isFalse();
    assertThat(message.has(Message.SENDER, "")).isTrue();
    assertThat(message.text(Message.SIGNATURE)).isEqualTo("uoss");
    assertThat(message.nextNumber('u')).isEqualTo(5);
    assertThat(message.nextText()).isEqualTo("/org/freedesktop/systemd1/job/5");
    assertThat(message.nextText()).isEqualTo("a.scope");
    assertThat(message.nextText()).isEqualTo("done");
    assertThat(message.isBroken()).isFalse();
    assertThat(message.nextText()).isEmpty();
    assertThat(message.isBroken()).isTrue();
  }

  @Test
  void refusesWhatIsTooLongOrForeign() {
    byte[] signal = bytes(SIGNAL);
    byte[] long1 = signal.clone();
    long1[6] = 0x10; // a body of 1 MiB
    byte[] long2 = signal.clone();
    long2[15] = (byte) 0xff;
    byte[] bigEndian = signal.clone();
    bigEndian[0] = 'B';
    byte[] version = signal.clone();
    version[3] = 2;
    for (byte[] bad : List.of(long1, long2, bigEndian, version)) {
      assertThat(Message.length(bad, 0)).isEqualTo(-1);
    }
  }

  /** No byte that is changed, cut or added makes anything but an answer or a refusal. */
  @Test
  void survivesHostileBytes() {
    Random random = new Random(20261124);
    byte[][] seeds = {bytes(SIGNAL), bytes(START), bytes(HELLO)};
    Message message = new Message();
    int refused = 0;
    for (int round = 0; round < 200_000; round++) {
      byte[] mutant = seeds[round % seeds.length].clone();
      for (int i = random.nextInt(6); i >= 0; i--) {
        mutant[random.nextInt(mutant.length)] = (byte) random.nextInt(256);
      }
      int length = Message.length(mutant, 0);
      if (length < 0 || length > mutant.length || !message.read(mutant, 0, length)) {
        refused++;
        continue;
      }
      message.nextNumber('u');
      message.nextText();
      message.enterVariant('s');
      message.nextText();
      message.text(Message.PATH);
    }
    assertThat(refused).isBetween(10_000, 199_000);
  }
}
