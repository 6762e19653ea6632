package dev.coracle.property.process;

import dev.coracle.plan.Action;
import dev.coracle.plan.Phase;
import dev.coracle.plan.PlanBuilder;
import dev.coracle.problem.Origin;
import org.jspecify.annotations.Nullable;

/**
 * A session keyring of the container's own (session-keyring(7)), so that it does not hold the
 * caller's keys. No property asks for it: the peers make it too, unless {@code --no-new-keyring}.
 */
public final class SessionKeyring {
  private static final Origin ORIGIN = new Origin.Default("session keyring");

  /** What a new session keyring has (linux v6.12 security/keys/process_keys.c). */
  private static final long POSSESSOR_ALL_USER_VIEW_READ_LINK = 0x3f130000L;

  private static final long USER_SEARCH = 0x00080000L;
  private static final long OTHER_SEARCH = 0x00000008L;

  private SessionKeyring() {}

  /** The name by which exec finds the keyring of a container again. */
  public static String name(String id) {
    return "_ses." + id;
  }

  /**
   * Makes and joins it, with the right to be found by name: for root, or in a user namespace, where
   * its root is another user, for others.
   *
   * @param selinuxLabel what the keyring is labelled with; null for none
   */
  public static void planNew(
      @Nullable String name,
      @Nullable String selinuxLabel,
      boolean userNamespace,
      PlanBuilder plan) {
    long search = userNamespace ? OTHER_SEARCH : USER_SEARCH;
    add(name, POSSESSOR_ALL_USER_VIEW_READ_LINK | search, selinuxLabel, plan);
  }

  /** For exec: joins that of the container. */
  public static void planJoin(
      @Nullable String name, @Nullable String selinuxLabel, PlanBuilder plan) {
    add(name, 0, selinuxLabel, plan);
  }

  private static void add(
      @Nullable String name, long permissions, @Nullable String label, PlanBuilder plan) {
    if (name != null) {
      plan.add(Phase.CHILD_SETUP, new Action.JoinSessionKeyring(name, permissions, label), ORIGIN);
    }
  }
}
