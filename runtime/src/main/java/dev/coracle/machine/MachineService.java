package dev.coracle.machine;

import static dev.coracle.abi.Fcntl.AT_FDCWD;
import static dev.coracle.abi.Fcntl.F_SETFL;
import static dev.coracle.abi.Fcntl.O_CLOEXEC;
import static dev.coracle.abi.Fcntl.O_DIRECTORY;
import static dev.coracle.abi.Fcntl.O_NONBLOCK;
import static dev.coracle.abi.Fcntl.O_RDWR;
import static dev.coracle.abi.Fcntl.RESOLVE_IN_ROOT;
import static dev.coracle.abi.Mount.MNT_DETACH;
import static dev.coracle.abi.Process.AF_UNIX;
import static dev.coracle.abi.Process.CLOCK_REALTIME;
import static dev.coracle.abi.Process.PR_SET_PDEATHSIG;
import static dev.coracle.abi.Process.SIGKILL;
import static dev.coracle.abi.Process.SIGPIPE;
import static dev.coracle.abi.Process.SOCK_CLOEXEC;
import static dev.coracle.abi.Process.SOCK_STREAM;

import dev.coracle.abi.Bytes;
import dev.coracle.execute.Files;
import dev.coracle.execute.Service;
import dev.coracle.kernel.Kernel;
import dev.coracle.sandbox.MicroVmSandbox;
import dev.coracle.vm.Field;
import dev.coracle.vm.Frame;
import dev.coracle.vm.RequestWriter;
import dev.coracle.vm.Resolver;
import dev.coracle.vm.SavedMachine;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The host's process of a container in a machine: it starts the monitor, which runs the machine,
 * and is the client of the first process.
 */
public final class MachineService implements Service {
  /** Where the monitor listens, in the root around the root filesystem. */
  static final String LISTENER = "/monitor";

  private static final String RESOLV_CONF = "etc/resolv.conf";
  private static final int RESOLV_CONF_MOST = 64 * 1024;
  private static final int BACKLOG = 64;
  private static final int FAILED = 1;
  private static final int SEED_BYTES = 64;
  private static final int RESEED_BYTES = 32;
  private static final int MOST_SAVED = 32 << 20;

  private final Parts parts;

  /** Of whoever waits for a machine that cannot be had. */
  private int status = FAILED;

  /**
   * What a machine is made of.
   *
   * @param id the container's
   * @param config config.json, of which {@code length} bytes count
   * @param terminal whether its process has one
   * @param sockets the bind mounts whose sources are sockets of the host
   * @param programs starts what runs the machine
   * @param restored whether it goes on after a checkpoint
   */
  public record Parts(
      String id,
      byte[] config,
      int length,
      boolean terminal,
      List<HostSockets.Bind> sockets,
      Programs programs,
      boolean restored) {}

  /** A machine's process. */
  public MachineService(Parts parts) {
    this.parts = parts;
  }

  @Override
  public int serve(Kernel k) {
    int[] pair = {-1, -1};
    long result = k.prctlSetName("coracle-vm");
    if (result >= 0) {
      result = k.ignoreSignal(SIGPIPE);
    }
    if (result >= 0) {
      result = k.socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, pair);
    }
    int[] pidfd = {-1};
    long pid = result < 0 ? result : k.fork(pidfd);
    if (pid < 0) {
      Words.say(k, "cannot start the virtual machine's monitor: " + k.explain(pid));
      return FAILED;
    }
    if (pid == 0) {
      monitor(k, pair[1]);
      return 0;
    }
    // What is left to do takes no privilege at all.
    result = k.close(pair[1]);
    if (result >= 0) {
      result = k.capset(0, 0, 0);
    }
    if (result < 0) {
      Words.say(k, "cannot give up privileges: " + k.explain(result));
      return FAILED;
    }
    return parts.restored()
        ? Client.resume(k, pair[0], parts.terminal())
        : Client.run(k, pair[0], new RequestWriter(), parts.terminal());
  }

  private void monitor(Kernel k, int first) {
    String problem = serveMachine(k, first);
    if (problem != null) {
      byte[] text = Bytes.utf8(problem);
      byte[] frame = new byte[Frame.HEADER_BYTES + 4 + text.length];
      Frame.putHeader(frame, 0, Frame.FAILED, Frame.FIRST, 4 + text.length);
      Bytes.put32(frame, Frame.HEADER_BYTES, status);
      System.arraycopy(text, 0, frame, Frame.HEADER_BYTES + 4, text.length);
      long said = k.fcntl(first, F_SETFL, 0);
      if (said < 0 || k.write(first, frame, 0, frame.length) < 0) {
        return; // The client sees that we are gone.
      }
    }
  }

  private @Nullable String serveMachine(Kernel k, int first) {
    long result = detach(k);
    if (result >= 0) {
      result = k.fcntl(first, F_SETFL, O_NONBLOCK);
    }
    if (result < 0) {
      return "cannot detach the monitor: " + k.explain(result);
    }
    long listener = listen(k);
    if (listener < 0) {
      return "cannot listen: " + k.explain(listener);
    }
    boolean hasResolver = hasResolver(k);
    HostSockets sockets = parts.sockets().isEmpty() ? null : new HostSockets(k);
    String missing = sockets == null ? null : sockets.open(parts.sockets());
    if (missing != null) {
      return missing;
    }
    SavedMachine saved = null;
    byte[] said = new byte[0];
    if (parts.restored()) {
      Files.Content machine = saved(k, SavedFiles.MACHINE);
      Files.Content unread = saved(k, SavedFiles.SAID);
      saved = machine == null ? null : SavedMachine.parse(machine.bytes(), machine.length());
      if (saved == null || unread == null) {
        return "the checkpoint is not whole, or of another version";
      }
      said = new byte[unread.length()];
      System.arraycopy(unread.bytes(), 0, said, 0, said.length);
      hasResolver |= saved.resolver();
    }
    Programs.Started started = parts.programs().start(k, first, saved);
    if (started.problem() != null) {
      status = started.gone() ? Monitor.GONE : FAILED;
      return started.problem();
    }
    // Whoever has the files of a checkpoint can do with them as they like.
    result = saved == null ? 0 : k.umount2(MicroVmSandbox.CHECKPOINT_AT, MNT_DETACH);
    if (result < 0) {
      return "cannot let go of the checkpoint: " + k.explain(result);
    }
    String problem = hasResolver ? Network.shareAnswers(k) : null;
    if (problem != null) {
      return problem;
    }
    long kept = sockets == null ? 0 : sockets.capabilities();
    result = k.capset(kept, kept, 0);
    Monitor.Machine machine =
        new Monitor.Machine(
            started.control(),
            (int) listener,
            started.vmm(),
            started.files(),
            started.console(),
            hasResolver ? Resolver.address() : null,
            sockets,
            started.said(),
            started.saving());
    if (result < 0) {
      return "cannot give up privileges: " + k.explain(result);
    }
    if (saved != null) {
      byte[] reseed = reseed(k, started);
      if (reseed.length > Frame.MOST_PAYLOAD_BYTES) {
        return "the machine has more network interfaces than it can be told of";
      }
      Monitor.resume(
          k, machine, first, new Monitor.Before(saved, said, reseed), started.warnings());
      return null;
    }
    RequestWriter setUp = setUp(k, started);
    if (sockets != null) {
      setUp.addAll(sockets.told());
    }
    Monitor.run(k, machine, first, setUp, started.warnings());
    return null;
  }

  private static Files.@Nullable Content saved(Kernel k, String name) {
    return Files.read(k, MicroVmSandbox.CHECKPOINT_AT + "/" + name, MOST_SAVED).content();
  }

  /**
   * Away from the terminal and from the descriptors of the container, which end with the client.
   */
  private static long detach(Kernel k) {
    long result = k.prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (result >= 0) {
      result = k.setsid();
    }
    long nothing = result < 0 ? result : k.openat2(AT_FDCWD, "/dev/null", O_RDWR | O_CLOEXEC, 0, 0);
    result = nothing;
    for (int fd = 0; fd <= 2 && result >= 0; fd++) {
      result = k.dup3((int) nothing, fd, 0);
    }
    return result < 0 ? result : k.prctlSetName("coracle-monitor");
  }

  private static long listen(Kernel k) {
    // For root alone: QEMU is somebody else.
    long mask = k.umask(0077);
    long socket = mask < 0 ? mask : k.socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | O_NONBLOCK, 0);
    long result = socket < 0 ? socket : k.bindUnix((int) socket, LISTENER);
    if (result >= 0) {
      result = k.listen((int) socket, BACKLOG);
    }
    return result < 0 ? result : socket;
  }

  /**
   * Whether the container looks for names at Docker's server: that is in our network namespace, at
   * an address that is the guest's own in the guest.
   */
  private static boolean hasResolver(Kernel k) {
    long flags = O_NONBLOCK | O_CLOEXEC;
    long root = k.openat2(AT_FDCWD, MicroVmSandbox.ROOT_AT, O_DIRECTORY | O_CLOEXEC, 0, 0);
    long fd = root < 0 ? root : k.openat2((int) root, RESOLV_CONF, flags, 0, RESOLVE_IN_ROOT);
    if (fd < 0) {
      return false;
    }
    Files.Content content = Files.read(k, (int) fd, RESOLV_CONF_MOST).content();
    long closed = Math.min(k.close((int) fd), k.close((int) root));
    return closed >= 0 && content != null && Resolver.isNamedIn(content.text());
  }

  /** What the guest is told of itself. */
  private RequestWriter setUp(Kernel k, Programs.Started started) {
    RequestWriter out = new RequestWriter();
    out.add(Field.CONFIG, parts.config(), 0, parts.length());
    out.add(Field.NAME, parts.id());
    out.add(Field.CLOCK, Math.max(0, k.clock_gettime(CLOCK_REALTIME)));
    byte[] seed = new byte[SEED_BYTES];
    if (random(k, seed)) {
      out.add(Field.SEED, seed, 0, seed.length);
    }
    for (RequestWriter more : started.told()) {
      out.addAll(more);
    }
    return out;
  }

  /** What a guest is told after a checkpoint: docs/vm-protocol.md, RESEED. */
  private static byte[] reseed(Kernel k, Programs.Started started) {
    RequestWriter links = new RequestWriter();
    for (RequestWriter more : started.told()) {
      links.addAll(more);
    }
    byte[] seed = new byte[RESEED_BYTES];
    boolean fresh = random(k, seed);
    byte[] out = new byte[8 + seed.length + links.length()];
    Bytes.put64(out, 0, Math.max(0, k.clock_gettime(CLOCK_REALTIME)));
    System.arraycopy(seed, 0, out, 8, fresh ? seed.length : 0);
    System.arraycopy(links.bytes(), 0, out, 8 + seed.length, links.length());
    return out;
  }

  private static boolean random(Kernel k, byte[] into) {
    long fd = k.openat2(AT_FDCWD, "/dev/urandom", O_CLOEXEC, 0, 0);
    boolean whole = fd >= 0 && k.read((int) fd, into, 0, into.length) == into.length;
    return fd >= 0 && k.close((int) fd) >= 0 && whole;
  }
}
