package dev.coracle.lifecycle;

import static dev.coracle.abi.Process.POLLERR;
import static dev.coracle.abi.Process.POLLHUP;
import static dev.coracle.abi.Process.POLLIN;
import static dev.coracle.abi.Process.SIGCHLD;
import static dev.coracle.abi.Process.SIGWINCH;
import static dev.coracle.abi.Process.TCGETS;
import static dev.coracle.abi.Process.TCSETS;
import static dev.coracle.abi.Process.TIOCGWINSZ;
import static dev.coracle.abi.Process.TIOCSWINSZ;

import dev.coracle.abi.Bytes;
import dev.coracle.abi.Process;
import dev.coracle.execute.Files;
import dev.coracle.execute.Launcher;
import dev.coracle.kernel.Errno;
import dev.coracle.kernel.Kernel;
import org.jspecify.annotations.Nullable;

/**
 * A process in the foreground: signals that we get are passed on to it, its terminal is joined to
 * ours, and its exit code becomes ours.
 */
public final class Foreground {
  private static final int SIGINFO_BYTES = 128;
  private static final int BUFFER_BYTES = 16 * 1024;
  private static final int TERMIOS_BYTES = 64;
  private static final int WINSIZE_BYTES = 8;

  private final Kernel k;
  private final int signals;
  private int master = -1;
  private byte[] saved = new byte[0];
  // Made once: nothing frees memory (docs/decisions/0002-start-up.md), and this may run for years.
  private final byte[] buffer = new byte[BUFFER_BYTES];
  private final byte[] info = new byte[SIGINFO_BYTES];
  private final byte[] size = new byte[WINSIZE_BYTES];

  private Foreground(Kernel kernel, int signals) {
    this.k = kernel;
    this.signals = signals;
  }

  /** Takes signals from now on as messages: before there is a process, so that none gets lost. */
  public static Foreground begin(Kernel k) throws Failure {
    long fd = k.signalfdAll();
    if (fd < 0) {
      throw new Failure("cannot take signals: " + k.explain(fd));
    }
    return new Foreground(k, (int) fd);
  }

  /** Takes the terminal's master from the socket to which the process sent it. */
  public void takeTerminal(int socket) throws Failure {
    long fd = k.receiveDescriptor(socket);
    if (fd < 0) {
      throw new Failure("cannot take the terminal: " + k.explain(fd));
    }
    master = (int) fd;
    byte[] termios = new byte[TERMIOS_BYTES];
    leaveLinesAlone(termios);
    if (k.ioctlStruct(0, TCGETS, termios) >= 0) {
      saved = termios.clone();
      makeRaw(termios);
      check(k.ioctlStruct(0, TCSETS, termios));
      passSize();
    }
  }

  /**
   * Lets the container's terminal write the end of a line as it is: where our output is a terminal,
   * that one makes a carriage return of it, and where it is a pipe or a file, none belongs there.
   */
  private void leaveLinesAlone(byte[] termios) throws Failure {
    if (k.ioctlStruct(master, TCGETS, termios) >= 0) {
      Bytes.put32(termios, 4, Bytes.u32(termios, 4) & ~0x4L); // ONLCR
      check(k.ioctlStruct(master, TCSETS, termios));
    }
  }

  /**
   * As cfmakeraw(3), but output is still processed: see {@link #leaveLinesAlone}. Struct termios is
   * iflag, oflag, cflag, lflag, line, then cc.
   */
  private static void makeRaw(byte[] t) {
    Bytes.put32(
        t, 0, Bytes.u32(t, 0) & ~0x5ebL); // IGNBRK BRKINT PARMRK ISTRIP INLCR IGNCR ICRNL IXON
    Bytes.put32(t, 8, Bytes.u32(t, 8) & ~0x130L | 0x30L); // CSIZE PARENB, then CS8
    Bytes.put32(t, 12, Bytes.u32(t, 12) & ~0x804bL); // ECHO ECHONL ICANON ISIG IEXTEN
  }

  private void passSize() throws Failure {
    if (k.ioctlStruct(0, TIOCGWINSZ, size) >= 0) {
      check(k.ioctlStruct(master, TIOCSWINSZ, size));
    }
  }

  /**
   * Waits for the process, and returns its exit code as a shell has it.
   *
   * @param notify what it tells the service manager is handed on; null where it tells nothing
   */
  int await(Launcher launcher, @Nullable Notify notify) throws Failure {
    boolean input = master >= 0;
    int[] fds = {launcher.pidfd(), signals, master, -1, notify == null ? -1 : notify.socket()};
    short[] events = {POLLIN, POLLIN, POLLIN, POLLIN, POLLIN};
    short[] happened = new short[5];
    while (true) {
      fds[2] = master;
      fds[3] = input ? 0 : -1;
      long n = k.poll(fds, events, happened, -1);
      if (n == -Errno.EINTR) {
        continue;
      }
      if (n < 0) {
        throw new Failure("cannot wait for the process: " + k.explain(n));
      }
      if (happened[1] != 0) {
        passSignal(launcher);
      }
      if (happened[2] != 0 && !copy(master, 1)) {
        master = -1;
      }
      if (happened[3] != 0 && master >= 0) {
        input = copy(0, master);
      }
      if (happened[4] != 0 && notify != null) {
        notify.relay();
      }
      if ((happened[0] & (POLLIN | POLLERR | POLLHUP)) != 0) {
        long status = launcher.await();
        String unrestored = end();
        if (unrestored != null) {
          throw new Failure(unrestored);
        }
        if (status < 0) {
          throw new Failure("cannot wait for the process: " + k.explain(status));
        }
        return Process.exitCode((int) status);
      }
    }
  }

  private void passSignal(Launcher launcher) throws Failure {
    long n = k.read(signals, info, 0, info.length);
    if (n != SIGINFO_BYTES) {
      return;
    }
    int signal = (int) Bytes.u32(info, 0);
    if (signal == SIGWINCH && master >= 0) {
      passSize();
    } else if (signal != SIGCHLD) {
      long sent = k.pidfd_send_signal(launcher.pidfd(), signal);
      if (sent < 0 && sent != -Errno.ESRCH) {
        check(sent);
      }
    }
  }

  /** Copies what is there; false at the end. */
  private boolean copy(int from, int to) {
    long n = k.read(from, buffer, 0, buffer.length);
    if (n == -Errno.EINTR || n == -Errno.EAGAIN) {
      return true;
    }
    return n > 0 && Files.writeAll(k, to, buffer, 0, (int) n) >= 0;
  }

  /**
   * Shows what the terminal still holds, and gives ours back as it was; the text says why it
   * cannot, or is null.
   */
  @Nullable String end() {
    drain();
    long result = saved.length > 0 ? k.ioctlStruct(0, TCSETS, saved) : 0;
    return result >= 0 || isHangup(result)
        ? null
        : "cannot restore our own terminal: " + k.explain(result);
  }

  /** What the process wrote before it ended is still in the terminal. */
  private void drain() {
    if (master < 0) {
      return;
    }
    int[] fds = {master};
    short[] events = {POLLIN};
    short[] happened = new short[1];
    while (k.poll(fds, events, happened, 0) > 0 && (happened[0] & POLLIN) != 0 && copy(master, 1)) {
      happened[0] = 0;
    }
  }

  private void check(long result) throws Failure {
    if (result < 0 && !isHangup(result)) {
      throw new Failure("cannot serve the process: " + k.explain(result));
    }
  }

  /** Of a terminal that nobody has any more. */
  private static boolean isHangup(long result) {
    return result == -Errno.EIO || result == -Errno.ENOTTY;
  }
}
