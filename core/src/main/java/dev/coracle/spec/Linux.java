package dev.coracle.spec;

import dev.coracle.problem.Origin;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The Linux section (config-linux.md).
 *
 * @param namespaces new ones and ones to join, each kind at most once
 * @param devices nodes to make, beside the default ones
 * @param cgroupsPath null where the runtime chooses
 * @param resources limits; null where there are none
 * @param sysctl kernel parameters, in order
 * @param seccomp the system call filter; null where there is none
 * @param rootfsPropagation shared, slave, private or unbindable; null where none was given
 * @param maskedPaths absolute paths that are hidden
 * @param readonlyPaths absolute paths that are made read-only
 * @param uidMappings of a new user namespace
 * @param gidMappings of a new user namespace
 * @param timeOffsets of a new time namespace
 * @param netDevices the host's interfaces that move into the container
 * @param intelRdt null for none
 * @param memoryPolicy null where it stays as it is
 * @param personality what personality(2) takes; null where it stays as it is
 * @param mountLabel SELinux context of the mounts; null for none
 */
public record Linux(
    List<Namespace> namespaces,
    List<Device> devices,
    @Nullable String cgroupsPath,
    @Nullable Resources resources,
    Map<String, String> sysctl,
    @Nullable SystemCallFilter seccomp,
    @Nullable String rootfsPropagation,
    List<String> maskedPaths,
    List<String> readonlyPaths,
    List<IdMapping> uidMappings,
    List<IdMapping> gidMappings,
    List<TimeOffset> timeOffsets,
    List<NetDevice> netDevices,
    @Nullable IntelRdt intelRdt,
    @Nullable MemoryPolicy memoryPolicy,
    @Nullable Long personality,
    @Nullable String mountLabel) {

  /** A section that asks for nothing. */
  public static final Linux NONE =
      new Linux(List.of(), List.of(), null, null, Map.of(), null, null, List.of(), List.of());

  /** A section without what few bundles ask for. */
  public Linux(
      List<Namespace> namespaces,
      List<Device> devices,
      @Nullable String cgroupsPath,
      @Nullable Resources resources,
      Map<String, String> sysctl,
      @Nullable SystemCallFilter seccomp,
      @Nullable String rootfsPropagation,
      List<String> maskedPaths,
      List<String> readonlyPaths) {
    this(
        namespaces,
        devices,
        cgroupsPath,
        resources,
        sysctl,
        seccomp,
        rootfsPropagation,
        maskedPaths,
        readonlyPaths,
        List.of(),
        List.of(),
        List.of(),
        List.of(),
        null,
        null,
        null,
        null);
  }

  /** The namespace of this type, or null where the container shares the runtime's. */
  public @Nullable Namespace namespace(NamespaceType type) {
    for (Namespace n : namespaces) {
      if (n.type() == type) {
        return n;
      }
    }
    return null;
  }

  /** The kinds of namespaces (namespaces(7)). */
  public enum NamespaceType {
    PID("pid", "pid", 0x20000000L),
    NETWORK("network", "net", 0x40000000L),
    MOUNT("mount", "mnt", 0x00020000L),
    IPC("ipc", "ipc", 0x08000000L),
    UTS("uts", "uts", 0x04000000L),
    CGROUP("cgroup", "cgroup", 0x02000000L),
    TIME("time", "time", 0x00000080L),
    USER("user", "user", 0x10000000L);

    private final String specName;
    private final String procName;
    private final long cloneFlag;

    NamespaceType(String specName, String procName, long cloneFlag) {
      this.specName = specName;
      this.procName = procName;
      this.cloneFlag = cloneFlag;
    }

    /** The spec's name. */
    public String specName() {
      return specName;
    }

    /** The name in /proc/PID/ns. */
    public String procName() {
      return procName;
    }

    /** CLONE_NEW* (clone(2)). */
    public long cloneFlag() {
      return cloneFlag;
    }
  }

  /**
   * One namespace.
   *
   * @param path the file of the namespace to join; null for a new one
   */
  public record Namespace(NamespaceType type, @Nullable String path, Origin origin) {}

  /**
   * A device node.
   *
   * @param type {@code b}, {@code c}, {@code u} or {@code p}
   * @param fileMode permission bits; null for 0666
   */
  public record Device(
      String path,
      char type,
      long major,
      long minor,
      @Nullable Integer fileMode,
      long uid,
      long gid,
      Origin origin) {}

  /** One line of a uid_map or gid_map (user_namespaces(7)). */
  public record IdMapping(long containerId, long hostId, long size) {}

  /** Who writes the maps of a new user namespace. */
  public enum MapWriter {
    /** The runtime, which may map any id that it has itself. */
    RUNTIME,
    /**
     * The runtime of a user without privileges, who may map the own id only, and only once the
     * namespace can no longer drop groups (CVE-2014-8989).
     */
    RUNTIME_WITHOUT_GROUPS,
    /** newuidmap(1) and newgidmap(1), which know the ranges that a user was given. */
    HELPER
  }

  /**
   * How far a clock of a new time namespace is off the host's (time_namespaces(7)).
   *
   * @param clock {@code boottime} or {@code monotonic}
   */
  public record TimeOffset(String clock, long secs, long nanosecs) {}

  /**
   * A network interface that moves into the container.
   *
   * @param hostName its name on the host
   * @param name its name in the container
   */
  public record NetDevice(String hostName, String name, Origin origin) {}

  /** Cache and memory bandwidth (config-linux.md, "IntelRdt"; resctrl). */
  public record IntelRdt(
      @Nullable String closId,
      List<String> schemata,
      @Nullable String l3CacheSchema,
      @Nullable String memBwSchema,
      boolean enableMonitoring) {}

  /**
   * On which nodes memory is allocated (set_mempolicy(2)).
   *
   * @param mode MPOL_*
   * @param flags MPOL_F_*
   * @param nodes a list such as {@code 0-1}; may be empty
   */
  public record MemoryPolicy(int mode, int flags, String nodes) {}
}
