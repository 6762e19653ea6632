package dev.coracle.state;

import dev.coracle.cgroup.CgroupPaths;
import dev.coracle.spec.Hooks;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What is kept of a container on disk. Its status is not among it: that is asked of the kernel.
 *
 * @param pid its first process; 0 while it is being made
 * @param startTicks when that process started, in clock ticks after boot (proc_pid_stat(5), field
 *     22): with the pid it names one process for ever
 * @param bundle the bundle's absolute path
 * @param rootfs the root's absolute path; empty where the sandbox has none
 * @param createdNanos when it was made, after the epoch
 * @param ownerUid who made it
 * @param sandbox the sandbox's word
 * @param cgroups its cgroups
 * @param keyring whether it has a session keyring of its own, which exec joins
 * @param scope the scope of systemd that holds it
 * @param resctrl the directories of resctrl that were made for it
 * @param rootMount the root's mount in a mount namespace that others use ({@code SharedRoot});
 *     empty for none
 * @param filter the compiled seccomp filter that stands behind config.json; null for none
 * @param hooks of which poststart and poststop are still to run
 */
public record ContainerState(
    String ociVersion,
    String id,
    int pid,
    long startTicks,
    String bundle,
    String rootfs,
    long createdNanos,
    long ownerUid,
    String sandbox,
    CgroupPaths cgroups,
    boolean keyring,
    ScopeText scope,
    List<String> resctrl,
    String rootMount,
    Map<String, String> annotations,
    @Nullable KeptFilter filter,
    Hooks hooks) {
  /**
   * A compiled seccomp filter, so that exec need not read its profile.
   *
   * @param from where the profile begins in config.json
   * @param to one more than its last byte
   * @param flags SECCOMP_FILTER_FLAG_* as the kernel's bits
   * @param bytes how long the program is
   */
  public record KeptFilter(int from, int to, long flags, int bytes) {
    /** Whether it can be what stands behind a config.json of this length. */
    boolean fits(int config) {
      return from < to && to <= config && bytes > 0;
    }
  }

  /** The same where no filter is kept. */
  ContainerState withoutFilter() {
    return new ContainerState(
        ociVersion,
        id,
        pid,
        startTicks,
        bundle,
        rootfs,
        createdNanos,
        ownerUid,
        sandbox,
        cgroups,
        keyring,
        scope,
        resctrl,
        rootMount,
        annotations,
        null,
        hooks);
  }
}
