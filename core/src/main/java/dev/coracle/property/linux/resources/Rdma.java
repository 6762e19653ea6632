package dev.coracle.property.linux.resources;

import dev.coracle.cgroup.CgroupSteps;
import dev.coracle.json.Members;
import dev.coracle.json.Pointer;
import dev.coracle.spec.Resources;
import java.util.ArrayList;
import java.util.List;

/**
 * Limits of RDMA devices (config-linux.md, "RDMA").
 *
 * <p>Kernel: linux v6.12 Documentation/admin-guide/cgroup-v1/rdma.rst; v2 has the same file.
 */
public final class Rdma {
  public static final Pointer POINTER = Pointer.of("/linux/resources/rdma");

  private Rdma() {}

  /** Reads them, in the order of the text. */
  public static List<Resources.Rdma> read(Members resources) {
    Members rdma = resources.object("rdma");
    if (rdma == null || rdma.keys().isEmpty()) {
      return List.of();
    }
    List<Resources.Rdma> out = new ArrayList<>();
    for (String device : rdma.keys()) {
      Members m = rdma.object(device);
      if (m == null) {
        continue;
      }
      Long handles = m.uint32("hcaHandles");
      Long objects = m.uint32("hcaObjects");
      if (!m.has("hcaHandles") && !m.has("hcaObjects")) {
        m.error("needs hcaHandles or hcaObjects");
      }
      if (device.isEmpty() || device.indexOf(' ') >= 0 || device.indexOf('\n') >= 0) {
        m.error("must be named as a device, not \"" + device + "\"");
      }
      out.add(new Resources.Rdma(device, handles, objects));
    }
    return out;
  }

  /** Writes them, a line for each device; what is not given stays as it is. */
  public static void plan(List<Resources.Rdma> rdma, CgroupSteps steps) {
    for (Resources.Rdma r : rdma) {
      String line = r.device();
      if (r.hcaHandles() != null) {
        line += " hca_handle=" + r.hcaHandles();
      }
      if (r.hcaObjects() != null) {
        line += " hca_object=" + r.hcaObjects();
      }
      steps.files("rdma").write("rdma.max", line, POINTER.child(r.device()));
    }
  }
}
