package dev.coracle.plan;

import dev.coracle.spec.Linux.MapWriter;
import dev.coracle.spec.Mount.MountOptions;

/** What a step does, for people: {@code mask "/proc/acpi"}; an error is "cannot " and this. */
public final class ActionText {
  private ActionText() {}

  /** The text of an action. */
  public static String of(Action action) {
    return switch (action) {
      case Action.MakeCgroup a -> "make cgroup " + quote(a.path());
      case Action.EnableControllers a ->
          "enable controllers " + a.controllers() + " below " + quote(a.path());
      case Action.InheritCpuset a -> "inherit the cpuset of " + quote(a.path());
      case Action.WriteCgroupFile a -> "write " + quote(a.value()) + " to " + quote(a.path());
      case Action.WriteCgroupLines a -> "write " + a.values() + " to " + quote(a.path());
      case Action.WriteCgroupValues a -> values(a);
      case Action.WriteEitherCgroupFile a ->
          of(a.first()) + ", or where it is not there " + of(a.otherwise());
      case Action.SetCpuPeriod a ->
          "set the period to " + a.periodMicros() + " in " + quote(a.path() + "/cpu.max");
      case Action.SetSwapBySum a ->
          "limit memory and swap to " + a.sumBytes() + " in " + quote(a.path());
      case Action.CheckMemoryUsage a ->
          (a.withSwap() ? "limit memory and swap to " : "limit memory to ")
              + a.limitBytes()
              + " below the usage of "
              + quote(a.path());
      case Action.LimitHugePages a ->
          "write " + quote(a.value()) + " to " + quote(a.path() + "/" + a.file());
      case Action.AllotRealtime a -> "give realtime runtime to the parents of " + quote(a.path());
      case Action.JoinCgroup a -> "join cgroup by " + quote(a.file());
      case Action.StartScope a ->
          "start scope " + quote(a.scope().unit()) + " in " + quote(a.scope().slice());
      case Action.AwaitScope a -> "wait for the scope";
      case Action.AttachDeviceProgram a ->
          "attach device program (" + a.program() + ") to " + quote(a.path());
      case Action.MakeResctrlGroup a ->
          (a.expected() ? "find" : "make") + " resctrl group " + quote(a.group());
      case Action.WriteSchemata a ->
          "set the schemata of resctrl group " + quote(a.group()) + " to " + quote(a.schemata());
      case Action.JoinResctrlGroup a -> "join resctrl group " + quote(a.group());
      case Action.CloneProcess a -> clone(a);
      case Action.JoinNamespace a ->
          "join " + a.namespace().type().specName() + " namespace " + quote(a.namespace().path());
      case Action.ReturnToNamespace a ->
          "return to the runtime's " + a.type().specName() + " namespace";
      case Action.MakeTimeNamespace a -> "make a time namespace";
      case Action.Unshare a -> "make the other namespaces";
      case Action.CloneAgain a -> "make the container's process in the joined namespaces";
      case Action.WriteUidMap a -> "map user ids" + byHelper(a.writer());
      case Action.WriteGidMap a -> "map group ids" + byHelper(a.writer());
      case Action.OpenTree a -> "open mount " + quote(a.path()) + " for the container";
      case Action.MakeIdMapping a -> "make a user namespace for id-mapped mounts";
      case Action.AwaitRuntime a -> "wait for the runtime";
      case Action.VerifyMaps a -> "take the maps of the user namespace";
      case Action.BecomeRoot a -> "become root of the user namespace";
      case Action.RaiseRlimit a -> "raise the hard limit " + a.type();
      case Action.DelegateCgroup a -> "give cgroup " + quote(a.path()) + " to user " + a.uid();
      case Action.BindDevice a ->
          "bind device " + quote(a.path()) + " (" + a.major() + ":" + a.minor() + ")";
      case Action.JoinContainer a -> "join the container's namespaces";
      case Action.UnshareCgroupNamespace a -> "make a cgroup namespace";
      case Action.SetHostname a -> "set host name " + quote(a.name());
      case Action.SetDomainname a -> "set domain name " + quote(a.name());
      case Action.BringUpLoopback a -> "bring up the loopback interface";
      case Action.MoveNetDevice a ->
          "move interface " + quote(a.hostName()) + " into the container as " + quote(a.name());
      case Action.IsolateMounts a -> "isolate the mount namespace from the host's";
      case Action.AttachRoot a -> "attach root filesystem " + quote(a.path());
      case Action.MakeMount a -> mount(a);
      case Action.MountCgroup a -> "mount the container's cgroup at " + quote(a.destination());
      case Action.MakeDevice a ->
          "make device " + quote(a.path()) + " (" + a.major() + ":" + a.minor() + ")";
      case Action.MakeSymlink a -> "link " + quote(a.path()) + " to " + quote(a.target());
      case Action.EncloseRoot a -> "put the root filesystem at " + quote(a.path());
      case Action.PivotRoot a -> "change to the root filesystem";
      case Action.MoveRoot a -> "move the root filesystem over the old one";
      case Action.ChangeRoot a -> "change to the root directory " + quote(a.path());
      case Action.SetRootPropagation a -> "set the propagation of the root mount";
      case Action.RemountRootReadonly a -> "make the root mount read-only";
      case Action.MaskPath a -> "mask " + quote(a.path());
      case Action.MakePathReadonly a -> "make " + quote(a.path()) + " read-only";
      case Action.SetSysctl a ->
          "set kernel parameter " + quote(a.key()) + " to " + quote(a.value());
      case Action.StartSession a -> "start a session";
      case Action.OpenConsole a -> "open the console";
      case Action.SetOomScoreAdj a -> "set the OOM score adjustment to " + a.value();
      case Action.SetRlimit a -> "set resource limit " + a.type();
      case Action.ResetCpuAffinity a -> "reset the CPU affinity";
      case Action.SetCpuAffinity a -> "bind to CPUs " + a.cpus();
      case Action.SetScheduler a -> "set the scheduling policy";
      case Action.SetIoPriority a -> "set the I/O priority";
      case Action.SetMemoryPolicy a -> "set the memory policy";
      case Action.SetPersonality a -> "set the personality";
      case Action.SetApparmorProfile a -> "set AppArmor profile " + quote(a.profile());
      case Action.SetSelinuxLabel a -> "set SELinux label " + quote(a.label());
      case Action.JoinSessionKeyring a -> "join session keyring " + quote(a.name());
      case Action.RunHooks a -> "run " + a.kind().specName() + " hooks";
      case Action.DropBoundingCapabilities a -> "drop capabilities from the bounding set";
      case Action.SetUser a -> "become user " + a.uid() + " and group " + a.gid();
      case Action.SetCapabilities a -> "set capabilities";
      case Action.SetNoNewPrivileges a -> "set no_new_privs";
      case Action.SetUmask a -> "set umask 0" + Integer.toOctalString(a.mask());
      case Action.ChangeDirectory a -> "go to working directory " + quote(a.path());
      case Action.InstallSeccomp a -> "install the seccomp filter (" + a.filter() + ")";
      case Action.FindProgram a -> "find program " + quote(a.args().get(0));
      case Action.Park a -> "wait for start";
      case Action.Serve a -> "serve the " + a.service();
      case Action.Execute a -> "execute " + quote(a.args().get(0));
    };
  }

  private static String values(Action.WriteCgroupValues a) {
    StringBuilder out = new StringBuilder();
    for (Action.WriteCgroupFile value : a.values()) {
      out.append(out.length() == 0 ? "" : ", and ").append(of(value));
    }
    return out.toString();
  }

  private static String clone(Action.CloneProcess a) {
    String where = a.cgroup() == null ? "" : " in cgroup " + quote(a.cgroup());
    return "make the container's process" + where;
  }

  private static String byHelper(MapWriter writer) {
    return writer == MapWriter.HELPER ? " with newuidmap and newgidmap" : "";
  }

  private static String mount(Action.MakeMount a) {
    MountOptions o = a.options();
    if (o.remount()) {
      return "change mount " + quote(a.destination());
    }
    if (o.bind()) {
      return "bind " + quote(a.source()) + " to " + quote(a.destination());
    }
    return "mount " + a.type() + " at " + quote(a.destination());
  }

  private static String quote(@org.jspecify.annotations.Nullable String text) {
    return "\"" + text + "\"";
  }
}
