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
 */
public record Linux(
    List<Namespace> namespaces,
    List<Device> devices,
    @Nullable String cgroupsPath,
    @Nullable Resources resources,
    Map<String, String> sysctl,
    @Nullable Seccomp seccomp,
    @Nullable String rootfsPropagation,
    List<String> maskedPaths,
    List<String> readonlyPaths) {

  /** A section that asks for nothing. */
  public static final Linux NONE =
      new Linux(List.of(), List.of(), null, null, Map.of(), null, null, List.of(), List.of());

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
}
