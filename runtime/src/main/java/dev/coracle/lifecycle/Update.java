package dev.coracle.lifecycle;

import dev.coracle.bus.Systemd;
import dev.coracle.config.CgroupPlan;
import dev.coracle.config.ConfigReader;
import dev.coracle.config.Host;
import dev.coracle.config.ScopeProperties;
import dev.coracle.execute.Context;
import dev.coracle.execute.Files;
import dev.coracle.execute.HookState;
import dev.coracle.execute.StepList;
import dev.coracle.host.HostReader;
import dev.coracle.json.Json;
import dev.coracle.json.JsonException;
import dev.coracle.json.JsonParser;
import dev.coracle.json.Members;
import dev.coracle.json.Pointer;
import dev.coracle.plan.Action;
import dev.coracle.plan.Phase;
import dev.coracle.plan.PlanBuilder;
import dev.coracle.plan.Step;
import dev.coracle.problem.Origin;
import dev.coracle.problem.Problems;
import dev.coracle.property.OciVersion;
import dev.coracle.property.linux.IntelRdt;
import dev.coracle.property.linux.resources.ResourcesReader;
import dev.coracle.spec.Linux;
import dev.coracle.spec.Resources;
import dev.coracle.spec.Spec;
import dev.coracle.state.ContainerState;
import dev.coracle.state.StateStore;
import dev.coracle.state.Status;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** {@code update}: other limits for a container that is there. */
public final class Update {
  private Update() {}

  /**
   * Sets limits.
   *
   * @param file a file with linux.resources, {@code -} for standard input; null for {@code flags}
   * @param flags what the flags ask for, as linux.resources
   * @param schemata lines for the container's group of resctrl; empty for none
   */
  public static void update(
      Environment e, String id, @Nullable String file, Json.Obj flags, String schemata)
      throws Failure {
    StateStore.Entry entry = Containers.find(e, id);
    ContainerState state = entry.state();
    if (Containers.status(e, state) == Status.STOPPED) {
      throw new Failure("cannot update a container that has stopped: container not running");
    }
    if (file != null && !flags.keys().isEmpty()) {
      throw new Failure("--resources cannot stand beside flags for single limits");
    }
    Problems problems = new Problems();
    Json.Obj object = file == null ? flags : read(e, file);
    Resources resources = ResourcesReader.readUpdate(new Members(object, Pointer.ROOT, problems));
    PlanBuilder plan = new PlanBuilder();
    Host host = HostReader.read(e.kernel(), problems);
    host = HostReader.complete(e.kernel(), host, resources, problems);
    CgroupPlan.planUpdate(resources, host.cgroups(), state.cgroups(), plan, problems);
    if (!schemata.isEmpty()) {
      IntelRdt.planSchemata(group(entry, problems), schemata, plan);
    }
    if (problems.hasErrors()) {
      throw new Failure(problems.errorText());
    }
    if (!problems.warningText().isEmpty()) {
      e.output().warn(problems.warningText());
    }
    List<Step> steps = plan.build().in(Phase.PARENT_BEFORE);
    Context context =
        new Context(
            e.kernel(), new HookState(OciVersion.NEWEST, id, state.bundle(), state.annotations()));
    String problem = tellSystemd(e, state, context, steps);
    if (problem == null) {
      problem = StepList.run(context, steps);
    }
    if (problem != null) {
      throw new Failure(problem);
    }
  }

  /** First: what the files take after it is exact, where systemd rounds. */
  private static @Nullable String tellSystemd(
      Environment e, ContainerState state, Context context, List<Step> steps) {
    String unit = state.scope().unit();
    if (unit.isEmpty()) {
      return null;
    }
    List<Step> checks = new ArrayList<>();
    PlanBuilder limits = new PlanBuilder();
    for (Step step : steps) {
      if (step.action() instanceof Action.CheckMemoryUsage) {
        checks.add(step);
      }
      Action a = step.action() instanceof Action.SetSwapBySum sum ? swap(e, sum) : step.action();
      limits.add(Phase.PARENT_SCOPE, a, step.origin());
    }
    String problem = StepList.run(context, checks);
    if (problem != null) {
      return problem;
    }
    Systemd.Connected connected =
        Systemd.connect(
            e.kernel(),
            e.variables(),
            state.scope().isUser() ? Systemd.Owner.USER : Systemd.Owner.SYSTEM);
    Systemd systemd = connected.systemd();
    if (systemd == null) {
      return connected.problem();
    }
    problem = systemd.ask();
    if (problem == null) {
      problem =
          systemd.set(unit, ScopeProperties.update(limits.build().steps(), systemd.manager()));
    }
    systemd.close();
    return problem;
  }

  /** The limit of swap that a sum comes to; the step itself tells where it comes to none. */
  private static Action swap(Environment e, Action.SetSwapBySum sum) {
    Files.Content max = Files.read(e.kernel(), sum.path() + "/memory.max", 64).content();
    long limit = 0;
    for (int i = 0; max != null && i < max.length() - 1; i++) {
      int digit = max.bytes()[i] - '0';
      limit = digit < 0 || digit > 9 ? Long.MAX_VALUE / 16 : limit * 10 + digit;
    }
    String file = sum.path() + "/memory.swap.max";
    return max == null || limit > sum.sumBytes()
        ? sum
        : new Action.WriteCgroupFile(file, "" + (sum.sumBytes() - limit));
  }

  /** The container's group of resctrl, which is known from its own config.json only. */
  private static String group(StateStore.Entry entry, Problems problems) {
    Problems ofContainer = new Problems();
    Spec spec =
        ConfigReader.read(entry.file(), entry.configFrom(), entry.length(), -1, ofContainer);
    Linux.IntelRdt rdt = spec == null ? null : spec.linux().intelRdt();
    if (rdt == null) {
      problems.error(
          new Origin.Flag("--l3-cache-schema, --mem-bw-schema"),
          "the container was made without /linux/intelRdt");
      return "";
    }
    return IntelRdt.group(rdt, entry.state().id());
  }

  private static Json.Obj read(Environment e, String file) throws Failure {
    Files.Read read =
        file.equals("-")
            ? Files.read(e.kernel(), 0, StateStore.MOST_CONFIG_BYTES)
            : Files.read(e.kernel(), file, StateStore.MOST_CONFIG_BYTES);
    Files.Content content = read.content();
    if (content == null) {
      throw new Failure("--resources \"" + file + "\": " + e.kernel().explain(read.errno()));
    }
    try {
      if (JsonParser.parse(content.bytes(), 0, content.length()) instanceof Json.Obj object) {
        return object;
      }
    } catch (JsonException broken) {
      throw new Failure("--resources \"" + file + "\": not valid JSON: " + broken.getMessage());
    }
    throw new Failure("--resources \"" + file + "\": must be an object");
  }
}
