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

  /**
   * Lets the runtime's later children, its hooks, be in its own namespaces.
   *
   * @param madeTime whether a time namespace was made for the container's process
   */
  public static void planReturn(List<Namespace> namespaces, boolean madeTime, PlanBuilder plan) {
    for (Namespace n : namespaces) {
      boolean left = n.path() != null || madeTime && n.type() == NamespaceType.TIME;
      if (left && joinedByParent(n.type())) {
        plan.add(Phase.PARENT_AFTER_CLONE, new Action.ReturnToNamespace(n.type()), n.origin());
      }
    }
  }

  /** Joins the others, and leaves the runtime's cgroup namespace. */
  public static void planChild(List<Namespace> namespaces, PlanBuilder plan) {
    for (Namespace n : namespaces) {
      if (n.path() != null && n.type() != NamespaceType.MOUNT && !joinedByParent(n.type())) {
        plan.add(Phase.CHILD_SETUP, new Action.JoinNamespace(n), n.origin());
      } else {
        planNew(n, plan);
      }
    }
    planJoinMount(namespaces, plan);
  }

  /** Joins all but a user namespace, in the container's first process. */
  public static void planJoin(List<Namespace> namespaces, PlanBuilder plan) {
    for (Namespace n : namespaces) {
      boolean later = n.type() == NamespaceType.MOUNT || n.type() == NamespaceType.USER;
      if (n.path() != null && !later) {
        plan.add(Phase.CHILD_SETUP, new Action.JoinNamespace(n), n.origin());
      }
    }
  }

  /** What is done in the new ones. */
  public static void planNew(List<Namespace> namespaces, PlanBuilder plan) {
    for (Namespace n : namespaces) {
      planNew(n, plan);
    }
  }

  private static void planNew(Namespace n, PlanBuilder plan) {
    if (n.path() == null && n.type() == NamespaceType.CGROUP) {
      plan.add(Phase.CHILD_SETUP, new Action.UnshareCgroupNamespace(), n.origin());
    } else if (n.path() == null && n.type() == NamespaceType.NETWORK) {
      plan.add(Phase.CHILD_SETUP, new Action.BringUpLoopback(), n.origin());
    }
  }

  /** Last of those that are joined: the paths of the others are the host's. */
  public static void planJoinMount(List<Namespace> namespaces, PlanBuilder plan) {
    for (Namespace n : namespaces) {
      if (n.path() != null && n.type() == NamespaceType.MOUNT) {
        plan.add(Phase.CHILD_SETUP, new Action.JoinNamespace(n), n.origin());
      }
    }
  }

  private static boolean joinedByParent(NamespaceType type) {
    return type == NamespaceType.PID || type == NamespaceType.TIME;
  }
}
