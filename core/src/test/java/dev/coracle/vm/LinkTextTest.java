package dev.coracle.vm;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class LinkTextTest {
  private static LinkText parse(String text) {
    LinkText link = LinkText.parse(text);
    assertThat(link).isNotNull();
    return java.util.Objects.requireNonNull(link);
  }

  @Test
  void readsAnInterface() {
    LinkText link =
        parse(
            "02420a000203 eth0 1500\naddress 0a000203/24\naddress"
                + " fd000000000000000000000000000002/64\nroute 00000000/0 0a000201 0 100\nroute"
                + " 0a000200/24 - 253 0");
    assertThat(link.mac()).containsExactly(2, 0x42, 0x0a, 0, 2, 3);
    assertThat(link.name()).isEqualTo("eth0");
    assertThat(link.mtu()).isEqualTo(1500);
    assertThat(link.addresses()).hasSize(2);
    assertThat(link.addresses().get(0).bytes()).containsExactly(10, 0, 2, 3);
    assertThat(link.addresses().get(0).prefix()).isEqualTo(24);
    assertThat(link.addresses().get(1).bytes()).hasSize(16);
    LinkText.Route route = link.routes().get(0);
    assertThat(route.prefix()).isZero();
    assertThat(route.gateway()).containsExactly(10, 0, 2, 1);
    assertThat(route.metric()).isEqualTo(100);
    assertThat(link.routes().get(1).gateway()).isNull();
    assertThat(link.routes().get(1).scope()).isEqualTo(253);
  }

  @Test
  void aCopyHasAnotherMacUntilItIsGivenItsOwn() {
    LinkText link = parse("02420a000203 eth0 1500 020000000010");
    assertThat(link.mac()).containsExactly(2, 0x42, 0x0a, 0, 2, 3);
    assertThat(link.now()).containsExactly(2, 0, 0, 0, 0, 0x10);
    assertThat(parse("02420a000203 eth0 1500").now()).isEqualTo(link.mac());
    assertThat(LinkText.parse("02420a000203 eth0 1500 0200")).isNull();
    assertThat(LinkText.parse("02420a000203 eth0 1500 020000000010 x")).isNull();
  }

  @Test
  void needsNoMore() {
    LinkText link = parse("02420a000203 eth0 0");
    assertThat(link.addresses()).isEmpty();
    assertThat(link.routes()).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "02420a0002 eth0 1500",
        "02420a00020g eth0 1500",
        "02420a000203 eth0",
        "02420a000203 eth0 x",
        "02420a000203 a-name-of-16-char 1500",
        "02420a000203 eth0 1500\naddress 0a000203/33",
        "02420a000203 eth0 1500\naddress 0a0002/24",
        "02420a000203 eth0 1500\naddress 0a000203",
        "02420a000203 eth0 1500\nroute 00000000/0 0a000201 0",
        "02420a000203 eth0 1500\nroute 00000000/0 fd000000000000000000000000000002 0 0",
        "02420a000203 eth0 1500\nroute 00000000/0 0a000201 256 0",
        "02420a000203 eth0 1500\nroute 00000000/0 0a000201 0 99999999999",
        "02420a000203 eth0 1500\nother 1",
      })
  void refusesWhatIsBroken(String text) {
    assertThat(LinkText.parse(text)).isNull();
  }
}
