package dev.coracle.guest;

import static dev.coracle.abi.Process.POLLIN;
import static dev.coracle.abi.Process.POLLOUT;

import dev.coracle.abi.Bytes;
import dev.coracle.execute.Files;
import dev.coracle.kernel.Errno;
import dev.coracle.kernel.Kernel;
import dev.coracle.vm.Frame;
import dev.coracle.vm.FrameReader;
import org.jspecify.annotations.Nullable;

/**
 * PID 1 of a virtual machine. It may run for years, and allocates nothing for what comes and goes;
 * what a process takes to start is done in a child.
 */
public final class Agent {
  private static final int SLOTS = Frame.MOST_SESSIONS;
  private static final int SIGINFO_BYTES = 128;
  private static final int WNOHANG = 1;
  private static final int SIGKILL = 9;
  private static final int FDS_PER_SESSION = 4;
  private static final int FIRST_FD = 2;
  private static final int FAILED = 1;

  private final Kernel k;
  private final String commit;
  private final Port port;
  private final int signals;
  private final FrameReader reader = new FrameReader();
  private final Session[] sessions = new Session[SLOTS];
  private final byte[] info = new byte[SIGINFO_BYTES];
  private final int[] waited = new int[1];
  private final int[] fds = new int[FIRST_FD + FDS_PER_SESSION * SLOTS];
  private final short[] events = new short[fds.length];
  private final short[] happened = new short[fds.length];
  private @Nullable Machine machine;

  private Agent(Kernel k, String commit, Port port, int signals) {
    this.k = k;
    this.commit = commit;
    this.port = port;
    this.signals = signals;
  }

  /** Runs the machine until its container has ended, and powers it off. */
  public static int run(Kernel k, String commit) {
    String problem = Boot.boot(k);
    if (problem == null) {
      long signals = k.signalfdAll();
      Port port = signals < 0 ? null : Port.open(k);
      problem =
          signals < 0
              ? "cannot take signals: " + k.explain(signals)
              : port == null ? "there is no port \"" + Port.NAME + "\"" : null;
      if (port != null && problem == null) {
        problem = new Agent(k, commit, port, (int) signals).serve();
      }
    }
    if (problem != null) {
      byte[] text = Bytes.utf8("coracle: " + problem + "\n");
      long said = Files.writeAll(k, 2, text, 0, text.length);
      if (said < 0) {
        return FAILED; // There is not even a console.
      }
    }
    return Boot.powerOff(k);
  }

  private @Nullable String serve() {
    port.hello(Boot.release(k));
    while (true) {
      watch();
      long n = k.poll(fds, events, happened, -1);
      if (n == -Errno.EINTR) {
        continue;
      }
      if (n < 0) {
        return "cannot wait: " + k.explain(n);
      }
      if (happened[1] != 0) {
        long read = k.read(signals, info, 0, info.length);
        if (read < 0) {
          return "cannot take signals: " + k.explain(read);
        }
      }
      for (int i = 0; i < SLOTS; i++) {
        Session s = sessions[i];
        if (s != null && s.isOpen()) {
          s.act(happened, FIRST_FD + i * FDS_PER_SESSION);
        }
      }
      reap();
      if (finish()) {
        return null;
      }
      if (happened[0] != 0) {
        String problem = hear();
        if (problem != null) {
          return problem;
        }
      }
    }
  }

  private void watch() {
    fds[0] = port.fd();
    events[0] = POLLIN;
    fds[1] = signals;
    events[1] = POLLIN;
    for (int i = 0; i < SLOTS; i++) {
      Session s = sessions[i];
      int at = FIRST_FD + i * FDS_PER_SESSION;
      for (int j = 0; j < FDS_PER_SESSION; j++) {
        fds[at + j] = -1;
        events[at + j] = j == Session.IN ? POLLOUT : POLLIN;
      }
      if (s != null && s.isOpen()) {
        s.watch(fds, at);
      }
    }
  }

  /** Takes the end of every process: all orphans are ours. */
  private void reap() {
    for (Session s : sessions) {
      if (s != null && s.isStarting()) {
        return; // A pid that is not known yet must not be given to another process.
      }
    }
    while (true) {
      long pid = k.wait4(-1, waited, WNOHANG);
      if (pid <= 0) {
        return;
      }
      for (Session s : sessions) {
        if (s != null && s.isOpen() && s.pid() == (int) pid) {
          s.ended(waited[0]);
        }
      }
    }
  }

  /** Says of those that have ended that they have; true where the machine is to end. */
  private boolean finish() {
    for (Session s : sessions) {
      if (s != null && s.isOpen() && s.isDrained()) {
        boolean first = s.id() == Frame.FIRST;
        if (first) {
          // All others go with the container, and what it has written is on its disks.
          long killed = k.kill(-1, SIGKILL);
          long synced = k.sync();
          if (killed < 0 && killed != -Errno.ESRCH || synced < 0) {
            port.warn("the machine could not be stopped in order");
          }
        }
        s.sayEnd();
        if (first) {
          return true;
        }
      }
    }
    return false;
  }

  /** Reads what the host says; the text is why nobody can go on. */
  private @Nullable String hear() {
    long n = k.read(port.fd(), reader.buffer(), reader.end(), reader.room());
    if (n == -Errno.EINTR || n == -Errno.EAGAIN) {
      return null;
    }
    if (n <= 0) {
      return "the host has closed the port";
    }
    reader.took((int) n);
    while (reader.next()) {
      String problem = take();
      if (problem != null) {
        port.failed(Frame.MACHINE, FAILED, problem);
        return problem;
      }
    }
    return reader.defect();
  }

  private @Nullable String take() {
    int id = reader.session();
    Session s = find(id);
    if (s == null) {
      boolean opens = reader.type() == Frame.REQUEST || reader.type() == Frame.START;
      if (!opens) {
        return null; // It has ended, and the host does not know yet.
      }
      s = open(id);
      if (s == null) {
        port.failed(id, FAILED, "too many processes at once");
        return null;
      }
    }
    switch (reader.type()) {
      case Frame.REQUEST -> {
        if (!s.request().take(reader.buffer(), reader.payloadAt(), reader.length())) {
          return "a request is too long";
        }
      }
      case Frame.START -> {
        return start(s);
      }
      case Frame.INPUT -> s.input(reader.buffer(), reader.payloadAt(), reader.length());
      case Frame.INPUT_END -> s.inputEnd();
      case Frame.CREDIT -> s.credit(reader.number(0), (int) reader.number(4));
      case Frame.SIGNAL -> s.signal((int) reader.number(0));
      case Frame.RESIZE -> s.resize((int) reader.number(0));
      case Frame.CLOSE -> s.signal(SIGKILL);
      default -> {
        return "the host broke the protocol: a frame of type " + reader.type();
      }
    }
    return null;
  }

  private @Nullable String start(Session s) {
    if (s.id() != Frame.MACHINE) {
      Machine there = machine;
      if (there == null) {
        return "a process without a machine";
      }
      s.start(there, commit);
      return null;
    }
    Machine made = Machine.setUp(k, s.request());
    s.close();
    if (made.problem() != null) {
      return made.problem();
    }
    machine = made;
    port.say(Frame.READY, Frame.MACHINE, 0);
    return null;
  }

  private @Nullable Session find(int id) {
    for (Session s : sessions) {
      if (s != null && s.isOpen() && s.id() == id) {
        return s;
      }
    }
    return null;
  }

  private @Nullable Session open(int id) {
    for (int i = 0; i < SLOTS; i++) {
      Session s = sessions[i];
      if (s == null) {
        s = new Session(k, port);
        sessions[i] = s;
      }
      if (!s.isOpen()) {
        s.open(id);
        return s;
      }
    }
    return null;
  }
}
