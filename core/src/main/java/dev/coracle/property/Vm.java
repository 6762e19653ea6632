package dev.coracle.property;

import dev.coracle.json.Json;
import dev.coracle.json.Members;
import dev.coracle.json.Pointer;

/**
 * The section of virtual machines (config-vm.md): it belongs to a sandbox that boots a kernel. In a
 * container it would ask for an isolation that is not there, so it is refused and not passed over.
 */
public final class Vm {
  public static final Pointer POINTER = Pointer.of("/vm");

  private Vm() {}

  /** Refuses a section that asks for something. */
  public static void check(Members config) {
    Json value = config.raw("vm");
    if (value instanceof Json.Obj o) {
      if (!o.keys().isEmpty()) {
        config.error("vm", "is for a sandbox that boots a virtual machine, not for a container");
      }
    } else if (value != null) {
      config.error("vm", "must be an object, not " + value.kind());
    }
  }
}
