package dev.coracle.machine;

import static dev.coracle.abi.Fcntl.F_SETFL;
import static dev.coracle.abi.Fcntl.O_CLOEXEC;
import static dev.coracle.abi.Fcntl.O_NONBLOCK;

import dev.coracle.kernel.Kernel;
import dev.coracle.vm.Field;
import dev.coracle.vm.Machine;
import dev.coracle.vm.Machine.Memory;
import dev.coracle.vm.QemuCommand;
import dev.coracle.vm.RequestWriter;
import dev.coracle.vm.SavedMachine;
import dev.coracle.vm.VmConfig;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** QEMU, with virtiofsd for the root filesystem. */
public final class Qemu implements Programs {
  /** The MACs of a machine that has copies: each copy changes them to its own. */
  private static final String TEMPLATE_MAC = "02:00:00:00:00:";

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

    /** What the machine is made of: of another one it cannot take the state. */
    List<String> shape();

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

  @Override
  public Started start(Kernel k, int client, @Nullable SavedMachine saved) {
    String other = saved == null ? null : difference(saved.shape(), lines.shape());
    if (other != null) {
      return Started.failed(false, "the machine is not the one of the checkpoint: " + other);
    }
    Starting s = new Starting(k, client);
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
    String key = lines.templateKey();
    boolean booted = key == null && saved == null;
    if (saved == null) {
      String root = booted ? "virtiofs:root" : "port:" + QemuCommand.FILES_PORT;
      s.told.add(new RequestWriter().add(Field.ROOT, root));
    } else if (saved.macs().size() != network.interfaces().size()) {
      return Started.failed(
          false,
          "the machine of the checkpoint has network interfaces: "
              + saved.macs().size()
              + ", and this one "
              + network.interfaces().size());
    }
    s.told.addAll(images.told());
    s.disks.addAll(images.disks());
    List<String> macs = new ArrayList<>();
    for (Network.Interface i : network.interfaces()) {
      String mac = booted ? i.mac() : TEMPLATE_MAC + (macs.size() + 10);
      String now = booted ? null : saved == null ? mac : saved.macs().get(macs.size());
      s.nics.add(new Nic(i.tap(), mac));
      s.told.add(new RequestWriter().add(Field.LINK, i.description(now)));
      macs.add(i.mac());
    }
    Copies copies = new Copies(s, lines);
    String problem =
        saved != null
            ? copies.restore()
            : key == null
                ? s.greet(lines, by -> boot(s, by), true)
                : copies.start(key + macs.size() + " interfaces\n");
    if (problem == null) {
      problem = s.handOver();
    }
    return problem != null
        ? Started.failed(s.gone, withLastWords(s, problem))
        : new Started(
            null,
            false,
            s.control[0],
            s.vmm,
            s.files,
            s.console[0],
            s.told,
            s.said,
            s.warnings,
            booted ? Saving.NEVER : new Saving(s.qmp[0], s.relay[0], lines.shape(), macs));
  }

  /** The first words in which two lists differ; null where they are the same. */
  private static @Nullable String difference(List<String> was, List<String> is) {
    for (int i = 0; i < was.size() || i < is.size(); i++) {
      String one = i < was.size() ? was.get(i) : "";
      String other = i < is.size() ? is.get(i) : "";
      if (!one.equals(other)) {
        return "\"" + one + "\" and \"" + other + "\"";
      }
    }
    return null;
  }

  private static @Nullable String boot(Starting s, Lines by) {
    String problem = s.startFiles(by);
    return problem == null ? s.startQemu(by, Starting.Kind.BOOTED) : problem;
  }

  private static String withLastWords(Starting s, String problem) {
    s.said.read(s.k, s.console[0]);
    String said = s.said.text();
    return said.isEmpty() ? problem : problem + "; the last it said:\n" + said;
  }
}
