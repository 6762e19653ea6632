package dev.coracle.machine;

import static dev.coracle.abi.Fcntl.F_SETFL;
import static dev.coracle.abi.Fcntl.O_NONBLOCK;
import static dev.coracle.abi.Process.CLOCK_MONOTONIC;
import static dev.coracle.abi.Process.POLLIN;
import static dev.coracle.abi.Process.POLLOUT;
import static dev.coracle.abi.Process.SOCK_CLOEXEC;

import dev.coracle.abi.Bytes;
import dev.coracle.execute.Connections;
import dev.coracle.kernel.Errno;
import dev.coracle.kernel.Kernel;
import dev.coracle.vm.Frame;
import dev.coracle.vm.FrameReader;
import dev.coracle.vm.RequestWriter;
import dev.coracle.vm.SavedMachine;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Carries frames between the guest and the clients. It never waits for a client, and it reads what
 * the guest says whatever else happens, so that neither can hold up the others. What comes from the
 * guest is hostile, and what comes from a client is of its own session only.
 */
final class Monitor {
  private static final int SLOTS = Frame.MOST_SESSIONS;
  private static final int LARGEST = Frame.HEADER_BYTES + Frame.MOST_PAYLOAD_BYTES;

  /** Room for a CLOSE of every session, which is written whatever else there is. */
  private static final int CLOSES = SLOTS * Frame.HEADER_BYTES;

  private static final int SOCK_NONBLOCK = (int) O_NONBLOCK;

  /** How long a guest may take to be set up, without a word on its console. */
  static final int MOST_SILENT_SECONDS = 60;

  /**
   * The exit status of who waits for a machine that is gone, as that of a process that is killed.
   */
  static final int GONE = 137;

  private static final int CONTROL = 0;
  private static final int LISTENER = 1;
  private static final int MACHINE = 2;
  private static final int FILES = 3;
  private static final int CONSOLE = 4;
  private static final int QMP = 5;
  private static final int CLIENTS = 6;
  private static final int QUERIES = CLIENTS + SLOTS;

  private final Kernel k;
  private final Machine machine;
  private final RequestWriter setUp;

  // What is still watched: −1 once it has ended.
  private int control;
  private int vmm;
  private int files;
  private int consolePipe;
  private final FrameReader guest = new FrameReader();
  private final Slot[] slots = new Slot[SLOTS];
  private final byte[] out = new byte[4 * LARGEST + CLOSES];
  private int outFrom;
  private int outTo;
  private final Tail console;

  /** How much of the machine's set-up has been sent. */
  private int setUpSent;

  private boolean ready;

  /** What QEMU tells of itself. */
  private final byte[] news = new byte[1024];

  /** Not by the clock: who is paused cannot speak. */
  private int silentSeconds;

  /** Whether the first process runs: others can be started beside it. */
  private boolean running;

  /** What the guest asks of a DNS server; null where it has none of the host's. */
  private final @Nullable Queries queries;

  /** What the guest may connect to; null where there is nothing. */
  private final @Nullable HostSockets sockets;

  /** Where their connections stand among what is watched. */
  private final int socketsAt;

  private int nextSession = Frame.FIRST + 1;
  private final Hold hold;

  /** What a guest that was restored had said, and is to be read before it is heard. */
  private byte[] saidBefore = new byte[0];

  private @Nullable String defect;

  /**
   * A machine that has been started, and whose guest has said HELLO.
   *
   * @param control the socket of the guest's port
   * @param listener where clients connect
   * @param vmm QEMU's pidfd
   * @param files virtiofsd's pidfd; −1 for none
   * @param console what the guest and QEMU say to people
   * @param resolver the address of the DNS server that the guest may ask; null for none
   * @param sockets those of the host that it may connect to; null for none
   * @param said what they have said by now
   * @param saving what a checkpoint takes
   */
  record Machine(
      int control,
      int listener,
      int vmm,
      int files,
      int console,
      byte @Nullable [] resolver,
      @Nullable HostSockets sockets,
      Tail said,
      Programs.Saving saving) {}

  /**
   * What a machine was that goes on after a checkpoint.
   *
   * @param saved what its monitor knew
   * @param said what the guest had said, and nobody had read
   * @param reseed what it is told first: a payload of RESEED
   */
  record Before(SavedMachine saved, byte[] said, byte[] reseed) {}

  private Monitor(Kernel k, Machine machine, RequestWriter setUp) {
    this.k = k;
    this.machine = machine;
    this.setUp = setUp;
    this.control = machine.control();
    this.vmm = machine.vmm();
    this.files = machine.files();
    this.consolePipe = machine.console();
    this.console = machine.said();
    byte[] resolver = machine.resolver();
    this.queries = resolver == null ? null : new Queries(k, resolver);
    this.sockets = machine.sockets();
    this.hold = new Hold(k, machine.control(), machine.saving());
    this.socketsAt = QUERIES + (resolver == null ? 0 : Queries.MOST);
    for (int i = 0; i < 2; i++) {
      slots[i] = new Slot();
    }
  }

  /**
   * Serves a machine until it ends.
   *
   * @param first the connection of the first process's client
   * @param warnings which it is told
   */
  static void run(
      Kernel k, Machine machine, int first, RequestWriter setUp, List<String> warnings) {
    Monitor monitor = new Monitor(k, machine, setUp);
    monitor.slots[0].open(first, Frame.FIRST);
    monitor.serve(warnings);
  }

  /** Serves a machine that goes on after a checkpoint, until it ends. */
  static void resume(Kernel k, Machine machine, int first, Before before, List<String> warnings) {
    Monitor monitor = new Monitor(k, machine, new RequestWriter());
    monitor.slots[0].open(first, Frame.FIRST, before.saved());
    monitor.goOn(before);
    monitor.serve(warnings);
  }

  /** What the guest is told after a checkpoint before anything else. */
  private void goOn(Before before) {
    SavedMachine saved = before.saved();
    ready = true;
    running = true;
    nextSession = saved.nextSession();
    saidBefore = before.said();
    put(Frame.RESEED, Frame.MACHINE, before.reseed(), before.reseed().length);
    byte[] payload = new byte[8];
    for (int stream = 1; stream <= 2; stream++) {
      int taken = stream == 1 ? saved.output() : saved.errors();
      Bytes.put32(payload, 0, taken);
      Bytes.put32(payload, 4, stream);
      if (taken > 0) {
        put(Frame.CREDIT, Frame.FIRST, payload, 8);
      }
    }
    for (int number : saved.asked()) {
      // Nobody answers it any more.
      Bytes.put32(payload, 0, number | 1 << 8);
      put(Frame.ANSWER, Frame.MACHINE, payload, Frame.QUERY_HEADER_BYTES);
    }
    flush();
  }

  private void put(int type, int session, byte[] payload, int length) {
    compact();
    Frame.putHeader(out, outTo, type, session, length);
    System.arraycopy(payload, 0, out, outTo + Frame.HEADER_BYTES, length);
    outTo += Frame.HEADER_BYTES + length;
  }

  private void serve(List<String> warnings) {
    for (String warning : warnings) {
      byte[] text = Bytes.utf8(warning);
      slots[0].warn(text, 0, text.length);
    }
    hearAgain();
    loop();
    lastWords();
  }

  /** What was said before a checkpoint is taken as if it came now. */
  private void hearAgain() {
    int at = 0;
    while (at < saidBefore.length && defect == null) {
      int count = Math.min(guest.room(), saidBefore.length - at);
      System.arraycopy(saidBefore, at, guest.buffer(), guest.end(), count);
      at += count;
      guest.took(count);
      takeWhole();
    }
  }

  private void loop() {
    HostSockets hosts = sockets;
    int[] fds = new int[socketsAt + (hosts == null ? 0 : Connections.MOST)];
    short[] events = new short[fds.length];
    short[] happened = new short[fds.length];
    while (defect == null && slots[0].session != Slot.FREE) {
      watch(fds, events);
      Queries asked = queries;
      long n = k.poll(fds, events, happened, timeout(asked, hosts));
      if (n < 0 && n != -Errno.EINTR) {
        defect = "cannot wait: " + k.explain(n);
        return;
      }
      if (n > 0) {
        act(happened);
      }
      if (n == 0 && !ready && ++silentSeconds == MOST_SILENT_SECONDS) {
        defect = "the guest was not set up, and has said nothing for " + silentSeconds + " s";
      }
      if (n >= 0 && asked != null && !hold.isOn()) {
        answer(asked, happened);
      }
      if (n >= 0 && hosts != null && defect == null && !hold.isOn()) {
        carry(hosts, happened);
      }
      if (hold.isPending() && outFrom == outTo) {
        holdGuest();
      }
    }
  }

  private int timeout(@Nullable Queries asked, @Nullable HostSockets hosts) {
    if (!ready) {
      return 1000;
    }
    if (hold.isOn()) {
      return hold.isPending() ? Hold.PAUSE_MILLIS : -1;
    }
    int names = asked == null ? -1 : asked.timeoutMillis(k.clock_gettime(CLOCK_MONOTONIC));
    int carried = hosts == null ? -1 : hosts.timeoutMillis(hasRoom());
    return carried < 0 || names < 0 ? Math.max(carried, names) : Math.min(carried, names);
  }

  private void watch(int[] fds, short[] events) {
    boolean open = !hold.isOn();
    boolean room = hasRoom() && open;
    Queries asked = queries;
    HostSockets hosts = sockets;
    if (!open) {
      java.util.Arrays.fill(fds, QUERIES, fds.length, -1);
    }
    if (asked != null && open) {
      asked.watch(fds, events, QUERIES, room);
    }
    if (hosts != null && open) {
      hosts.watch(fds, events, socketsAt, room);
    }
    fds[CONTROL] = control;
    boolean more = outFrom < outTo || setUpIsDue();
    events[CONTROL] = (short) ((open ? POLLIN : 0) | (more ? POLLOUT : 0));
    fds[LISTENER] = running && open && freeSlot() >= 0 ? machine.listener() : -1;
    fds[MACHINE] = vmm;
    fds[FILES] = files;
    fds[CONSOLE] = consolePipe;
    // What QEMU tells of itself nobody wants; while it is held, its monitor is another's.
    fds[QMP] = open ? machine.saving().qmp() : -1;
    for (int i = LISTENER; i < CLIENTS; i++) {
      events[i] = POLLIN;
    }
    for (int i = 0; i < SLOTS; i++) {
      Slot slot = slots[i];
      int at = CLIENTS + i;
      boolean there = slot != null && slot.session != Slot.FREE && slot.fd >= 0;
      fds[at] = there ? slot.fd : -1;
      if (there) {
        boolean heard = ready && hasRoom() && (i == 0 ? hold.hears() : open || hold.isFor(slot));
        events[at] = (short) ((heard ? POLLIN : 0) | (slot.hasMore() ? POLLOUT : 0));
      }
    }
  }

  /** Whether all that a client's reader can hold has room on its way to the guest. */
  private boolean hasRoom() {
    return out.length - CLOSES - (outTo - outFrom) >= 2 * LARGEST;
  }

  private boolean setUpIsDue() {
    return setUpSent <= setUp.length() && !ready;
  }

  private void act(short[] happened) {
    if (happened[CONSOLE] != 0 && !console.read(k, consolePipe)) {
      consolePipe = -1;
    }
    if (happened[QMP] != 0 && k.read(machine.saving().qmp(), news, 0, news.length) == 0) {
      miss("the virtual machine");
    }
    if ((happened[CONTROL] & ~POLLOUT) != 0 && (!hold.isOn() || happened[MACHINE] != 0)) {
      hear();
    }
    if (setUpIsDue()) {
      sendSetUp();
    }
    for (int i = 0; i < SLOTS && defect == null; i++) {
      Slot slot = slots[i];
      if (slot == null || slot.session == Slot.FREE || slot.fd < 0) {
        continue;
      }
      int what = happened[CLIENTS + i];
      if (slot.hasMore() && !slot.write(k)) {
        leave(slot);
      } else if ((what & POLLIN) != 0 && ready) {
        listen(slot);
      } else if ((what & ~POLLOUT & ~POLLIN) != 0) {
        leave(slot);
      }
    }
    if (happened[LISTENER] != 0) {
      accept();
    }
    flush();
    if (happened[FILES] != 0) {
      files = -1;
      if (defect == null && !isEnding()) {
        miss(Greeting.whatEnded(k, vmm));
      }
    }
    if (happened[MACHINE] != 0) {
      vmm = -1;
      miss("the virtual machine");
    }
  }

  /** Tells the guest what was answered, as far as there is room for it. */
  private void answer(Queries asked, short[] happened) {
    long now = k.clock_gettime(CLOCK_MONOTONIC);
    for (int i = 0; i < Queries.MOST && hasRoom(); i++) {
      compact();
      outTo += asked.answer(i, happened[QUERIES + i] != 0, out, outTo, now);
    }
    flush();
  }

  /** Tells the guest what its connections have to say, as far as there is room for it. */
  private void carry(HostSockets hosts, short[] happened) {
    hosts.notice(happened, socketsAt);
    hosts.retry();
    int length = 1;
    while (length > 0 && hasRoom()) {
      compact();
      length = hosts.next(out, outTo);
      outTo += length;
    }
    flush();
  }

  /** Something has ended that must not, before the first process has. */
  private void miss(String what) {
    if (defect == null && !isEnding()) {
      defect = what + " ended unexpectedly";
    }
  }

  /** Whether the first process has ended, so that the machine may. */
  private boolean isEnding() {
    return slots[0].isEnded();
  }

  /** Reads what the guest says. */
  private void hear() {
    long n = k.read(control, guest.buffer(), guest.end(), guest.room());
    if (n == -Errno.EINTR || n == -Errno.EAGAIN) {
      return;
    }
    if (n <= 0) {
      control = -1;
      miss("the virtual machine");
      return;
    }
    guest.took((int) n);
    takeWhole();
  }

  private void takeWhole() {
    while (defect == null && guest.next()) {
      takeFromGuest();
    }
    if (guest.defect() != null) {
      defect = "the guest broke the protocol: " + guest.defect();
    }
  }

  private void takeFromGuest() {
    int session = guest.session();
    int type = guest.type();
    if (session == Frame.MACHINE) {
      takeFromMachine(type);
      return;
    }
    Slot slot = find(session);
    if (slot == null || !ready) {
      defect = "the guest broke the protocol: a frame of session " + session;
      return;
    }
    running |= session == Frame.FIRST && type == Frame.STARTED;
    if (slot.fd < 0) {
      // Its client is gone, and what it has to say with it; but for the end.
      if (type == Frame.EXIT || type == Frame.FAILED) {
        slot.session = Slot.FREE;
      }
      return;
    }
    if (!slot.take(guest)) {
      defect = "the guest broke the protocol: a frame of type " + type + " without credit";
      return;
    }
    if (!slot.write(k)) {
      leave(slot);
    }
  }

  private void takeFromMachine(int type) {
    if (type == Frame.READY && setUpSent > setUp.length() && !ready) {
      ready = true;
      tellOfResolver();
    } else if (type == Frame.QUERY && ready && ask()
        || Frame.isOfConnection(type) && ready && carries()) {
      return;
    } else if (type == Frame.FAILED) {
      defect = "the guest cannot be set up: " + guest.text(4);
    } else if (type == Frame.WARNING) {
      slots[0].warn(guest.buffer(), guest.payloadAt(), guest.length());
    } else {
      defect = "the guest broke the protocol: a frame of type " + type + " of the machine";
    }
  }

  /** The first thing that a guest hears once it is set up. */
  private void tellOfResolver() {
    byte[] resolver = machine.resolver();
    if (resolver != null) {
      put(Frame.RESOLVE, Frame.MACHINE, resolver, resolver.length);
    }
  }

  private boolean ask() {
    Queries asked = queries;
    return asked != null && asked.ask(guest, k.clock_gettime(CLOCK_MONOTONIC));
  }

  private boolean carries() {
    HostSockets hosts = sockets;
    return hosts != null && hosts.take(guest);
  }

  private @Nullable Slot find(int session) {
    for (Slot slot : slots) {
      if (slot != null && slot.session == session) {
        return slot;
      }
    }
    return null;
  }

  /** A slot that can be taken: one that was used before, or a new one. */
  private int freeSlot() {
    for (int i = 1; i < SLOTS; i++) {
      Slot slot = slots[i];
      if (slot == null || slot.session == Slot.FREE) {
        return i;
      }
    }
    return -1;
  }

  private void accept() {
    int at = freeSlot();
    if (at < 0) {
      return;
    }
    long fd = k.accept4(machine.listener(), SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0) {
      return;
    }
    Slot slot = slots[at];
    if (slot == null) {
      slot = new Slot();
      slots[at] = slot;
    }
    slot.open((int) fd, nextSession++);
  }

  /** Reads what a client says, as far as there is room for it. */
  private void listen(Slot slot) {
    if (!hasRoom()) {
      return;
    }
    FrameReader reader = slot.reader;
    long n = k.read(slot.fd, reader.buffer(), reader.end(), reader.room());
    if (n == -Errno.EINTR || n == -Errno.EAGAIN) {
      return;
    }
    if (n <= 0) {
      leave(slot);
      return;
    }
    reader.took((int) n);
    while (slot.fd >= 0 && reader.next()) {
      if (Frame.isOfCheckpoint(reader.type())) {
        takeOfCheckpoint(slot, reader.type());
        continue;
      }
      int length = reader.frameLength();
      slot.passes(reader);
      compact();
      System.arraycopy(reader.buffer(), reader.frameAt(), out, outTo, length);
      Frame.putHeader(out, outTo, reader.type(), slot.session, reader.length());
      outTo += length;
    }
    if (slot.fd >= 0 && reader.defect() != null) {
      leave(slot);
    }
  }

  private void takeOfCheckpoint(Slot slot, int type) {
    boolean first = slot.session == Frame.FIRST;
    if (type == Frame.CHECKPOINT && !first) {
      String why = whyNotHeld(slot);
      if (why == null) {
        hold.begin(slot, slots[0]);
      } else {
        end(slot, Frame.FAILED, why);
      }
    } else if (type == Frame.GO_ON && !first) {
      // Also of one who only asks whether the machine runs.
      if (hold.isFor(slot)) {
        release();
      }
      end(slot, Frame.EXIT, "");
    } else if (type != Frame.HELD || !first || !hold.heldClient()) {
      leave(slot);
    }
  }

  private void end(Slot slot, int type, String text) {
    byte[] payload = lastWord(type == Frame.EXIT ? 0 : 1, text);
    slot.end(type, payload, 0, payload.length);
  }

  /** The payload of EXIT or FAILED. */
  private static byte[] lastWord(int status, String text) {
    byte[] bytes = Bytes.utf8(text);
    byte[] payload = new byte[4 + bytes.length];
    Bytes.put32(payload, 0, status);
    System.arraycopy(bytes, 0, payload, 4, bytes.length);
    return payload;
  }

  private @Nullable String whyNotHeld(Slot asker) {
    if (!hold.isPossible()) {
      return "the machine was booted: only one that is a copy can be checkpointed"
          + " (dev.coracle.vm.template=true)";
    }
    if (hold.isOn()) {
      return "another checkpoint is being made";
    }
    if (slots[0].isEnded()) {
      return "its process has ended";
    }
    int others = 0;
    for (int i = 1; i < SLOTS; i++) {
      Slot slot = slots[i];
      others += slot != null && slot != asker && slot.session != Slot.FREE ? 1 : 0;
    }
    HostSockets hosts = sockets;
    int connections = hosts == null ? 0 : hosts.open();
    return others > 0
        ? "processes of exec run in the machine: " + others
        : connections > 0 ? "connections to sockets of the host are open: " + connections : null;
  }

  /** Tells who asked for it that nothing is on its way to the guest, once that is so. */
  private void holdGuest() {
    long quiet = hold.isQuiet();
    if (quiet > 0) {
      quiet = hold.tell(saved(), guest);
    }
    if (quiet < 0) {
      defect = "cannot hold the machine: " + k.explain(quiet);
    }
  }

  private SavedMachine saved() {
    Queries asked = queries;
    List<Integer> open = asked == null ? List.of() : asked.open();
    return slots[0].saved(machine.saving(), asked != null, open, nextSession);
  }

  private void release() {
    long result = hold.end(slots[0]);
    if (result < 0) {
      defect = "cannot let the machine go on: " + k.explain(result);
    }
  }

  /**
   * A client is gone: its process in the guest is killed. The first one's takes the machine along.
   */
  private void leave(Slot slot) {
    close(slot.fd);
    slot.fd = -1;
    if (hold.isFor(slot)) {
      release();
    }
    boolean first = slot.session == Frame.FIRST;
    if (first || slot.isEnded() || !slot.isKnown()) {
      slot.session = Slot.FREE;
      return;
    }
    compact();
    Frame.putHeader(out, outTo, Frame.CLOSE, slot.session, 0);
    outTo += Frame.HEADER_BYTES;
  }

  private void sendSetUp() {
    compact();
    while (setUpSent < setUp.length() && out.length - CLOSES - outTo >= LARGEST) {
      int length = Math.min(Frame.MOST_PAYLOAD_BYTES, setUp.length() - setUpSent);
      Frame.putHeader(out, outTo, Frame.REQUEST, Frame.MACHINE, length);
      System.arraycopy(setUp.bytes(), setUpSent, out, outTo + Frame.HEADER_BYTES, length);
      outTo += Frame.HEADER_BYTES + length;
      setUpSent += length;
    }
    if (setUpSent == setUp.length() && out.length - CLOSES - outTo >= LARGEST) {
      Frame.putHeader(out, outTo, Frame.START, Frame.MACHINE, 0);
      outTo += Frame.HEADER_BYTES;
      setUpSent++;
    }
  }

  private void compact() {
    if (outFrom > 0) {
      System.arraycopy(out, outFrom, out, 0, outTo - outFrom);
      outTo -= outFrom;
      outFrom = 0;
    }
  }

  /** Writes to the guest what it takes. */
  private void flush() {
    while (outFrom < outTo) {
      long n = k.write(machine.control(), out, outFrom, outTo - outFrom);
      if (n < 0) {
        return; // Full, or gone, which reading it tells.
      }
      outFrom += (int) n;
    }
    outFrom = 0;
    outTo = 0;
  }

  /** Tells all clients how it ended. With the first process all others were killed. */
  private void lastWords() {
    String why = defect;
    if (why == null) {
      endAll(Frame.EXIT, lastWord(GONE, ""));
      return;
    }
    if (consolePipe >= 0 && !console.read(k, consolePipe)) {
      consolePipe = -1;
    }
    String said = console.text();
    String text = said.isEmpty() ? why : why + "; the last it said:\n" + said;
    endAll(Frame.FAILED, lastWord(GONE, text));
  }

  private void endAll(int type, byte[] payload) {
    for (Slot slot : slots) {
      if (slot != null && slot.session != Slot.FREE && slot.fd >= 0) {
        slot.end(type, payload, 0, payload.length);
        // It may wait now: a client reads all that its streams have credit for.
        long blocking = k.fcntl(slot.fd, F_SETFL, 0);
        if (blocking < 0 || !slot.write(k)) {
          close(slot.fd);
        }
      }
    }
  }

  private void close(int fd) {
    long closed = k.close(fd);
    if (closed < 0) {
      throw new IllegalStateException("close(" + fd + "): " + Errno.text(-closed));
    }
  }
}
