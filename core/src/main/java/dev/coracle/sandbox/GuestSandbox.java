package dev.coracle.sandbox;

import dev.coracle.problem.Origin;
import dev.coracle.spec.Hooks;
import dev.coracle.spec.Linux;
import dev.coracle.spec.Linux.Device;
import dev.coracle.spec.Linux.Namespace;
import dev.coracle.spec.Linux.NamespaceType;
import dev.coracle.spec.Mount;
import dev.coracle.spec.Process;
import dev.coracle.spec.Resources;
import dev.coracle.spec.Resources.DeviceRule;
import dev.coracle.spec.Root;
import dev.coracle.spec.Spec;
import dev.coracle.vm.GuestDevices;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The guest's half of a container in a virtual machine: what the kernel of the container does for
 * it. Namespaces of the host, its network, limits, bind mounts and hooks are the host's half: see
 * MicroVmSandbox.
 */
public final class GuestSandbox {
  /** Where the guest sees the files that the host serves, as the container's root has them. */
  public static final String FILES = "/run/coracle/files";

  /** Where the agent's sockets are that stand for sockets of the host. */
  public static final String SOCKETS = "/run/coracle/sockets";

  /** The container's root. */
  public static final String ROOT = "/run/coracle/root";

  private static final Origin ORIGIN =
      new Origin.Rewrite("guest", new Origin.Default("namespaces"));

  private GuestSandbox() {}

  /** The one that stands for the source of a bind mount, by the mount's number. */
  public static String socket(int mount) {
    return SOCKETS + "/" + mount;
  }

  /** The same bundle as the guest has it, for what does not ask for its disks and sockets. */
  public static Spec rewrite(Spec spec) {
    return rewrite(spec, List.of(), List.of());
  }

  /**
   * The same bundle as the guest has it.
   *
   * @param disks what of GuestDevices.disks the guest has, in their order, with its own numbers
   * @param sockets the numbers of the bind mounts whose sources are sockets of the host
   */
  public static Spec rewrite(Spec spec, List<Device> disks, List<Integer> sockets) {
    Process process = spec.process();
    Root root = spec.root();
    Hooks hooks = spec.hooks();
    return new Spec(
        spec.ociVersion(),
        process == null ? null : guests(process),
        root == null ? null : new Root(ROOT, root.readonly()),
        spec.hostname(),
        spec.domainname(),
        mounts(spec.mounts(), sockets),
        new Hooks(List.of(), List.of(), List.of(), hooks.startContainer(), List.of(), List.of()),
        spec.annotations(),
        linux(spec.linux(), disks.isEmpty() ? List.of() : GuestDevices.disks(spec), disks));
  }

  /** The same process as the guest has it. */
  public static Process guests(Process p) {
    return new Process(
        p.terminal(),
        p.consoleSize(),
        p.cwd(),
        p.env(),
        p.args(),
        p.user(),
        p.rlimits(),
        p.capabilities(),
        p.noNewPrivileges(),
        null,
        null,
        null,
        p.scheduler(),
        p.ioPriority(),
        p.execCpuAffinity());
  }

  /**
   * Bind mounts are part of what the host serves. Where one lies below a filesystem that is mounted
   * here, it is bound once more, for that one hides it. A socket is covered by the agent's.
   */
  private static List<Mount> mounts(List<Mount> mounts, List<Integer> sockets) {
    List<Mount> out = new ArrayList<>();
    for (int i = 0; i < mounts.size(); i++) {
      Mount m = mounts.get(i);
      boolean socket = sockets.contains(i);
      if (!m.options().bind() || m.options().remount()) {
        out.add(m);
      } else if (socket || isHidden(m, out)) {
        String source = socket ? socket(i) : FILES + m.destination();
        out.add(new Mount(m.destination(), null, source, m.options(), null, m.origin()));
      }
    }
    return out;
  }

  private static boolean isHidden(Mount bind, List<Mount> before) {
    for (Mount m : before) {
      if (!m.options().remount() && bind.destination().startsWith(m.destination() + "/")) {
        return true;
      }
    }
    return false;
  }

  /** The devices with their numbers in the guest. */
  private static List<Device> devices(List<Device> all, List<Device> hosts, List<Device> guests) {
    List<Device> out = new ArrayList<>();
    for (Device d : all) {
      int at = hosts.indexOf(d);
      out.add(at < 0 ? d : guests.get(at));
    }
    return out;
  }

  /** Who may use a disk may use it by its number in the guest. */
  private static List<DeviceRule> rules(
      List<DeviceRule> all, List<Device> hosts, List<Device> guests) {
    List<DeviceRule> out = new ArrayList<>();
    for (DeviceRule r : all) {
      out.add(r);
      for (int i = 0; i < hosts.size(); i++) {
        Device host = hosts.get(i);
        if (r.type() == 'b'
            && isNumber(r.major(), host.major())
            && isNumber(r.minor(), host.minor())) {
          Device guest = guests.get(i);
          out.add(new DeviceRule(r.allow(), 'b', guest.major(), guest.minor(), r.access()));
        }
      }
    }
    return out;
  }

  private static boolean isNumber(@Nullable Long asked, long number) {
    return asked == null || asked == number;
  }

  private static Linux linux(Linux l, List<Device> hosts, List<Device> guests) {
    List<Namespace> namespaces = new ArrayList<>();
    for (NamespaceType type :
        List.of(
            NamespaceType.PID,
            NamespaceType.MOUNT,
            NamespaceType.IPC,
            NamespaceType.UTS,
            NamespaceType.CGROUP)) {
      namespaces.add(new Namespace(type, null, ORIGIN));
    }
    // The machine's own: what is set of the network is set there.
    namespaces.add(new Namespace(NamespaceType.NETWORK, "/proc/1/ns/net", ORIGIN));
    if (!l.timeOffsets().isEmpty()) {
      namespaces.add(new Namespace(NamespaceType.TIME, null, ORIGIN));
    }
    return new Linux(
        namespaces,
        devices(l.devices(), hosts, guests),
        "/container",
        resources(l.resources(), hosts, guests),
        l.sysctl(),
        l.seccomp(),
        l.rootfsPropagation(),
        l.maskedPaths(),
        l.readonlyPaths(),
        List.of(),
        List.of(),
        l.timeOffsets(),
        List.of(),
        null,
        null,
        l.personality(),
        null);
  }

  /** Of the limits those that count what is in the guest; a machine's are the host's. */
  private static @Nullable Resources resources(
      @Nullable Resources r, List<Device> hosts, List<Device> guests) {
    return r == null
        ? null
        : new Resources(
            rules(r.devices(), hosts, guests),
            null,
            null,
            r.pidsLimit(),
            null,
            List.of(),
            null,
            List.of(),
            Map.of());
  }
}
