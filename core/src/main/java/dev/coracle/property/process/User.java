package dev.coracle.property.process;

import dev.coracle.json.Members;
import dev.coracle.json.Pointer;
import dev.coracle.plan.Action;
import dev.coracle.plan.Phase;
import dev.coracle.plan.PlanBuilder;
import dev.coracle.problem.Origin;
import java.util.List;

/** Who runs the process (config.md, "POSIX-platform User"). */
public final class User {
  public static final Pointer POINTER = Pointer.of("/process/user");
  public static final Pointer ADDITIONAL_GIDS = POINTER.child("additionalGids");
  public static final Pointer UMASK = POINTER.child("umask");

  /** The kernel keeps (uid_t) -1 for "no change" (setresuid(2)). */
  private static final long LAST_ID = 0xfffffffeL;

  private static final int DEFAULT_UMASK = 022;

  private User() {}

  /** Reads it; absent means root. */
  public static dev.coracle.spec.Process.User read(Members process) {
    Members user = process.object("user");
    if (user == null) {
      return new dev.coracle.spec.Process.User(0, 0, null, List.of());
    }
    Long uid = user.number("uid", 0, LAST_ID);
    Long gid = user.number("gid", 0, LAST_ID);
    Long umask = user.number("umask", 0, 0777);
    List<Long> groups = user.numbers("additionalGids", 0, LAST_ID);
    return new dev.coracle.spec.Process.User(
        uid == null ? 0 : uid,
        gid == null ? 0 : gid,
        umask == null ? null : umask.intValue(),
        groups);
  }

  /** Sets the umask, and takes on user and groups: the list of groups is always replaced. */
  public static void plan(
      dev.coracle.spec.Process process, boolean keepCapabilities, PlanBuilder plan) {
    dev.coracle.spec.Process.User user = process.user();
    Integer umask = user.umask();
    Origin origin = umask == null ? new Origin.Default("umask") : Origin.of(UMASK);
    plan.add(
        Phase.CHILD_PROCESS, new Action.SetUmask(umask == null ? DEFAULT_UMASK : umask), origin);
    plan.add(
        Phase.CHILD_PROCESS,
        new Action.SetUser(user.uid(), user.gid(), user.additionalGids(), keepCapabilities),
        POINTER);
  }
}
