package dev.coracle.config;

import dev.coracle.plan.Action;
import dev.coracle.plan.Phase;
import dev.coracle.plan.PlanBuilder;
import dev.coracle.plan.Step;
import dev.coracle.problem.Origin;
import dev.coracle.problem.Problems;
import dev.coracle.property.linux.GidMappings;
import dev.coracle.property.linux.Namespaces;
import dev.coracle.property.linux.TimeOffsets;
import dev.coracle.property.linux.UidMappings;
import dev.coracle.property.process.OomScoreAdj;
import dev.coracle.property.process.Rlimits;
import dev.coracle.spec.Linux;
import dev.coracle.spec.Linux.MapWriter;
import dev.coracle.spec.Linux.Namespace;
import dev.coracle.spec.Linux.NamespaceType;
import dev.coracle.spec.Process;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * How the container's process comes into its namespaces: by one clone, wherever the kernel allows.
 *
 * <p>A second process is made where a namespace takes only processes that are made later, and what
 * must come before that needs rights which the runtime's process would not get back: joining a user
 * namespace by its path, and namespaces by their paths beside a new user namespace, which are not
 * that one's.
 */
final class NamespacePlan {
  private static final long PID_AND_TIME =
      NamespaceType.PID.cloneFlag() | NamespaceType.TIME.cloneFlag();

  private final Linux linux;
  private final Host host;
  private final PlanBuilder plan;
  private final Problems problems;
  private final List<Step> trees;
  private final @Nullable Namespace user;
  private final boolean offsets;

  /**
   * A plan for one container.
   *
   * @param trees what root of a user namespace may not reach
   */
  NamespacePlan(Linux linux, Host host, List<Step> trees, PlanBuilder plan, Problems problems) {
    this.linux = linux;
    this.host = host;
    this.plan = plan;
    this.problems = problems;
    this.user = linux.namespace(NamespaceType.USER);
    // Without privileges the runtime can reach no more than the container's root can.
    this.trees = user == null || !host.privileged() ? List.of() : trees;
    Namespace time = linux.namespace(NamespaceType.TIME);
    this.offsets = TimeOffsets.check(linux.timeOffsets(), time, problems);
  }

  /**
   * Adds the clone and what belongs to it, before and after.
   *
   * @param isolated whether a sandbox stands between the process and the host
   */
  void plan(Process process, @Nullable String cgroup, boolean isolated) {
    if (user == null) {
      if (!host.privileged() && isolated) {
        problems.error(
            Namespaces.POINTER,
            "need a user namespace, because the runtime has no privileges;"
                + " add {\"type\":\"user\"} and mappings of ids");
      }
      UidMappings.refuse(linux.uidMappings(), problems);
      GidMappings.refuse(linux.gidMappings(), problems);
    } else if (makesUser()) {
      UidMappings.check(linux.uidMappings(), problems);
      GidMappings.check(linux.gidMappings(), problems);
    }
    if (user != null) {
      checkUser(process.user(), linux, problems);
    }
    if (isStaged()) {
      planStages(process, cgroup);
    } else {
      planOneClone(process, cgroup);
    }
  }

  /** Every id of the process must have a place in its user namespace. */
  static void checkUser(Process.User user, Linux linux, Problems problems) {
    UidMappings.requireMapped(
        linux.uidMappings(),
        user.uid(),
        dev.coracle.property.process.User.POINTER.child("uid"),
        problems);
    List<Linux.IdMapping> groups = linux.gidMappings();
    GidMappings.requireMapped(
        groups, user.gid(), dev.coracle.property.process.User.POINTER.child("gid"), problems);
    for (int i = 0; i < user.additionalGids().size(); i++) {
      GidMappings.requireMapped(
          groups,
          user.additionalGids().get(i),
          dev.coracle.property.process.User.ADDITIONAL_GIDS.child(i),
          problems);
    }
  }

  private boolean makesUser() {
    return user != null && user.path() == null;
  }

  private boolean isStaged() {
    if (user == null) {
      return false;
    }
    if (!makesUser() || offsets && !host.privileged()) {
      return true;
    }
    for (Namespace n : linux.namespaces()) {
      if (n.path() != null && (n.type().cloneFlag() & PID_AND_TIME) == 0) {
        return true;
      }
    }
    return false;
  }

  private void planOneClone(Process process, @Nullable String cgroup) {
    List<Namespace> namespaces = linux.namespaces();
    if (user == null || !host.privileged()) {
      // A process without privileges that is not dumpable cannot write its own /proc/self.
      // From outside, where that is allowed: the process has enough to do.
      Phase phase = host.privileged() ? Phase.PARENT_AFTER_CLONE : Phase.PARENT_BEFORE;
      OomScoreAdj.plan(process.oomScoreAdj(), phase, plan);
    }
    Namespaces.planParent(namespaces, plan);
    if (offsets) {
      TimeOffsets.plan(linux.timeOffsets(), Phase.PARENT_BEFORE, plan);
    }
    plan.add(Phase.CLONE, new Action.CloneProcess(newFlags(), cgroup), Namespaces.POINTER);
    Namespaces.planReturn(namespaces, offsets, plan);
    if (makesUser()) {
      planFromOutside(process);
      awaitRuntime();
      becomeRoot();
    }
    Namespaces.planChild(namespaces, plan);
  }

  private void planStages(Process process, @Nullable String cgroup) {
    boolean privileged = host.privileged();
    boolean ownUserFirst = makesUser() && !privileged;
    Phase own = privileged ? Phase.CHILD_SETUP : Phase.PARENT_BEFORE;
    OomScoreAdj.plan(process.oomScoreAdj(), own, plan);
    long first = ownUserFirst ? NamespaceType.USER.cloneFlag() : 0;
    plan.add(Phase.CLONE, new Action.CloneProcess(first, cgroup), Namespaces.POINTER);
    if (ownUserFirst) {
      planFromOutside(process);
      awaitRuntime();
      becomeRoot();
    }
    if (offsets) {
      TimeOffsets.plan(linux.timeOffsets(), Phase.CHILD_SETUP, plan);
    }
    // With privileges all others can be joined from here, whoever owns them; without, only those
    // that belong to the user namespace, from inside.
    if (user != null && !makesUser() && !privileged) {
      joinUser(user);
    }
    Namespaces.planJoin(linux.namespaces(), plan);
    if (user != null && !makesUser() && privileged) {
      joinUser(user);
    }
    makeOthers(newFlags() & ~first);
    if (makesUser() && privileged) {
      planFromOutside(process);
      awaitRuntime();
      becomeRoot();
    } else if (!trees.isEmpty()) {
      planTrees();
      awaitRuntime();
    }
    Namespaces.planNew(linux.namespaces(), plan);
    Namespaces.planJoinMount(linux.namespaces(), plan);
  }

  private void makeOthers(long flags) {
    Namespace pid = linux.namespace(NamespaceType.PID);
    Namespace time = linux.namespace(NamespaceType.TIME);
    boolean later = pid != null || offsets || time != null && time.path() != null;
    if (later) {
      plan.add(Phase.CHILD_SETUP, new Action.CloneAgain(flags), Namespaces.POINTER);
    } else if (flags != 0) {
      plan.add(Phase.CHILD_SETUP, new Action.Unshare(flags), Namespaces.POINTER);
    }
  }

  private long newFlags() {
    long flags = Namespaces.cloneFlags(linux.namespaces());
    return offsets ? flags & ~NamespaceType.TIME.cloneFlag() : flags;
  }

  private void planFromOutside(Process process) {
    boolean own =
        UidMappings.isOwnAlone(linux.uidMappings(), host.uid())
            && GidMappings.isOwnAlone(linux.gidMappings(), host.gid());
    MapWriter writer =
        host.privileged()
            ? MapWriter.RUNTIME
            : own ? MapWriter.RUNTIME_WITHOUT_GROUPS : MapWriter.HELPER;
    UidMappings.plan(linux.uidMappings(), writer, plan);
    GidMappings.plan(linux.gidMappings(), writer, plan);
    if (writer == MapWriter.RUNTIME_WITHOUT_GROUPS && !process.user().additionalGids().isEmpty()) {
      problems.error(
          dev.coracle.property.process.User.ADDITIONAL_GIDS,
          "cannot be set: who maps only the own group id may not change groups");
    }
    if (host.privileged() && !isStaged()) {
      OomScoreAdj.plan(process.oomScoreAdj(), Phase.PARENT_AFTER_CLONE, plan);
      if (host.mayRaiseLimits()) {
        Rlimits.planRaise(process.rlimits(), plan);
      }
    }
    planTrees();
  }

  private void planTrees() {
    for (Step tree : trees) {
      plan.add(tree.phase(), tree.action(), tree.origin());
    }
  }

  private void awaitRuntime() {
    List<Action.OpenTree> all = new ArrayList<>();
    for (Step tree : trees) {
      if (tree.action() instanceof Action.OpenTree a) {
        all.add(a);
      }
    }
    plan.add(Phase.CHILD_SETUP, new Action.AwaitRuntime(all), userOrigin());
  }

  private void becomeRoot() {
    plan.add(Phase.CHILD_SETUP, new Action.BecomeRoot(), userOrigin());
  }

  private void joinUser(Namespace namespace) {
    plan.add(Phase.CHILD_SETUP, new Action.JoinNamespace(namespace), namespace.origin());
    if (!linux.uidMappings().isEmpty() || !linux.gidMappings().isEmpty()) {
      // containerd states the maps beside the path: then they must be true.
      plan.add(
          Phase.CHILD_SETUP,
          new Action.VerifyMaps(
              UidMappings.lines(linux.uidMappings()), GidMappings.lines(linux.gidMappings())),
          UidMappings.POINTER);
    }
    becomeRoot();
  }

  private Origin userOrigin() {
    return user == null ? Origin.of(Namespaces.POINTER) : user.origin();
  }
}
