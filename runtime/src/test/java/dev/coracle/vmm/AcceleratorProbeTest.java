package dev.coracle.vmm;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.kernel.Errno;
import dev.coracle.kernel.RecordingKernel;
import dev.coracle.vm.Accelerator;
import org.junit.jupiter.api.Test;

class AcceleratorProbeTest {
  private static final String BOOT_ID = "/proc/sys/kernel/random/boot_id";

  private static RecordingKernel host(String flags) {
    return new RecordingKernel()
        .broken("/sys/module/kvm_pvm", Errno.ENOENT)
        .broken("/s/.kvm-missed", Errno.ENOENT)
        .file("/proc/cpuinfo", "flags\t\t: fpu " + flags + " de\n")
        .file(BOOT_ID, "boot-1\n");
  }

  private static AcceleratorProbe.Found find(RecordingKernel k) {
    AcceleratorProbe.Found found = new AcceleratorProbe(k, "/s").find();
    assertThat(k.openDescriptors()).isEmpty();
    return found;
  }

  @Test
  void kvmWhereTheProcessorDoesTheWork() {
    assertThat(find(host("vmx")).accelerator()).isEqualTo(Accelerator.KVM);
    assertThat(find(host("svm")).accelerator()).isEqualTo(Accelerator.KVM);
  }

  @Test
  void tcgWhereItDoesNot() {
    assertThat(find(host("sse")).why()).isEqualTo("the processor has neither vmx nor svm");
    RecordingKernel shut = host("vmx").broken("/dev/kvm", Errno.EACCES);
    assertThat(find(shut).why()).startsWith("/dev/kvm cannot be opened: ");
    RecordingKernel pvm =
        new RecordingKernel().file("/sys/module/kvm_pvm", "").file("/proc/cpuinfo", "a vmx b");
    assertThat(find(pvm).why()).isEqualTo("KVM on this host is software (kvm_pvm)");
  }

  @Test
  void aMissIsRememberedUntilTheNextBoot() {
    RecordingKernel k = new RecordingKernel().file(BOOT_ID, "boot-1\n");
    assertThat(new AcceleratorProbe(k, "/s").missed()).isZero();
    assertThat(k.file("/s/.kvm-missed")).isEqualTo("boot-1\n");
    RecordingKernel booted =
        new RecordingKernel()
            .broken("/sys/module/kvm_pvm", Errno.ENOENT)
            .file("/proc/cpuinfo", "a vmx b")
            .file("/s/.kvm-missed", "boot-1\n")
            .file(BOOT_ID, "boot-2\n");
    assertThat(find(booted).accelerator()).isEqualTo(Accelerator.KVM);
    RecordingKernel same =
        new RecordingKernel()
            .broken("/sys/module/kvm_pvm", Errno.ENOENT)
            .file("/proc/cpuinfo", "a vmx b")
            .file("/s/.kvm-missed", "boot-1\n")
            .file(BOOT_ID, "boot-1\n");
    assertThat(find(same).why()).startsWith("a guest did not start with KVM");
  }

  @Test
  void itIsToldOnceForEachBoot() {
    RecordingKernel k = new RecordingKernel().file(BOOT_ID, "boot-1\n");
    assertThat(new AcceleratorProbe(k, "/s").isNews()).isTrue();
    assertThat(new AcceleratorProbe(k, "/s").isNews()).isFalse();
    k.file(BOOT_ID, "boot-2\n");
    assertThat(new AcceleratorProbe(k, "/s").isNews()).isTrue();
  }

  @Test
  void theClock() {
    String info = "model name\t: x\ncpu MHz\t\t: 2596.148\ncache";
    assertThat(VmHost.khz(info, info.indexOf("cpu MHz"))).isEqualTo(2_596_148);
    assertThat(VmHost.khz("cpu MHz : 2400", 0)).isEqualTo(2_400_000);
    assertThat(VmHost.khz("cpu MHz : 2400.5\n", 0)).isEqualTo(2_400_500);
    assertThat(VmHost.khz("cpu MHz", 0)).isZero();
    assertThat(new VmHost(new RecordingKernel()).tscKhz()).isZero();
  }

  @Test
  void modulesBesideAKernel() {
    assertThat(Kernels.modulesBeside("/boot/vmlinuz-6.1")).isEqualTo("/lib/modules/6.1");
    assertThat(Kernels.modulesBeside("/x/boot/vmlinux-6-y")).isEqualTo("/x/lib/modules/6-y");
    assertThat(Kernels.modulesBeside("/x/vmlinuz-6.1")).isNull();
    assertThat(Kernels.modulesBeside("/boot/vmlinuz")).isNull();
  }

  @Test
  void whatIsMissingIsNamedWithItsPackage() {
    RecordingKernel k = new RecordingKernel().answers("faccessat2", -Errno.ENOENT);
    VmHost host = new VmHost(k);
    assertThat(org.assertj.core.api.Assertions.catchThrowable(() -> host.qemu(null)))
        .hasMessage("QEMU is missing; install the package qemu-system-x86");
    assertThat(org.assertj.core.api.Assertions.catchThrowable(() -> host.virtiofsd(null)))
        .hasMessageContaining("qemu-system-common");
    assertThat(org.assertj.core.api.Assertions.catchThrowable(() -> host.qemu("/q")))
        .hasMessage("/q is not there: QEMU is missing; install the package qemu-system-x86");
    assertThat(host.shown("/a", "/a/b")).containsExactly("/a");
  }
}
