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

  /** Priority 1, ETH_P_ALL in network order. */
  private static final long ALL_PROTOCOLS = 0x00010300L;

  private static final int TCA_KIND = 1;
  private static final int TCA_OPTIONS = 2;
  private static final int TCA_U32_SEL = 5;
  private static final int TCA_U32_ACT = 7;
  private static final int TCA_MATCHALL_ACT = 2;
  private static final int TCA_ACT_KIND = 1;
  private static final int TCA_ACT_OPTIONS = 2;
  private static final int TCA_MIRRED_PARMS = 2;
  private static final int TC_U32_TERMINAL = 1;
  private static final int TC_ACT_STOLEN = 4;
  private static final int TCA_EGRESS_REDIR = 1;
  private static final int SELECTOR_BYTES = 32;
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
    byte[] selector = new byte[SELECTOR_BYTES];
    selector[0] = TC_U32_TERMINAL;
    selector[2] = 1;
    return redirect(
        from,
        "u32",
        concat(attribute(TCA_U32_SEL, selector), attribute(TCA_U32_ACT, attribute(1, mirred(to)))));
  }

  /** The same by the classifier matchall, for kernels that have not the other. */
  public static byte[] redirectByMatchall(long from, long to) {
    return redirect(from, "matchall", attribute(TCA_MATCHALL_ACT, attribute(1, mirred(to))));
  }

  private static byte[] redirect(long from, String kind, byte[] options) {
    return message(
        RTM_NEWTFILTER,
        from,
        0,
        INGRESS_HANDLE,
        ALL_PROTOCOLS,
        concat(attribute(TCA_KIND, text(kind)), attribute(TCA_OPTIONS, options)));
  }

  private static byte[] mirred(long to) {
    byte[] parameters = new byte[MIRRED_BYTES];
    Bytes.put32(parameters, 8, TC_ACT_STOLEN);
    Bytes.put32(parameters, 20, TCA_EGRESS_REDIR);
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
