package dev.coracle.property.linux;

import static dev.coracle.abi.Mempolicy.MPOL_DEFAULT;
import static dev.coracle.abi.Mempolicy.MPOL_F_NUMA_BALANCING;
import static dev.coracle.abi.Mempolicy.MPOL_F_RELATIVE_NODES;
import static dev.coracle.abi.Mempolicy.MPOL_F_STATIC_NODES;
import static dev.coracle.abi.Mempolicy.MPOL_LOCAL;
import static dev.coracle.abi.Mempolicy.MPOL_PREFERRED;

import dev.coracle.abi.BitList;
import dev.coracle.abi.Mempolicy;
import dev.coracle.json.Members;
import dev.coracle.json.Pointer;
import dev.coracle.plan.Action;
import dev.coracle.plan.Phase;
import dev.coracle.plan.PlanBuilder;
import dev.coracle.spec.Linux;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** On which nodes memory is allocated (config-linux.md, "Memory Policy"; set_mempolicy(2)). */
public final class MemoryPolicy {
  public static final Pointer POINTER = Pointer.of("/linux/memoryPolicy");

  /** In the order of their numbers. */
  public static final String MODES =
      "MPOL_DEFAULT MPOL_PREFERRED MPOL_BIND MPOL_INTERLEAVE MPOL_LOCAL MPOL_PREFERRED_MANY"
          + " MPOL_WEIGHTED_INTERLEAVE";

  public static final String FLAGS =
      "MPOL_F_NUMA_BALANCING MPOL_F_RELATIVE_NODES MPOL_F_STATIC_NODES";

  private MemoryPolicy() {}

  /** Reads it, by the rules of the kernel for what goes together. */
  public static Linux.@Nullable MemoryPolicy read(Members linux) {
    Members in = linux.object("memoryPolicy");
    if (in == null) {
      return null;
    }
    String name = in.requiredString("mode");
    int mode = mode(name);
    if (mode < 0 && in.isString("mode")) {
      in.error("mode", "unknown memory policy \"" + name + "\"");
    }
    String nodes = in.string("nodes");
    byte[] mask = BitList.mask(nodes == null ? "" : nodes, Mempolicy.LAST_NODE);
    if (mask == null) {
      in.error("nodes", "must be a list of nodes such as 0-1, not \"" + nodes + "\"");
    } else if (mode >= 0 && (nodes != null || !in.has("nodes"))) {
      checkNodes(in, name, mode, mask.length == 0);
    }
    int flags = flags(in);
    if ((flags & MPOL_F_STATIC_NODES) != 0 && (flags & MPOL_F_RELATIVE_NODES) != 0) {
      in.error("flags", "MPOL_F_STATIC_NODES and MPOL_F_RELATIVE_NODES exclude each other");
    }
    return new Linux.MemoryPolicy(Math.max(mode, 0), flags, nodes == null ? "" : nodes);
  }

  private static void checkNodes(Members in, String name, int mode, boolean none) {
    boolean without = mode == MPOL_DEFAULT || mode == MPOL_LOCAL;
    if (without && !none) {
      in.error("nodes", "must be empty for " + name);
    } else if (!without && none && mode != MPOL_PREFERRED) {
      in.error("nodes", "must not be empty for " + name);
    }
  }

  private static int mode(String name) {
    int number = 0;
    int from = 0;
    while (from < MODES.length()) {
      int to = MODES.indexOf(' ', from);
      to = to < 0 ? MODES.length() : to;
      if (to - from == name.length() && MODES.startsWith(name, from)) {
        return number;
      }
      number++;
      from = to + 1;
    }
    return -1;
  }

  private static int flags(Members in) {
    int out = 0;
    List<String> names = in.strings("flags");
    for (int i = 0; i < names.size(); i++) {
      int flag =
          switch (names.get(i)) {
            case "MPOL_F_NUMA_BALANCING" -> MPOL_F_NUMA_BALANCING;
            case "MPOL_F_RELATIVE_NODES" -> MPOL_F_RELATIVE_NODES;
            case "MPOL_F_STATIC_NODES" -> MPOL_F_STATIC_NODES;
            default -> 0;
          };
      if (flag == 0) {
        in.error("flags", i, "unknown memory policy flag \"" + names.get(i) + "\"");
      }
      out |= flag;
    }
    return out;
  }

  /** Sets it; it is kept when the program is executed. */
  public static void plan(Linux.@Nullable MemoryPolicy policy, PlanBuilder plan) {
    if (policy != null) {
      plan.add(
          Phase.CHILD_PROCESS,
          new Action.SetMemoryPolicy(policy.mode() | policy.flags(), policy.nodes()),
          POINTER);
    }
  }
}
