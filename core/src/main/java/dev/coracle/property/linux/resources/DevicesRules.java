package dev.coracle.property.linux.resources;

import dev.coracle.cgroup.CgroupDevices;
import dev.coracle.cgroup.CgroupSteps;
import dev.coracle.cgroup.DeviceRules;
import dev.coracle.json.Members;
import dev.coracle.json.Pointer;
import dev.coracle.spec.Resources.DeviceRule;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Which devices may be used (config-linux.md, "Allowed Device List"). */
public final class DevicesRules {
  public static final Pointer POINTER = Pointer.of("/linux/resources/devices");

  private DevicesRules() {}

  /** Reads them, in order. */
  public static List<DeviceRule> read(Members resources) {
    List<Members> all = resources.objects("devices");
    List<DeviceRule> out = new ArrayList<>(all.size());
    for (Members rule : all) {
      if (!rule.has("allow")) {
        rule.error("allow", "is required");
      }
      out.add(
          new DeviceRule(
              rule.bool("allow", false),
              type(rule),
              number(rule, "major", DeviceRules.MAJOR_MAX),
              number(rule, "minor", DeviceRules.MINOR_MAX),
              access(rule)));
    }
    return out;
  }

  private static char type(Members rule) {
    String type = rule.string("type");
    if (type == null || type.isEmpty()) {
      return 'a';
    }
    if (type.length() != 1 || "abc".indexOf(type.charAt(0)) < 0) {
      rule.error("type", "must be a, b or c, not \"" + type + "\"");
      return 'a';
    }
    return type.charAt(0);
  }

  /** A number; null for all of them, which engines also write as −1. */
  private static @Nullable Long number(Members rule, String key, long most) {
    Long number = rule.number(key, -1, most);
    return number == null || number == -1 ? null : number;
  }

  /**
   * Other letters beside these are passed over by the peers, and so there are bundles with them.
   */
  private static String access(Members rule) {
    String access = rule.requiredString("access");
    StringBuilder known = new StringBuilder();
    for (int i = 0; i < access.length(); i++) {
      if ("rwm".indexOf(access.charAt(i)) >= 0) {
        known.append(access.charAt(i));
      }
    }
    if (known.length() == access.length() && !access.isEmpty()) {
      return access;
    }
    String what = "must be of the letters r, w and m, not \"" + access + "\"";
    if (known.length() > 0) {
      rule.warning("access", what + "; the others are left out");
    } else if (rule.isString("access")) {
      rule.error("access", what);
    }
    return known.toString();
  }

  /** Sets them, with the default ones after them. */
  public static void plan(List<DeviceRule> rules, CgroupSteps steps) {
    CgroupDevices.plan(rules, POINTER, steps);
  }
}
