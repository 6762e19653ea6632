package dev.coracle.property.linux;

import dev.coracle.abi.Bytes;
import dev.coracle.json.Members;
import dev.coracle.json.Pointer;
import dev.coracle.plan.Action;
import dev.coracle.plan.Phase;
import dev.coracle.plan.PlanBuilder;
import dev.coracle.problem.Origin;
import dev.coracle.problem.Problems;
import dev.coracle.spec.Linux;
import dev.coracle.spec.Linux.NetDevice;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Interfaces of the host that move into the container (config-linux.md, "Network Devices"). */
public final class NetDevices {
  public static final Pointer POINTER = Pointer.of("/linux/netDevices");

  private static final int MOST_CHARACTERS = 15; // IFNAMSIZ, without the NUL byte

  private NetDevices() {}

  /** Reads them: an object of objects, by the names on the host. */
  public static List<NetDevice> read(Members linux) {
    List<NetDevice> out = new ArrayList<>();
    Members all = linux.object("netDevices");
    if (all == null) {
      return out;
    }
    for (String hostName : all.keys()) {
      Members device = all.object(hostName);
      if (device == null) {
        continue;
      }
      String defect = defect(hostName);
      if (defect == null && hostName.indexOf('%') >= 0) {
        defect = "must be the name of one interface";
      }
      if (defect != null) {
        device.error(defect);
      }
      String given = device.string("name");
      String name = given == null || given.isEmpty() ? hostName : given;
      String wrong = given == null || given.isEmpty() ? null : defect(name);
      if (wrong != null) {
        device.error("name", wrong + ", not \"" + name + "\"");
      } else if (name.indexOf('%') < 0 && has(out, name)) {
        device.error("name", "\"" + name + "\" is the name of another interface too");
      }
      out.add(new NetDevice(hostName, name, Origin.of(device.pointer())));
    }
    return out;
  }

  private static boolean has(List<NetDevice> devices, String name) {
    for (NetDevice device : devices) {
      if (device.name().equals(name)) {
        return true;
      }
    }
    return false;
  }

  /** What the kernel would not take as a name (linux v6.12 net/core/dev.c, dev_valid_name). */
  private static @Nullable String defect(String name) {
    if (name.isEmpty() || Bytes.utf8(name).length > MOST_CHARACTERS) {
      return "must have 1 to 15 characters";
    }
    if (name.equals(".") || name.equals("..")) {
      return "must not be . or ..";
    }
    for (int i = 0; i < name.length(); i++) {
      char c = name.charAt(i);
      if (c == '/' || c == ':' || c <= ' ' || c == 0x7f) {
        return "must not hold a slash, a colon or white space";
      }
    }
    int percent = name.indexOf('%');
    boolean pattern = percent >= 0 && name.startsWith("%d", percent);
    return percent < 0 || pattern && name.indexOf('%', percent + 1) < 0
        ? null
        : "must hold %d at most once, and no other %";
  }

  /** Moves them while the process waits in its network namespace: before hooks look at them. */
  public static void plan(Linux linux, PlanBuilder plan, Problems problems) {
    if (linux.netDevices().isEmpty()) {
      return;
    }
    if (linux.namespace(Linux.NamespaceType.NETWORK) == null) {
      problems.error(
          POINTER, "needs a network namespace; add {\"type\":\"network\"} to /linux/namespaces");
      return;
    }
    for (NetDevice device : linux.netDevices()) {
      plan.add(
          Phase.PARENT_HOOKS,
          new Action.MoveNetDevice(device.hostName(), device.name()),
          device.origin());
    }
  }
}
