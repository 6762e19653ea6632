package dev.coracle.cgroup;

import dev.coracle.cgroup.CgroupLayout.Version;
import dev.coracle.cgroup.DeviceRules.Policy;
import dev.coracle.cgroup.DeviceRules.Rule;
import dev.coracle.json.Pointer;
import dev.coracle.plan.Action;
import dev.coracle.plan.Errors;
import dev.coracle.problem.Origin;
import dev.coracle.spec.Resources.DeviceRule;
import java.util.List;

/** The steps for device rules: lines for the v1 controller, or else a program for a v2 cgroup. */
public final class CgroupDevices {
  private static final Origin DEFAULT = new Origin.Default("allowed devices");

  private CgroupDevices() {}

  /**
   * Adds the steps. Without the host's root nobody can set them, nor use a device that the host's
   * files do not let the user have.
   *
   * @param listed the bundle's rules, which may be none
   * @param at where they stand
   */
  public static void plan(List<DeviceRule> listed, Pointer at, CgroupSteps steps) {
    DeviceRules rules = DeviceRules.of(listed);
    CgroupFiles files = steps.deviceFiles();
    Origin origin = listed.isEmpty() ? DEFAULT : Origin.of(at);
    if (files.version() == Version.V1) {
      planV1(rules, at, origin, files, steps);
    } else if (rules.allowAll()) {
      return; // a v2 cgroup without a program allows everything
    } else if (files.version() == Version.V2) {
      Action.Program program = DeviceProgram.compile(rules);
      if (program == null) {
        steps.problems().error(at, "are too many for one program");
        return;
      }
      Action attach = new Action.AttachDeviceProgram(files.directory(), program);
      steps.add(attach, origin, Errors.WHERE_ROOTLESS);
    } else if (!listed.isEmpty()) {
      steps.problems().error(at, "no devices controller is mounted");
    }
  }

  private static void planV1(
      DeviceRules rules, Pointer at, Origin origin, CgroupFiles files, CgroupSteps steps) {
    DeviceExceptions v1 = DeviceExceptions.of(rules);
    Rule hole = v1.hole();
    if (hole != null) {
      Pointer where = hole.index() == DeviceRules.BY_DEFAULT ? at : at.child(hole.index());
      String rule = (hole.policy() == Policy.ALLOW ? "allow " : "deny ") + hole.text();
      steps
          .problems()
          .error(where, "\"" + rule + "\" takes back a part of a wider rule; cgroup v1 cannot");
      return;
    }
    boolean allow = v1.policy() == Policy.ALLOW;
    // First of all the policy: a new cgroup has its parent's.
    String policy = files.directory() + (allow ? "/devices.allow" : "/devices.deny");
    steps.add(new Action.WriteCgroupFile(policy, "a"), origin, Errors.WHERE_ROOTLESS);
    List<String> lines = v1.lines();
    if (!lines.isEmpty()) {
      String exceptions = files.directory() + (allow ? "/devices.deny" : "/devices.allow");
      steps.add(new Action.WriteCgroupLines(exceptions, lines), origin, Errors.WHERE_ROOTLESS);
    }
  }
}
