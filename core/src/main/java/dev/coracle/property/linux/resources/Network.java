package dev.coracle.property.linux.resources;

import dev.coracle.cgroup.CgroupFiles;
import dev.coracle.cgroup.CgroupLayout.Version;
import dev.coracle.cgroup.CgroupSteps;
import dev.coracle.json.Members;
import dev.coracle.json.Pointer;
import dev.coracle.spec.Resources;
import dev.coracle.spec.Resources.InterfacePriority;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The class and the priorities of network traffic (config-linux.md, "Network"): cgroup v1 only.
 *
 * <p>A class of 0 is none, which is how a cgroup starts.
 *
 * <p>Kernel: linux v6.12 Documentation/admin-guide/cgroup-v1/net_cls.rst, net_prio.rst.
 */
public final class Network {
  public static final Pointer POINTER = Pointer.of("/linux/resources/network");

  private static final Pointer CLASS_ID = POINTER.child("classID");
  private static final Pointer PRIORITIES = POINTER.child("priorities");

  private Network() {}

  /** Reads it; null where it asks for nothing. */
  public static Resources.@Nullable Network read(Members resources) {
    Members network = resources.object("network");
    if (network == null) {
      return null;
    }
    Long classId = network.uint32("classID");
    List<InterfacePriority> priorities = new ArrayList<>();
    for (Members m : network.objects("priorities")) {
      String name = m.requiredString("name");
      if (m.isString("name") && (name.isEmpty() || hasSpace(name))) {
        m.error("name", "must be the name of an interface, not \"" + name + "\"");
      }
      Long priority = m.uint32("priority");
      if (!m.has("priority")) {
        m.error("priority", "is required");
      }
      priorities.add(new InterfacePriority(name, priority == null ? 0 : priority));
    }
    boolean nothing = (classId == null || classId == 0) && priorities.isEmpty();
    return nothing ? null : new Resources.Network(classId, priorities);
  }

  private static boolean hasSpace(String name) {
    return name.indexOf(' ') >= 0 || name.indexOf('\n') >= 0 || name.indexOf('\t') >= 0;
  }

  /** Writes it. */
  public static void plan(Resources.Network network, CgroupSteps steps) {
    Long classId = network.classId();
    if (classId != null && classId != 0) {
      CgroupFiles files = files("net_cls", CLASS_ID, steps);
      if (files != null) {
        files.write("net_cls.classid", "" + classId, CLASS_ID);
      }
    }
    List<String> lines = new ArrayList<>();
    for (InterfacePriority p : network.priorities()) {
      lines.add(p.name() + " " + p.priority());
    }
    if (!lines.isEmpty()) {
      CgroupFiles files = files("net_prio", PRIORITIES, steps);
      if (files != null) {
        files.writeLines("net_prio.ifpriomap", lines, PRIORITIES);
      }
    }
  }

  private static @Nullable CgroupFiles files(String controller, Pointer at, CgroupSteps steps) {
    CgroupFiles files = steps.files(controller);
    if (files.version() == Version.V2) {
      files.unsupportedOnV2(at);
      return null;
    }
    return files;
  }
}
