package dev.coracle.plan;

import dev.coracle.spec.Hooks.Hook;
import dev.coracle.spec.Linux.MapWriter;
import dev.coracle.spec.Linux.Namespace;
import dev.coracle.spec.Linux.NamespaceType;
import dev.coracle.spec.Mount.MountOptions;
import dev.coracle.spec.Process.Capabilities;
import dev.coracle.spec.Process.ConsoleSize;
import dev.coracle.spec.Process.Scheduler;
import dev.coracle.systemd.Scope;
import dev.coracle.systemd.UnitProperty;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a step does: data only. Paths in the container are absolute there; paths of the host say so.
 */
public sealed interface Action {
  // --- cgroups, by paths of the host ---

  /**
   * Makes a cgroup with its missing parents; what was made is removed again when the plan fails.
   *
   * @param path of the host, absolute
   */
  record MakeCgroup(String path) implements Action {}

  /**
   * Lets a cgroup's children use controllers: {@code +memory +pids} into cgroup.subtree_control.
   *
   * @param path the cgroup that gets children
   * @param controllers those that are wanted; what the cgroup does not offer is an error
   */
  record EnableControllers(String path, List<String> controllers) implements Action {}

  /**
   * On cgroup v1: copies cpuset.cpus and cpuset.mems from the parents where they are empty, for a
   * cpuset cgroup without them takes no process.
   */
  record InheritCpuset(String mountPoint, String path) implements Action {}

  /** Writes one cgroup file. */
  record WriteCgroupFile(String path, String value) implements Action {}

  /**
   * Writes several values into one cgroup file, a write(2) for each: devices.allow and devices.deny
   * take one rule at a time, but one descriptor does for all of them.
   */
  record WriteCgroupLines(String path, List<String> values) implements Action {}

  /**
   * Writes values that bound each other, as memory's limit and that of memory with swap: what is
   * refused with EINVAL is tried again once the others are written.
   */
  record WriteCgroupValues(List<WriteCgroupFile> values) implements Action {}

  /** Writes a value into the first of two files that is there. */
  record WriteEitherCgroupFile(WriteCgroupFile first, WriteCgroupFile otherwise)
      implements Action {}

  /**
   * On cgroup v2: gives cpu.max another period and leaves the quota as it is.
   *
   * @param path the cgroup
   */
  record SetCpuPeriod(String path, long periodMicros) implements Action {}

  /**
   * On cgroup v2: limits swap by the sum of memory and swap, where memory is limited already.
   *
   * @param path the cgroup
   */
  record SetSwapBySum(String path, long sumBytes) implements Action {}

  /**
   * On cgroup v2: refuses a limit that is not above what the cgroup uses now, which the kernel
   * would take and kill for.
   *
   * @param path the cgroup
   * @param withSwap whether it limits the sum of memory and swap
   */
  record CheckMemoryUsage(String path, long limitBytes, boolean withSwap) implements Action {}

  /**
   * Limits huge pages of one size.
   *
   * @param path the cgroup
   * @param file of the limit, such as {@code hugetlb.2MB.max}
   */
  record LimitHugePages(String path, String file, String pageSize, String value)
      implements Action {}

  /**
   * On cgroup v1: gives realtime runtime to the cgroups above one, where they have none: a cgroup
   * can hand on only what it has.
   *
   * @param periodMicros 0 where it is not given
   */
  record AllotRealtime(String mountPoint, String path, long periodMicros, long runtimeMicros)
      implements Action {}

  /**
   * Moves the calling process, which must have one thread, into a cgroup by writing {@code 0}.
   *
   * @param file the tasks or cgroup.procs file
   */
  record JoinCgroup(String file) implements Action {}

  /**
   * Lets systemd make a scope with the container's process in it, and takes it down again when the
   * plan fails.
   *
   * @param v2Path where the process stands then; null where systemd leaves that to the process
   * @param others cgroups of the container that systemd may not have made
   */
  record StartScope(
      Scope scope, List<UnitProperty> properties, @Nullable String v2Path, List<String> others)
      implements Action {}

  /** Waits until the runtime has done that. */
  record AwaitScope() implements Action {}

  /**
   * Gives a v2 cgroup to root of the container's user namespace (config-linux.md, "Cgroup
   * ownership").
   *
   * @param uid of the host
   */
  record DelegateCgroup(String path, long uid) implements Action {}

  /** Loads a device program (an array of struct bpf_insn) and attaches it to a v2 cgroup. */
  record AttachDeviceProgram(String path, Program program) implements Action {}

  /**
   * Makes a group of resctrl; what was made is removed again when the plan fails.
   *
   * @param group the directory below the mount point of resctrl; empty for the default group
   * @param expected whether it must be there already
   */
  record MakeResctrlGroup(String group, boolean expected) implements Action {}

  /** Writes the schemata file of a group of resctrl. */
  record WriteSchemata(String group, String schemata) implements Action {}

  /** Moves the calling process, which must have one thread, into a group of resctrl. */
  record JoinResctrlGroup(String group) implements Action {}

  // --- namespaces ---

  /**
   * Makes the container's process.
   *
   * @param flags CLONE_NEW* of the new namespaces
   * @param cgroup the v2 cgroup that it starts in (CLONE_INTO_CGROUP); null for none
   */
  record CloneProcess(long flags, @Nullable String cgroup) implements Action {}

  /** Joins a namespace by its file on the host, after its type was checked. */
  record JoinNamespace(Namespace namespace) implements Action {}

  /**
   * Lets the runtime's later children be in its own namespace again, after one was joined or made
   * for the container's process.
   *
   * @param type PID or TIME
   */
  record ReturnToNamespace(NamespaceType type) implements Action {}

  /**
   * Makes a time namespace for the next process, and sets its clocks before anyone is in it.
   *
   * @param offsets the lines of /proc/PID/timens_offsets
   */
  record MakeTimeNamespace(String offsets) implements Action {}

  /**
   * Makes new namespaces for the calling process itself (unshare(2)), after it joined others.
   *
   * @param flags CLONE_NEW*
   */
  record Unshare(long flags) implements Action {}

  /**
   * Makes the container's process once more, beside the one that joined the namespaces: a PID or
   * time namespace takes only those that are made later.
   *
   * @param flags CLONE_NEW* of the new namespaces
   */
  record CloneAgain(long flags) implements Action {}

  /**
   * Writes the uid_map of the container's new user namespace.
   *
   * @param lines as the kernel takes them
   */
  record WriteUidMap(String lines, MapWriter writer) implements Action {}

  /** Writes its gid_map. */
  record WriteGidMap(String lines, MapWriter writer) implements Action {}

  /**
   * Opens a copy of a path's mount in the container's mount namespace, with the runtime's rights:
   * root of the container's user namespace may not reach the path. The process gets it with {@link
   * AwaitRuntime}, and whatever step needs this path takes it from there.
   *
   * @param path of the host
   * @param recursive whether the mounts below it are copied too
   */
  record OpenTree(String path, boolean recursive, @Nullable IdMapped idMapped) implements Action {}

  /**
   * Makes a user namespace for id-mapped mounts, in which nobody is.
   *
   * @param number by which mounts name it
   * @param uids the lines of its uid_map
   * @param gids the lines of its gid_map
   */
  record MakeIdMapping(int number, String uids, String gids) implements Action {}

  /**
   * That a mount is id-mapped.
   *
   * @param number of the {@link MakeIdMapping}; −1 for the container's own user namespace
   * @param recursive whether the mounts below it are too
   */
  record IdMapped(int number, boolean recursive) {}

  /**
   * Lets the runtime act from outside, and takes what it opened.
   *
   * @param trees what that is, in order
   */
  record AwaitRuntime(List<OpenTree> trees) implements Action {}

  /**
   * Checks that a user namespace that was joined has the maps that the bundle states.
   *
   * @param uids the lines of its uid_map
   * @param gids the lines of its gid_map
   */
  record VerifyMaps(String uids, String gids) implements Action {}

  /** Becomes root of the user namespace, without the host's supplementary groups. */
  record BecomeRoot() implements Action {}

  /** Lifts a hard limit of the container's process, which cannot do so in a user namespace. */
  record RaiseRlimit(int resource, String type, long hard) implements Action {}

  /**
   * Joins namespaces of the container that runs already, for {@code exec}.
   *
   * @param flags CLONE_NEW* of all that are joined in this step
   */
  record JoinContainer(long flags) implements Action {}

  /** Leaves the runtime's cgroup namespace: after the process stands in its cgroup. */
  record UnshareCgroupNamespace() implements Action {}

  /** Sets the host name (sethostname(2)). */
  record SetHostname(String name) implements Action {}

  /** Sets the NIS domain name (setdomainname(2)). */
  record SetDomainname(String name) implements Action {}

  /** Brings the loopback interface of a new network namespace up (netdevice(7)). */
  record BringUpLoopback() implements Action {}

  /**
   * Moves an interface of the host into the container's network namespace.
   *
   * @param name the name it gets, in which {@code %d} stands for the first number that is free
   */
  record MoveNetDevice(String hostName, String name) implements Action {}

  // --- the root filesystem and mounts ---

  /**
   * Keeps the container's mounts from reaching the host.
   *
   * @param propagation MS_SLAVE or what /linux/rootfsPropagation asks for
   */
  record IsolateMounts(long propagation, boolean recursive) implements Action {}

  /**
   * Attaches a private copy of the root filesystem's mounts over itself, and goes there.
   *
   * @param shared whether others use the mount namespace
   */
  record AttachRoot(String path, boolean shared) implements Action {}

  /**
   * Makes one mount in the root.
   *
   * @param source a device, a name, or the host's path of a bind mount
   * @param inRoot where a bind mount's source is in the container's root; null where it is not
   */
  record MakeMount(
      String destination,
      @Nullable String type,
      String source,
      @Nullable String inRoot,
      MountOptions options,
      @Nullable IdMapped idMapped)
      implements Action {}

  /**
   * Mounts the container's own cgroup, as a mount of type {@code cgroup} asks for.
   *
   * @param hierarchies the v1 hierarchies that stand below it; empty on a pure cgroup v2
   * @param useNamespace whether the mount shows the cgroup namespace; otherwise the container's
   *     cgroups are bound from the host
   */
  record MountCgroup(
      String destination, MountOptions options, List<Hierarchy> hierarchies, boolean useNamespace)
      implements Action {}

  /**
   * One cgroup hierarchy for {@link MountCgroup}.
   *
   * @param name the directory, such as {@code cpu,cpuacct}
   * @param mountData what mount(2) takes as data; null for cgroup v2
   * @param hostPath the container's cgroup on the host
   * @param callersPath the cgroup of who creates it, where its process stays if a user who is not
   *     root can give it none of its own
   */
  record Hierarchy(String name, @Nullable String mountData, String hostPath, String callersPath) {}

  /** Makes one device node. */
  record MakeDevice(String path, int type, long major, long minor, int mode, long uid, long gid)
      implements Action {}

  /**
   * Binds the host's device node, for in a user namespace none can be made.
   *
   * @param type S_IFCHR or S_IFBLK
   */
  record BindDevice(String path, int type, long major, long minor) implements Action {}

  /** Makes a symbolic link where nothing stands yet. */
  record MakeSymlink(String target, String path) implements Action {}

  /**
   * Puts a new, empty root around the root filesystem, which becomes a directory of it.
   *
   * @param path of that directory, absolute
   */
  record EncloseRoot(String path) implements Action {}

  /** Makes the root the process's root (pivot_root(2)) and takes the old one away. */
  record PivotRoot() implements Action {}

  /**
   * Moves the root's mount over the old root and makes it the process's root (chroot(2)): for hosts
   * whose own root cannot be pivoted away, such as an initramfs. The old one stays below, so that
   * the host's procfs and sysfs are taken away first.
   */
  record MoveRoot() implements Action {}

  /**
   * Makes a directory the process's root (chroot(2)), where the mount namespace is not its own.
   *
   * @param attached whether a mount was attached there
   */
  record ChangeRoot(String path, boolean attached) implements Action {}

  /** Sets the propagation of the container's root mount. */
  record SetRootPropagation(long propagation, boolean recursive) implements Action {}

  /** Makes the root mount read-only. */
  record RemountRootReadonly() implements Action {}

  /**
   * Hides a path: a file behind /dev/null, a directory behind an empty read-only tmpfs.
   *
   * @param label the SELinux context of that tmpfs; null for none
   */
  record MaskPath(String path, @Nullable String label) implements Action {}

  /** Makes a path read-only. */
  record MakePathReadonly(String path) implements Action {}

  /** Writes a kernel parameter below /proc/sys. */
  record SetSysctl(String key, String value) implements Action {}

  // --- the process ---

  /** Becomes a session leader (setsid(2)), so that a terminal can be taken. */
  record StartSession() implements Action {}

  /** Opens a pseudo terminal of the container, sends its master, and takes it as stdio. */
  record OpenConsole(@Nullable ConsoleSize size) implements Action {}

  /** Writes /proc/self/oom_score_adj. */
  record SetOomScoreAdj(int value) implements Action {}

  /** Sets one resource limit (setrlimit(2)). */
  record SetRlimit(int resource, String type, long soft, long hard) implements Action {}

  /** Lets the process run on every CPU again, whatever its parents were bound to. */
  record ResetCpuAffinity() implements Action {}

  /** Binds the process, or what it will fork, to CPUs, a list such as {@code 0-3,7}. */
  record SetCpuAffinity(String cpus) implements Action {}

  /** Sets how the process is scheduled (sched_setattr(2)). */
  record SetScheduler(Scheduler scheduler) implements Action {}

  /** Sets the priority of its input and output (ioprio_set(2)). */
  record SetIoPriority(int ioClass, int priority) implements Action {}

  /**
   * Sets on which nodes memory is allocated (set_mempolicy(2)).
   *
   * @param mode MPOL_* and MPOL_F_*
   * @param nodes a list such as {@code 0-1}; may be empty
   */
  record SetMemoryPolicy(int mode, String nodes) implements Action {}

  /** Sets the execution domain (personality(2)). */
  record SetPersonality(long persona) implements Action {}

  /** Asks for an AppArmor profile from the next execve(2) on. */
  record SetApparmorProfile(String profile) implements Action {}

  /** Asks for an SELinux context from the next execve(2) on. */
  record SetSelinuxLabel(String label) implements Action {}

  /**
   * Joins a session keyring by name, which is made where there is none.
   *
   * @param permissions what it gets (keyctl_setperm(3)); 0 where it is the container's already
   * @param selinuxLabel what a new one is labelled with; null for none
   */
  record JoinSessionKeyring(String name, long permissions, @Nullable String selinuxLabel)
      implements Action {}

  /** Runs hooks of one kind, in order. */
  record RunHooks(HookKind kind, List<Hook> hooks) implements Action {}

  /** Drops capabilities from the bounding set: the first step on the way to fewer of them. */
  record DropBoundingCapabilities(long keep) implements Action {}

  /** Takes on user and groups. */
  record SetUser(long uid, long gid, List<Long> additionalGids, boolean keepCapabilities)
      implements Action {}

  /** Sets the other four capability sets. */
  record SetCapabilities(Capabilities capabilities) implements Action {}

  /** No execve(2) gives privileges any more (PR_SET_NO_NEW_PRIVS). */
  record SetNoNewPrivileges() implements Action {}

  /** Sets the file mode creation mask. */
  record SetUmask(int mask) implements Action {}

  /**
   * Goes to the working directory, making it where it is missing, and checks that it is inside.
   *
   * @param create whether a missing one is made
   */
  record ChangeDirectory(String path, boolean create) implements Action {}

  /**
   * Loads a seccomp filter (an array of struct sock_filter).
   *
   * @param listener who is asked about system calls; null where nobody is
   */
  record InstallSeccomp(Program filter, long flags, @Nullable Listener listener)
      implements Action {}

  /**
   * The agent that gets a filter's listening descriptor.
   *
   * @param path its socket
   * @param metadata what it is told; null for nothing
   */
  record Listener(String path, @Nullable String metadata) {}

  /** Finds the program in the container's PATH. */
  record FindProgram(List<String> args, List<String> env) implements Action {}

  /** Tells the runtime that all is set up, and waits for {@code start}. */
  record Park() implements Action {}

  /** Runs the program (execve(2)). */
  record Execute(List<String> args, List<String> env, long uid) implements Action {}

  /**
   * Goes on as a process of ours, in place of a program.
   *
   * @param service what it does
   */
  record Serve(String service) implements Action {}

  /** The kinds of hooks, in the order of the lifecycle. */
  enum HookKind {
    PRESTART("prestart"),
    CREATE_RUNTIME("createRuntime"),
    CREATE_CONTAINER("createContainer"),
    START_CONTAINER("startContainer"),
    POSTSTART("poststart"),
    POSTSTOP("poststop");

    private final String specName;

    HookKind(String specName) {
      this.specName = specName;
    }

    /** The spec's name. */
    public String specName() {
      return specName;
    }
  }

  /** A program for the kernel, with a text for people: its bytes mean nothing to them. */
  record Program(byte[] bytes, String summary) {
    @Override
    public String toString() {
      return summary;
    }
  }
}
