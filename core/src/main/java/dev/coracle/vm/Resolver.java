package dev.coracle.vm;

import dev.coracle.abi.Bytes;
import dev.coracle.abi.Process;

/** Docker's DNS server on networks of one's own, as containers know it. */
public final class Resolver {
  private static final String NAME = "127.0.0.11";
  private static final String KEYWORD = "nameserver";
  private static final int PORT = 53;
  private static final int SOCKADDR_BYTES = 16;

  private Resolver() {}

  /**
   * Its struct sockaddr_in (ip(7)): family, port and address, the latter two in the order of the
   * network.
   */
  public static byte[] address() {
    byte[] out = new byte[SOCKADDR_BYTES];
    Bytes.put16(out, 0, Process.AF_INET);
    out[3] = PORT;
    out[4] = 127;
    out[7] = 11;
    return out;
  }

  /** Whether a resolv.conf(5) names it. */
  public static boolean isNamedIn(String text) {
    int from = 0;
    while (from < text.length()) {
      int end = text.indexOf('\n', from);
      end = end < 0 ? text.length() : end;
      if (text.startsWith(KEYWORD, from)
          && text.substring(from + KEYWORD.length(), end).strip().equals(NAME)) {
        return true;
      }
      from = end + 1;
    }
    return false;
  }
}
