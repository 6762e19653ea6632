package dev.coracle.machine;

import static dev.coracle.abi.Fcntl.AT_FDCWD;
import static dev.coracle.abi.Fcntl.F_SETFL;
import static dev.coracle.abi.Fcntl.O_CLOEXEC;
import static dev.coracle.abi.Fcntl.O_NONBLOCK;
import static dev.coracle.abi.Process.AF_UNIX;
import static dev.coracle.abi.Process.SOCK_CLOEXEC;
import static dev.coracle.abi.Process.SOCK_STREAM;

import dev.coracle.kernel.Kernel;
import dev.coracle.vm.Field;
import dev.coracle.vm.Machine;
import dev.coracle.vm.RequestWriter;
import dev.coracle.vm.VmConfig;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** QEMU, with virtiofsd for the root filesystem. */
public final class Qemu implements Programs {
  /** Where virtiofsd listens until QEMU has come. */
  private static final String FILES_SOCKET = "/files";

  private static final int NOBODY = 65534;

  private final Lines lines;
  private final int deadlineMillis;

  /** The command lines, for descriptors that are known once they are open. */
  public interface Lines {
    /** virtiofsd's. */
    List<String> files(int socket);

    /**
     * QEMU's.
     *
     * @param control the guest's port
     * @param console the guest's console, to be written
     * @param filesSocket the path of virtiofsd's socket
     * @param nics its network interfaces
     * @param disks what was opened of {@link #disks}
     */
    List<String> machine(
        int control, int console, String filesSocket, List<Nic> nics, List<Machine.Disk> disks);

    /** The disks that it is to have. */
    List<VmConfig.DiskRequest> disks();

    /** The paths that block devices have in the container, which are disks too. */
    List<String> devices();

    /** What makes a filesystem on a new disk; null where the host has it not. */
    @Nullable String mkfs();
  }

  /**
   * A network interface of the guest.
   *
   * @param tap the descriptor of its other end
   * @param mac {@code 02:42:...}
   */
  public record Nic(int tap, String mac) {}

  /** QEMU by these command lines. */
  public Qemu(Lines lines, int deadlineMillis) {
    this.lines = lines;
    this.deadlineMillis = deadlineMillis;
  }

  @Override
  public int deadlineMillis() {
    return deadlineMillis;
  }

  @Override
  public Started start(Kernel k) {
    int[] control = {-1, -1};
    int[] console = {-1, -1};
    long result = k.socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, control);
    if (result >= 0) {
      result = k.pipe2(console, O_CLOEXEC);
    }
    if (result >= 0) {
      result = k.fcntl(control[0], F_SETFL, O_NONBLOCK);
    }
    if (result >= 0) {
      result = k.fcntl(console[0], F_SETFL, O_NONBLOCK);
    }
    if (result < 0) {
      return Started.failed("cannot make the machine's channels: " + k.explain(result));
    }
    DiskImages.Opened images = DiskImages.open(k, lines.disks(), lines.devices(), lines.mkfs());
    if (images.problem() != null) {
      return Started.failed(images.problem());
    }
    long socket = filesSocket(k);
    if (socket < 0) {
      return Started.failed("cannot make virtiofsd's socket: " + k.explain(socket));
    }
    long files =
        Spawn.spawn(
            k, lines.files((int) socket), new int[] {(int) socket}, console[1], Spawn.Trust.SERVER);
    if (files < 0) {
      return Started.failed("cannot start virtiofsd: " + k.explain(files));
    }
    Network.Made network = Network.take(k);
    if (network.problem() != null) {
      return Started.failed(network.problem());
    }
    List<RequestWriter> told = new ArrayList<>();
    told.add(new RequestWriter().add(Field.ROOT, "virtiofs:root"));
    told.addAll(images.told());
    List<Nic> nics = new ArrayList<>();
    int[] kept = new int[2 + network.interfaces().size() + images.disks().size()];
    kept[0] = control[1];
    kept[1] = console[1];
    for (Network.Interface i : network.interfaces()) {
      kept[2 + nics.size()] = i.tap();
      nics.add(new Nic(i.tap(), i.mac()));
      told.add(new RequestWriter().add(Field.LINK, i.description()));
    }
    for (int i = 0; i < images.disks().size(); i++) {
      kept[2 + nics.size() + i] = images.disks().get(i).fd();
    }
    List<String> argv = lines.machine(control[1], console[1], FILES_SOCKET, nics, images.disks());
    long vmm = Spawn.spawn(k, argv, kept, console[1], Spawn.Trust.NONE);
    if (vmm < 0) {
      return Started.failed("cannot start QEMU: " + k.explain(vmm));
    }
    result = k.close((int) socket);
    for (int i = 2; i < kept.length && result >= 0; i++) {
      result = k.close(kept[i]);
    }
    if (result >= 0) {
      result = k.close(control[1]);
    }
    if (result >= 0) {
      result = k.close(console[1]);
    }
    if (result < 0) {
      return Started.failed("cannot hand over the machine's channels: " + k.explain(result));
    }
    return new Started(null, control[0], (int) vmm, (int) files, console[0], told);
  }

  /** virtiofsd is handed a socket that listens, so that QEMU need not wait for it to be there. */
  private static long filesSocket(Kernel k) {
    long socket = k.socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    long result = socket < 0 ? socket : k.bindUnix((int) socket, FILES_SOCKET);
    if (result >= 0) {
      result = k.listen((int) socket, 1);
    }
    if (result >= 0) {
      result = k.fchownat(AT_FDCWD, FILES_SOCKET, NOBODY, NOBODY, 0);
    }
    return result < 0 ? result : socket;
  }
}
