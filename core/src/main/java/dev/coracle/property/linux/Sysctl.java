package dev.coracle.property.linux;

import dev.coracle.json.Members;
import dev.coracle.json.Pointer;
import dev.coracle.plan.Action;
import dev.coracle.plan.Phase;
import dev.coracle.plan.PlanBuilder;
import dev.coracle.problem.Problems;
import dev.coracle.spec.Linux.Namespace;
import dev.coracle.spec.Linux.NamespaceType;
import dev.coracle.spec.Spec;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Kernel parameters of the container's own namespaces (config-linux.md, "Sysctl"; proc_sys(5)). */
public final class Sysctl {
  public static final Pointer POINTER = Pointer.of("/linux/sysctl");

  private static final String IPC =
      " kernel.msgmax kernel.msgmnb kernel.msgmni kernel.sem kernel.shmall kernel.shmmax"
          + " kernel.shmmni kernel.shm_rmid_forced ";

  private Sysctl() {}

  /** Reads them, in order. */
  public static Map<String, String> read(Members linux) {
    Members sysctl = linux.object("sysctl");
    if (sysctl == null) {
      return Map.of();
    }
    Map<String, String> out = new LinkedHashMap<>();
    for (String key : sysctl.keys()) {
      String value = sysctl.string(key);
      if (badKey(key)) {
        sysctl.error(key, "is not the name of a kernel parameter");
      } else if (value != null) {
        out.put(key, value);
      }
    }
    return out;
  }

  private static boolean badKey(String key) {
    String dotted = key.replace('/', '.');
    return key.isEmpty() || dotted.startsWith(".") || dotted.endsWith(".") || dotted.contains("..");
  }

  /** Whose kernel it is. */
  public enum Kernel {
    /** That of the host and all of its containers. */
    SHARED,
    /** That of a virtual machine of the container's own. */
    OWN
  }

  /** Sets them; one that belongs to no namespace of the container's would be the host's. */
  public static void plan(Spec spec, Kernel kernel, PlanBuilder plan, Problems problems) {
    // Those of an interface that is moved into the container exist once it is there.
    Phase phase =
        spec.linux().netDevices().isEmpty() ? Phase.CHILD_SETUP : Phase.CHILD_BEFORE_PIVOT;
    for (Map.Entry<String, String> e : spec.linux().sysctl().entrySet()) {
      Pointer at = POINTER.child(e.getKey());
      String name = dotted(e.getKey());
      NamespaceType type = namespace(name);
      Namespace own = type == null ? null : spec.linux().namespace(type);
      if (name.equals("kernel.hostname")) {
        problems.error(at, "is set by /hostname");
      } else if (kernel == Kernel.OWN) {
        plan.add(phase, new Action.SetSysctl(path(e.getKey()), e.getValue()), at);
      } else if (type == null) {
        problems.error(at, "belongs to no namespace and would change the host");
      } else if (own == null) {
        problems.error(
            at,
            "needs a "
                + type.specName()
                + " namespace; add {\"type\":\""
                + type.specName()
                + "\"} to /linux/namespaces");
      } else {
        plan.add(phase, new Action.SetSysctl(path(e.getKey()), e.getValue()), at);
      }
    }
  }

  /** As sysctl(8) has it: the separator that comes first is the separator. */
  private static boolean slashed(String key) {
    int slash = key.indexOf('/');
    int dot = key.indexOf('.');
    return slash >= 0 && (dot < 0 || slash < dot);
  }

  private static String dotted(String key) {
    return slashed(key) ? swap(key) : key;
  }

  private static String path(String key) {
    return slashed(key) ? key : swap(key);
  }

  private static String swap(String key) {
    char[] out = key.toCharArray();
    for (int i = 0; i < out.length; i++) {
      if (out[i] == '.') {
        out[i] = '/';
      } else if (out[i] == '/') {
        out[i] = '.';
      }
    }
    return new String(out);
  }

  private static @Nullable NamespaceType namespace(String name) {
    if (name.startsWith("net.")) {
      return NamespaceType.NETWORK;
    }
    if (name.startsWith("fs.mqueue.") || IPC.contains(" " + name + " ")) {
      return NamespaceType.IPC;
    }
    if (name.equals("kernel.domainname") || name.equals("kernel.hostname")) {
      return NamespaceType.UTS;
    }
    return null;
  }
}
