package dev.coracle.machine;

import static dev.coracle.abi.Process.TCGETS;
import static dev.coracle.abi.Process.TCSETS;

import dev.coracle.abi.Bytes;
import dev.coracle.kernel.Kernel;

/**
 * The terminal of a client: the guest has one of its own, so that this one only passes bytes on.
 */
final class Terminal {
  private static final int TERMIOS_BYTES = 64;
  private static final long ONLCR = 4;

  private final Kernel k;
  private final boolean ours;
  private final byte[] saved = new byte[TERMIOS_BYTES];
  private boolean raw;

  Terminal(Kernel k, boolean ours) {
    this.k = k;
    this.ours = ours;
  }

  /** Whether there is one. */
  boolean isOurs() {
    return ours;
  }

  /** As cfmakeraw(3) does. Struct termios is iflag, oflag, cflag, lflag, line, then cc. */
  void makeRaw() {
    if (k.ioctlStruct(0, TCGETS, saved) < 0) {
      return;
    }
    byte[] t = saved.clone();
    Bytes.put32(t, 0, Bytes.u32(t, 0) & ~0x5ebL);
    Bytes.put32(t, 4, Bytes.u32(t, 4) & ~0x1L);
    Bytes.put32(t, 8, Bytes.u32(t, 8) & ~0x130L | 0x30L);
    Bytes.put32(t, 12, Bytes.u32(t, 12) & ~0x804bL);
    raw = k.ioctlStruct(0, TCSETS, t) >= 0;
  }

  /** Whether it left the end of a line as it was written, before it was made raw. */
  boolean leavesLinesAlone() {
    return raw && (Bytes.u32(saved, 4) & ONLCR) == 0;
  }

  /** Gives the terminal back as it was. */
  void restore() {
    if (raw) {
      raw = k.ioctlStruct(0, TCSETS, saved) < 0;
    }
  }
}
