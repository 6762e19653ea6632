package dev.coracle.abi;

/**
 * Messages by which all that comes in at one interface goes out at another (tc(8), tc-mirred(8)).
 *
 * <pre>
 * tcmsg      16 family u8  20 ifindex i32  24 handle u32  28 parent u32  32 info u32
 * tc_u32_sel  0 flags u8 1 offshift u8 2 nkeys u8 4 offmask be16 6 off u16 8 offoff s16 10 hoff s16
 *            12 hmask be32; then each key: mask be32, val be32, off i32, offmask i32
 * tc_mirred   0 index u32  4 capab u32  8 action i32  12 refcnt i32  16 bindcnt i32
 *            20 eaction i32  24 ifindex u32
 * </pre>
 */
public final class TrafficControl {
  private static final int RTM_NEWQDISC = 36;
  private static final int RTM_DELQDISC = 37;
  private static final int RTM_NEWTFILTER = 44;
  private static final int NLM_F_REQUEST_ACK = 0x5;
  private static final int NLM_F_REQUEST_ACK_CREATE_EXCL = 0x605;
  private static final int HEADER_BYTES = 36;
  private static final long TC_H_INGRESS = 0xfffffff1L;
  private static final long INGRESS_HANDLE = 0xffff0000L;

  /** Priority 3, ETH_P_ALL in network order. What has less comes before. */
  private static final long ALL_PROTOCOLS = 0x00030300L;

  /** Priority 1, ETH_P_ARP. */
  private static final long ARP = 0x00010608L;

  /** Priority 2, ETH_P_IP. */
  private static final long IP = 0x00020008L;

  private static final int TCA_KIND = 1;
  private static final int TCA_OPTIONS = 2;
  private static final int TCA_U32_SEL = 5;
  private static final int TCA_U32_ACT = 7;
  private static final int TCA_MATCHALL_ACT = 2;
  private static final int TCA_ACT_KIND = 1;
  private static final int TCA_ACT_OPTIONS = 2;
  private static final int TCA_MIRRED_PARMS = 2;
  private static final int TC_U32_TERMINAL = 1;
  private static final int TC_ACT_PIPE = 3;
  private static final int TC_ACT_STOLEN = 4;
  private static final int TCA_EGRESS_REDIR = 1;
  private static final int TCA_EGRESS_MIRROR = 2;
  private static final int SELECTOR_BYTES = 16;
  private static final int KEY_BYTES = 16;
  private static final long DNS_PORT = 53;
  private static final int IPPROTO_TCP = 6;
  private static final int IPPROTO_UDP = 17;
  private static final int MIRRED_BYTES = 28;

  private TrafficControl() {}

  /** Lets filters see what comes in. */
  public static byte[] addIngress(long index) {
    byte[] kind = attribute(TCA_KIND, text("ingress"));
    return message(RTM_NEWQDISC, index, INGRESS_HANDLE, TC_H_INGRESS, 0, kind);
  }

  /** Takes all filters of what comes in away. */
  public static byte[] removeIngress(long index) {
    byte[] kind = attribute(TCA_KIND, text("ingress"));
    byte[] out = message(RTM_DELQDISC, index, INGRESS_HANDLE, TC_H_INGRESS, 0, kind);
    Bytes.put16(out, 6, NLM_F_REQUEST_ACK);
    return out;
  }

  /** Sends all that comes in at {@code from} out at {@code to}, by the classifier u32. */
  public static byte[] redirect(long from, long to) {
    return filter(from, "u32", ALL_PROTOCOLS, sending(to, TC_ACT_STOLEN, TCA_EGRESS_REDIR));
  }

  private static byte[] sending(long to, int action, int how) {
    return concat(
        attribute(TCA_U32_SEL, selector(1)),
        attribute(TCA_U32_ACT, attribute(1, mirred(to, action, how))));
  }

  /** Sends ARP that comes in at {@code from} out at {@code to}, and leaves it to us as well. */
  public static byte[] mirrorArp(long from, long to) {
    return filter(from, "u32", ARP, sending(to, TC_ACT_PIPE, TCA_EGRESS_MIRROR));
  }

  /** Leaves to us what servers of DNS answer by UDP to ports that have these bits. */
  public static byte[] keepUdpAnswers(long from, int port, int mask) {
    return keepAnswers(from, IPPROTO_UDP, port, mask);
  }

  /** The same by TCP. */
  public static byte[] keepTcpAnswers(long from, int port, int mask) {
    return keepAnswers(from, IPPROTO_TCP, port, mask);
  }

  private static byte[] keepAnswers(long from, int protocol, int port, int mask) {
    byte[] selector = selector(4);
    // A header of 20 bytes, the first fragment, the protocol, and the ports (RFC 791, RFC 768).
    key(selector, 0, 0, 0x0f000000L, 0x05000000L);
    key(selector, 1, 4, 0x1fff, 0);
    key(selector, 2, 8, 0x00ff0000L, (long) protocol << 16);
    key(selector, 3, 20, 0xffff0000L | mask, DNS_PORT << 16 | port);
    return filter(from, "u32", IP, attribute(TCA_U32_SEL, selector));
  }

  /** A selector of keys that match everything. */
  private static byte[] selector(int keys) {
    byte[] selector = new byte[SELECTOR_BYTES + keys * KEY_BYTES];
    selector[0] = TC_U32_TERMINAL;
    selector[2] = (byte) keys;
    return selector;
  }

  private static void key(byte[] selector, int number, int offset, long mask, long value) {
    int at = SELECTOR_BYTES + number * KEY_BYTES;
    for (int i = 0; i < 4; i++) {
      selector[at + i] = (byte) (mask >> 24 - 8 * i);
      selector[at + 4 + i] = (byte) (value >> 24 - 8 * i);
    }
    Bytes.put32(selector, at + 8, offset);
  }

  /** The same by the classifier matchall, for kernels that have not the other. */
  public static byte[] redirectByMatchall(long from, long to) {
    byte[] action = mirred(to, TC_ACT_STOLEN, TCA_EGRESS_REDIR);
    return filter(
        from, "matchall", ALL_PROTOCOLS, attribute(TCA_MATCHALL_ACT, attribute(1, action)));
  }

  private static byte[] filter(long from, String kind, long info, byte[] options) {
    return message(
        RTM_NEWTFILTER,
        from,
        0,
        INGRESS_HANDLE,
        info,
        concat(attribute(TCA_KIND, text(kind)), attribute(TCA_OPTIONS, options)));
  }

  private static byte[] mirred(long to, int action, int how) {
    byte[] parameters = new byte[MIRRED_BYTES];
    Bytes.put32(parameters, 8, action);
    Bytes.put32(parameters, 20, how);
    Bytes.put32(parameters, 24, to);
    return concat(
        attribute(TCA_ACT_KIND, text("mirred")),
        attribute(TCA_ACT_OPTIONS, attribute(TCA_MIRRED_PARMS, parameters)));
  }

  private static byte[] message(
      int type, long index, long handle, long parent, long info, byte[] attributes) {
    byte[] out = new byte[HEADER_BYTES + attributes.length];
    Bytes.put32(out, 0, out.length);
    Bytes.put16(out, 4, type);
    Bytes.put16(out, 6, NLM_F_REQUEST_ACK_CREATE_EXCL);
    Bytes.put32(out, 8, 1);
    Bytes.put32(out, 20, index);
    Bytes.put32(out, 24, handle);
    Bytes.put32(out, 28, parent);
    Bytes.put32(out, 32, info);
    System.arraycopy(attributes, 0, out, HEADER_BYTES, attributes.length);
    return out;
  }

  /** One attribute, padded. */
  private static byte[] attribute(int type, byte[] data) {
    byte[] out = new byte[4 + (data.length + 3 & ~3)];
    Bytes.put16(out, 0, 4 + data.length);
    Bytes.put16(out, 2, type);
    System.arraycopy(data, 0, out, 4, data.length);
    return out;
  }

  private static byte[] concat(byte[] a, byte[] b) {
    byte[] out = new byte[a.length + b.length];
    System.arraycopy(a, 0, out, 0, a.length);
    System.arraycopy(b, 0, out, a.length, b.length);
    return out;
  }

  private static byte[] text(String word) {
    byte[] out = new byte[word.length() + 1];
    for (int i = 0; i < word.length(); i++) {
      out[i] = (byte) word.charAt(i);
    }
    return out;
  }
}
