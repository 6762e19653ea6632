package dev.coracle.property.linux.resources;

import dev.coracle.cgroup.CgroupSteps.Use;
import dev.coracle.json.Members;
import dev.coracle.json.Pointer;
import dev.coracle.spec.Resources;
import org.jspecify.annotations.Nullable;

/** The properties of {@code /linux/resources} together. */
public final class ResourcesReader {
  public static final Pointer POINTER = Pointer.of("/linux/resources");

  private ResourcesReader() {}

  /** Reads them; null where there are none. */
  public static @Nullable Resources read(Members linux) {
    Members resources = linux.object("resources");
    return resources == null ? null : read(resources, Use.CREATE);
  }

  /** Reads those that {@code update} is given, from their own object. */
  public static Resources readUpdate(Members resources) {
    return read(resources, Use.UPDATE);
  }

  private static Resources read(Members resources, Use use) {
    return new Resources(
        DevicesRules.read(resources),
        Memory.read(resources, use),
        Cpu.read(resources),
        Pids.read(resources),
        BlockIo.read(resources),
        HugepageLimits.read(resources),
        Network.read(resources),
        Rdma.read(resources),
        Unified.read(resources));
  }
}
