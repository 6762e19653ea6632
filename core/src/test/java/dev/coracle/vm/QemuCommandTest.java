package dev.coracle.vm;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.Golden;
import dev.coracle.vm.Machine.Disk;
import dev.coracle.vm.Machine.Memory;
import dev.coracle.vm.Machine.Nic;
import dev.coracle.vm.Machine.Start;
import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.Test;

class QemuCommandTest {
  private static Machine machine(
      MachineType type, Memory memory, List<Nic> nics, List<Disk> disks, Start start) {
    return new Machine(
        "/usr/bin/qemu-system-x86_64",
        Accelerator.TCG,
        type,
        null,
        "/usr/share/qemu/qboot.rom",
        "/k/vmlinux",
        "/k/initramfs",
        KernelParameters.text(Accelerator.TCG, type, 2_400_000, false, List.of("a=b", "c")),
        memory,
        512,
        2,
        5,
        6,
        7,
        start == Start.INCOMING ? null : "/files",
        start == Start.INCOMING ? 12 : Machine.NONE,
        nics,
        disks,
        2,
        start,
        start == Start.INCOMING,
        List.of("-name", "x"));
  }

  private static String lines(Machine machine) {
    return String.join("\n", QemuCommand.argv(machine)) + "\n";
  }

  @Test
  void aMicrovm() throws IOException {
    List<Nic> nics = List.of(new Nic(8, "02:42:ac:11:00:02"));
    Golden.check(
        "vm/microvm.txt",
        lines(machine(MachineType.MICROVM, Memory.OWN, nics, List.of(), Start.BOOT)));
  }

  @Test
  void aPcWithAllThereIs() throws IOException {
    List<Nic> nics = List.of(new Nic(8, "02:42:ac:11:00:02"), new Nic(9, "02:42:ac:11:00:03"));
    List<Disk> disks =
        List.of(
            new Disk(10, "raw", "data,1", Disk.Content.FILE, Disk.Access.READ_WRITE),
            new Disk(11, "qcow2", "ro", Disk.Content.BLOCK_DEVICE, Disk.Access.READ_ONLY));
    Memory copied = new Memory("/dev/shm/a,b", false);
    Golden.check(
        "vm/q35.txt", lines(machine(MachineType.Q35, copied, nics, disks, Start.INCOMING)));
  }

  @Test
  void withoutMonitorFilesAndFirstRoot() {
    Machine m = machine(MachineType.MICROVM, Memory.OWN, List.of(), List.of(), Start.BOOT);
    Machine bare =
        new Machine(
            m.program(),
            Accelerator.KVM,
            m.type(),
            null,
            m.firmware(),
            m.kernel(),
            null,
            m.append(),
            m.memory(),
            128,
            1,
            3,
            Machine.NONE,
            4,
            null,
            Machine.NONE,
            List.of(),
            List.of(),
            0,
            Start.BOOT,
            false,
            List.of());
    List<String> argv = QemuCommand.argv(bare);
    assertThat(argv).noneMatch(a -> a.contains("qmp") || a.contains("fs0") || a.equals("-initrd"));
    assertThat(argv).containsSequence("-accel", "kvm", "-cpu", "host");
    assertThat(argv).endsWith("-sandbox", QemuCommand.SANDBOX);
  }

  @Test
  void theKernelIsToldItsClockWhereItCannotMeasureIt() {
    String known =
        KernelParameters.text(Accelerator.TCG, MachineType.Q35, 2_596_148, true, List.of(""));
    assertThat(known).contains(" tsc=reliable tsc_early_khz=2596148").contains("ignore_loglevel");
    assertThat(known).doesNotEndWith(" ").doesNotContain("quiet").doesNotContain("edd=off");
    String unknown =
        KernelParameters.text(Accelerator.TCG, MachineType.Q35, 0, false, List.of("x"));
    assertThat(unknown).doesNotContain("tsc").endsWith(" x");
    String kvm =
        KernelParameters.text(Accelerator.KVM, MachineType.MICROVM, 2_596_148, false, List.of());
    assertThat(kvm).doesNotContain("tsc").doesNotContain("noreplace-smp").endsWith(" edd=off");
  }

  @Test
  void bothPrograms() {
    assertThat(Virtiofsd.argv("/v", Virtiofsd.Kind.QEMU, 9, "/root,fs", Virtiofsd.Cache.NEVER))
        .containsExactly(
            "/v",
            "--fd=9",
            "-o",
            "source=/root\\,fs",
            "-o",
            "sandbox=chroot,announce_submounts,xattr,cache=none");
    assertThat(Virtiofsd.argv("/v", Virtiofsd.Kind.RUST, 9, "/r", Virtiofsd.Cache.AUTO))
        .containsExactly(
            "/v",
            "--fd=9",
            "--shared-dir=/r",
            "--sandbox=chroot",
            "--announce-submounts",
            "--xattr",
            "--cache=auto");
    assertThat(Virtiofsd.kind("virtiofsd version 7.2.22 (Debian)")).isEqualTo(Virtiofsd.Kind.QEMU);
    assertThat(Virtiofsd.kind("virtiofsd 1.13.2")).isEqualTo(Virtiofsd.Kind.RUST);
  }
}
