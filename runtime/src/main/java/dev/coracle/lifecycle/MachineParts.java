package dev.coracle.lifecycle;

import dev.coracle.machine.Qemu;
import dev.coracle.problem.Origin;
import dev.coracle.problem.Problems;
import dev.coracle.property.Vm;
import dev.coracle.sandbox.MicroVmSandbox;
import dev.coracle.spec.Linux.Device;
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
    @Nullable String modules)
    implements Qemu.Lines {
  private static final Origin ORIGIN = new Origin.Default("virtual machine");

  /** How long a guest may take to say a word; under TCG on a busy host that is long. */
  private static final int KVM_MILLIS = 5_000;

  private static final int TCG_MILLIS = 60_000;

  /**
   * Finds them; where one is missing, or the bundle asks for what there is not, it is a problem.
   */
  static MachineParts find(Environment e, Spec spec, Problems problems) throws Failure {
    VmConfig config = VmOptions.read(spec, problems);
    Settings settings = Settings.read(e);
    VmHost host = new VmHost(e.kernel());
    Finder finder = new Finder(problems);
    dev.coracle.spec.Vm section = config.section();
    String hypervisor = section == null ? null : section.hypervisor();
    String qemu = finder.find(() -> host.qemu(hypervisor == null ? settings.qemu() : hypervisor));
    String virtiofsd = finder.find(() -> host.virtiofsd(settings.virtiofsd()));
    String firmware = finder.find(() -> host.firmware(config.machine()));
    refuseUnfinished(config, problems);
    Accelerator asked = config.accelerator();
    Accelerator accelerator = asked;
    if (accelerator == null) {
      AcceleratorProbe probe = new AcceleratorProbe(e.kernel(), e.root());
      AcceleratorProbe.Found found = probe.find();
      accelerator = found.accelerator();
      if (accelerator == Accelerator.TCG && probe.isNews()) {
        e.output().warn("virtual machines are emulated (TCG), which is slow: " + found.why());
      }
    }
    Booted booted = booted(e, config, settings, needs(config, spec), problems);
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
    return new MachineParts(
        config,
        accelerator,
        qemu,
        virtiofsd,
        firmware,
        kernel,
        booted.initramfs(),
        accelerator == Accelerator.TCG ? host.tscKhz() : 0,
        problems.hasErrors() ? List.of() : host.shown(more),
        devices,
        mkfs,
        booted.modules());
  }

  /**
   * The kernel that is booted, and what goes with it.
   *
   * @param kernel null where there was a problem
   */
  private record Booted(
      Kernels.@Nullable Stored kernel, String initramfs, @Nullable String modules) {}

  private static Booted booted(
      Environment e, VmConfig config, Settings settings, List<Need> needs, Problems problems) {
    try {
      return find(e, config, settings, needs, problems);
    } catch (Refused refused) {
      problems.error(
          config.kernelFile() == null ? ORIGIN : Origin.of(Vm.POINTER.child("kernel")),
          refused.getMessage());
      return new Booted(null, "", null);
    }
  }

  private static Booted find(
      Environment e, VmConfig config, Settings settings, List<Need> needs, Problems problems)
      throws Refused {
    Kernels kernels = new Kernels(e.kernel(), settings.kernels());
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
    return new Booted(kernel, Initramfs.path(e.kernel(), kernel, needs), modules);
  }

  /** What is read and cannot be done is refused, and not passed over. */
  private static void refuseUnfinished(VmConfig config, Problems problems) {
    String no = "is not supported yet";
    if (config.image()) {
      problems.error(ORIGIN, "dev.coracle.vm.kernel: a kernel of the image " + no);
    }
    if (config.template()) {
      problems.error(ORIGIN, "dev.coracle.vm.template " + no);
    }
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

  /** How long the guest may take to its first word. */
  int deadlineMillis() {
    return accelerator == Accelerator.KVM ? KVM_MILLIS : TCG_MILLIS;
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
  public List<String> machine(
      int control, int console, String filesSocket, List<Qemu.Nic> nics, List<Machine.Disk> disks) {
    List<Machine.Nic> cards = new ArrayList<>();
    for (Qemu.Nic nic : nics) {
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
            Machine.Memory.OWN,
            config.memoryMib(),
            config.vcpus(),
            control,
            Machine.NONE,
            console,
            filesSocket,
            cards,
            disks,
            0,
            Machine.Start.BOOT,
            false,
            section == null ? List.of() : section.parameters()));
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
