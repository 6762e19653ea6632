package dev.coracle.lifecycle;

import static dev.coracle.abi.Fcntl.AT_FDCWD;

import dev.coracle.abi.Stat;
import dev.coracle.abi.Statx;
import dev.coracle.config.Host;
import dev.coracle.execute.Files;
import dev.coracle.execute.Service;
import dev.coracle.host.VirtioDisks;
import dev.coracle.kernel.Kernel;
import dev.coracle.machine.ExecService;
import dev.coracle.machine.HostSockets;
import dev.coracle.machine.MachineService;
import dev.coracle.machine.Qemu;
import dev.coracle.problem.Origin;
import dev.coracle.problem.Problems;
import dev.coracle.property.linux.Namespaces;
import dev.coracle.sandbox.GuestSandbox;
import dev.coracle.sandbox.MicroVmSandbox.Needs;
import dev.coracle.spec.Linux.Device;
import dev.coracle.spec.Linux.Namespace;
import dev.coracle.spec.Linux.NamespaceType;
import dev.coracle.spec.Mount;
import dev.coracle.spec.Process;
import dev.coracle.spec.Spec;
import dev.coracle.vm.Accelerator;
import dev.coracle.vm.Field;
import dev.coracle.vm.Frame;
import dev.coracle.vm.GuestDevices;
import dev.coracle.vm.RequestWriter;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Virtual machines as verbs see them: what they are made of, and the processes in their place. */
final class Machines {
  private static final Origin ORIGIN = new Origin.Default("virtual machine");
  private static final long OVERHEAD_BYTES = 128L << 20;

  /** All that is known of a machine before anything is done. */
  record Prepared(Needs needs, Service service) {}

  private Machines() {}

  /**
   * Prepares the machine of a bundle.
   *
   * @param checkpoint the directory of the checkpoint that it goes on from; null for none
   */
  static Prepared prepare(
      Environment e,
      String id,
      Bundle bundle,
      @Nullable String checkpoint,
      Host host,
      Problems problems)
      throws Failure {
    Namespace network = bundle.spec().linux().namespace(NamespaceType.NETWORK);
    if (network == null || isOurs(e.kernel(), network.path())) {
      problems.error(
          Namespaces.POINTER,
          "a virtual machine cannot have the host's network; it needs a network namespace:"
              + " {\"type\":\"network\"}");
    }
    GuestDevices.check(bundle.spec(), problems);
    List<HostSockets.Bind> sockets = sockets(e.kernel(), bundle, problems);
    MachineParts parts = MachineParts.find(e, bundle, problems);
    if (checkpoint != null && parts.hasDisks()) {
      problems.error(ORIGIN, "a machine with disks cannot go on after a checkpoint");
    }
    boolean kvm = parts.accelerator() == Accelerator.KVM;
    Needs needs =
        new Needs(
            parts.shown(),
            parts.modules(),
            parts.machines(),
            checkpoint,
            kvm,
            OVERHEAD_BYTES,
            host.grantable(bundle.spec()));
    Process process = bundle.spec().process();
    boolean terminal = process != null && process.terminal();
    Qemu qemu = new Qemu(parts);
    return new Prepared(
        needs,
        new MachineService(
            new MachineService.Parts(
                id,
                bundle.config(),
                bundle.length(),
                terminal,
                sockets,
                qemu,
                checkpoint != null)));
  }

  /** The block devices of a container, in a guest: they have other numbers there. */
  static List<Device> disksInGuest(Kernel k, Spec spec, Problems problems) {
    List<Device> out = new ArrayList<>();
    List<Device> asked = GuestDevices.disks(spec);
    for (int i = 0; i < asked.size(); i++) {
      Device d = asked.get(i);
      String name = VirtioDisks.name(k, GuestDevices.serial(i));
      String numbers = name == null ? "" : VirtioDisks.numbers(k, name);
      int colon = numbers.indexOf(':');
      if (colon < 0) {
        problems.error(d.origin(), "the guest has no disk \"" + GuestDevices.serial(i) + "\"");
        return List.of();
      }
      long major = Long.parseLong(numbers.substring(0, colon));
      long minor = Long.parseLong(numbers.substring(colon + 1));
      out.add(new Device(d.path(), 'b', major, minor, d.fileMode(), d.uid(), d.gid(), d.origin()));
    }
    return out;
  }

  /**
   * The bind mounts whose sources are sockets: the guest's kernel sees their names, and nobody who
   * listens there, so that connections are carried.
   */
  private static List<HostSockets.Bind> sockets(Kernel k, Bundle bundle, Problems problems) {
    byte[] statx = new byte[Statx.SIZE];
    List<HostSockets.Bind> out = new ArrayList<>();
    List<Mount> mounts = bundle.spec().mounts();
    for (int i = 0; i < mounts.size(); i++) {
      Mount m = mounts.get(i);
      String source = m.source().startsWith("/") ? m.source() : bundle.path() + "/" + m.source();
      if (m.options().bind()
          && !m.options().remount()
          && k.statx(AT_FDCWD, source, 0, Statx.STATX_BASIC_STATS, statx) >= 0
          && Statx.type(statx) == Stat.S_IFSOCK) {
        out.add(new HostSockets.Bind(i, m.destination()));
        if (out.size() > Frame.MOST_SOCKETS) {
          problems.error(
              m.origin(),
              "a virtual machine can have "
                  + Frame.MOST_SOCKETS
                  + " sockets of the host; this is one more");
        }
      }
    }
    return out;
  }

  /** The mounts, by their numbers, whose sources are sockets in the guest that stand for others. */
  static List<Integer> socketsInGuest(Kernel k, Spec spec) {
    List<Integer> out = new ArrayList<>();
    byte[] statx = new byte[Statx.SIZE];
    if (k.statx(AT_FDCWD, GuestSandbox.SOCKETS, 0, Statx.STATX_TYPE, statx) < 0) {
      return out;
    }
    for (int i = 0; i < spec.mounts().size(); i++) {
      String path = GuestSandbox.socket(i);
      if (k.statx(AT_FDCWD, path, 0, Statx.STATX_TYPE, statx) >= 0) {
        out.add(i);
      }
    }
    return out;
  }

  /** Whether a network namespace is the one that we are in. */
  private static boolean isOurs(Kernel k, @Nullable String path) {
    byte[] theirs = new byte[Statx.SIZE];
    byte[] ours = new byte[Statx.SIZE];
    return path != null
        && k.statx(AT_FDCWD, path, 0, Statx.STATX_BASIC_STATS, theirs) >= 0
        && k.statx(AT_FDCWD, "/proc/self/ns/net", 0, Statx.STATX_BASIC_STATS, ours) >= 0
        && Statx.inode(theirs) == Statx.inode(ours);
  }

  /** What stands for an exec in a machine. */
  static Service exec(Exec.Request request, Files.@Nullable Content processFile, boolean terminal) {
    RequestWriter out = new RequestWriter();
    if (processFile != null) {
      out.add(Field.PROCESS, processFile.bytes(), 0, processFile.length());
      return new ExecService(out, terminal);
    }
    all(out, "--env=", request.env());
    one(out, "--cwd=", request.cwd());
    one(out, "--user=", request.user());
    for (Long gid : request.additionalGids()) {
      out.add(Field.ARGUMENT, "--additional-gids=" + gid);
    }
    all(out, "--cap=", request.capabilities());
    if (request.noNewPrivileges()) {
      out.add(Field.ARGUMENT, "--no-new-privs");
    }
    if (request.terminal()) {
      out.add(Field.ARGUMENT, "--tty");
    }
    out.add(Field.ARGUMENT, "--");
    all(out, "", request.args());
    return new ExecService(out, terminal);
  }

  private static void all(RequestWriter out, String flag, List<String> values) {
    for (String value : values) {
      out.add(Field.ARGUMENT, flag + value);
    }
  }

  private static void one(RequestWriter out, String flag, @Nullable String value) {
    if (value != null) {
      out.add(Field.ARGUMENT, flag + value);
    }
  }
}
