package dev.coracle.vm;

import dev.coracle.vm.Machine.Disk;
import java.util.ArrayList;
import java.util.List;

/**
 * QEMU's command line for a machine. Each option was tried with QEMU 7.2: the machines start with
 * the kernel of Debian's cloud images.
 *
 * <p>Nothing is there by default ({@code -nodefaults}, {@code -no-user-config}); QEMU's filter of
 * system calls is on, so that it can neither gain rights nor start programs.
 */
public final class QemuCommand {
  /** The name of the port by which host and guest speak (docs/vm-protocol.md). */
  public static final String PORT = "dev.coracle.vm";

  /** The name of the port by which a guest reaches its files that was copied from another. */
  public static final String FILES_PORT = "dev.coracle.files";

  /**
   * A processor for TCG: x86-64-v2, which distributions are compiled for, and random numbers.
   * QEMU's "max" has v3, and takes 200 ms longer to boot.
   */
  static final String TCG_CPU = "qemu64,+ssse3,+sse4.1,+sse4.2,+popcnt,+rdrand";

  /**
   * Emulation with 64 MiB for translated code. QEMU's own default grows to 1 GiB, which the memory
   * limit of a container has no room for.
   */
  private static final String TCG = "tcg,tb-size=64";

  /** What the filter of system calls refuses. */
  static final String SANDBOX =
      "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny";

  /** The sets of descriptors that QEMU opens by /dev/fdset: the console's is the first. */
  private static final int CONSOLE_SET = 1;

  private static final int FIRST_DISK_SET = 16;

  private final Machine m;
  private final List<String> out = new ArrayList<>();

  private QemuCommand(Machine machine) {
    this.m = machine;
  }

  /** The command line, the program first. */
  public static List<String> argv(Machine machine) {
    QemuCommand c = new QemuCommand(machine);
    c.machine();
    c.kernel();
    c.control();
    c.slots();
    c.virtiofs();
    c.disks();
    c.nics();
    c.rest();
    return c.out;
  }

  private void add(String option, String value) {
    out.add(option);
    out.add(value);
  }

  private boolean pci() {
    return m.type() == MachineType.Q35;
  }

  private void machine() {
    out.add(m.program());
    // Without these, a machine has a CD drive, a network card and a screen, and reads /etc/qemu.
    out.add("-nodefaults");
    out.add("-no-user-config");
    add("-display", "none");
    out.add("-no-reboot");
    add("-machine", m.type().word() + ",memory-backend=m0");
    add("-accel", m.accelerator() == Accelerator.TCG ? TCG : m.accelerator().word());
    add("-cpu", cpu());
    add("-m", Long.toString(m.memoryMib()));
    add("-smp", Integer.toString(m.vcpus()));
    add("-bios", m.firmware());
    if (!pci()) {
      add("-global", "virtio-mmio.force-legacy=off");
    }
    String size = ",size=" + m.memoryMib() + "M,share=" + (m.memory().shared() ? "on" : "off");
    String file = m.memory().file();
    add(
        "-object",
        file == null
            ? "memory-backend-memfd,id=m0" + size
            : "memory-backend-file,id=m0,mem-path=" + escaped(file) + size);
  }

  private String cpu() {
    String asked = m.cpu();
    return asked != null ? asked : m.accelerator() == Accelerator.KVM ? "host" : TCG_CPU;
  }

  private void kernel() {
    add("-kernel", m.kernel());
    String initrd = m.initrd();
    if (initrd != null) {
      add("-initrd", initrd);
    }
    add("-append", m.append());
  }

  private void control() {
    add("-chardev", "socket,id=ctl,fd=" + m.control());
    boolean files = m.filesPort() != Machine.NONE;
    device("virtio-serial", "id=vs0,max_ports=" + (files ? 3 : 2));
    add("-device", "virtserialport,bus=vs0.0,nr=1,chardev=ctl,name=" + PORT);
    if (files) {
      add("-chardev", "socket,id=files,fd=" + m.filesPort());
      add("-device", "virtserialport,bus=vs0.0,nr=2,chardev=files,name=" + FILES_PORT);
    }
    if (m.qmp() != Machine.NONE) {
      add("-chardev", "socket,id=qmp,fd=" + m.qmp());
      add("-mon", "chardev=qmp,mode=control");
    }
    add("-add-fd", "fd=" + m.console() + ",set=" + CONSOLE_SET);
    add("-chardev", "file,id=con,append=on,path=/dev/fdset/" + CONSOLE_SET);
    add("-serial", "chardev:con");
  }

  private void slots() {
    for (int i = 0; pci() && i < m.emptySlots(); i++) {
      add("-device", "pcie-root-port,id=slot" + i + ",chassis=" + (i + 1));
    }
  }

  private void virtiofs() {
    String files = m.files();
    if (files != null) {
      add("-chardev", "socket,id=fs0,path=" + escaped(files));
      device("vhost-user-fs", "chardev=fs0,tag=root,queue-size=1024");
    }
  }

  private void disks() {
    for (int i = 0; i < m.disks().size(); i++) {
      Disk d = m.disks().get(i);
      boolean readOnly = d.access() == Disk.Access.READ_ONLY;
      int set = FIRST_DISK_SET + i;
      add("-add-fd", "fd=" + d.fd() + ",set=" + set);
      String driver = d.content() == Disk.Content.BLOCK_DEVICE ? "host_device" : "file";
      // Without locking: the descriptor is ours, and two sets of locks would meet in one file.
      add(
          "-blockdev",
          driver
              + (",node-name=file" + i)
              + (",filename=/dev/fdset/" + set)
              + ",locking=off"
              + (",read-only=" + onOff(readOnly)));
      add(
          "-blockdev",
          d.format()
              + (",node-name=disk" + i + ",file=file" + i)
              + ",discard=unmap"
              + (",read-only=" + onOff(readOnly)));
      device("virtio-blk", "drive=disk" + i + ",serial=" + escaped(d.serial()));
    }
  }

  private void nics() {
    for (int i = 0; i < m.nics().size(); i++) {
      Machine.Nic n = m.nics().get(i);
      add("-netdev", "tap,id=net" + i + ",fd=" + n.tap() + ",vhost=off");
      // Without a file of boot code, which nobody runs.
      device("virtio-net", "netdev=net" + i + ",mac=" + n.mac() + (pci() ? ",romfile=" : ""));
    }
  }

  private void rest() {
    if (m.generation()) {
      add("-device", "vmgenid,guid=auto");
    }
    if (m.start() == Machine.Start.INCOMING) {
      add("-incoming", "defer");
    }
    add("-sandbox", SANDBOX);
    out.addAll(m.parameters());
  }

  private void device(String name, String options) {
    add("-device", name + m.type().suffix() + "," + options);
  }

  private static String onOff(boolean value) {
    return value ? "on" : "off";
  }

  /** In a list of options a comma is written twice. */
  static String escaped(String value) {
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < value.length(); i++) {
      text.append(value.charAt(i));
      if (value.charAt(i) == ',') {
        text.append(',');
      }
    }
    return text.toString();
  }
}
