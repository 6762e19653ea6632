package dev.coracle.machine;

import static dev.coracle.abi.Fcntl.AT_FDCWD;
import static dev.coracle.abi.Fcntl.F_SETFL;
import static dev.coracle.abi.Fcntl.O_NONBLOCK;
import static dev.coracle.abi.Process.AF_UNIX;
import static dev.coracle.abi.Process.SIGKILL;
import static dev.coracle.abi.Process.SOCK_CLOEXEC;
import static dev.coracle.abi.Process.SOCK_STREAM;

import dev.coracle.kernel.Errno;
import dev.coracle.kernel.Kernel;
import dev.coracle.machine.Qemu.Ends;
import dev.coracle.machine.Qemu.Lines;
import dev.coracle.machine.Qemu.Nic;
import dev.coracle.vm.Machine;
import dev.coracle.vm.Machine.Memory;
import dev.coracle.vm.RequestWriter;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A machine that is being started: what is open for it, and which of its programs run. */
final class Starting {
  private static final int NONE = Machine.NONE;
  private static final int NOBODY = 65534;

  /** Where virtiofsd listens until QEMU, or the relay, has come. */
  static final String FILES_SOCKET = "/files";

  /** How long a second guest may take to say a word: on a busy host that is long. */
  private static final int LAST_MILLIS = 30_000;

  final Kernel k;
  final int[] control = {NONE, NONE};
  final int[] console = {NONE, NONE};
  final int[] qmp = {NONE, NONE};
  final int[] port = {NONE, NONE};

  /** What carries the files, and is told of checkpoints by it. */
  final int[] relay = {NONE, NONE};

  final List<Nic> nics = new ArrayList<>();
  final List<Machine.Disk> disks = new ArrayList<>();
  final List<RequestWriter> told = new ArrayList<>();
  final Tail said = new Tail();
  final List<String> warnings = new ArrayList<>();
  private final int client;

  /** Whether it is the guest that cannot go on. */
  boolean gone;

  /** The pidfds of what serves the guest's files, and of QEMU. */
  int files = NONE;

  int vmm = NONE;

  /** For whoever is at the other end of this connection. */
  Starting(Kernel k, int client) {
    this.k = k;
    this.client = client;
  }

  /**
   * What QEMU is started as.
   *
   * @param filesSocket where virtiofsd listens; null where files come by a port, and there is a
   *     monitor to stop it, or to have it go on, by
   * @param memory where the guest's memory is
   * @param memoryFd its descriptor, or {@link Machine#NONE}
   * @param copy whether it goes on where another one was stopped
   */
  record Kind(@Nullable String filesSocket, Memory memory, int memoryFd, boolean copy) {
    static final Kind BOOTED = new Kind(FILES_SOCKET, Memory.OWN, NONE, false);

    /** It goes on after a checkpoint, whose file has its memory too. */
    static final Kind RESTORED = new Kind(null, Memory.OWN, NONE, true);

    static Kind template(int memory) {
      return new Kind(null, new Memory("/proc/self/fd/" + memory, true), memory, false);
    }

    static Kind copy(int memory) {
      return new Kind(null, new Memory("/proc/self/fd/" + memory, false), memory, true);
    }
  }

  /** Starts a machine by some command lines; the text is why it cannot be. */
  interface Attempt {
    @Nullable String start(Lines by);
  }

  /**
   * Starts a machine and waits for its guest's first word, and another machine where that never
   * comes.
   *
   * @param another whether that one may be of another kind
   */
  @Nullable String greet(Lines lines, Attempt attempt, boolean another) {
    String problem = attempt.start(lines);
    if (problem != null) {
      return problem;
    }
    Greeting first = greeting();
    problem = first.await(lines.patienceMillis());
    gone = problem != null;
    Lines next = first.isSilent() ? lines.fallback() : null;
    if (problem == null || next == null) {
      return problem;
    }
    String news = problem + ": " + lines.fallbackReason(k);
    if (!next.equals(lines) && !another) {
      return news;
    }
    warnings.add(news);
    long result = stop();
    if (result < 0) {
      return "cannot stop a guest that does not answer: " + k.explain(result);
    }
    problem = attempt.start(next);
    if (problem == null) {
      problem = greeting().await(LAST_MILLIS);
      gone = problem != null;
    }
    return problem;
  }

  private Greeting greeting() {
    return new Greeting(k, new int[] {control[0], vmm, files, console[0], client}, said);
  }

  /** virtiofsd is handed a socket that listens, so that nobody need wait for it to be there. */
  @Nullable String startFiles(Lines by) {
    long removed = k.unlinkat(AT_FDCWD, FILES_SOCKET, 0);
    boolean free = removed >= 0 || removed == -Errno.ENOENT;
    long socket = free ? k.socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0) : removed;
    long result = socket < 0 ? socket : k.bindUnix((int) socket, FILES_SOCKET);
    if (result >= 0) {
      result = k.listen((int) socket, 1);
    }
    if (result >= 0) {
      result = k.fchownat(AT_FDCWD, FILES_SOCKET, NOBODY, NOBODY, 0);
    }
    if (result < 0) {
      return "cannot make virtiofsd's socket: " + k.explain(result);
    }
    int fd = (int) socket;
    long started = Spawn.spawn(k, by.files(fd), new int[] {fd}, console[1], Spawn.Trust.SERVER);
    if (started < 0) {
      return "cannot start virtiofsd: " + k.explain(started);
    }
    files = (int) started;
    result = k.close(fd);
    return result < 0 ? "cannot hand over virtiofsd's socket: " + k.explain(result) : null;
  }

  /** Starts QEMU. */
  @Nullable String startQemu(Lines by, Kind kind) {
    boolean booted = kind.filesSocket() != null;
    long result = k.socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, control);
    if (result >= 0 && !booted) {
      result = k.socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, qmp);
    }
    if (result >= 0 && !booted) {
      result = k.socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, port);
    }
    if (result >= 0) {
      result = k.fcntl(control[0], F_SETFL, O_NONBLOCK);
    }
    if (result < 0) {
      return "cannot make the machine's channels: " + k.explain(result);
    }
    Ends ends =
        new Ends(
            control[1],
            console[1],
            kind.filesSocket(),
            port[1],
            qmp[1],
            kind.memory(),
            kind.copy(),
            nics,
            disks);
    int[] kept = new int[5 + nics.size() + disks.size()];
    int count = 0;
    for (int fd : new int[] {control[1], console[1], qmp[1], port[1], kind.memoryFd()}) {
      kept[count++] = fd;
    }
    for (Nic nic : nics) {
      kept[count++] = nic.tap();
    }
    for (Machine.Disk disk : disks) {
      kept[count++] = disk.fd();
    }
    long started = Spawn.spawn(k, by.machine(ends), kept, console[1], Spawn.Trust.NONE);
    if (started < 0) {
      return "cannot start QEMU: " + k.explain(started);
    }
    vmm = (int) started;
    // What only QEMU has open tells its end.
    for (int[] pair : new int[][] {control, qmp, port}) {
      result = pair[1] < 0 ? result : Math.min(result, k.close(pair[1]));
      pair[1] = NONE;
    }
    return result < 0 ? "cannot hand over the machine's channels: " + k.explain(result) : null;
  }

  /**
   * Starts what carries the guest's files between its port and virtiofsd.
   *
   * @param saved a file of what it knew at a checkpoint; {@link Machine#NONE} for none
   * @param asked a file of what the guest had asked by then, and nobody had read
   */
  @Nullable String startRelay(int saved, int asked) {
    long socket = k.socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    long result = socket < 0 ? socket : k.connectUnix((int) socket, FILES_SOCKET);
    if (result >= 0) {
      result = k.socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, relay);
    }
    if (result >= 0) {
      result = k.fcntl(port[0], F_SETFL, O_NONBLOCK);
    }
    if (result < 0) {
      return "cannot reach virtiofsd: " + k.explain(result);
    }
    int server = (int) socket;
    long carrier = Spawn.relay(k, port[0], server, relay[1], saved, asked, console[1]);
    if (carrier >= 0) {
      // virtiofsd ends with it.
      result = Math.min(Math.min(k.close(server), k.close(port[0])), k.close(files));
      result = Math.min(result, k.close(relay[1]));
      files = (int) carrier;
    }
    result = Math.min(carrier, result);
    return result < 0 ? "cannot carry the guest's files: " + k.explain(result) : null;
  }

  /** Ends the programs, waits for their end, and closes what was made for them alone. */
  long stop() {
    long result = 0;
    int running = 0;
    for (int program : new int[] {vmm, files}) {
      result = program < 0 ? result : Math.min(result, k.pidfd_send_signal(program, SIGKILL));
      running += program < 0 ? 0 : 1;
    }
    // Their memory counts until they are waited for.
    while (running > 0 && result >= 0) {
      long pid = k.wait4(-1, new int[1], 0);
      running -= pid < 0 ? 0 : 1;
      result = pid == -Errno.EINTR ? 0 : Math.min(0, pid);
    }
    for (int fd : new int[] {vmm, files, control[0], qmp[0], port[0], relay[0]}) {
      result = fd < 0 ? result : Math.min(result, k.close(fd));
    }
    for (int[] pair : new int[][] {control, qmp, port, relay}) {
      pair[0] = NONE;
    }
    vmm = NONE;
    files = NONE;
    return result;
  }

  /** Closes what only the programs need. */
  @Nullable String handOver() {
    long result = 0;
    for (Nic nic : nics) {
      result = Math.min(result, k.close(nic.tap()));
    }
    for (Machine.Disk disk : disks) {
      result = Math.min(result, k.close(disk.fd()));
    }
    result = Math.min(result, k.close(console[1]));
    return result < 0 ? "cannot hand over what the programs need: " + k.explain(result) : null;
  }
}
