package dev.coracle.machine;

import static dev.coracle.abi.Fcntl.AT_FDCWD;
import static dev.coracle.abi.Fcntl.F_SETFL;
import static dev.coracle.abi.Fcntl.O_CLOEXEC;
import static dev.coracle.abi.Fcntl.O_NONBLOCK;
import static dev.coracle.abi.Process.AF_UNIX;
import static dev.coracle.abi.Process.SIGKILL;
import static dev.coracle.abi.Process.SOCK_CLOEXEC;
import static dev.coracle.abi.Process.SOCK_STREAM;

import dev.coracle.kernel.Errno;
import dev.coracle.kernel.Kernel;
import dev.coracle.sandbox.MicroVmSandbox;
import dev.coracle.vm.Field;
import dev.coracle.vm.Machine;
import dev.coracle.vm.Machine.Memory;
import dev.coracle.vm.QemuCommand;
import dev.coracle.vm.RequestWriter;
import dev.coracle.vm.VmConfig;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** QEMU, with virtiofsd for the root filesystem. */
public final class Qemu implements Programs {
  /** Where virtiofsd listens until QEMU, or the relay, has come. */
  private static final String FILES_SOCKET = "/files";

  private static final int NOBODY = 65534;
  private static final int NONE = Machine.NONE;

  /** How long QEMU may take to write or to read a machine's state. */
  private static final int STATE_MILLIS = 30_000;

  /** The MACs of a machine that has copies: each copy changes them to its own. */
  private static final String TEMPLATE_MAC = "02:00:00:00:00:";

  /** How long a second guest may take to say a word: on a busy host that is long. */
  private static final int LAST_MILLIS = 30_000;

  private final Lines lines;

  /** The command lines, for descriptors that are known once they are open. */
  public interface Lines {
    /** virtiofsd's. */
    List<String> files(int socket);

    /** QEMU's. */
    List<String> machine(Ends ends);

    /** The disks that it is to have. */
    List<VmConfig.DiskRequest> disks();

    /** The paths that block devices have in the container, which are disks too. */
    List<String> devices();

    /** What makes a filesystem on a new disk; null where the host has it not. */
    @Nullable String mkfs();

    /** All that shapes a machine that is copied, but for its network interfaces; null for none. */
    @Nullable String templateKey();

    /** A short name for the key. */
    String templateName();

    /** How long the guest may take to its first word before another one is tried. */
    int patienceMillis();

    /** Those of the machine that is tried then; null where none is. */
    @Nullable Lines fallback();

    /** What is to be told of it. */
    String fallbackReason(Kernel k);
  }

  /**
   * What QEMU gets of us.
   *
   * @param control the guest's port
   * @param console the guest's console, to be written
   * @param filesSocket the path of virtiofsd's socket; null where files come by a port
   * @param filesPort that port; {@link Machine#NONE} for none
   * @param qmp QEMU's monitor, or {@link Machine#NONE}
   * @param memory where the guest's memory is
   * @param copy whether it goes on where another one was stopped
   * @param nics its network interfaces
   * @param disks its disks
   */
  public record Ends(
      int control,
      int console,
      @Nullable String filesSocket,
      int filesPort,
      int qmp,
      Memory memory,
      boolean copy,
      List<Nic> nics,
      List<Machine.Disk> disks) {}

  /**
   * A network interface of the guest.
   *
   * @param tap the descriptor of its other end
   * @param mac {@code 02:42:...}
   */
  public record Nic(int tap, String mac) {}

  /** QEMU by these command lines. */
  public Qemu(Lines lines) {
    this.lines = lines;
  }

  /** What is at hand while the programs are started. */
  private static final class Starting {
    final int[] control = {NONE, NONE};
    final int[] console = {NONE, NONE};
    final int[] qmp = {NONE, NONE};
    final int[] port = {NONE, NONE};
    final List<Nic> nics = new ArrayList<>();
    final List<Machine.Disk> disks = new ArrayList<>();
    final List<RequestWriter> told = new ArrayList<>();
    final Tail said = new Tail();
    final List<String> warnings = new ArrayList<>();
    final int client;

    /** Whether it is the guest that cannot go on. */
    boolean gone;

    int files = NONE;
    int vmm = NONE;

    Starting(int client) {
      this.client = client;
    }
  }

  @Override
  public Started start(Kernel k, int client) {
    Starting s = new Starting(client);
    long result = k.pipe2(s.console, O_CLOEXEC);
    if (result >= 0) {
      result = k.fcntl(s.console[0], F_SETFL, O_NONBLOCK);
    }
    if (result < 0) {
      return Started.failed(false, "cannot make the machine's console: " + k.explain(result));
    }
    DiskImages.Opened images = DiskImages.open(k, lines.disks(), lines.devices(), lines.mkfs());
    if (images.problem() != null) {
      return Started.failed(false, images.problem());
    }
    Network.Made network = Network.take(k);
    if (network.problem() != null) {
      return Started.failed(false, network.problem());
    }
    s.told.addAll(images.told());
    s.disks.addAll(images.disks());
    String key = lines.templateKey();
    for (Network.Interface i : network.interfaces()) {
      String mac = key == null ? i.mac() : TEMPLATE_MAC + (s.nics.size() + 10);
      s.nics.add(new Nic(i.tap(), mac));
      s.told.add(new RequestWriter().add(Field.LINK, i.description(key == null ? null : mac)));
    }
    String problem = key == null ? boot(k, s) : copy(k, s, key);
    if (problem == null) {
      problem = handOver(k, s);
    }
    return problem != null
        ? Started.failed(s.gone, withLastWords(k, s, problem))
        : new Started(
            null, false, s.control[0], s.vmm, s.files, s.console[0], s.told, s.said, s.warnings);
  }

  private static String withLastWords(Kernel k, Starting s, String problem) {
    s.said.read(k, s.console[0]);
    String said = s.said.text();
    return said.isEmpty() ? problem : problem + "; the last it said:\n" + said;
  }

  /** virtiofsd is handed a socket that listens, so that nobody need wait for it to be there. */
  private @Nullable String startFiles(Kernel k, Starting s) {
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
    long files = Spawn.spawn(k, lines.files(fd), new int[] {fd}, s.console[1], Spawn.Trust.SERVER);
    if (files < 0) {
      return "cannot start virtiofsd: " + k.explain(files);
    }
    s.files = (int) files;
    result = k.close(fd);
    return result < 0 ? "cannot hand over virtiofsd's socket: " + k.explain(result) : null;
  }

  private @Nullable String boot(Kernel k, Starting s) {
    s.told.add(0, new RequestWriter().add(Field.ROOT, "virtiofs:root"));
    return greet(k, s, by -> bootOne(k, s, by), true);
  }

  /** Starts a machine by some command lines; the text is why it cannot be. */
  private interface Attempt {
    @Nullable String start(Lines by);
  }

  /**
   * Starts a machine and waits for its guest's first word, and another machine where that never
   * comes.
   *
   * @param another whether that one may be of another kind
   */
  private @Nullable String greet(Kernel k, Starting s, Attempt attempt, boolean another) {
    String problem = attempt.start(lines);
    if (problem != null) {
      return problem;
    }
    Greeting first = greeting(k, s);
    problem = first.await(lines.patienceMillis());
    s.gone = problem != null;
    Lines next = first.isSilent() ? lines.fallback() : null;
    if (problem == null || next == null) {
      return problem;
    }
    String told = problem + ": " + lines.fallbackReason(k);
    if (!next.equals(lines) && !another) {
      return told;
    }
    s.warnings.add(told);
    long result = stop(k, s);
    if (result < 0) {
      return "cannot stop a guest that does not answer: " + k.explain(result);
    }
    problem = attempt.start(next);
    if (problem == null) {
      problem = greeting(k, s).await(LAST_MILLIS);
      s.gone = problem != null;
    }
    return problem;
  }

  private @Nullable String bootOne(Kernel k, Starting s, Lines by) {
    String problem = startFiles(k, s);
    return problem == null ? run(k, s, by, FILES_SOCKET, Memory.OWN, false, new int[0]) : problem;
  }

  private static Greeting greeting(Kernel k, Starting s) {
    int[] fds = {s.control[0], s.vmm, s.files, s.console[0], s.client};
    return new Greeting(k, fds, s.said);
  }

  /** Ends QEMU, and what was made for it alone. */
  private static long stop(Kernel k, Starting s) {
    long result = s.vmm < 0 ? 0 : k.pidfd_send_signal(s.vmm, SIGKILL);
    // virtiofsd ends when QEMU does.
    int[] fds = {s.vmm, s.files, NONE, NONE, NONE, NONE, NONE, NONE};
    System.arraycopy(s.control, 0, fds, 2, 2);
    System.arraycopy(s.qmp, 0, fds, 4, 2);
    System.arraycopy(s.port, 0, fds, 6, 2);
    for (int fd : fds) {
      result = fd < 0 ? result : Math.min(result, k.close(fd));
    }
    for (int[] pair : new int[][] {s.control, s.qmp, s.port}) {
      Arrays.fill(pair, NONE);
    }
    s.vmm = NONE;
    s.files = NONE;
    return result;
  }

  /** Copies a machine that was stopped, which is made first where there is none. */
  private @Nullable String copy(Kernel k, Starting s, String key) {
    s.told.add(0, new RequestWriter().add(Field.ROOT, "port:" + QemuCommand.FILES_PORT));
    String name = lines.templateName() + "-" + s.nics.size();
    Template template = new Template(k, MicroVmSandbox.MACHINES_AT, name, key);
    Template.Opened opened = template.open();
    if (opened.problem() == -Errno.ENOENT) {
      String problem = make(k, s, template);
      if (problem != null) {
        long removed = template.abandon();
        return "cannot make a template: "
            + problem
            + (removed < 0 ? "; nor remove it: " + k.explain(removed) : "");
      }
      opened = template.open();
    }
    if (opened.problem() < 0) {
      return "cannot open the template: " + k.explain(opened.problem());
    }
    int memory = (int) opened.memory();
    int state = (int) opened.state();
    Memory copied = new Memory("/proc/self/fd/" + memory, false);
    String problem = startFiles(k, s);
    if (problem == null) {
      problem = run(k, s, lines, null, copied, true, new int[] {memory});
    }
    if (problem == null) {
      problem = Template.thaw(k, new QmpSession(k, s.qmp[0], STATE_MILLIS), state);
    }
    if (problem == null) {
      problem = relay(k, s);
    }
    long closed = Math.min(k.close(memory), k.close(state));
    return problem == null && closed < 0 ? "cannot close: " + k.explain(closed) : problem;
  }

  private @Nullable String make(Kernel k, Starting s, Template template) {
    Template.Opened opened = template.begin();
    if (opened.problem() < 0) {
      return k.explain(opened.problem());
    }
    int memory = (int) opened.memory();
    int state = (int) opened.state();
    Memory shared = new Memory("/proc/self/fd/" + memory, true);
    Attempt attempt = by -> run(k, s, by, null, shared, false, new int[] {memory});
    String problem = greet(k, s, attempt, false);
    if (problem == null) {
      problem = Template.freeze(k, new QmpSession(k, s.qmp[0], STATE_MILLIS), state);
    }
    long result = Math.min(stop(k, s), Math.min(k.close(memory), k.close(state)));
    if (problem == null && result >= 0) {
      result = template.finish();
    }
    return problem == null && result < 0 ? k.explain(result) : problem;
  }

  /** Starts QEMU. */
  private @Nullable String run(
      Kernel k,
      Starting s,
      Lines by,
      @Nullable String filesSocket,
      Memory memory,
      boolean copy,
      int[] more) {
    boolean template = filesSocket == null;
    long result = k.socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, s.control);
    if (result >= 0 && template) {
      result = k.socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, s.qmp);
    }
    if (result >= 0 && template) {
      result = k.socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, s.port);
    }
    if (result >= 0) {
      result = k.fcntl(s.control[0], F_SETFL, O_NONBLOCK);
    }
    if (result < 0) {
      return "cannot make the machine's channels: " + k.explain(result);
    }
    List<Integer> kept = new ArrayList<>();
    for (int fd : new int[] {s.control[1], s.console[1], s.qmp[1], s.port[1]}) {
      kept.add(fd);
    }
    for (Nic nic : s.nics) {
      kept.add(nic.tap());
    }
    for (Machine.Disk disk : s.disks) {
      kept.add(disk.fd());
    }
    for (int fd : more) {
      kept.add(fd);
    }
    int[] fds = new int[kept.size()];
    int count = 0;
    for (int fd : kept) {
      fds[count] = fd;
      count += fd < 0 ? 0 : 1;
    }
    Ends ends =
        new Ends(
            s.control[1],
            s.console[1],
            filesSocket,
            s.port[1],
            s.qmp[1],
            memory,
            copy,
            s.nics,
            s.disks);
    long vmm =
        Spawn.spawn(k, by.machine(ends), Arrays.copyOf(fds, count), s.console[1], Spawn.Trust.NONE);
    s.vmm = (int) vmm;
    return vmm < 0 ? "cannot start QEMU: " + k.explain(vmm) : null;
  }

  /** Starts what carries the guest's files between its port and virtiofsd. */
  private static @Nullable String relay(Kernel k, Starting s) {
    long socket = k.socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    long result = socket < 0 ? socket : k.connectUnix((int) socket, FILES_SOCKET);
    if (result >= 0) {
      result = k.fcntl(s.port[0], F_SETFL, O_NONBLOCK);
    }
    if (result < 0) {
      return "cannot reach virtiofsd: " + k.explain(result);
    }
    int server = (int) socket;
    long relay = Spawn.relay(k, s.port[0], server, s.console[1]);
    if (relay >= 0) {
      // virtiofsd ends with it.
      result = Math.min(Math.min(k.close(server), k.close(s.port[0])), k.close(s.files));
      s.files = (int) relay;
    }
    result = Math.min(relay, result);
    return result < 0 ? "cannot carry the guest's files: " + k.explain(result) : null;
  }

  private static @Nullable String handOver(Kernel k, Starting s) {
    long result = 0;
    for (Nic nic : s.nics) {
      result = Math.min(result, k.close(nic.tap()));
    }
    for (Machine.Disk disk : s.disks) {
      result = Math.min(result, k.close(disk.fd()));
    }
    for (int fd : new int[] {s.control[1], s.console[1], s.qmp[1], s.qmp[0], s.port[1]}) {
      result = fd < 0 ? result : Math.min(result, k.close(fd));
    }
    return result < 0 ? "cannot hand over the machine's channels: " + k.explain(result) : null;
  }
}
