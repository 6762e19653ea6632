package dev.coracle.property;

import dev.coracle.json.Members;
import dev.coracle.json.Pointer;
import dev.coracle.plan.Action;
import dev.coracle.plan.Action.HookKind;
import dev.coracle.plan.Phase;
import dev.coracle.plan.PlanBuilder;
import dev.coracle.problem.Origin;
import dev.coracle.spec.Hooks.Hook;
import java.util.ArrayList;
import java.util.List;

/** The hooks of all six kinds (config.md, "POSIX-platform Hooks"). */
public final class Hooks {
  public static final Pointer POINTER = Pointer.of("/hooks");

  private Hooks() {}

  /** Reads them. */
  public static dev.coracle.spec.Hooks read(Members config) {
    Members hooks = config.object("hooks");
    if (hooks == null) {
      return dev.coracle.spec.Hooks.NONE;
    }
    return new dev.coracle.spec.Hooks(
        read(hooks, HookKind.PRESTART),
        read(hooks, HookKind.CREATE_RUNTIME),
        read(hooks, HookKind.CREATE_CONTAINER),
        read(hooks, HookKind.START_CONTAINER),
        read(hooks, HookKind.POSTSTART),
        read(hooks, HookKind.POSTSTOP));
  }

  private static List<Hook> read(Members hooks, HookKind kind) {
    List<Hook> out = new ArrayList<>();
    for (Members hook : hooks.objects(kind.specName())) {
      String path = hook.requiredString("path");
      if (!path.startsWith("/") && hook.isString("path")) {
        hook.error("path", "must be absolute, not \"" + path + "\"");
      }
      List<String> env = hook.has("env") ? hook.strings("env") : null;
      Long timeout = hook.number("timeout", 1, Integer.MAX_VALUE / 1000);
      out.add(
          new Hook(
              path,
              hook.strings("args"),
              env,
              timeout == null ? null : timeout.intValue(),
              Origin.of(hook.pointer())));
    }
    return out;
  }

  /**
   * Plans the three kinds that run while a container is made. prestart is deprecated, and stands
   * where createRuntime does.
   */
  public static void plan(dev.coracle.spec.Hooks hooks, PlanBuilder plan) {
    add(Phase.PARENT_HOOKS, HookKind.PRESTART, hooks.prestart(), plan);
    add(Phase.PARENT_HOOKS, HookKind.CREATE_RUNTIME, hooks.createRuntime(), plan);
    add(Phase.CHILD_BEFORE_PIVOT, HookKind.CREATE_CONTAINER, hooks.createContainer(), plan);
  }

  /**
   * Plans those that run in the container when it is started: as the program's process, and behind
   * its filter, as under runc. The verbs run the other two kinds.
   */
  public static void planStart(dev.coracle.spec.Hooks hooks, PlanBuilder plan) {
    add(Phase.CHILD_START, HookKind.START_CONTAINER, hooks.startContainer(), plan);
  }

  private static void add(Phase phase, HookKind kind, List<Hook> hooks, PlanBuilder plan) {
    if (!hooks.isEmpty()) {
      plan.add(phase, new Action.RunHooks(kind, hooks), POINTER.child(kind.specName()));
    }
  }
}
