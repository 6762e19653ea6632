package dev.coracle.execute;

import dev.coracle.kernel.Kernel;
import dev.coracle.vm.Frame;

/** What a stream has been sent and has not passed on: at most its credit. Allocates once. */
public final class Ring {
  /** What poll(2) promises of a pipe that takes something (PIPE_BUF, pipe(7)). */
  private static final int ATOMIC_BYTES = 4096;

  private final byte[] bytes = new byte[Frame.WINDOW_BYTES];
  private int from;
  private int count;

  /** Whether there is nothing in it. */
  public boolean isEmpty() {
    return count == 0;
  }

  /** How many bytes are in it. */
  public int count() {
    return count;
  }

  /** Forgets what is in it. */
  public void clear() {
    from = 0;
    count = 0;
  }

  /** Takes bytes; false where they are more than the credit was. */
  public boolean put(byte[] source, int at, int length) {
    if (length > bytes.length - count) {
      return false;
    }
    int to = (from + count) % bytes.length;
    int first = Math.min(length, bytes.length - to);
    System.arraycopy(source, at, bytes, to, first);
    System.arraycopy(source, at + first, bytes, 0, length - first);
    count += length;
    return true;
  }

  /** Writes what poll(2) said will not block; how many bytes, or −errno. */
  public long writeTo(Kernel k, int fd) {
    return writeTo(k, fd, ATOMIC_BYTES);
  }

  /** The same to what never blocks, where the kernel may take more at once. */
  public long writeAllTo(Kernel k, int fd) {
    return writeTo(k, fd, bytes.length);
  }

  private long writeTo(Kernel k, int fd, int most) {
    int length = Math.min(Math.min(count, bytes.length - from), most);
    long written = k.write(fd, bytes, from, length);
    if (written > 0) {
      drop((int) written);
    }
    return written;
  }

  /** Moves at most {@code most} bytes out; how many. */
  public int take(byte[] target, int at, int most) {
    int length = Math.min(Math.min(count, bytes.length - from), most);
    System.arraycopy(bytes, from, target, at, length);
    drop(length);
    return length;
  }

  private void drop(int length) {
    from = (from + length) % bytes.length;
    count -= length;
  }
}
