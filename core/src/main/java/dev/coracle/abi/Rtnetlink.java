package dev.coracle.abi;

import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Messages of rtnetlink(7), as bytes:
 *
 * <pre>
 * nlmsghdr   0 len u32    4 type u16   6 flags u16   8 seq u32   12 pid u32
 * ifinfomsg 16 family u8 17 pad u8    18 type u16   20 index i32  24 flags u32  28 change u32
 * ifaddrmsg 16 family u8 17 prefix u8 18 flags u8   19 scope u8   20 index u32
 * rtmsg     16 family u8 17 prefix u8 18 source u8  19 tos u8     20 table u8   21 protocol u8
 *           22 scope u8  23 type u8   24 flags u32
 * nlmsgerr  16 error i32
 * rtattr     0 len u16    2 type u16   4 data, padded to a multiple of 4
 * </pre>
 */
public final class Rtnetlink {
  public static final long AF_NETLINK = 16;
  public static final long SOCK_RAW = 3;
  public static final long NETLINK_ROUTE = 0;

  public static final int NLMSG_ERROR = 2;
  public static final int NLMSG_DONE = 3;
  public static final int RTM_NEWLINK = 16;
  public static final int RTM_GETLINK = 18;
  public static final int RTM_SETLINK = 19;
  public static final int RTM_NEWADDR = 20;
  private static final int RTM_DELADDR = 21;
  public static final int RTM_GETADDR = 22;
  private static final int RTM_NEWROUTE = 24;

  private static final int NLM_F_REQUEST = 0x1;
  private static final int NLM_F_ACK = 0x4;
  private static final int NLM_F_EXCL = 0x200;
  private static final int NLM_F_DUMP = 0x300;
  private static final int NLM_F_CREATE = 0x400;

  private static final int IFLA_ADDRESS = 1;
  private static final int IFLA_IFNAME = 3;
  private static final int IFLA_MTU = 4;
  private static final int IFLA_NET_NS_FD = 28;
  private static final int IFA_ADDRESS = 1;
  private static final int IFA_LOCAL = 2;
  private static final int IFA_BROADCAST = 4;
  private static final int IFA_FLAGS = 8;

  private static final int RTA_DST = 1;
  private static final int RTA_OIF = 4;
  private static final int RTA_GATEWAY = 5;
  private static final int RTA_PRIORITY = 6;
  private static final int RT_TABLE_MAIN = 254;
  private static final int RTPROT_BOOT = 3;
  private static final int RTN_UNICAST = 1;
  private static final long RTNH_F_ONLINK = 4;

  public static final int AF_INET = 2;
  public static final int AF_INET6 = 10;

  /** An address of IPv6 that needs no asking whether others have it. */
  public static final long IFA_F_NODAD = 0x02;

  private static final long IFF_UP = 1;
  private static final long IFA_F_PERMANENT = 0x80;

  /** NODAD, OPTIMISTIC, HOMEADDRESS, MANAGETEMPADDR, NOPREFIXROUTE, MCAUTOJOIN: what one sets. */
  private static final long IFA_F_KEPT = 0x02 | 0x04 | 0x10 | 0x100 | 0x200 | 0x400;

  private static final int RT_SCOPE_UNIVERSE = 0;
  private static final int HEADER_BYTES = 16;
  private static final int LINK_BYTES = 32;
  private static final int ADDRESS_BYTES = 24;
  private static final int ROUTE_BYTES = 28;

  private Rtnetlink() {}

  /**
   * An address of an interface.
   *
   * @param family AF_INET or AF_INET6
   * @param address that of the peer on a point-to-point link; null where there is none
   * @param local null where there is none
   * @param broadcast null where there is none
   */
  public record Address(
      int family,
      int prefix,
      long flags,
      byte @Nullable [] address,
      byte @Nullable [] local,
      byte @Nullable [] broadcast) {}

  /** Asks for one interface by its name. */
  public static byte[] getLink(String name) {
    byte[] out = new byte[LINK_BYTES + size(name.length() + 1)];
    header(out, RTM_GETLINK, NLM_F_REQUEST);
    attribute(out, LINK_BYTES, IFLA_IFNAME, text(name));
    return out;
  }

  /** Moves an interface into the network namespace that a descriptor stands for, by a new name. */
  public static byte[] moveLink(long index, int namespace, String name) {
    byte[] out = new byte[LINK_BYTES + size(4) + size(name.length() + 1)];
    header(out, RTM_SETLINK, NLM_F_REQUEST | NLM_F_ACK);
    Bytes.put32(out, 20, index);
    byte[] fd = new byte[4];
    Bytes.put32(fd, 0, namespace);
    int at = attribute(out, LINK_BYTES, IFLA_NET_NS_FD, fd);
    attribute(out, at, IFLA_IFNAME, text(name));
    return out;
  }

  /** Brings an interface up. */
  public static byte[] setUp(long index) {
    byte[] out = new byte[LINK_BYTES];
    header(out, RTM_SETLINK, NLM_F_REQUEST | NLM_F_ACK);
    Bytes.put32(out, 20, index);
    Bytes.put32(out, 24, IFF_UP);
    Bytes.put32(out, 28, IFF_UP);
    return out;
  }

  /** Asks for all interfaces. */
  public static byte[] getLinks() {
    byte[] out = new byte[LINK_BYTES];
    header(out, RTM_GETLINK, NLM_F_REQUEST | NLM_F_DUMP);
    return out;
  }

  /** Gives an interface another name; it must be down. */
  public static byte[] rename(long index, String name) {
    byte[] out = new byte[LINK_BYTES + size(name.length() + 1)];
    header(out, RTM_SETLINK, NLM_F_REQUEST | NLM_F_ACK);
    Bytes.put32(out, 20, index);
    attribute(out, LINK_BYTES, IFLA_IFNAME, text(name));
    return out;
  }

  /** Sets the largest packet of an interface. */
  public static byte[] setMtu(long index, long mtu) {
    byte[] out = new byte[LINK_BYTES + size(4)];
    header(out, RTM_SETLINK, NLM_F_REQUEST | NLM_F_ACK);
    Bytes.put32(out, 20, index);
    byte[] number = new byte[4];
    Bytes.put32(number, 0, mtu);
    attribute(out, LINK_BYTES, IFLA_MTU, number);
    return out;
  }

  /** Gives an interface another hardware address; it must be down. */
  public static byte[] setMac(long index, byte[] mac) {
    byte[] out = new byte[LINK_BYTES + size(mac.length)];
    header(out, RTM_SETLINK, NLM_F_REQUEST | NLM_F_ACK);
    Bytes.put32(out, 20, index);
    attribute(out, LINK_BYTES, IFLA_ADDRESS, mac);
    return out;
  }

  /**
   * Adds a route by an interface.
   *
   * @param destination 4 or 16 bytes
   * @param gateway null for none
   * @param metric 0 for none
   * @param onLink whether the gateway is on the link, whatever the addresses say
   */
  public static byte[] addRoute(
      long index,
      byte[] destination,
      int prefix,
      byte @Nullable [] gateway,
      int scope,
      long metric,
      boolean onLink) {
    byte[] to = prefix == 0 ? null : destination;
    byte[] priority = metric == 0 ? null : new byte[4];
    byte[] out = new byte[ROUTE_BYTES + size(to) + size(4) + size(gateway) + size(priority)];
    header(out, RTM_NEWROUTE, NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL);
    out[16] = (byte) (destination.length == 4 ? AF_INET : AF_INET6);
    out[17] = (byte) prefix;
    out[20] = (byte) RT_TABLE_MAIN;
    out[21] = RTPROT_BOOT;
    out[22] = (byte) scope;
    out[23] = RTN_UNICAST;
    Bytes.put32(out, 24, onLink ? RTNH_F_ONLINK : 0);
    int at = attribute(out, ROUTE_BYTES, RTA_DST, to);
    byte[] number = new byte[4];
    Bytes.put32(number, 0, index);
    at = attribute(out, at, RTA_OIF, number);
    at = attribute(out, at, RTA_GATEWAY, gateway);
    if (priority != null) {
      Bytes.put32(priority, 0, metric);
      attribute(out, at, RTA_PRIORITY, priority);
    }
    return out;
  }

  /** Asks for all addresses of all interfaces. */
  public static byte[] getAddresses() {
    byte[] out = new byte[ADDRESS_BYTES];
    header(out, RTM_GETADDR, NLM_F_REQUEST | NLM_F_DUMP);
    return out;
  }

  /** Adds an address. */
  public static byte[] addAddress(long index, Address a) {
    byte[] flags = new byte[4];
    Bytes.put32(flags, 0, a.flags() & IFA_F_KEPT);
    int length =
        ADDRESS_BYTES + size(a.address()) + size(a.local()) + size(a.broadcast()) + size(4);
    byte[] out = new byte[length];
    header(out, RTM_NEWADDR, NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL);
    out[16] = (byte) a.family();
    out[17] = (byte) a.prefix();
    out[18] = (byte) (a.flags() & IFA_F_KEPT);
    out[19] = RT_SCOPE_UNIVERSE;
    Bytes.put32(out, 20, index);
    int at = attribute(out, ADDRESS_BYTES, IFA_ADDRESS, a.address());
    at = attribute(out, at, IFA_LOCAL, a.local());
    at = attribute(out, at, IFA_BROADCAST, a.broadcast());
    attribute(out, at, IFA_FLAGS, flags);
    return out;
  }

  /** Removes an address. */
  public static byte[] removeAddress(long index, Address a) {
    byte[] out = new byte[ADDRESS_BYTES + size(a.address()) + size(a.local())];
    header(out, RTM_DELADDR, NLM_F_REQUEST | NLM_F_ACK);
    out[16] = (byte) a.family();
    out[17] = (byte) a.prefix();
    Bytes.put32(out, 20, index);
    int at = attribute(out, ADDRESS_BYTES, IFA_ADDRESS, a.address());
    attribute(out, at, IFA_LOCAL, a.local());
    return out;
  }

  private static void header(byte[] out, int type, int flags) {
    Bytes.put32(out, 0, out.length);
    Bytes.put16(out, 4, type);
    Bytes.put16(out, 6, flags);
    Bytes.put32(out, 8, 1);
  }

  private static int size(byte @Nullable [] data) {
    return data == null ? 0 : size(data.length);
  }

  private static int size(int dataBytes) {
    return 4 + (dataBytes + 3 & ~3);
  }

  private static int attribute(byte[] out, int at, int type, byte @Nullable [] data) {
    if (data == null) {
      return at;
    }
    Bytes.put16(out, at, 4 + data.length);
    Bytes.put16(out, at + 2, type);
    System.arraycopy(data, 0, out, at + 4, data.length);
    return at + size(data.length);
  }

  private static byte[] text(String name) {
    byte[] utf8 = Bytes.utf8(name);
    byte[] out = new byte[utf8.length + 1];
    System.arraycopy(utf8, 0, out, 0, utf8.length);
    return out;
  }

  // --- what the kernel answers ---

  /** Whether a whole message stands at {@code at}. */
  public static boolean isMessage(byte[] in, int at, int end) {
    return at + HEADER_BYTES <= end
        && Bytes.u32(in, at) >= HEADER_BYTES
        && Bytes.u32(in, at) <= end - at;
  }

  /** Where the message after the one at {@code at} stands. */
  public static int next(byte[] in, int at) {
    return at + ((int) Bytes.u32(in, at) + 3 & ~3);
  }

  /** The type of a message. */
  public static int type(byte[] in, int at) {
    return Bytes.u16(in, at + 4);
  }

  /** Of NLMSG_ERROR: 0 or −errno. */
  public static int error(byte[] in, int at) {
    return (int) Bytes.u32(in, at + HEADER_BYTES);
  }

  /** Of RTM_NEWLINK: the interface's index. */
  public static long index(byte[] in, int at) {
    return Bytes.u32(in, at + 20);
  }

  /** Of RTM_NEWLINK: whether the interface has this hardware address. */
  public static boolean hasMac(byte[] in, int at, byte[] mac) {
    byte[] own = attributeOf(in, at, LINK_BYTES, IFLA_ADDRESS);
    return own != null && Arrays.equals(own, mac);
  }

  /** Of RTM_NEWLINK: whether the interface is up. */
  public static boolean isUp(byte[] in, int at) {
    return (Bytes.u32(in, at + 24) & IFF_UP) != 0;
  }

  /** Adds the address of RTM_NEWADDR to a list, where it is permanent, global, and of index. */
  public static void collectAddress(byte[] in, int at, long index, List<Address> to) {
    if (Bytes.u32(in, at + 20) != index || in[at + 19] != RT_SCOPE_UNIVERSE) {
      return;
    }
    byte[] wide = attributeOf(in, at, ADDRESS_BYTES, IFA_FLAGS);
    long flags = wide == null ? in[at + 18] & 0xff : Bytes.u32(wide, 0);
    if ((flags & IFA_F_PERMANENT) != 0) {
      to.add(
          new Address(
              in[at + 16],
              in[at + 17] & 0xff,
              flags,
              attributeOf(in, at, ADDRESS_BYTES, IFA_ADDRESS),
              attributeOf(in, at, ADDRESS_BYTES, IFA_LOCAL),
              attributeOf(in, at, ADDRESS_BYTES, IFA_BROADCAST)));
    }
  }

  /** The data of a message's first attribute of a type, behind a header; null for none. */
  static byte @Nullable [] attributeOf(byte[] in, int message, int headerBytes, int type) {
    int end = message + (int) Bytes.u32(in, message);
    int at = message + headerBytes;
    while (at + 4 <= end) {
      int length = Bytes.u16(in, at);
      if (length < 4 || at + length > end) {
        return null;
      }
      if (Bytes.u16(in, at + 2) == type) {
        byte[] out = new byte[length - 4];
        System.arraycopy(in, at + 4, out, 0, out.length);
        return out;
      }
      at += length + 3 & ~3;
    }
    return null;
  }
}
