package dev.coracle.sandbox;

import static dev.coracle.abi.Mount.MOUNT_ATTR_NODEV;
import static dev.coracle.abi.Mount.MOUNT_ATTR_NOEXEC;
import static dev.coracle.abi.Mount.MOUNT_ATTR_NOSUID;
import static dev.coracle.abi.Mount.MOUNT_ATTR_RDONLY;

import dev.coracle.problem.Origin;
import dev.coracle.spec.Enclosure;
import dev.coracle.spec.Hooks;
import dev.coracle.spec.Linux;
import dev.coracle.spec.Linux.Device;
import dev.coracle.spec.Linux.Namespace;
import dev.coracle.spec.Linux.NamespaceType;
import dev.coracle.spec.Mount;
import dev.coracle.spec.Mount.MountOptions;
import dev.coracle.spec.Process;
import dev.coracle.spec.Resources;
import dev.coracle.spec.Resources.DeviceRule;
import dev.coracle.spec.Resources.Memory;
import dev.coracle.spec.Root;
import dev.coracle.spec.Spec;
import dev.coracle.vm.GuestDevices;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The host's half of a virtual machine: the container's namespaces, cgroup, bind mounts and hooks
 * stay, and its process becomes the one that runs the machine. What the kernel of the container
 * does for it is left to the guest, which reads the same configuration: see GuestSandbox.
 */
public final class MicroVmSandbox {
  /** Where the root filesystem is in the root around it. */
  public static final String ROOT_AT = "/rootfs";

  /** Where the block devices are that become disks, with their numbers. */
  public static final String DISK_AT = "/dev/disk";

  /** Where what machines have in common is in the root around it: the templates of others. */
  public static final String MACHINES_AT = "/machines";

  /** Where the files are of the checkpoint that the machine goes on from. */
  public static final String CHECKPOINT_AT = "/checkpoint";

  /** What the container's first process does on the host. */
  public static final String MACHINE = "machine";

  /** What a process that exec starts does on the host. */
  public static final String EXEC = "exec in the machine";

  private static final long DEV_KVM_MINOR = 232;
  private static final long DEV_TUN_MINOR = 200;
  private static final long MISC_MAJOR = 10;
  private static final int EVERYONE = 0666;
  private static final int NOBODY_ELSE = 0600;

  /**
   * What the monitor, virtiofsd and QEMU's start take: CHOWN, DAC_OVERRIDE, DAC_READ_SEARCH,
   * FOWNER, FSETID, KILL, SETGID, SETUID, SETPCAP, NET_ADMIN, SYS_CHROOT, SYS_ADMIN, MKNOD,
   * SETFCAP. The monitor gives them up when all has started.
   */
  private static final long CAPABILITIES =
      1L | 1L << 1 | 1L << 2 | 1L << 3 | 1L << 4 | 1L << 5 | 1L << 6 | 1L << 7 | 1L << 8 | 1L << 12
          | 1L << 18 | 1L << 21 | 1L << 27 | 1L << 31;

  private static final Origin ORIGIN = new Origin.Rewrite("microvm", new Origin.Default("root"));
  private static final Origin MODULES =
      new Origin.Rewrite("microvm", new Origin.Default("lib_modules"));

  /**
   * What the machine needs of the host.
   *
   * @param shown the host's files and directories that stand at the same place in the root around
   *     the root filesystem, read-only
   * @param modules the directory of the guest's kernel modules, named by the kernel's release,
   *     which the container is shown; null for none
   * @param machines the host's directory of what machines have in common, which may be written
   * @param checkpoint the host's directory of the files of a checkpoint; null for none
   * @param kvm whether it may use /dev/kvm
   * @param overheadBytes the memory that the machine takes beside the guest's
   * @param grantable the capabilities that can be given, as a bit mask
   */
  public record Needs(
      List<String> shown,
      @Nullable String modules,
      String machines,
      @Nullable String checkpoint,
      boolean kvm,
      long overheadBytes,
      long grantable) {}

  private MicroVmSandbox() {}

  /** The same bundle with a machine for its process. */
  public static Spec rewrite(Spec spec, Needs needs) {
    Process process = spec.process();
    Root root = spec.root();
    return new Spec(
        spec.ociVersion(),
        process == null ? null : serving(process, needs),
        root == null ? null : new Root(root.path(), false),
        spec.hostname(),
        spec.domainname(),
        binds(spec.mounts(), needs.modules()),
        withoutStart(spec.hooks()),
        spec.annotations(),
        linux(spec, needs),
        new Enclosure(ROOT_AT, MACHINE, mounts(needs)));
  }

  /** The host's half of an exec in a machine: it needs nothing but the way to the monitor. */
  public static Spec rewriteExec(Spec spec) {
    return new Spec(
        spec.ociVersion(),
        spec.process(),
        spec.root(),
        spec.hostname(),
        spec.domainname(),
        spec.mounts(),
        spec.hooks(),
        spec.annotations(),
        withoutGuests(spec.linux(), spec.linux().resources(), List.of()),
        new Enclosure(ROOT_AT, EXEC, List.of()));
  }

  /** The process on the host in place of {@code process}, with its terminal. */
  public static Process client(Process process) {
    return serving(process, 0);
  }

  private static Process serving(Process process, Needs needs) {
    return serving(process, CAPABILITIES & needs.grantable());
  }

  private static Process serving(Process process, long capabilities) {
    return new Process(
        process.terminal(),
        process.consoleSize(),
        "/",
        List.of("PATH=/usr/bin:/bin:/usr/sbin:/sbin"),
        process.args(),
        new Process.User(0, 0, null, List.of()),
        List.of(),
        new Process.Capabilities(capabilities, capabilities, 0, capabilities, 0),
        true,
        process.oomScoreAdj(),
        process.apparmorProfile(),
        process.selinuxLabel(),
        null,
        null,
        null);
  }

  /** What others do is the guest's. */
  private static List<Mount> binds(List<Mount> mounts, @Nullable String modules) {
    List<Mount> out = new ArrayList<>();
    for (Mount m : mounts) {
      if (m.options().bind() && !m.options().remount()) {
        out.add(m);
      }
    }
    if (modules != null) {
      // Last: a directory of the host's that the container has at /lib/modules must not hide it.
      String release = modules.substring(modules.lastIndexOf('/') + 1);
      out.add(shown(modules, "/lib/modules/" + release, MODULES));
    }
    return out;
  }

  /** startContainer hooks run in the container: that is in the guest. */
  private static Hooks withoutStart(Hooks h) {
    return new Hooks(
        h.prestart(),
        h.createRuntime(),
        h.createContainer(),
        List.of(),
        h.poststart(),
        h.poststop());
  }

  private static Linux linux(Spec spec, Needs needs) {
    Linux linux = spec.linux();
    List<Device> devices = new ArrayList<>();
    if (needs.kvm()) {
      devices.add(device("/dev/kvm", DEV_KVM_MINOR));
    }
    devices.add(device("/dev/net/tun", DEV_TUN_MINOR));
    List<Device> disks = GuestDevices.disks(spec);
    for (int i = 0; i < disks.size(); i++) {
      Device d = disks.get(i);
      devices.add(
          new Device(DISK_AT + i, 'b', d.major(), d.minor(), NOBODY_ELSE, 0, 0, d.origin()));
    }
    return withoutGuests(linux, resources(linux.resources(), needs), devices);
  }

  private static Device device(String path, long minor) {
    return new Device(path, 'c', MISC_MAJOR, minor, EVERYONE, 0, 0, ORIGIN);
  }

  private static Linux withoutGuests(
      Linux linux, @Nullable Resources resources, List<Device> devices) {
    return new Linux(
        withoutTime(linux.namespaces()),
        devices,
        linux.cgroupsPath(),
        resources,
        Map.of(),
        null,
        linux.rootfsPropagation(),
        List.of(),
        List.of(),
        linux.uidMappings(),
        linux.gidMappings(),
        List.of(),
        linux.netDevices(),
        linux.intelRdt(),
        linux.memoryPolicy(),
        null,
        null);
  }

  /** What time it is in the container is the guest's matter. */
  private static List<Namespace> withoutTime(List<Namespace> namespaces) {
    List<Namespace> out = new ArrayList<>();
    for (Namespace n : namespaces) {
      if (n.type() != NamespaceType.TIME) {
        out.add(n);
      }
    }
    return out;
  }

  private static Resources resources(@Nullable Resources given, Needs needs) {
    Resources r = given == null ? new Resources(List.of(), null, null, null) : given;
    List<DeviceRule> rules = new ArrayList<>(r.devices());
    if (needs.kvm()) {
      rules.add(new DeviceRule(true, 'c', MISC_MAJOR, DEV_KVM_MINOR, "rw"));
    }
    rules.add(new DeviceRule(true, 'c', MISC_MAJOR, DEV_TUN_MINOR, "rw"));
    return new Resources(
        rules,
        memory(r.memory(), needs.overheadBytes()),
        r.cpu(),
        null, // The guest's processes are counted in the guest.
        r.blockIo(),
        r.hugepageLimits(),
        r.network(),
        r.rdma(),
        r.unified());
  }

  /** The limits are the guest's; the machine's own memory comes on top. */
  private static @Nullable Memory memory(@Nullable Memory m, long overhead) {
    return m == null
        ? null
        : new Memory(
            more(m.limitBytes(), overhead),
            m.reservationBytes(),
            more(m.swapBytes(), overhead),
            m.kernelBytes(),
            m.kernelTcpBytes(),
            m.swappiness(),
            m.disableOomKiller(),
            m.checkBeforeUpdate());
  }

  private static @Nullable Long more(@Nullable Long bytes, long overhead) {
    return bytes == null || bytes <= 0 ? bytes : Long.valueOf(bytes + overhead);
  }

  private static List<Mount> mounts(Needs needs) {
    long plain = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;
    List<Mount> out = new ArrayList<>();
    out.add(filesystem("/proc", "proc", plain | MOUNT_ATTR_NOEXEC, List.of()));
    out.add(filesystem("/dev", "tmpfs", MOUNT_ATTR_NOSUID, List.of("mode=755", "size=64k")));
    out.add(
        filesystem(
            "/dev/pts",
            "devpts",
            MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC,
            List.of("newinstance", "ptmxmode=0666", "mode=0620")));
    for (String path : needs.shown()) {
      out.add(shown(path, path, ORIGIN));
    }
    MountOptions common = options(true, plain | MOUNT_ATTR_NOEXEC, List.of());
    out.add(new Mount(MACHINES_AT, null, needs.machines(), common, null, ORIGIN));
    String checkpoint = needs.checkpoint();
    if (checkpoint != null) {
      out.add(shown(checkpoint, CHECKPOINT_AT, ORIGIN));
    }
    return out;
  }

  /** What of the host is seen, and cannot be changed. */
  private static Mount shown(String source, String at, Origin origin) {
    long attributes = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_RDONLY;
    return new Mount(at, null, source, options(true, attributes, List.of()), null, origin);
  }

  private static Mount filesystem(String at, String type, long attributes, List<String> data) {
    return new Mount(at, type, type, options(false, attributes, data), null, ORIGIN);
  }

  private static MountOptions options(boolean bind, long attributes, List<String> data) {
    return new MountOptions(
        bind, bind, false, attributes, 0, 0, 0, 0, List.of(), 0, false, false, data);
  }
}
