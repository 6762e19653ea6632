package dev.coracle.property.linux.resources;

import dev.coracle.cgroup.CgroupFiles;
import dev.coracle.cgroup.CgroupSteps;
import dev.coracle.json.Members;
import dev.coracle.json.Pointer;
import dev.coracle.plan.Errors;
import org.jspecify.annotations.Nullable;

/**
 * How many tasks there may be (config-linux.md, "PIDs").
 *
 * <p>0 is a limit (since runtime-spec 1.3), a negative number is none, which is how a new cgroup
 * starts. For 0 the limit is written as 1: either lets nobody fork, but with 0 the container itself
 * could not be cloned into its cgroup. Peers: runc writes 1 too.
 */
public final class Pids {
  public static final Pointer POINTER = Pointer.of("/linux/resources/pids");

  private static final Pointer LIMIT = POINTER.child("limit");

  private Pids() {}

  /** Reads the limit; null where there is none. */
  public static @Nullable Long read(Members resources) {
    Members pids = resources.object("pids");
    return pids == null ? null : pids.int64("limit");
  }

  /** Writes it. */
  public static void plan(long limit, CgroupSteps steps) {
    CgroupFiles files = steps.files("pids");
    if (limit >= 0) {
      files.write("pids.max", "" + Math.max(1, limit), LIMIT);
    } else {
      files.writeDefault("pids.max", "max", LIMIT, Errors.NONE);
    }
  }
}
