package dev.coracle.machine;

import dev.coracle.abi.Bytes;
import dev.coracle.kernel.Kernel;

/** The last of what was said on a pipe: enough to see why a machine died. Allocates once. */
final class Tail {
  private static final int KEPT_BYTES = 2048;

  private final byte[] bytes = new byte[2 * KEPT_BYTES];
  private int length;

  /** Reads what is there; the pipe does not block. False at its end. */
  boolean read(Kernel k, int fd) {
    while (true) {
      if (length > KEPT_BYTES) {
        System.arraycopy(bytes, length - KEPT_BYTES, bytes, 0, KEPT_BYTES);
        length = KEPT_BYTES;
      }
      long n = k.read(fd, bytes, length, bytes.length - length);
      if (n <= 0) {
        return n != 0;
      }
      length += (int) n;
    }
  }

  /** It, without what a terminal would take for a command. */
  String text() {
    int from = Math.max(0, length - KEPT_BYTES);
    byte[] clean = new byte[length - from];
    int n = 0;
    for (int i = from; i < length; i++) {
      byte b = bytes[i];
      if (b == '\n' || b >= ' ' && b < 127) {
        clean[n++] = b;
      }
    }
    return Bytes.text(clean, 0, n).strip();
  }
}
