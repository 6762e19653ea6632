package dev.coracle.vm;

import dev.coracle.abi.Bytes;

/**
 * SHA-256 (FIPS 180-4), by which what an image brings along is known again: nobody can make two
 * things of one name.
 */
public final class Sha256 {
  private static final int BLOCK_BYTES = 64;
  private static final int LENGTH_AT = 56;
  private static final String DIGITS = "0123456789abcdef";

  private static final int ROUNDS = 64;
  private static final double TWO_TO_32 = 4294967296.0;

  /** The first 32 bits of the fractional parts of the cube roots of the first 64 primes. */
  private final int[] k = new int[ROUNDS];

  /** At first those of the square roots of the first 8. */
  private final int[] state = new int[8];

  private final int[] w = new int[ROUNDS];
  private final byte[] block = new byte[BLOCK_BYTES];
  private int filled;
  private long length;

  /** Of no bytes yet. */
  public Sha256() {
    int prime = 2;
    for (int i = 0; i < ROUNDS; i++) {
      while (!isPrime(prime)) {
        prime++;
      }
      double square = prime;
      double cube = prime;
      // Newton's method: after this many steps a double is as exact as it can be.
      for (int step = 0; step < ROUNDS; step++) {
        square = (square + prime / square) / 2;
        cube = (2 * cube + prime / (cube * cube)) / 3;
      }
      k[i] = (int) (long) ((cube - (int) cube) * TWO_TO_32);
      if (i < state.length) {
        state[i] = (int) (long) ((square - (int) square) * TWO_TO_32);
      }
      prime++;
    }
  }

  private static boolean isPrime(int n) {
    for (int d = 2; d * d <= n; d++) {
      if (n % d == 0) {
        return false;
      }
    }
    return true;
  }

  /** Takes more bytes. */
  public void take(byte[] bytes, int count) {
    length += count;
    int at = 0;
    while (at < count) {
      int n = Math.min(BLOCK_BYTES - filled, count - at);
      System.arraycopy(bytes, at, block, filled, n);
      filled += n;
      at += n;
      if (filled == BLOCK_BYTES) {
        compress();
        filled = 0;
      }
    }
  }

  /** The end: the hash as 64 hexadecimal digits. */
  public String hex() {
    long bits = length * 8;
    byte[] padding = new byte[BLOCK_BYTES + 8];
    padding[0] = (byte) 0x80;
    int zeros = (LENGTH_AT - 1 - filled + BLOCK_BYTES) % BLOCK_BYTES;
    for (int i = 0; i < 8; i++) {
      padding[1 + zeros + i] = (byte) (bits >>> 56 - 8 * i);
    }
    take(padding, 1 + zeros + 8);
    StringBuilder out = new StringBuilder();
    for (int word : state) {
      for (int shift = 28; shift >= 0; shift -= 4) {
        out.append(DIGITS.charAt(word >>> shift & 15));
      }
    }
    return out.toString();
  }

  private void compress() {
    for (int t = 0; t < 16; t++) {
      w[t] = Integer.reverseBytes((int) Bytes.u32(block, 4 * t));
    }
    for (int t = 16; t < ROUNDS; t++) {
      int a = w[t - 15];
      int b = w[t - 2];
      int s0 = Integer.rotateRight(a, 7) ^ Integer.rotateRight(a, 18) ^ a >>> 3;
      int s1 = Integer.rotateRight(b, 17) ^ Integer.rotateRight(b, 19) ^ b >>> 10;
      w[t] = w[t - 16] + s0 + w[t - 7] + s1;
    }
    int a = state[0];
    int b = state[1];
    int c = state[2];
    int d = state[3];
    int e = state[4];
    int f = state[5];
    int g = state[6];
    int h = state[7];
    for (int t = 0; t < ROUNDS; t++) {
      int s1 = Integer.rotateRight(e, 6) ^ Integer.rotateRight(e, 11) ^ Integer.rotateRight(e, 25);
      int t1 = h + s1 + (e & f ^ ~e & g) + k[t] + w[t];
      int s0 = Integer.rotateRight(a, 2) ^ Integer.rotateRight(a, 13) ^ Integer.rotateRight(a, 22);
      int t2 = s0 + (a & b ^ a & c ^ b & c);
      h = g;
      g = f;
      f = e;
      e = d + t1;
      d = c;
      c = b;
      b = a;
      a = t1 + t2;
    }
    int[] more = {a, b, c, d, e, f, g, h};
    for (int i = 0; i < 8; i++) {
      state[i] += more[i];
    }
  }
}
