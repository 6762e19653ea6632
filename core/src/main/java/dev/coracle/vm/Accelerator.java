package dev.coracle.vm;

import org.jspecify.annotations.Nullable;

/** What runs the guest's instructions. */
public enum Accelerator {
  /** The processor, through /dev/kvm. */
  KVM("kvm"),
  /** QEMU's compiler, on any host. */
  TCG("tcg");

  private final String word;

  Accelerator(String word) {
    this.word = word;
  }

  /** The word in annotations, and QEMU's. */
  public String word() {
    return word;
  }

  /** The one of this word, or null. */
  public static @Nullable Accelerator of(String word) {
    return word.equals("kvm") ? KVM : word.equals("tcg") ? TCG : null;
  }
}
