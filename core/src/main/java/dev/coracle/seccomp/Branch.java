package dev.coracle.seccomp;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** One conditional rule of one system call, and the rule that is asked after it. */
final class Branch {
  final List<Condition> conditions;
  final int code;
  @Nullable Branch next;

  Branch(List<Condition> conditions, int code) {
    this.conditions = conditions;
    this.code = code;
  }

  /** Puts a rule where libseccomp would test it; the new first rule. */
  static Branch insert(@Nullable Branch first, Branch added) {
    if (first == null || order(added, first) < 0) {
      added.next = first;
      return added;
    }
    Branch at = first;
    Branch next = at.next;
    // Behind rules of the same rank: of two rules with the same conditions the first one holds.
    while (next != null && order(next, added) <= 0) {
      at = next;
      next = at.next;
    }
    added.next = next;
    at.next = added;
    return first;
  }

  /** Whether two chains hold the same rules. */
  static boolean same(@Nullable Branch a, @Nullable Branch b) {
    while (a != null && b != null) {
      if (a.code != b.code || !a.conditions.equals(b.conditions)) {
        return false;
      }
      a = a.next;
      b = b.next;
    }
    return a == b;
  }

  /** By the conditions in turn; the rule that asks less comes first. */
  private static int order(Branch a, Branch b) {
    for (int i = 0; i < a.conditions.size() && i < b.conditions.size(); i++) {
      int order = Condition.order(a.conditions.get(i), b.conditions.get(i));
      if (order != 0) {
        return order;
      }
    }
    return a.conditions.size() - b.conditions.size();
  }
}
