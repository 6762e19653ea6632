package dev.coracle.abi;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.abi.NetworkDump.Address;
import dev.coracle.abi.NetworkDump.Link;
import dev.coracle.abi.NetworkDump.Route;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class NetworkDumpTest {
  @Test
  void anEthernetLink() {
    byte[] message = message(16, 32);
    Bytes.put16(message, 18, 1);
    Bytes.put32(message, 20, 7);
    message = with(message, 3, Bytes.utf8("eth0\0"));
    message = with(message, 1, new byte[] {2, 0x42, 1, 2, 3, 4});
    message = with(message, 4, new byte[] {(byte) 0xdc, 5, 0, 0});
    List<Link> links = new ArrayList<>();
    NetworkDump.collectLink(message, 0, links);
    assertThat(links).hasSize(1);
    assertThat(links.get(0).index()).isEqualTo(7);
    assertThat(links.get(0).name()).isEqualTo("eth0");
    assertThat(links.get(0).mac()).containsExactly(2, 0x42, 1, 2, 3, 4);
    assertThat(links.get(0).mtu()).isEqualTo(1500);
    Bytes.put16(message, 18, 772); // ARPHRD_LOOPBACK
    NetworkDump.collectLink(message, 0, links);
    assertThat(links).hasSize(1);
  }

  @Test
  void addressesOfTheLinkAloneAreTheGuestsOwn() {
    byte[] message = message(20, 24);
    message[17] = 16;
    Bytes.put32(message, 20, 7);
    message = with(message, 2, new byte[] {10, 0, 2, 3});
    List<Address> addresses = new ArrayList<>();
    NetworkDump.collectAddress(message, 0, addresses);
    assertThat(addresses).hasSize(1);
    assertThat(addresses.get(0).prefix()).isEqualTo(16);
    assertThat(addresses.get(0).bytes()).containsExactly(10, 0, 2, 3);
    message[19] = (byte) 253;
    NetworkDump.collectAddress(message, 0, addresses);
    assertThat(addresses).hasSize(1);
  }

  @Test
  void aDefaultRoute() {
    byte[] message = message(24, 28);
    message[16] = 2;
    message[20] = (byte) 254;
    message[21] = 3;
    message[23] = 1;
    message = with(message, 4, new byte[] {7, 0, 0, 0});
    message = with(message, 5, new byte[] {10, 0, 0, 1});
    List<Route> routes = new ArrayList<>();
    NetworkDump.collectRoute(message, 0, routes);
    assertThat(routes).hasSize(1);
    assertThat(routes.get(0).destination()).containsExactly(0, 0, 0, 0);
    assertThat(routes.get(0).gateway()).containsExactly(10, 0, 0, 1);
    message[21] = 2; // RTPROT_KERNEL: it comes with the address.
    NetworkDump.collectRoute(message, 0, routes);
    assertThat(routes).hasSize(1);
  }

  @Test
  void noiseIsNothing() {
    Random random = new Random(5);
    byte[] message = new byte[128];
    for (int i = 0; i < 20_000; i++) {
      random.nextBytes(message);
      Bytes.put32(message, 0, 36 + random.nextInt(92));
      Bytes.put16(message, 4, 16 + 4 * random.nextInt(3));
      NetworkDump.collectLink(message, 0, new ArrayList<>());
      NetworkDump.collectAddress(message, 0, new ArrayList<>());
      NetworkDump.collectRoute(message, 0, new ArrayList<>());
    }
  }

  private static byte[] message(int type, int length) {
    byte[] out = new byte[length];
    Bytes.put32(out, 0, length);
    Bytes.put16(out, 4, type);
    return out;
  }

  private static byte[] with(byte[] message, int type, byte[] data) {
    byte[] out = new byte[message.length + 4 + (data.length + 3 & ~3)];
    System.arraycopy(message, 0, out, 0, message.length);
    Bytes.put16(out, message.length, 4 + data.length);
    Bytes.put16(out, message.length + 2, type);
    System.arraycopy(data, 0, out, message.length + 4, data.length);
    Bytes.put32(out, 0, out.length);
    return out;
  }
}
