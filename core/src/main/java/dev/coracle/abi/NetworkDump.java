package dev.coracle.abi;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What rtnetlink(7) tells of a network namespace, taken apart: links, addresses, routes.
 *
 * <pre>
 * ifinfomsg 16 family u8 17 pad u8     18 type u16  20 index i32    24 flags u32 28 change u32
 * ifaddrmsg 16 family u8 17 prefix u8  18 flags u8  19 scope u8     20 index u32
 * rtmsg     16 family u8 17 dst_len u8 18 src_len   19 tos u8       20 table u8  21 protocol u8
 *           22 scope u8  23 type u8    24 flags u32
 * </pre>
 */
public final class NetworkDump {
  private static final int RTM_NEWADDR = 20;
  private static final int RTM_GETADDR = 22;
  private static final int RTM_NEWROUTE = 24;
  private static final int RTM_GETROUTE = 26;
  private static final int NLM_F_REQUEST_DUMP = 0x301;

  private static final int IFLA_ADDRESS = 1;
  private static final int IFLA_IFNAME = 3;
  private static final int IFLA_MTU = 4;
  private static final int IFA_ADDRESS = 1;
  private static final int IFA_LOCAL = 2;
  private static final int RTA_DST = 1;
  private static final int RTA_OIF = 4;
  private static final int RTA_GATEWAY = 5;
  private static final int RTA_PRIORITY = 6;

  private static final int LINK_BYTES = 32;
  private static final int ADDRESS_BYTES = 24;
  private static final int ROUTE_BYTES = 28;
  private static final int ARPHRD_ETHER = 1;
  private static final int RT_SCOPE_LINK = 253;
  private static final int RT_TABLE_MAIN = 254;
  private static final int RTPROT_KERNEL = 2;
  private static final int RTN_UNICAST = 1;

  private NetworkDump() {}

  /** An Ethernet interface. */
  public record Link(long index, String name, byte[] mac, long mtu) {}

  /** An address that is not only of the link. */
  public record Address(long index, int prefix, byte[] bytes) {}

  /**
   * A route of the main table that nobody but a person or a program has made.
   *
   * @param gateway null for none
   */
  public record Route(
      long index,
      int prefix,
      byte[] destination,
      byte @Nullable [] gateway,
      int scope,
      long metric) {}

  /** Asks for all links. */
  public static byte[] getLinks() {
    return Rtnetlink.getLinks();
  }

  /** Asks for all addresses. */
  public static byte[] getAddresses() {
    return dump(RTM_GETADDR, ADDRESS_BYTES);
  }

  /** Asks for all routes. */
  public static byte[] getRoutes() {
    return dump(RTM_GETROUTE, ROUTE_BYTES);
  }

  private static byte[] dump(int type, int length) {
    byte[] out = new byte[length];
    Bytes.put32(out, 0, length);
    Bytes.put16(out, 4, type);
    Bytes.put16(out, 6, NLM_F_REQUEST_DUMP);
    Bytes.put32(out, 8, 1);
    return out;
  }

  /** Adds the message at {@code at} to a list, where it is an Ethernet link. */
  public static void collectLink(byte[] in, int at, List<Link> to) {
    boolean link = Rtnetlink.type(in, at) == Rtnetlink.RTM_NEWLINK;
    byte[] name = link ? Rtnetlink.attributeOf(in, at, LINK_BYTES, IFLA_IFNAME) : null;
    byte[] mac = link ? Rtnetlink.attributeOf(in, at, LINK_BYTES, IFLA_ADDRESS) : null;
    byte[] mtu = link ? Rtnetlink.attributeOf(in, at, LINK_BYTES, IFLA_MTU) : null;
    if (name == null || mac == null || mtu == null || mac.length != 6 || mtu.length != 4) {
      return;
    }
    if (Bytes.u16(in, at + 18) == ARPHRD_ETHER) {
      String text = Bytes.text(name, 0, Math.max(0, name.length - 1));
      to.add(new Link(Bytes.u32(in, at + 20), text, mac, Bytes.u32(mtu, 0)));
    }
  }

  /** Adds the message at {@code at} to a list, where it is an address of more than the link. */
  public static void collectAddress(byte[] in, int at, List<Address> to) {
    if (Rtnetlink.type(in, at) != RTM_NEWADDR || (in[at + 19] & 0xff) >= RT_SCOPE_LINK) {
      return;
    }
    byte[] local = Rtnetlink.attributeOf(in, at, ADDRESS_BYTES, IFA_LOCAL);
    byte[] bytes =
        local == null ? Rtnetlink.attributeOf(in, at, ADDRESS_BYTES, IFA_ADDRESS) : local;
    if (bytes != null) {
      to.add(new Address(Bytes.u32(in, at + 20), in[at + 17] & 0xff, bytes));
    }
  }

  /** Adds the message at {@code at} to a list, where the kernel has not made the route itself. */
  public static void collectRoute(byte[] in, int at, List<Route> to) {
    boolean wanted =
        Rtnetlink.type(in, at) == RTM_NEWROUTE
            && (in[at + 20] & 0xff) == RT_TABLE_MAIN
            && in[at + 21] != RTPROT_KERNEL
            && in[at + 23] == RTN_UNICAST;
    byte[] link = wanted ? Rtnetlink.attributeOf(in, at, ROUTE_BYTES, RTA_OIF) : null;
    if (link == null || link.length != 4) {
      return;
    }
    byte[] destination = Rtnetlink.attributeOf(in, at, ROUTE_BYTES, RTA_DST);
    byte[] metric = Rtnetlink.attributeOf(in, at, ROUTE_BYTES, RTA_PRIORITY);
    int bytes = in[at + 16] == 2 ? 4 : 16;
    to.add(
        new Route(
            Bytes.u32(link, 0),
            in[at + 17] & 0xff,
            destination == null ? new byte[bytes] : destination,
            Rtnetlink.attributeOf(in, at, ROUTE_BYTES, RTA_GATEWAY),
            in[at + 22] & 0xff,
            metric == null ? 0 : Bytes.u32(metric, 0)));
  }
}
