package dev.coracle.guest;

import static dev.coracle.abi.Fcntl.AT_FDCWD;
import static dev.coracle.abi.Fcntl.O_CLOEXEC;
import static dev.coracle.abi.Fcntl.O_RDONLY;
import static dev.coracle.abi.Fcntl.O_RDWR;

import dev.coracle.abi.Bytes;
import dev.coracle.kernel.Errno;
import dev.coracle.kernel.Kernel;
import dev.coracle.vm.Frame;

/**
 * The way to the host: a port of virtio-serial. Frames are put into a buffer, and written as far as
 * the host takes them: who writes here never waits, so that the host is always heard. A frame may
 * be put where {@link #hasRoom} says so.
 */
final class Port {
  static final String NAME = "dev.coracle.vm";

  private static final int LARGEST = Frame.HEADER_BYTES + Frame.MOST_PAYLOAD_BYTES;
  private static final int BUFFER_BYTES = 6 * LARGEST;
  private static final int MOST_DEVICES = 4;
  private static final int MOST_PORTS = 8;

  /** It is looked for without much ado at first, and then for 5 s. */
  private static final int QUICK_TRIES = 100;

  private static final int TRIES = QUICK_TRIES + 500;
  private static final int PAUSE_MILLIS = 1;
  private static final int LONG_PAUSE_MILLIS = 10;

  private final Kernel k;
  private final int fd;
  private final byte[] buffer = new byte[BUFFER_BYTES];
  private int from;
  private int to;

  Port(Kernel k, int fd) {
    this.k = k;
    this.fd = fd;
  }

  /**
   * Finds the port by its name and opens it; the host may take a moment to say that it is there.
   *
   * @param k without words for what fails: this fails most of the time, and each text is memory
   * @param flags O_NONBLOCK, or 0
   * @return its descriptor, or −errno
   */
  static long open(Kernel k, String wanted, long flags) {
    String[] names = new String[MOST_DEVICES * (MOST_PORTS - 1)];
    String[] ports = new String[names.length];
    for (int i = 0; i < ports.length; i++) {
      String port = "vport" + i / (MOST_PORTS - 1) + "p" + (i % (MOST_PORTS - 1) + 1);
      names[i] = "/sys/class/virtio-ports/" + port + "/name";
      ports[i] = "/dev/" + port;
    }
    byte[] line = Bytes.utf8(wanted + "\n");
    byte[] found = new byte[line.length + 1];
    int[] none = new int[0];
    short[] nothing = new short[0];
    // From here on nothing is allocated, for nothing would be freed.
    for (int i = 0; i < TRIES; i++) {
      for (int port = 0; port < ports.length; port++) {
        if (isNamed(k, names[port], line, found)) {
          return k.openat2(AT_FDCWD, ports[port], O_RDWR | O_CLOEXEC | flags, 0, 0);
        }
      }
      int pause = i < QUICK_TRIES ? PAUSE_MILLIS : LONG_PAUSE_MILLIS;
      long waited = k.poll(none, nothing, nothing, pause);
      if (waited < 0 && waited != -Errno.EINTR) {
        return waited;
      }
    }
    return -Errno.ENODEV;
  }

  /** Whether a file has this line, and no more. */
  private static boolean isNamed(Kernel k, String path, byte[] line, byte[] found) {
    long fd = k.openat2(AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0, 0);
    if (fd < 0) {
      return false;
    }
    long n = k.read((int) fd, found, 0, found.length);
    Session.close(k, (int) fd);
    boolean same = n == line.length;
    for (int i = 0; i < line.length && same; i++) {
      same = found[i] == line[i];
    }
    return same;
  }

  int fd() {
    return fd;
  }

  /** Whether a frame of any length may be put. */
  boolean hasRoom() {
    if (to > buffer.length - LARGEST && from > 0) {
      System.arraycopy(buffer, from, buffer, 0, to - from);
      to -= from;
      from = 0;
    }
    return to <= buffer.length - LARGEST;
  }

  /** Whether the host has taken all. */
  boolean isEmpty() {
    return from == to;
  }

  /** Where the payload of the next frame goes. */
  byte[] payload() {
    return buffer;
  }

  /** From where on. */
  int payloadAt() {
    return to + Frame.HEADER_BYTES;
  }

  /** Where the next frame goes. */
  int at() {
    return to;
  }

  /** A whole frame of so many bytes was put there. */
  void took(int length) {
    to += length;
  }

  /** Puts a frame whose payload stands in its place. */
  void put(int type, int session, int length) {
    Frame.putHeader(buffer, to, type, session, length);
    to += Frame.HEADER_BYTES + length;
  }

  /** Puts a frame of one number. */
  void putNumber(int type, int session, long number) {
    Bytes.put32(buffer, payloadAt(), number);
    put(type, session, 4);
  }

  /** Puts a frame that gives credit. */
  void putCredit(int session, long bytes, int stream) {
    Bytes.put32(buffer, payloadAt(), bytes);
    Bytes.put32(buffer, payloadAt() + 4, stream);
    put(Frame.CREDIT, session, 8);
  }

  /** Puts a frame of a number and a text, of which there is as much as fits. */
  void putText(int type, int session, long number, byte[] text, int at, int length) {
    Bytes.put32(buffer, payloadAt(), number);
    int fits = Math.min(length, Frame.MOST_PAYLOAD_BYTES - 4);
    System.arraycopy(text, at, buffer, payloadAt() + 4, fits);
    put(type, session, 4 + fits);
  }

  /** Puts a warning, of which there is as much as fits. */
  void putWarning(int session, byte[] text, int at, int length) {
    int fits = Math.min(length, Frame.MOST_PAYLOAD_BYTES);
    System.arraycopy(text, at, buffer, payloadAt(), fits);
    put(Frame.WARNING, session, fits);
  }

  /** Writes what the host takes by now; 0, or −errno. */
  long flush() {
    while (from < to) {
      long n = k.write(fd, buffer, from, to - from);
      if (n == -Errno.EINTR) {
        continue;
      }
      if (n <= 0) {
        return n == -Errno.EAGAIN ? 0 : n;
      }
      from += (int) n;
    }
    from = 0;
    to = 0;
    return 0;
  }
}
