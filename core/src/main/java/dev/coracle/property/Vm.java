package dev.coracle.property;

import dev.coracle.json.Members;
import dev.coracle.json.Pointer;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The section of virtual machines (config-vm.md): it belongs to a sandbox that boots a kernel. In a
 * container it would ask for an isolation that is not there, so it is refused there and not passed
 * over. Of the hardware what is Xen's alone is refused everywhere.
 */
public final class Vm {
  public static final Pointer POINTER = Pointer.of("/vm");

  private static final List<String> FORMATS = List.of("raw", "qcow2", "vdi", "vmdk", "vhd");
  private static final List<String> OF_XEN = List.of("deviceTree", "dtdevs", "irqs");
  private static final String XEN = "is not supported: it is for guests of Xen";

  private Vm() {}

  /** Reads it; null where it asks for nothing. */
  public static dev.coracle.spec.@Nullable Vm read(Members config) {
    Members vm = config.object("vm");
    if (vm == null || vm.keys().isEmpty()) {
      return null;
    }
    Members hypervisor = vm.object("hypervisor");
    Members kernel = vm.object("kernel");
    Members image = vm.object("image");
    Members hardware = vm.object("hwConfig");
    if (!vm.has("kernel")) {
      vm.error("kernel", "is required");
    }
    if (hardware != null) {
      checkHardware(hardware);
    }
    return new dev.coracle.spec.Vm(
        hypervisor == null ? null : path(hypervisor, "path"),
        hypervisor == null ? List.of() : hypervisor.strings("parameters"),
        kernel == null ? null : path(kernel, "path"),
        kernel == null ? List.of() : kernel.strings("parameters"),
        kernel == null || !kernel.has("initrd") ? null : path(kernel, "initrd"),
        image == null ? null : path(image, "path"),
        image == null ? null : format(image),
        hardware == null ? null : hardware.uint32("vcpus"),
        hardware == null ? null : hardware.uint64("memory"));
  }

  private static String path(Members object, String key) {
    String path = object.requiredString(key);
    if (object.isString(key) && !path.startsWith("/")) {
      object.error(key, "must be absolute, not \"" + path + "\"");
    }
    return path;
  }

  private static String format(Members image) {
    String format = image.requiredString("format");
    if (image.isString("format") && !FORMATS.contains(format)) {
      image.error("format", "must be raw, qcow2, vdi, vmdk or vhd, not \"" + format + "\"");
    }
    return format;
  }

  /** A machine of QEMU has neither a device tree nor devices of Xen. */
  private static void checkHardware(Members hardware) {
    for (String key : OF_XEN) {
      boolean empty =
          hardware.raw(key) instanceof dev.coracle.json.Json.Arr a && a.items().isEmpty();
      if (hardware.has(key) && !empty) {
        hardware.error(key, XEN);
      }
    }
    for (Members memory : hardware.objects("iomems")) {
      StringBuilder keys = new StringBuilder();
      for (String key : memory.keys()) {
        keys.append(keys.length() == 0 ? ": " : ", ").append(key);
      }
      memory.error(XEN + keys);
    }
  }
}
