package dev.coracle.execute;

import static dev.coracle.abi.Mount.PROC_SUPER_MAGIC;

import dev.coracle.abi.Fcntl;
import dev.coracle.bus.Systemd;
import dev.coracle.kernel.DescribingKernel;
import dev.coracle.kernel.Errno;
import dev.coracle.kernel.Kernel;
import dev.coracle.systemd.ScopeRequest;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What the steps of one process share while they run. */
public final class Context {
  final DescribingKernel kernel;

  /** The container as hooks are told of it; the pid is filled in by the process that tells. */
  final HookState hookState;

  /** The FIFO on which the parked process waits; −1 where it does not park. */
  int startFifo = -1;

  /** The runtime's own state file, which the process must not keep; −1 for none. */
  int stateFile = -1;

  /** The parked process's way to the runtime; −1 once it is closed. */
  int sync = -1;

  /** The mount that our program is executed from; −1 once it is closed, and where there is none. */
  int seal = -1;

  /** Whether the runtime has said that it is closed: see Seal. */
  boolean sealed;

  /** The signals that the runtime's caller ignores; all until it is known. */
  long ignoredSignals = Kernel.ALL_SIGNALS;

  /** The socket that gets the terminal's master; −1 for none. */
  int consoleSocket = -1;

  /** The container's first process, for exec; −1 elsewhere. */
  int containerPidfd = -1;

  /** Its pid, for exec; 0 elsewhere. */
  int containerPid;

  /** Whether exec may fall back on the cgroup of the container's first process. */
  boolean mayUseItsCgroup;

  /** The descriptors after stdio that the program keeps. */
  Kept kept = Kept.NOTHING;

  /** The way to systemd until the scope is started; null where there is none. */
  @Nullable Systemd systemd;

  /** The scope that systemd makes; null where we make the cgroups ourselves. */
  @Nullable ScopeRequest scope;

  /** Whether systemd has begun to make the scope. */
  boolean scopeStarted;

  /** The runtime's environment, by which systemd is found. */
  List<String> variables = List.of();

  /** What the process does in place of a program; null for a program. */
  @Nullable Service service;

  /** The root directory, O_PATH; −1 until a step opened it. */
  int root = -1;

  /** The host's procfs, O_PATH; −1 until a step needed it. */
  private int proc = -1;

  /** Whether the host has SELinux; null until a step asked, while the host was in sight. */
  @Nullable Boolean selinux;

  /** Where resctrl is mounted; null until a step needed it. */
  @Nullable String resctrl;

  /** Whether what is mounted below the root is of this container alone. */
  boolean ownMounts;

  /** Whether others of our user can look into this process no more (PR_SET_DUMPABLE). */
  boolean hidden;

  /** Whether the old root still propagates to the host. */
  boolean sharedOldRoot;

  /** Our pid as the host sees it; 0 until it was asked for. */
  int hostPid;

  /** What the runtime opened for the container's process. */
  final Trees trees = new Trees();

  /** The user namespaces of id-mapped mounts. */
  final IdMaps idMaps = new IdMaps();

  /** The runtime's own time namespace, while its children get another one; −1 for none. */
  int ownTime = -1;

  /** Whether cgroups may belong to others. */
  Rootless rootless = Rootless.AUTO;

  /** Whether a limit was set that holds only for a process in the cgroup. */
  boolean limited;

  /** Whether the process is root of a user namespace by now. */
  boolean inUserNamespace;

  /** Whose words failures are told in. */
  Wording wording = Wording.OURS;

  /** Whether the parked process waits for another command, so that signals must end it. */
  boolean endsBySignals;

  /** The program's path, once it was found. */
  @Nullable String program;

  /** The program's environment, known from then on. */
  List<String> environment = List.of();

  private @Nullable String detail;

  /** A context for one process. */
  public Context(DescribingKernel kernel, HookState hookState) {
    this.kernel = kernel;
    this.hookState = hookState;
  }

  /** Takes the state file away from the process that is made: it is parked with what it has. */
  public void hideStateFile(int fd) {
    stateFile = fd;
  }

  /** Lets the process wait for start, and keep descriptors after stdio. */
  public void useStartFifo(int fd, Kept descriptors) {
    startFifo = fd;
    kept = descriptors;
  }

  /** Lets failures be told in those words. */
  public void useWording(Wording value) {
    wording = value;
  }

  /** Lets signals end the process while it is parked, though it is the first of its namespace. */
  public void endBySignals() {
    endsBySignals = true;
  }

  /** Lets cgroups belong to others, or not. */
  public void useRootless(Rootless value) {
    rootless = value;
  }

  /** Whether the runtime is rootless; the container's process knows what the runtime found. */
  boolean isRootless() {
    if (rootless == Rootless.AUTO && (isRuntime() || containerPidfd >= 0)) {
      rootless = rootless.resolve(kernel);
    }
    return rootless == Rootless.TRUE;
  }

  /** Lets descriptors after stdio be kept. */
  public void keep(Kept descriptors) {
    kept = descriptors;
  }

  /** Closes the mount that our program is executed from, when the process is made. */
  public void useSeal(int fd) {
    seal = fd;
  }

  /** Closes the mount that our program is executed from; it takes the runtime a while. */
  void closeSeal() {
    if (seal >= 0) {
      close(seal);
      seal = -1;
    }
  }

  /** Falls back on the cgroup of the container's first process, where its own takes none. */
  public void useItsCgroup() {
    mayUseItsCgroup = true;
  }

  /** Does that in place of a program, unless it is null. */
  public void useService(@Nullable Service value) {
    service = value;
  }

  /** Sends the terminal's master there. */
  public void useConsoleSocket(int fd) {
    consoleSocket = fd;
  }

  /**
   * Lets systemd make the container's scope.
   *
   * @param environment the runtime's
   */
  public void useSystemd(Systemd connected, ScopeRequest request, List<String> environment) {
    systemd = connected;
    scope = request;
    variables = environment;
  }

  /** Ends the connection to systemd, which tells us of everything that it does from then on. */
  void closeSystemd() {
    if (systemd != null) {
      systemd.close();
      systemd = null;
    }
  }

  /** Joins the container of which this is the first process. */
  public void useContainer(int pidfd, int pid) {
    containerPidfd = pidfd;
    containerPid = pid;
  }

  /** Says in words why a step failed, in place of the system call, and returns the error. */
  long fail(int errno, String words) {
    detail = words;
    return -errno;
  }

  /** Takes a failure back for which there is another way. */
  void tolerate() {
    detail = null;
  }

  /** What is known of a failure, for verbs. */
  public String why(long result) {
    return explain(result);
  }

  /** Sends the master of a terminal to the console socket. */
  public long passTerminal(int master) {
    return ConsoleActions.send(this, master);
  }

  /** What is known of a failure: words, or the call and its error. */
  String explain(long result) {
    if (detail != null) {
      return detail;
    }
    return kernel.explain(result);
  }

  /** The root directory: that of the container, or the process's own. */
  long root() {
    if (root < 0) {
      long fd =
          kernel.openat2(
              Fcntl.AT_FDCWD, "/", Fcntl.O_PATH | Fcntl.O_DIRECTORY | Fcntl.O_CLOEXEC, 0, 0);
      if (fd < 0) {
        return fd;
      }
      root = (int) fd;
    }
    return root;
  }

  /** The host's procfs, verified: while it is in sight, or once a step before asked for it. */
  long proc() {
    if (proc >= 0) {
      return proc;
    }
    long flags = Fcntl.O_PATH | Fcntl.O_DIRECTORY | Fcntl.O_CLOEXEC;
    long fd = kernel.openat2(Fcntl.AT_FDCWD, "/proc", flags, 0, 0);
    if (fd < 0) {
      return fd;
    }
    long type = kernel.fstatfsType((int) fd);
    if (type != PROC_SUPER_MAGIC) {
      close(fd);
      return type < 0 ? type : fail(Errno.EINVAL, "/proc is no proc filesystem");
    }
    proc = (int) fd;
    return proc;
  }

  /** Closes what leads out of the container, and its root. */
  void closeRoot() {
    if (root >= 0) {
      close(root);
      root = -1;
    }
    if (proc >= 0) {
      close(proc);
      proc = -1;
    }
  }

  /** Whether this is the runtime's process, and not the container's. */
  boolean isRuntime() {
    return sync < 0;
  }

  /** Closes what the verb gave, where no step has closed it. */
  void closeGiven() {
    closeSystemd();
    idMaps.closeAll(this);
    trees.closeAll(this);
    if (startFifo >= 0) {
      close(startFifo);
      startFifo = -1;
    }
    if (consoleSocket >= 0) {
      close(consoleSocket);
      consoleSocket = -1;
    }
    if (containerPidfd >= 0) {
      close(containerPidfd);
      containerPidfd = -1;
    }
    if (ownTime >= 0) {
      close(ownTime);
      ownTime = -1;
    }
    closeRoot();
  }

  /** Closes a descriptor: that can fail only if it is none, which would be a bug of ours. */
  void close(long fd) {
    long closed = kernel.close((int) fd);
    if (closed < 0) {
      throw new IllegalStateException("close(" + fd + "): " + Errno.text(-closed));
    }
  }
}
