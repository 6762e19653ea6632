package dev.coracle.cgroup;

import dev.coracle.cgroup.DeviceRules.Policy;
import dev.coracle.cgroup.DeviceRules.Rule;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Device rules as the v1 controller has them: a policy, and exceptions that have no order among
 * them. So a rule that takes back a part of an earlier, wider one has no counterpart; the kernel
 * would take it without a word and do nothing.
 *
 * <p>Kernel: linux v6.12 security/device_cgroup.c. Peers: runc refuses such a rule too.
 *
 * @param hole the first rule that cannot be said; null where all can
 */
record DeviceExceptions(Policy policy, List<Rule> exceptions, @Nullable Rule hole) {

  static DeviceExceptions of(DeviceRules rules) {
    Policy policy = rules.policy();
    List<Rule> out = new ArrayList<>(rules.rules().size());
    Rule hole = null;
    for (Rule rule : rules.rules()) {
      if (rule.policy() != policy) {
        add(out, rule);
      } else if (!remove(out, rule) && hole == null) {
        hole = rule;
      }
    }
    return new DeviceExceptions(policy, out, hole);
  }

  private static void add(List<Rule> exceptions, Rule rule) {
    for (int i = 0; i < exceptions.size(); i++) {
      Rule e = exceptions.get(i);
      if (e.coversDevicesOf(rule) && rule.coversDevicesOf(e)) {
        exceptions.set(i, with(e, e.access() | rule.access()));
        return;
      }
    }
    exceptions.add(rule);
  }

  private static boolean remove(List<Rule> exceptions, Rule rule) {
    boolean whole = true;
    for (int i = exceptions.size() - 1; i >= 0; i--) {
      Rule e = exceptions.get(i);
      if (!rule.meets(e)) {
        continue;
      }
      if (!rule.coversDevicesOf(e)) {
        whole = false;
      } else if ((e.access() & ~rule.access()) == 0) {
        exceptions.remove(i);
      } else {
        exceptions.set(i, with(e, e.access() & ~rule.access()));
      }
    }
    return whole;
  }

  private static Rule with(Rule r, int access) {
    return new Rule(r.policy(), r.type(), r.major(), r.minor(), access, r.index());
  }

  /** The lines for the file of {@link #policy}'s opposite, one write(2) each. */
  List<String> lines() {
    List<String> out = new ArrayList<>(exceptions.size());
    for (Rule e : exceptions) {
      out.add(e.text());
    }
    return out;
  }
}
