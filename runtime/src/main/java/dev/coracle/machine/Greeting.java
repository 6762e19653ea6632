package dev.coracle.machine;

import static dev.coracle.abi.Process.CLOCK_MONOTONIC;
import static dev.coracle.abi.Process.POLLHUP;
import static dev.coracle.abi.Process.POLLIN;

import dev.coracle.abi.Bytes;
import dev.coracle.kernel.Errno;
import dev.coracle.kernel.Kernel;
import dev.coracle.vm.Frame;
import dev.coracle.vm.FrameReader;
import org.jspecify.annotations.Nullable;

/** Waits for a guest's first word, HELLO, while nobody has said anything to it. */
final class Greeting {
  private static final long NANOS_PER_MILLI = 1_000_000;
  private static final int LAST_MILLIS = 300;
  private static final int CONTROL = 0;
  private static final int MACHINE = 1;
  private static final int FILES = 2;
  private static final int CONSOLE = 3;
  private static final int CLIENT = 4;

  private final Kernel k;
  private final Tail console;
  private final int[] fds;
  private final short[] events = {POLLIN, POLLIN, POLLIN, POLLIN, 0};
  private final short[] happened = new short[5];
  private final FrameReader reader = new FrameReader();
  private boolean silent;

  /**
   * Of a machine.
   *
   * @param fds the socket of its port, the pidfds of QEMU and of what serves its files, the pipe of
   *     its console, and the connection of who waits for it; −1 where there is none
   * @param console gets what is said on the console
   */
  Greeting(Kernel k, int[] fds, Tail console) {
    this.k = k;
    this.fds = fds.clone();
    this.console = console;
  }

  /** Whether nothing at all was said in the time that there was. */
  boolean isSilent() {
    return silent;
  }

  /** Waits; the text is why the guest cannot be used, null where it can. */
  @Nullable String await(int millis) {
    long deadline = k.clock_gettime(CLOCK_MONOTONIC) + millis * NANOS_PER_MILLI;
    while (true) {
      long left = (deadline - k.clock_gettime(CLOCK_MONOTONIC)) / NANOS_PER_MILLI;
      long n = left <= 0 ? 0 : k.poll(fds, events, happened, (int) left);
      if (n == 0) {
        silent = true;
        return "the guest did not answer within " + millis / 1000 + " s";
      }
      if (n < 0 && n != -Errno.EINTR) {
        return "cannot wait for the guest: " + k.explain(n);
      }
      if (n > 0) {
        String problem = hear();
        if (problem != null) {
          return problem.isEmpty() ? null : problem;
        }
      }
    }
  }

  /** Null while it must be waited on; empty when the word has been heard. */
  private @Nullable String hear() {
    if (happened[CONSOLE] != 0 && !console.read(k, fds[CONSOLE])) {
      fds[CONSOLE] = -1;
    }
    if (happened[CONTROL] != 0) {
      long n = k.read(fds[CONTROL], reader.buffer(), reader.end(), missing());
      if (n > 0) {
        reader.took((int) n);
        if (reader.next()) {
          return judge();
        }
      } else if (n != -Errno.EINTR && n != -Errno.EAGAIN) {
        return "the virtual machine ended unexpectedly";
      }
      if (reader.defect() != null) {
        return "the guest broke the protocol: " + reader.defect();
      }
    }
    if (happened[MACHINE] != 0) {
      return "the virtual machine ended unexpectedly";
    }
    if (happened[FILES] != 0) {
      return whatEnded(k, fds[MACHINE]) + " ended unexpectedly";
    }
    return (happened[CLIENT] & POLLHUP) != 0 ? "nobody waits for the machine" : null;
  }

  /** How many bytes of the first frame are missing: what follows it is for others. */
  private int missing() {
    int length =
        reader.end() < Frame.HEADER_BYTES
            ? Frame.HEADER_BYTES
            : Frame.HEADER_BYTES + (int) Bytes.u32(reader.buffer(), 0);
    return length - reader.end();
  }

  /**
   * Which of both ended where virtiofsd did: it ends with QEMU, whose end may take a moment longer.
   */
  static String whatEnded(Kernel k, int vmm) {
    int[] machine = {vmm};
    short[] ends = new short[1];
    long n = -Errno.EINTR;
    while (n == -Errno.EINTR) {
      n = k.poll(machine, new short[] {POLLIN}, ends, LAST_MILLIS);
    }
    return n > 0 ? "the virtual machine" : "virtiofsd";
  }

  private String judge() {
    if (reader.type() == Frame.FAILED && reader.session() == Frame.MACHINE) {
      return "the guest cannot be set up: " + reader.text(4);
    }
    if (reader.type() != Frame.HELLO || reader.session() != Frame.MACHINE) {
      return "the guest broke the protocol: a frame of type " + reader.type() + " before HELLO";
    }
    long version = reader.number(0);
    return version == Frame.VERSION
        ? ""
        : "the guest speaks version " + version + " of the protocol";
  }
}
