package dev.coracle.guest;

import static dev.coracle.abi.Fcntl.O_CLOEXEC;
import static dev.coracle.abi.Fcntl.O_NONBLOCK;
import static dev.coracle.abi.Process.POLLHUP;
import static dev.coracle.abi.Process.POLLIN;
import static dev.coracle.abi.Process.POLLOUT;
import static dev.coracle.abi.Process.WNOHANG;

import dev.coracle.abi.Bytes;
import dev.coracle.kernel.DescribingKernel;
import dev.coracle.kernel.Errno;
import dev.coracle.kernel.Kernel;
import dev.coracle.vm.Frame;
import dev.coracle.vm.FrameReader;
import org.jspecify.annotations.Nullable;

/**
 * PID 1 of a virtual machine. It may run for years, and allocates nothing for what comes and goes:
 * what takes memory is done in a child.
 */
public final class Agent {
  private static final int SLOTS = Frame.MOST_SESSIONS + 1;
  private static final int SIGINFO_BYTES = 128;
  private static final int MESSAGE_BYTES = 4096;
  private static final int FDS_PER_SESSION = 4;
  private static final int PORT = 0;
  private static final int SIGNALS = 1;
  private static final int NAMES = 2;
  private static final int FIRST_FD = NAMES + Nameserver.FDS;
  private static final int FAILED = 1;
  private static final int FOREVER = -1;
  private static final byte[] REFRESH_FAILED = Bytes.utf8("the machine cannot be made fresh");

  /** How long the host may be away before it is looked for again: at first, and at most. */
  private static final int AWAY_MILLIS = 1;

  private static final int LONG_AWAY_MILLIS = 256;

  /** How long the host may take to read the last words. */
  private static final int LAST_MILLIS = 5000;

  private final Kernel k;
  private final String commit;
  private final Port port;
  private final int signals;
  private final FrameReader reader = new FrameReader();
  private final Session[] sessions = new Session[SLOTS];
  private final byte[] info = new byte[SIGINFO_BYTES];
  private final byte[] message = new byte[MESSAGE_BYTES];
  private final int[] waited = new int[1];
  private final int[] refreshPipe = new int[2];
  private final int[] portFd = new int[1];
  private final short[] portEvents = {POLLOUT};
  private final short[] portHappened = new short[1];

  /** For poll(2): one set for each power of two of sessions, so that few take little time. */
  private final Watched[] sets = new Watched[Integer.SIZE];

  private int turn;
  private int newest;
  private int away;
  private int lastAway;
  private boolean ready;
  private boolean over;
  private @Nullable String problem;
  private @Nullable Nameserver nameserver;
  private final SocketProxy sockets;

  /**
   * What is watched: the port, the signals, what asks for names, four descriptors of each session,
   * and what stands for sockets of the host.
   */
  private static final class Watched {
    final int[] fds;
    final short[] events;
    final short[] happened;
    final int sockets;

    Watched(int count, int places) {
      sockets = FIRST_FD + FDS_PER_SESSION * count;
      int length = sockets + places;
      fds = new int[length];
      events = new short[length];
      happened = new short[length];
      for (int i = 0; i < length; i++) {
        boolean writes = i >= FIRST_FD && (i - FIRST_FD) % FDS_PER_SESSION == 1;
        events[i] = writes ? POLLOUT : POLLIN;
      }
    }
  }

  Agent(Kernel k, String commit, Port port, int signals) {
    this.k = k;
    this.commit = commit;
    this.port = port;
    this.signals = signals;
    this.sockets = new SocketProxy(k);
    portFd[0] = port.fd();
  }

  /** Runs the machine until its container has ended, and powers it off. */
  public static int run(Kernel kernel, String commit) {
    DescribingKernel k = new DescribingKernel(kernel);
    StringBuilder warnings = new StringBuilder();
    String problem = Boot.boot(k, warnings);
    long signals = problem == null ? k.signalfdAll() : 0;
    if (signals < 0) {
      problem = "cannot take signals: " + k.explain(signals);
    }
    long port = problem == null ? Port.open(kernel, Port.NAME, O_NONBLOCK) : 0;
    if (port < 0) {
      String first = warnings.length() == 0 ? "" : warnings + "\n";
      problem = first + "the port \"" + Port.NAME + "\" is not there: " + k.explain(port);
    }
    if (problem == null) {
      Agent agent = new Agent(kernel, commit, new Port(kernel, (int) port), (int) signals);
      agent.greet(Boot.release(k), warnings.toString());
      problem = agent.serve();
    }
    if (problem != null) {
      Boot.lastWords(kernel, problem);
    }
    return Boot.powerOff(k);
  }

  /** Puts the first frame, and warnings of the time before it. */
  void greet(String release, String warnings) {
    byte[] text = Bytes.utf8(release);
    port.putText(Frame.HELLO, Frame.MACHINE, Frame.VERSION, text, 0, text.length);
    if (!warnings.isEmpty()) {
      byte[] bytes = Bytes.utf8(warnings);
      port.putWarning(Frame.MACHINE, bytes, 0, bytes.length);
    }
  }

  /** Serves the host until the container has ended; the text is why nobody can go on. */
  @Nullable String serve() {
    while (!over && problem == null) {
      step();
    }
    // What was said last must be heard.
    int patience = LAST_MILLIS;
    while (port.flush() >= 0 && !port.isEmpty() && patience > 0) {
      portEvents[0] = POLLOUT;
      long n = k.poll(portFd, portEvents, portHappened, AWAY_MILLIS);
      boolean gone = n > 0 && (portHappened[0] & POLLHUP) != 0;
      patience -= n <= 0 || gone ? AWAY_MILLIS : 0;
    }
    return problem;
  }

  private void step() {
    speak();
    if (over || problem != null) {
      return;
    }
    Watched w = watch();
    long n = k.poll(w.fds, w.events, w.happened, timeout(w));
    if (n < 0 && n != -Errno.EINTR) {
      problem = "cannot wait: " + Errno.text(-n);
    }
    if (n <= 0) {
      return;
    }
    if (w.happened[SIGNALS] != 0) {
      long read = k.read(signals, info, 0, info.length);
      if (read < 0 && read != -Errno.EINTR) {
        problem = "cannot take signals: " + Errno.text(-read);
      }
      reap();
    }
    Nameserver names = nameserver;
    if (names != null) {
      names.notice(w.happened, NAMES);
    }
    if (w.sockets < w.fds.length) {
      sockets.notice(w.happened, w.sockets);
    }
    for (int i = 0; i < SLOTS && FIRST_FD + i * FDS_PER_SESSION < w.sockets; i++) {
      Session s = sessions[i];
      if (s != null && !s.isFree()) {
        s.notice(w.happened, FIRST_FD + i * FDS_PER_SESSION, message);
      }
    }
    if ((w.happened[PORT] & ~POLLOUT) != 0) {
      hear();
    }
  }

  /** Says what there is to say: each session in its turn, and the next time another one first. */
  private void speak() {
    for (int i = 0; i < SLOTS; i++) {
      Session s = sessions[(turn + i) % SLOTS];
      if (s != null && !s.isFree()) {
        speak(s);
      }
    }
    turn = (turn + 1) % SLOTS;
    Nameserver names = nameserver;
    if (names != null) {
      names.say(port);
    }
    sockets.say(port);
    long flushed = port.flush();
    if (flushed < 0) {
      problem = "cannot write to the host: " + Errno.text(-flushed);
    }
  }

  private void speak(Session s) {
    boolean last = s.id() <= Frame.FIRST;
    boolean failed = s.hasFailed();
    s.say(port);
    if (failed && s.isFree()) {
      over |= last;
      return;
    }
    if (port.hasRoom() && s.takeDone()) {
      port.put(Frame.READY, Frame.MACHINE, 0);
      ready = true;
      s.free();
    } else if (s.isOver() && port.hasRoom() && !waits(s)) {
      if (last) {
        Disks.release(k);
        over = true;
      }
      s.sayEnd(port);
    }
  }

  /** Whether its end is not to be said yet. */
  private boolean waits(Session s) {
    return s.id() == Frame.FIRST && s.isOver() && sockets.isCarrying();
  }

  private Watched watch() {
    int count = 1;
    for (int i = 0; i < SLOTS; i++) {
      Session s = sessions[i];
      count = s != null && !s.isFree() ? i + 1 : count;
    }
    int at = Integer.SIZE - Integer.numberOfLeadingZeros(count - 1);
    Watched w = sets[at];
    int places = sockets.places();
    if (w == null || w.fds.length != w.sockets + places) {
      w = new Watched(1 << at, places);
      sets[at] = w;
    }
    w.fds[PORT] = away > 0 ? -1 : port.fd();
    w.events[PORT] = port.isEmpty() ? POLLIN : (short) (POLLIN | POLLOUT);
    w.fds[SIGNALS] = signals;
    boolean room = port.hasRoom();
    Nameserver names = nameserver;
    if (names != null) {
      names.watch(w.fds, w.events, NAMES, room);
    } else {
      java.util.Arrays.fill(w.fds, NAMES, FIRST_FD, -1);
    }
    sockets.watch(w.fds, w.events, w.sockets, room);
    for (int i = 0; i < 1 << at; i++) {
      int place = FIRST_FD + i * FDS_PER_SESSION;
      Session s = i < SLOTS ? sessions[i] : null;
      if (s != null && !s.isFree()) {
        s.watch(w.fds, place, room);
      } else {
        java.util.Arrays.fill(w.fds, place, place + FDS_PER_SESSION, -1);
      }
    }
    return w;
  }

  private int timeout(Watched w) {
    int longest = FOREVER;
    for (int i = 0; i < SLOTS && port.hasRoom(); i++) {
      Session s = sessions[i];
      if (s != null && !s.isFree() && s.hasMore()) {
        if (!waits(s)) {
          return 0;
        }
        longest = SocketProxy.pauseMillis();
      }
    }
    Nameserver names = nameserver;
    boolean more = names != null && names.hasMore() || sockets.hasMore();
    if (more && port.hasRoom()) {
      return 0;
    }
    if (w.fds[PORT] >= 0) {
      return longest;
    }
    int pause = away;
    // poll(2) would not wait for a port whose other end is closed.
    away = 0;
    return pause;
  }

  /** Takes the end of every process: all orphans are ours. */
  private void reap() {
    long pid = k.wait4(-1, waited, WNOHANG);
    while (pid > 0) {
      Session s = owner((int) pid);
      if (s == null) {
        // Whoever started it has said so, and ended: only then it became ours.
        for (Session other : sessions) {
          if (other != null && !other.isFree()) {
            other.hearAll(message);
          }
        }
        s = owner((int) pid);
      }
      if (s != null) {
        s.ended(waited[0]);
      }
      pid = k.wait4(-1, waited, WNOHANG);
    }
  }

  private @Nullable Session owner(int pid) {
    for (Session s : sessions) {
      if (s != null && s.owns(pid)) {
        return s;
      }
    }
    return null;
  }

  /** Reads what the host says. */
  private void hear() {
    long n = k.read(port.fd(), reader.buffer(), reader.end(), reader.room());
    if (n == -Errno.EINTR || n == -Errno.EAGAIN) {
      return;
    }
    if (n == 0) {
      // The host is not there yet, or is about to come back: after a restore.
      lastAway = Math.min(lastAway == 0 ? AWAY_MILLIS : lastAway * 2, LONG_AWAY_MILLIS);
      away = lastAway;
      return;
    }
    if (n < 0) {
      problem = "cannot read what the host says: " + Errno.text(-n);
      return;
    }
    lastAway = 0;
    reader.took((int) n);
    while (problem == null && !over && reader.next()) {
      take();
    }
    String defect = reader.defect();
    if (defect != null) {
      problem = "the host broke the protocol: " + defect;
    }
  }

  private void take() {
    int id = reader.session();
    int type = reader.type();
    Session s = find(id);
    if (type == Frame.REQUEST || type == Frame.START) {
      ask(s, id, type == Frame.START);
      return;
    }
    if (type == Frame.RESEED && id == Frame.MACHINE) {
      refresh();
      return;
    }
    if (type == Frame.RESOLVE && id == Frame.MACHINE && nameserver == null) {
      answerNames();
      return;
    }
    if (type == Frame.ANSWER && id == Frame.MACHINE) {
      Nameserver names = nameserver;
      problem =
          names != null && names.take(reader)
              ? null
              : "the host broke the protocol: an answer that nobody waits for";
      return;
    }
    if (id == Frame.MACHINE && Frame.isOfConnection(type)) {
      boolean known = sockets.take(reader);
      problem = known ? null : "the host broke the protocol: a frame of no connection";
      return;
    }
    if (s == null) {
      return; // It is over, and the host does not know yet.
    }
    boolean good =
        switch (type) {
          case Frame.INPUT -> s.input(reader.buffer(), reader.payloadAt(), reader.length());
          case Frame.CREDIT -> s.credit(reader.number(0), reader.number(4));
          case Frame.INPUT_END -> {
            s.inputEnd();
            yield true;
          }
          case Frame.SIGNAL -> {
            s.signal(reader.number(0));
            yield true;
          }
          case Frame.RESIZE -> {
            s.resize(reader.number(0));
            yield true;
          }
          case Frame.CLOSE -> {
            s.abandon();
            yield id > Frame.FIRST;
          }
          default -> false;
        };
    if (!good) {
      problem = "the host broke the protocol: a frame of type " + type + " of session " + id;
    }
  }

  /** Stands at the address of the host's DNS server from now on. */
  private void answerNames() {
    byte[] address = new byte[Math.min(reader.length(), 16)];
    System.arraycopy(reader.buffer(), reader.payloadAt(), address, 0, address.length);
    int[] fds = {-1, -1};
    long result = Nameserver.open(k, address, fds);
    if (result >= 0) {
      nameserver = new Nameserver(k, fds[0], fds[1]);
      return;
    }
    for (int fd : fds) {
      if (fd >= 0) {
        Session.close(k, fd);
      }
    }
    byte[] text =
        Bytes.utf8("the guest cannot stand in for the DNS server: " + Errno.text(-result));
    if (port.hasRoom()) {
      port.putWarning(Frame.MACHINE, text, 0, text.length);
    }
  }

  /**
   * Makes fresh, in a child, what the machine has in common with others; nothing else is done
   * before that is.
   */
  private void refresh() {
    long pid = k.pipe2(refreshPipe, O_CLOEXEC);
    if (pid >= 0) {
      pid = k.fork(waited);
      if (pid == 0) {
        Launch.refresh(k, refreshPipe[1], reader.buffer(), reader.payloadAt(), reader.length());
        return;
      }
      Session.close(k, refreshPipe[1]);
    }
    if (pid > 0) {
      Session.close(k, waited[0]);
      pid = k.wait4((int) pid, waited, 0);
    }
    long n = pid < 0 ? pid : k.read(refreshPipe[0], message, 0, message.length);
    if (n != 0 || waited[0] != 0) {
      byte[] text = n > 0 ? message : REFRESH_FAILED;
      if (port.hasRoom()) {
        port.putWarning(Frame.MACHINE, text, 0, n > 0 ? (int) n : text.length);
      } else {
        problem = "the host neither reads nor may be left without a word of what failed";
      }
    }
    Session.close(k, refreshPipe[0]);
  }

  /** Takes a piece of a request, which opens a session where there is none of this number. */
  private void ask(@Nullable Session found, int id, boolean whole) {
    Session s = found;
    if (s == null) {
      if (id == Frame.MACHINE ? ready : id <= newest) {
        return; // It is over, and the host does not know yet.
      }
      if (id != Frame.MACHINE && !ready) {
        problem = "the host broke the protocol: a process before the machine";
        return;
      }
      newest = Math.max(newest, id);
      s = freeSession();
      long opened = s == null ? -Errno.EAGAIN : s.open(id);
      if (opened == 0 && s != null) {
        Launch.run(k, commit, id, s.given());
        return;
      }
      if (opened < 0) {
        refuse(id, "cannot make a process: " + Errno.text(-opened));
        return;
      }
    }
    if (s != null) {
      s.hand(reader.buffer(), reader.frameAt(), reader.frameLength(), whole);
    }
  }

  private void refuse(int id, String why) {
    byte[] text = Bytes.utf8(why);
    if (port.hasRoom()) {
      port.putText(Frame.FAILED, id, FAILED, text, 0, text.length);
    } else {
      problem = why;
    }
    over |= id <= Frame.FIRST;
  }

  private @Nullable Session find(int id) {
    for (Session s : sessions) {
      if (s != null && !s.isFree() && s.id() == id) {
        return s;
      }
    }
    return null;
  }

  private @Nullable Session freeSession() {
    for (int i = 0; i < SLOTS; i++) {
      Session s = sessions[i];
      if (s == null) {
        s = new Session(k, sockets);
        sessions[i] = s;
      }
      if (s.isFree()) {
        return s;
      }
    }
    return null;
  }
}
