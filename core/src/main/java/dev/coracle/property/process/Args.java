package dev.coracle.property.process;

import dev.coracle.json.Json;
import dev.coracle.json.Members;
import dev.coracle.json.Pointer;
import dev.coracle.plan.Action;
import dev.coracle.plan.Phase;
import dev.coracle.plan.PlanBuilder;
import java.util.List;

/** The program and its arguments (config.md, "Process"). */
public final class Args {
  public static final Pointer POINTER = Pointer.of("/process/args");

  private Args() {}

  /** Reads them: there is at least one. */
  public static List<String> read(Members process) {
    List<String> args = process.strings("args");
    Json value = process.raw("args");
    if (value == null) {
      process.error("args", "is required");
    } else if (value instanceof Json.Arr a && a.items().isEmpty()) {
      process.error("args", "must not be empty");
    } else if (!args.isEmpty() && args.get(0).isEmpty()) {
      process.error("args", 0, "must not be empty");
    }
    return args;
  }

  /** Looks the program up, so that {@code create} fails where it is missing. */
  public static void planFind(List<String> args, List<String> env, PlanBuilder plan) {
    plan.add(Phase.CHILD_PROCESS, new Action.FindProgram(args, env), POINTER.child(0));
  }

  /** Waits for {@code start}, and runs the program. */
  public static void planPark(PlanBuilder plan) {
    plan.add(Phase.CHILD_PROCESS, new Action.Park(), POINTER);
  }

  /** Goes on as a process of ours, in place of the program. */
  public static void planServe(String service, PlanBuilder plan) {
    plan.add(Phase.CHILD_START, new Action.Serve(service), POINTER);
  }

  /** Runs the program. */
  public static void planExecute(List<String> args, List<String> env, long uid, PlanBuilder plan) {
    plan.add(Phase.CHILD_START, new Action.Execute(args, env, uid), POINTER);
  }
}
