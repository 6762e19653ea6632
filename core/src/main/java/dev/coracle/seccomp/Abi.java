package dev.coracle.seccomp;

/**
 * A system call interface: an architecture as seccomp sees it (seccomp(2), struct seccomp_data).
 */
public enum Abi {
  X86_64(0xc000003e, 0, true, "SCMP_ARCH_X86_64"),
  X86(0x40000003, 0, false, "SCMP_ARCH_X86"),
  /** Pointers of 32 bits on x86-64; the kernel tells it apart by a bit of the number alone. */
  X32(0xc000003e, 0x40000000, false, "SCMP_ARCH_X32"),
  AARCH64(0xc00000b7, 0, true, "SCMP_ARCH_AARCH64");

  private final int auditArch;
  private final int numberBit;
  private final boolean wide;
  private final String word;

  Abi(int auditArch, int numberBit, boolean wide, String word) {
    this.auditArch = auditArch;
    this.numberBit = numberBit;
    this.wide = wide;
    this.word = word;
  }

  /** AUDIT_ARCH_* (linux/audit.h). */
  public int auditArch() {
    return auditArch;
  }

  /** The bit that all its numbers have, or 0. */
  public int numberBit() {
    return numberBit;
  }

  /** Whether arguments have 64 bits. Of the others, libseccomp compares the lower 32 bits. */
  public boolean wide() {
    return wide;
  }

  /** The spec's name. */
  public String word() {
    return word;
  }
}
