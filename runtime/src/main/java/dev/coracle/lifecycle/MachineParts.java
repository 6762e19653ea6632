package dev.coracle.lifecycle;

import static dev.coracle.abi.Fcntl.AT_FDCWD;

import dev.coracle.abi.Bytes;
import dev.coracle.abi.Statx;
import dev.coracle.execute.Files;
import dev.coracle.kernel.Kernel;
import dev.coracle.machine.Qemu;
import dev.coracle.problem.Origin;
import dev.coracle.problem.Problems;
import dev.coracle.property.Vm;
import dev.coracle.sandbox.MicroVmSandbox;
import dev.coracle.spec.Linux.Device;
import dev.coracle.spec.Root;
import dev.coracle.spec.Spec;
import dev.coracle.vm.Accelerator;
import dev.coracle.vm.GuestDevices;
import dev.coracle.vm.GuestModules.Need;
import dev.coracle.vm.KernelParameters;
import dev.coracle.vm.Machine;
import dev.coracle.vm.MachineType;
import dev.coracle.vm.QemuCommand;
import dev.coracle.vm.Virtiofsd;
import dev.coracle.vm.VmConfig;
import dev.coracle.vm.VmOptions;
import dev.coracle.vmm.AcceleratorProbe;
import dev.coracle.vmm.Initramfs;
import dev.coracle.vmm.Kernels;
import dev.coracle.vmm.Refused;
import dev.coracle.vmm.VmHost;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a machine is made of on this host, all found before anything is done.
 *
 * @param shown the host's files that QEMU and virtiofsd need
 * @param devices the paths in the container of the block devices that become disks
 * @param mkfs what makes a filesystem on a new disk; null for none
 * @param modules the directory of the kernel's modules that the container is shown; null for none
 * @param machines where what machines have in common is
 * @param key all that shapes the machine; empty where it is none's copy
 */
record MachineParts(
    VmConfig config,
    Accelerator accelerator,
    String qemu,
    String virtiofsd,
    String firmware,
    Kernels.@Nullable Stored kernel,
    String initramfs,
    long tscKhz,
    List<String> shown,
    List<String> devices,
    @Nullable String mkfs,
    @Nullable String modules,
    String machines,
    String key)
    implements Qemu.Lines {
  private static final Origin ORIGIN = new Origin.Default("virtual machine");

  private static final Qemu.Ends NO_ENDS =
      new Qemu.Ends(0, 0, null, 0, 0, Machine.Memory.OWN, false, List.of(), List.of());

  /** How long a guest may take to say a word until it is taken for one that hangs. */
  private static final int KVM_MILLIS = 5_000;

  /** In the state root: what engines share one of has one trust. */
  private static final String MACHINES = "/.machines";

  private static final int TCG_MILLIS = 20_000;

  /**
   * Finds them; where one is missing, or the bundle asks for what there is not, it is a problem.
   */
  static MachineParts find(Environment e, Bundle bundle, Problems problems) throws Failure {
    Spec spec = bundle.spec();
    VmConfig config = VmOptions.read(spec, problems);
    Settings settings = Settings.read(e);
    VmHost host = new VmHost(e.kernel());
    Finder finder = new Finder(problems);
    dev.coracle.spec.Vm section = config.section();
    String hypervisor = section == null ? null : section.hypervisor();
    String qemu = finder.find(() -> host.qemu(hypervisor == null ? settings.qemu() : hypervisor));
    String virtiofsd = finder.find(() -> host.virtiofsd(settings.virtiofsd()));
    String firmware = finder.find(() -> host.firmware(config.machine()));
    String common = settings.templates();
    String machines = common == null ? e.root() + MACHINES : common;
    long made = Files.makeDirectories(e.kernel(), machines, 0700);
    if (made < 0) {
      throw new Failure("cannot make " + machines + ": " + e.kernel().explain(made));
    }
    Accelerator accelerator = config.accelerator();
    if (accelerator == null) {
      AcceleratorProbe probe = new AcceleratorProbe(e.kernel(), machines);
      AcceleratorProbe.Found found = probe.find();
      accelerator = found.accelerator();
      if (accelerator == Accelerator.TCG && probe.isNews()) {
        e.output().warn("virtual machines are emulated (TCG), which is slow: " + found.why());
      }
    }
    Root root = spec.root();
    String rootfs = root == null ? "/" : root.in(bundle.path());
    Sought sought = new Sought(config, settings.kernels(), rootfs, needs(config, spec));
    Booted booted = booted(e, sought, problems);
    Kernels.Stored kernel = booted.kernel();
    List<String> devices = new ArrayList<>();
    for (Device d : GuestDevices.disks(spec)) {
      devices.add(d.path());
    }
    if (devices.size() + config.disks().size() > VmConfig.MOST_DISKS) {
      problems.error(ORIGIN, "has at most " + VmConfig.MOST_DISKS + " disks and block devices");
    }
    String mkfs = config.disks().isEmpty() ? null : host.mkfs();
    String[] more = {
      qemu, virtiofsd, firmware, kernel == null ? qemu : kernel.path(), mkfs == null ? qemu : mkfs
    };
    MachineParts parts =
        new MachineParts(
            config,
            accelerator,
            qemu,
            virtiofsd,
            firmware,
            kernel,
            booted.initramfs(),
            host.tscKhz(),
            problems.hasErrors() ? List.of() : host.shown(more),
            devices,
            mkfs,
            booted.modules(),
            machines,
            "");
    boolean disks = parts.hasDisks();
    Boolean asked = config.template();
    if (asked != null && asked && disks) {
      problems.error(ORIGIN, "dev.coracle.vm.template: a machine with disks cannot be a copy");
    }
    boolean copied = asked == null ? settings.template() && !disks : asked;
    return copied && !problems.hasErrors() ? parts.copied(e) : parts;
  }

  /**
   * The kernel that is booted, and what goes with it.
   *
   * @param kernel null where there was a problem
   */
  private record Booted(
      Kernels.@Nullable Stored kernel, String initramfs, @Nullable String modules) {}

  /**
   * What it is chosen by.
   *
   * @param store the directory of the kernels
   * @param rootfs the container's root, as the bundle has it
   */
  private record Sought(VmConfig config, String store, String rootfs, List<Need> needs) {}

  private static Booted booted(Environment e, Sought sought, Problems problems) {
    try {
      return find(e, sought, problems);
    } catch (Refused refused) {
      problems.error(
          sought.config().kernelFile() == null ? ORIGIN : Origin.of(Vm.POINTER.child("kernel")),
          refused.getMessage());
      return new Booted(null, "", null);
    }
  }

  private static Booted find(Environment e, Sought sought, Problems problems) throws Refused {
    Kernels kernels = new Kernels(e.kernel(), sought.store());
    VmConfig config = sought.config();
    Kernels.Stored images = config.image() ? kernels.ofImage(sought.rootfs()) : null;
    if (images != null) {
      // Its modules are in the image.
      return new Booted(images, Initramfs.path(e.kernel(), images, sought.needs()), null);
    }
    if (config.image()) {
      problems.warning(ORIGIN, "the image has no kernel that is known; it gets the default one");
    }
    dev.coracle.spec.Vm section = config.section();
    String file = config.kernelFile();
    Kernels.Stored kernel =
        file == null
            ? kernels.find(config.kernel())
            : kernels.ofFile(file, section == null ? null : section.initrd());
    String modules = config.libModules() ? kernels.modules(kernel) : null;
    if (modules != null && !kernels.isIndexed(modules)) {
      problems.warning(
          ORIGIN,
          "modprobe will not find the kernel's modules: install the package kmod and add the"
              + " kernel anew");
    }
    return new Booted(kernel, Initramfs.path(e.kernel(), kernel, sought.needs()), modules);
  }

  private static List<Need> needs(VmConfig config, Spec spec) {
    List<Need> out = new ArrayList<>();
    out.add(config.machine() == MachineType.MICROVM ? Need.MMIO : Need.PCI);
    out.addAll(List.of(Need.PORT, Need.VIRTIOFS, Need.NET));
    out.addAll(GuestDevices.needs(spec));
    if (!config.disks().isEmpty() || !GuestDevices.disks(spec).isEmpty()) {
      out.add(Need.DISK);
      // What engines in the guest mount on a disk, and no kernel can load by itself there.
      out.add(Need.OVERLAY);
    }
    return out;
  }

  @Override
  public int patienceMillis() {
    return accelerator == Accelerator.KVM ? KVM_MILLIS : TCG_MILLIS;
  }

  /** KVM that was asked for by name has no stead. */
  @Override
  public Qemu.@Nullable Lines fallback() {
    if (accelerator == Accelerator.TCG) {
      return this;
    }
    return config.accelerator() != null ? null : with(Accelerator.TCG, "");
  }

  @Override
  public String fallbackReason(Kernel k) {
    if (accelerator == Accelerator.TCG) {
      return "another one is tried";
    }
    long kept = new AcceleratorProbe(k, MicroVmSandbox.MACHINES_AT).missed();
    return "virtual machines are emulated (TCG) from now on, which is slow"
        + (kept < 0 ? "; it cannot be remembered: " + k.explain(kept) : "");
  }

  @Override
  public List<String> files(int socket) {
    return Virtiofsd.argv(
        virtiofsd, VmHost.kind(virtiofsd), socket, MicroVmSandbox.ROOT_AT, config.cache());
  }

  @Override
  public List<VmConfig.DiskRequest> disks() {
    return config.disks();
  }

  @Override
  public List<String> machine(Qemu.Ends ends) {
    List<Machine.Nic> cards = new ArrayList<>();
    for (Qemu.Nic nic : ends.nics()) {
      cards.add(new Machine.Nic(nic.tap(), nic.mac()));
    }
    Kernels.Stored stored = kernel;
    dev.coracle.spec.Vm section = config.section();
    String append =
        KernelParameters.text(
            accelerator, config.machine(), tscKhz, config.debug(), config.append());
    return QemuCommand.argv(
        new Machine(
            qemu,
            accelerator,
            config.machine(),
            config.cpu(),
            firmware,
            stored == null ? "" : stored.image(),
            initramfs,
            append,
            ends.memory(),
            config.memoryMib(),
            config.vcpus(),
            ends.control(),
            ends.qmp(),
            ends.console(),
            ends.filesSocket(),
            ends.filesPort(),
            cards,
            ends.disks(),
            0,
            ends.copy() ? Machine.Start.INCOMING : Machine.Start.BOOT,
            false,
            section == null ? List.of() : section.parameters()));
  }

  /** Whether it has disks, or block devices, which are disks in it. */
  boolean hasDisks() {
    return !devices.isEmpty() || !config.disks().isEmpty();
  }

  @Override
  public @Nullable String templateKey() {
    return key.isEmpty() ? null : key;
  }

  /** What QEMU's command line says of the machine, but for what it is booted with. */
  @Override
  public List<String> shape() {
    List<String> words = machine(NO_ENDS);
    List<String> out = new ArrayList<>();
    for (int i = 1; i < words.size(); i++) {
      String word = words.get(i);
      if (word.equals("-kernel") || word.equals("-initrd") || word.equals("-append")) {
        i++;
      } else {
        out.add(word);
      }
    }
    return out;
  }

  /** A copy is as the machine that it is copied from in all that this says. */
  private MachineParts copied(Environment e) throws Failure {
    Kernel k = e.kernel();
    StringBuilder text = new StringBuilder();
    for (String word : machine(NO_ENDS)) {
      text.append(word).append('\n');
    }
    List<String> files = new ArrayList<>(List.of(qemu, firmware, initramfs));
    Kernels.Stored stored = kernel;
    if (stored != null) {
      files.add(stored.image());
    }
    byte[] statx = new byte[Statx.SIZE];
    for (String file : files) {
      if (k.statx(AT_FDCWD, file, 0, Statx.STATX_BASIC_STATS, statx) < 0) {
        throw new Failure(file + " is gone");
      }
      text.append(Statx.inode(statx)).append(' ').append(Statx.size(statx)).append(' ');
      text.append(Bytes.i64(statx, Statx.MTIME_AT)).append('\n');
    }
    return with(accelerator, text.toString());
  }

  /** The same parts for another machine. */
  private MachineParts with(Accelerator by, String newKey) {
    return new MachineParts(
        config, by, qemu, virtiofsd, firmware, kernel, initramfs, tscKhz, shown, devices, mkfs,
        modules, machines, newKey);
  }

  /** Tells of each thing that is missing. */
  private record Finder(Problems problems) {
    interface Search {
      String find() throws Refused;
    }

    String find(Search search) {
      try {
        return search.find();
      } catch (Refused refused) {
        problems.error(ORIGIN, refused.getMessage());
        return "";
      }
    }
  }
}
