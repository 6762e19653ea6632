package dev.coracle.cgroup;

import dev.coracle.cgroup.DeviceRules.Policy;
import dev.coracle.cgroup.DeviceRules.Rule;
import dev.coracle.spec.Resources.DeviceRule;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Device rules as systemd has them: a list of what is allowed (DeviceAllow of
 * systemd.resource-control(5)). It knows no exceptions, so it is the wider one where the rules have
 * some: the container's own rules hold beside it, and a device must pass both.
 */
public final class DeviceUnits {
  private DeviceUnits() {}

  /**
   * Pairs of devices and what may be done with them, one after the other; null where everything is
   * allowed but for exceptions.
   */
  public static @Nullable List<String> allowed(List<DeviceRule> listed) {
    DeviceRules rules = DeviceRules.of(listed);
    if (rules.policy() == Policy.ALLOW) {
      return null;
    }
    List<String> out = new ArrayList<>();
    for (Rule r : rules.rules()) {
      if (r.policy() == Policy.ALLOW) {
        out.add(device(r));
        String text = r.text();
        out.add(text.substring(text.lastIndexOf(' ') + 1));
      }
    }
    return out;
  }

  // With numbers in it systemd looks for no device node (since v240).
  private static String device(Rule r) {
    String kind = r.type() == DeviceRules.BLOCK ? "block" : "char";
    if (r.major() == DeviceRules.ANY) {
      return kind + "-*";
    }
    return r.minor() == DeviceRules.ANY
        ? kind + "-" + r.major()
        : "/dev/" + kind + "/" + r.major() + ":" + r.minor();
  }
}
