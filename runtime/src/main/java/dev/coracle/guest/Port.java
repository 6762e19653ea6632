package dev.coracle.guest;

import static dev.coracle.abi.Fcntl.AT_FDCWD;
import static dev.coracle.abi.Fcntl.O_CLOEXEC;
import static dev.coracle.abi.Fcntl.O_RDWR;

import dev.coracle.abi.Bytes;
import dev.coracle.execute.Files;
import dev.coracle.kernel.Errno;
import dev.coracle.kernel.Kernel;
import dev.coracle.vm.Frame;
import org.jspecify.annotations.Nullable;

/** The way to the host: a port of virtio-serial, into which frames are written whole. */
final class Port {
  static final String NAME = "dev.coracle.vm";

  private static final int MOST_PORTS = 8;
  private static final int NAME_MOST = 256;
  private static final int TRIES = 2000;
  private static final int PAUSE_MILLIS = 1;

  private final Kernel k;
  private final int fd;

  /** A frame: the header, and the payload that was put behind it. */
  final byte[] frame = new byte[Frame.HEADER_BYTES + Frame.MOST_PAYLOAD_BYTES];

  private Port(Kernel k, int fd) {
    this.k = k;
    this.fd = fd;
  }

  /** Finds the port by its name; the host may take a moment to say that it is there. */
  static @Nullable Port open(Kernel k) {
    for (int i = 0; i < TRIES; i++) {
      for (int number = 1; number < MOST_PORTS; number++) {
        String device = "vport0p" + number;
        Files.Read name = Files.read(k, "/sys/class/virtio-ports/" + device + "/name", NAME_MOST);
        Files.Content content = name.content();
        if (content != null && content.text().strip().equals(NAME)) {
          long fd = k.openat2(AT_FDCWD, "/dev/" + device, O_RDWR | O_CLOEXEC, 0, 0);
          if (fd >= 0) {
            return new Port(k, (int) fd);
          }
        }
      }
      long waited = k.poll(new int[0], new short[0], new short[0], PAUSE_MILLIS);
      if (waited < 0 && waited != -Errno.EINTR) {
        return null;
      }
    }
    return null;
  }

  int fd() {
    return fd;
  }

  /** The first frame. */
  void hello(String release) {
    byte[] text = Bytes.utf8(release);
    Bytes.put32(frame, Frame.HEADER_BYTES, Frame.VERSION);
    System.arraycopy(text, 0, frame, Frame.HEADER_BYTES + 4, text.length);
    say(Frame.HELLO, Frame.MACHINE, 4 + text.length);
  }

  /** Something that whoever started the container is told. */
  void warn(String text) {
    byte[] bytes = Bytes.utf8(text);
    int length = Math.min(bytes.length, Frame.MOST_PAYLOAD_BYTES);
    System.arraycopy(bytes, 0, frame, Frame.HEADER_BYTES, length);
    say(Frame.WARNING, Frame.MACHINE, length);
  }

  /** A session that could not be. */
  void failed(int session, int status, String text) {
    byte[] bytes = Bytes.utf8(text);
    failed(session, status, bytes, 0, bytes.length);
  }

  /** The same with a text's bytes. */
  void failed(int session, int status, byte[] bytes, int from, int count) {
    int length = Math.min(count, Frame.MOST_PAYLOAD_BYTES - 4);
    Bytes.put32(frame, Frame.HEADER_BYTES, status);
    System.arraycopy(bytes, from, frame, Frame.HEADER_BYTES + 4, length);
    say(Frame.FAILED, session, 4 + length);
  }

  /** Says a frame whose payload stands in {@link #frame}. */
  void say(int type, int session, int length) {
    Frame.putHeader(frame, 0, type, session, length);
    long written = Files.writeAll(k, fd, frame, 0, Frame.HEADER_BYTES + length);
    if (written < 0) {
      return; // The host is gone, and the machine with it.
    }
  }
}
