package dev.coracle.property.linux.resources;

import dev.coracle.json.Json;
import dev.coracle.json.Members;
import dev.coracle.json.Pointer;
import dev.coracle.spec.Resources;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The properties of {@code /linux/resources} together. */
public final class ResourcesReader {
  public static final Pointer POINTER = Pointer.of("/linux/resources");

  private static final String[] UNSUPPORTED = {
    "blockIO", "hugepageLimits", "network", "rdma", "unified"
  };

  private ResourcesReader() {}

  /** Reads them; null where there are none. */
  public static @Nullable Resources read(Members linux) {
    Members resources = linux.object("resources");
    return resources == null ? null : readObject(resources);
  }

  /** Reads them from their own object, such as the one that {@code update} is given. */
  public static Resources readObject(Members resources) {
    for (String key : UNSUPPORTED) {
      Json value = resources.raw(key);
      if (value != null && asksForSomething(value)) {
        resources.error(key, "is not yet supported");
      }
    }
    return new Resources(
        DevicesRules.read(resources),
        Memory.read(resources),
        Cpu.read(resources),
        Pids.read(resources),
        null, // blockIO
        List.of(), // hugepageLimits
        null, // network
        List.of(), // rdma
        Map.of()); // unified
  }

  /** Engines write {@code "network":{}} and {@code "blockIO":{"weight":0}} for nothing at all. */
  private static boolean asksForSomething(Json value) {
    if (value instanceof Json.Obj o) {
      for (Json member : o.values()) {
        if (asksForSomething(member)) {
          return true;
        }
      }
      return false;
    }
    if (value instanceof Json.Arr a) {
      return !a.items().isEmpty();
    }
    if (value instanceof Json.Int i) {
      return i.value() != 0;
    }
    return !(value instanceof Json.Null);
  }
}
