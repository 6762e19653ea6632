package dev.coracle.property.linux;

import dev.coracle.json.Members;
import dev.coracle.json.Pointer;
import dev.coracle.plan.Action;
import dev.coracle.plan.Phase;
import dev.coracle.plan.PlanBuilder;
import dev.coracle.problem.Origin;
import dev.coracle.spec.Linux.Namespace;
import dev.coracle.spec.Linux.NamespaceType;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Namespaces, new ones and ones to join (config-linux.md, "Namespaces"; namespaces(7)). */
public final class Namespaces {
  public static final Pointer POINTER = Pointer.of("/linux/namespaces");

  private Namespaces() {}

  /** Reads them: a type that is unknown or stands twice is an error. */
  public static List<Namespace> read(Members linux) {
    List<Namespace> out = new ArrayList<>();
    for (Members entry : linux.objects("namespaces")) {
      String name = entry.requiredString("type");
      NamespaceType type = type(name);
      String path = entry.string("path");
      if (type == null) {
        if (entry.isString("type")) {
          entry.error("type", "unknown namespace type \"" + name + "\"");
        }
        continue;
      }
      if (type == NamespaceType.USER) {
        entry.error("type", "a user namespace is not yet supported");
      }
      if (has(out, type)) {
        entry.error("type", "\"" + name + "\" stands twice");
        continue;
      }
      if (path != null && !path.isEmpty() && !path.startsWith("/")) {
        entry.error("path", "must be absolute, not \"" + path + "\"");
      }
      String joined = path == null || path.isEmpty() ? null : path;
      out.add(new Namespace(type, joined, Origin.of(entry.pointer())));
    }
    return out;
  }

  private static boolean has(List<Namespace> namespaces, NamespaceType type) {
    for (Namespace n : namespaces) {
      if (n.type() == type) {
        return true;
      }
    }
    return false;
  }

  private static @Nullable NamespaceType type(String name) {
    for (NamespaceType type : NamespaceType.values()) {
      if (type.specName().equals(name)) {
        return type;
      }
    }
    return null;
  }

  /** CLONE_NEW* of the new ones that clone3(2) itself makes. */
  public static long cloneFlags(List<Namespace> namespaces) {
    long flags = 0;
    for (Namespace n : namespaces) {
      // A cgroup namespace shows the cgroup in which it is made, and clone3 would take the
      // runtime's: the child leaves it by itself, once it stands in its own.
      if (n.path() == null && n.type() != NamespaceType.CGROUP) {
        flags |= n.type().cloneFlag();
      }
    }
    return flags;
  }

  /**
   * Joins what there is to join before the process is made: a PID or time namespace takes only
   * those that are made after it was joined.
   */
  public static void planParent(List<Namespace> namespaces, PlanBuilder plan) {
    for (Namespace n : namespaces) {
      if (n.path() != null && joinedByParent(n.type())) {
        plan.add(Phase.PARENT_BEFORE, new Action.JoinNamespace(n), n.origin());
      }
    }
  }

  /** Joins the others, and leaves the runtime's cgroup namespace. */
  public static void planChild(List<Namespace> namespaces, PlanBuilder plan) {
    Namespace mount = null;
    for (Namespace n : namespaces) {
      if (n.type() == NamespaceType.CGROUP && n.path() == null) {
        plan.add(Phase.CHILD_SETUP, new Action.UnshareCgroupNamespace(), n.origin());
      } else if (n.path() != null && n.type() == NamespaceType.MOUNT) {
        mount = n;
      } else if (n.path() != null && !joinedByParent(n.type())) {
        plan.add(Phase.CHILD_SETUP, new Action.JoinNamespace(n), n.origin());
      }
      if (n.type() == NamespaceType.NETWORK && n.path() == null) {
        plan.add(Phase.CHILD_SETUP, new Action.BringUpLoopback(), n.origin());
      }
    }
    // Last: the paths of the others are the host's.
    if (mount != null) {
      plan.add(Phase.CHILD_SETUP, new Action.JoinNamespace(mount), mount.origin());
    }
  }

  private static boolean joinedByParent(NamespaceType type) {
    return type == NamespaceType.PID || type == NamespaceType.TIME;
  }
}
