package dev.coracle.vm;

import org.jspecify.annotations.Nullable;

/** What kind of computer the guest sees. */
public enum MachineType {
  /** Without PCI: devices are virtio-mmio; starts soonest; nothing can be added later. */
  MICROVM("microvm", "-device"),
  /** A PC with PCI Express, to which devices can be added while it runs. */
  Q35("q35", "-pci");

  private final String word;
  private final String suffix;

  MachineType(String word, String suffix) {
    this.word = word;
    this.suffix = suffix;
  }

  /** The word in annotations, and QEMU's. */
  public String word() {
    return word;
  }

  /** What QEMU's names of virtio devices end in. */
  String suffix() {
    return suffix;
  }

  /** The one of this word, or null. */
  public static @Nullable MachineType of(String word) {
    return word.equals("microvm") ? MICROVM : word.equals("q35") ? Q35 : null;
  }
}
