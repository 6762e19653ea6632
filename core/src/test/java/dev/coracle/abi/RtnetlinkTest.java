package dev.coracle.abi;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Messages as strace shows them of ip(8), byte by byte. */
class RtnetlinkTest {
  private static String hex(byte[] bytes) {
    return HexFormat.of().formatHex(bytes);
  }

  private static byte[] bytes(String hex) {
    return HexFormat.of().parseHex(hex.replace(" ", ""));
  }

  @Test
  void getLink() {
    assertThat(hex(Rtnetlink.getLink("eth0")))
        .isEqualTo(
            hex(
                bytes(
                    "2c000000 1200 0100 01000000 00000000"
                        + "00 00 0000 00000000 00000000 00000000"
                        + "0900 0300 65746830 00 000000")));
  }

  @Test
  void moveLink() {
    assertThat(hex(Rtnetlink.moveLink(7, 9, "ab")))
        .isEqualTo(
            hex(
                bytes(
                    "30000000 1300 0500 01000000 00000000"
                        + "00 00 0000 07000000 00000000 00000000"
                        + "0800 1c00 09000000"
                        + "0700 0300 616200 00")));
  }

  @Test
  void setUp() {
    assertThat(hex(Rtnetlink.setUp(3)))
        .isEqualTo(
            hex(
                bytes(
                    "20000000 1300 0500 01000000 00000000"
                        + "00 00 0000 03000000 01000000 01000000")));
  }

  @Test
  void getAddresses() {
    assertThat(hex(Rtnetlink.getAddresses()))
        .isEqualTo(hex(bytes("18000000 1600 0103 01000000 00000000 00 00 00 00 00000000")));
  }

  /** RTM_NEWADDR of 10.1.2.3/24 on interface 5, permanent, with NOPREFIXROUTE. */
  private static byte[] answer(String flags, String scope, String index) {
    return bytes(
        "38000000 1400 0200 01000000 00000000"
            + "02 18 80 "
            + scope
            + index
            + "0800 0100 0a010203"
            + "0800 0200 0a010203"
            + "0800 0400 0a0102ff"
            + "0800 0800 "
            + flags);
  }

  private static List<Rtnetlink.Address> collect(byte[] answer) {
    List<Rtnetlink.Address> out = new ArrayList<>();
    assertThat(Rtnetlink.isMessage(answer, 0, answer.length)).isTrue();
    assertThat(Rtnetlink.next(answer, 0)).isEqualTo(answer.length);
    assertThat(Rtnetlink.type(answer, 0)).isEqualTo(Rtnetlink.RTM_NEWADDR);
    Rtnetlink.collectAddress(answer, 0, 5, out);
    return out;
  }

  @Test
  void anAddressIsReadAndGivenAgain() {
    List<Rtnetlink.Address> read = collect(answer("80020000", "00", "05000000"));
    assertThat(read).hasSize(1);
    assertThat(hex(Rtnetlink.addAddress(6, read.get(0))))
        .isEqualTo(
            hex(
                bytes(
                    "38000000 1400 0506 01000000 00000000"
                        + "02 18 00 00 06000000"
                        + "0800 0100 0a010203"
                        + "0800 0200 0a010203"
                        + "0800 0400 0a0102ff"
                        + "0800 0800 00020000")));
  }

  @Test
  void anAddressIsReadAndRemoved() {
    List<Rtnetlink.Address> read = collect(answer("80020000", "00", "05000000"));
    assertThat(hex(Rtnetlink.removeAddress(6, read.get(0))))
        .isEqualTo(
            hex(
                bytes(
                    "28000000 1500 0500 01000000 00000000"
                        + "02 18 00 00 06000000"
                        + "0800 0100 0a010203"
                        + "0800 0200 0a010203")));
  }

  @Test
  void whatIsNotPermanentGlobalAndOfTheInterfaceStays() {
    assertThat(collect(answer("00000000", "00", "05000000"))).as("leased").isEmpty();
    assertThat(collect(answer("80000000", "fd", "05000000"))).as("link").isEmpty();
    assertThat(collect(answer("80000000", "00", "06000000"))).as("another").isEmpty();
  }

  @Test
  void brokenAnswersEndTheWalk() {
    assertThat(Rtnetlink.isMessage(new byte[16], 0, 16)).as("no length").isFalse();
    assertThat(Rtnetlink.isMessage(bytes("ff000000 00000000 00000000 00000000"), 0, 16)).isFalse();
    assertThat(Rtnetlink.isMessage(bytes("10000000"), 0, 4)).isFalse();
    byte[] attribute = bytes("1c000000 1400 0200 01000000 00000000 02 18 80 00 05000000 ff00 0100");
    List<Rtnetlink.Address> out = new ArrayList<>();
    Rtnetlink.collectAddress(attribute, 0, 5, out);
    assertThat(out).singleElement().satisfies(a -> assertThat(a.address()).isNull());
  }

  @Test
  void errors() {
    byte[] error = bytes("24000000 0200 0000 01000000 00000000 edffffff");
    assertThat(Rtnetlink.error(error, 0)).isEqualTo(-19);
    byte[] link =
        bytes("20000000 1000 0000 01000000 00000000 00 00 0100 07000000 41100000 00000000");
    assertThat(Rtnetlink.index(link, 0)).isEqualTo(7);
    assertThat(Rtnetlink.isUp(link, 0)).isTrue();
  }
}
