package dev.coracle.vm;

/**
 * Blocks of LZ4 as the kernel's own image has them (lz4's "legacy" frame: a magic number, then
 * blocks, each behind its length, of at most 8 MiB when unpacked; nothing refers to a block
 * before).
 */
public final class Lz4 {
  /** The first four bytes. */
  public static final long LEGACY_MAGIC = 0x184c2102L;

  /** What a block unpacks to at most. */
  public static final int MOST_BLOCK_BYTES = 8 << 20;

  /** What a block is at most, packed: what cannot be packed grows a little. */
  public static final int MOST_PACKED_BYTES = MOST_BLOCK_BYTES + MOST_BLOCK_BYTES / 255 + 16;

  private static final int LONGER = 15;
  private static final int SHORTEST_MATCH = 4;

  private final byte[] in;
  private final int end;
  private int at;

  private Lz4(byte[] in, int length) {
    this.in = in;
    this.end = length;
  }

  /** Unpacks a block into {@code out}; how many bytes came out, or −1 where it is no block. */
  public static int unpack(byte[] in, int length, byte[] out) {
    return new Lz4(in, length).unpack(out);
  }

  private int unpack(byte[] out) {
    int to = 0;
    while (at < end) {
      int token = in[at++] & 0xff;
      int literals = length(token >> 4);
      if (literals < 0 || literals > end - at || literals > out.length - to) {
        return -1;
      }
      System.arraycopy(in, at, out, to, literals);
      at += literals;
      to += literals;
      if (at == end) {
        return to;
      }
      if (end - at < 2) {
        return -1;
      }
      int distance = in[at] & 0xff | (in[at + 1] & 0xff) << 8;
      at += 2;
      int match = length(token & LONGER);
      if (match < 0 || distance == 0 || distance > to || match > out.length - to - SHORTEST_MATCH) {
        return -1;
      }
      // Byte by byte, for a match may reach into what it makes itself.
      for (int stop = to + match + SHORTEST_MATCH; to < stop; to++) {
        out[to] = out[to - distance];
      }
    }
    return -1;
  }

  /** A length goes on as long as its bytes are 255; −1 where it does not end. */
  private int length(int first) {
    int sum = first;
    if (first == LONGER) {
      int more;
      do {
        if (at == end || sum > MOST_BLOCK_BYTES) {
          return -1;
        }
        more = in[at++] & 0xff;
        sum += more;
      } while (more == 255);
    }
    return sum;
  }
}
