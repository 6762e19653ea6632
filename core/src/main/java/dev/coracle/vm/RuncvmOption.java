package dev.coracle.vm;

import org.jspecify.annotations.Nullable;

/**
 * What RunCVM's options in the environment of a container become. Those that we have under another
 * name are aliases; of each other one it is said what to do instead, so that none is dropped.
 */
final class RuncvmOption {
  static final String PREFIX = "RUNCVM_";

  private RuncvmOption() {}

  /** The option of ours that a variable is an alias of, or null. */
  static @Nullable String alias(String variable) {
    return switch (variable) {
      case "RUNCVM_KERNEL" -> "kernel";
      case "RUNCVM_KERNEL_APPEND" -> "kernel_append";
      case "RUNCVM_KERNEL_DEBUG" -> "kernel_debug";
      case "RUNCVM_KERNEL_MOUNT_LIB_MODULES" -> "lib_modules";
      case "RUNCVM_DISKS" -> "disks";
      case "RUNCVM_CPUS" -> "cpus";
      case "RUNCVM_MEM" -> "memory";
      case "RUNCVM_VIRTIOFSD_CACHE" -> "virtiofs.cache";
      case "RUNCVM_BREAK" -> "break";
      default -> null;
    };
  }

  /** What is said of a variable that is no alias; an empty text where its value is what is done. */
  static String instead(String variable, String value) {
    boolean off = value.isEmpty() || value.equals("0") || value.equals("none");
    return switch (variable) {
      case "RUNCVM_DISPLAY_MODE" -> value.equals("headless") || off ? "" : NO_SCREEN;
      case "RUNCVM_QEMU_DISPLAY", "RUNCVM_QEMU_VGA", "RUNCVM_QEMU_VNC_DISPLAY" ->
          off ? "" : NO_SCREEN;
      case "RUNCVM_QEMU_USB" -> off ? "" : "the machine has no USB; use a container's --device";
      case "RUNCVM_QEMU_NET_VHOST" -> off ? "" : "has no effect: taps work without vhost";
      case "RUNCVM_QEMU_MEM_PREALLOC" -> off ? "" : "has no effect: memory is taken as it is used";
      case "RUNCVM_HUGETLB" -> off ? "" : "has no effect: give the host transparent huge pages";
      case "RUNCVM_BIOS" -> off ? "" : "has no effect: the kernel is started without a BIOS or EFI";
      case "RUNCVM_BIOS_DEBUG" -> off ? "" : "has no effect: the kernel is started without a BIOS";
      case "RUNCVM_SYS_ADMIN" ->
          off ? "" : "is not needed; for the capability in the guest use --cap-add SYS_ADMIN";
      case "RUNCVM_CGROUPFS" ->
          value.equals("2") || value.isEmpty() ? "" : "has no effect: the guest has cgroup v2";
      case "RUNCVM_INIT" -> off ? "" : "has no effect: use the engine's --init";
      case "RUNCVM_RUNTIME_DEBUG", "RUNCVM_QEMU_DEBUG" ->
          off ? "" : "has no effect: use the runtime's --debug, or dev.coracle.vm.kernel_debug";
      default -> "is not known";
    };
  }

  /** Whether a machine of another kind is asked for, which there is none of. */
  static boolean isRefused(String variable, String value) {
    return variable.equals("RUNCVM_QEMU_ARCH") && !value.isEmpty() && !value.equals("x86_64");
  }

  private static final String NO_SCREEN =
      "has no effect: the machine has no screen; its console is told when it fails";
}
