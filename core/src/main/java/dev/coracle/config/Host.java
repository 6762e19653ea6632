package dev.coracle.config;

import dev.coracle.cgroup.CgroupLayout;
import dev.coracle.property.process.Capabilities;
import dev.coracle.spec.Linux.NamespaceType;
import dev.coracle.spec.Spec;

/**
 * What planning needs to know of the host, read once.
 *
 * @param cgroups how cgroups are mounted
 * @param capabilities what the runtime may grant, as a bit mask
 * @param uid the runtime's effective user id
 * @param gid its effective group id
 */
public record Host(CgroupLayout cgroups, long capabilities, long uid, long gid) {
  private static final long CAP_SYS_ADMIN = 1L << 21;
  private static final long CAP_SYS_RESOURCE = 1L << 24;

  /** A host on which the runtime is root. */
  public Host(CgroupLayout cgroups, long capabilities) {
    this(cgroups, capabilities, 0, 0);
  }

  /** Whether the runtime administers the user namespace that it is in. */
  public boolean privileged() {
    return (capabilities & CAP_SYS_ADMIN) != 0;
  }

  /** What a process of a container may get: in a user namespace every capability. */
  public long grantable(Spec spec) {
    return spec.linux().namespace(NamespaceType.USER) == null ? capabilities : Capabilities.ALL;
  }

  /** Whether it may raise hard limits. */
  boolean mayRaiseLimits() {
    return (capabilities & CAP_SYS_RESOURCE) != 0;
  }
}
