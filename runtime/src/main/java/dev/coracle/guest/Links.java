package dev.coracle.guest;

import static dev.coracle.abi.Process.AF_UNIX;
import static dev.coracle.abi.Process.SOCK_CLOEXEC;
import static dev.coracle.abi.Process.SOCK_DGRAM;

import dev.coracle.abi.Bytes;
import dev.coracle.kernel.Kernel;
import org.jspecify.annotations.Nullable;

/** The guest's network interfaces (netdevice(7)). */
final class Links {
  private static final int IFREQ_BYTES = 40;
  private static final int IFREQ_FLAGS_AT = 16;
  private static final int IFF_UP_RUNNING = 0x41;
  private static final int SIOCSIFFLAGS = 0x8914;

  private Links() {}

  /** Brings the loopback interface up. */
  static @Nullable String setUpLoopback(Kernel k) {
    long socket = k.socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    byte[] ifreq = new byte[IFREQ_BYTES];
    ifreq[0] = 'l';
    ifreq[1] = 'o';
    Bytes.put16(ifreq, IFREQ_FLAGS_AT, IFF_UP_RUNNING);
    long result = socket < 0 ? socket : k.ioctlStruct((int) socket, SIOCSIFFLAGS, ifreq);
    long closed = socket < 0 ? 0 : k.close((int) socket);
    result = result < 0 ? result : closed;
    return result < 0 ? "cannot bring the loopback interface up: " + k.explain(result) : null;
  }
}
