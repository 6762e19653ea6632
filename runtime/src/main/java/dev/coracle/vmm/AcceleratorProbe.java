package dev.coracle.vmm;

import static dev.coracle.abi.Fcntl.AT_FDCWD;
import static dev.coracle.abi.Fcntl.F_OK;
import static dev.coracle.abi.Fcntl.O_CLOEXEC;
import static dev.coracle.abi.Fcntl.O_RDWR;

import dev.coracle.execute.Files;
import dev.coracle.kernel.Kernel;
import dev.coracle.vm.Accelerator;

/**
 * Finds out what can run a guest: /dev/kvm counts only where the processor does the work. Software
 * KVM (PVM) runs no ordinary kernel, and a nested one may not either, so that a guest that never
 * answered is remembered until the next boot of the host.
 */
public final class AcceleratorProbe {
  private static final String MISS = "/.kvm-missed";
  private static final String TOLD = "/.tcg-told";
  private static final String BOOT_ID = "/proc/sys/kernel/random/boot_id";
  private static final int MOST_CPUINFO_BYTES = 1 << 20;

  private final Kernel k;
  private final String root;

  /**
   * A probe.
   *
   * @param root the state root: what is known is kept there
   */
  public AcceleratorProbe(Kernel kernel, String root) {
    this.k = kernel;
    this.root = root;
  }

  /** What was found, and why it is not KVM; empty where it is. */
  public record Found(Accelerator accelerator, String why) {}

  /** Looks. */
  public Found find() {
    if (k.faccessat2(AT_FDCWD, "/sys/module/kvm_pvm", F_OK, 0) >= 0) {
      return slow("KVM on this host is software (kvm_pvm)");
    }
    Files.Content info = Files.read(k, "/proc/cpuinfo", MOST_CPUINFO_BYTES).content();
    String text = info == null ? "" : info.text();
    if (text.indexOf(" vmx ") < 0 && text.indexOf(" svm ") < 0) {
      return slow("the processor has neither vmx nor svm");
    }
    long fd = k.openat2(AT_FDCWD, "/dev/kvm", O_RDWR | O_CLOEXEC, 0, 0);
    if (fd < 0) {
      return slow("/dev/kvm cannot be opened: " + k.explain(fd));
    }
    long closed = k.close((int) fd);
    String boot = bootId();
    Files.Content missed = Files.read(k, root + MISS, 256).content();
    if (closed < 0 || missed != null && !boot.isEmpty() && missed.text().equals(boot)) {
      return slow("a guest did not start with KVM since the host was booted");
    }
    return new Found(Accelerator.KVM, "");
  }

  private static Found slow(String why) {
    return new Found(Accelerator.TCG, why);
  }

  /** Remembers that a guest with KVM never said a word; −errno where that fails. */
  public long missed() {
    long made = Files.makeDirectories(k, root, 0700);
    return made < 0 ? made : Files.create(k, root + MISS, bootId(), 0600);
  }

  /** Whether it is the first time since the host was booted that somebody is told of TCG. */
  public boolean isNews() {
    String boot = bootId();
    Files.Content told = Files.read(k, root + TOLD, 256).content();
    if (told != null && told.text().equals(boot)) {
      return false;
    }
    // Where it cannot be kept, it is told again.
    long made = Files.makeDirectories(k, root, 0700);
    return made < 0 || Files.create(k, root + TOLD, boot, 0600) <= 0;
  }

  private String bootId() {
    Files.Content id = Files.read(k, BOOT_ID, 256).content();
    return id == null ? "" : id.text();
  }
}
