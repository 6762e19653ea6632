package dev.coracle.it;

import static dev.coracle.it.harness.Fault.EIO;
import static dev.coracle.it.harness.Fault.ENOMEM;
import static dev.coracle.it.harness.Fault.EPERM;
import static dev.coracle.it.harness.Fault.KILL;

import dev.coracle.it.harness.Bundle;
import dev.coracle.it.harness.Cgroups;
import dev.coracle.it.harness.ContainerTest;
import dev.coracle.it.harness.CoracleOnly;
import dev.coracle.it.harness.FaultRun;
import dev.coracle.it.harness.FaultRun.Verb;
import dev.coracle.it.harness.Testbed;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * Each system call of each verb fails once, in the runtime and in the container's process, and each
 * is once the last before SIGKILL.
 *
 * <p>A sample of them by a fixed stride; all, with each of three errors, where the environment has
 * {@code CORACLE_FAULTS=all}. User Mode Linux takes fewer of those that the other views have too,
 * which are all but those of cgroups.
 */
@ContainerTest
@CoracleOnly("a call that fails is named, and nothing is left of what was begun")
class FaultIT {
  private static final int[] ERRORS = {EIO, ENOMEM, EPERM};
  private static final int[] DEATH = {KILL};

  @Test
  void create(Testbed bed) {
    FaultRun.of(bed, CREATE, ERRORS);
  }

  @Test
  void createKilled(Testbed bed) {
    FaultRun.of(bed, CREATE, DEATH);
  }

  @Test
  void run(Testbed bed) {
    FaultRun.of(bed, RUN, ERRORS);
  }

  @Test
  void runKilled(Testbed bed) {
    FaultRun.of(bed, RUN, DEATH);
  }

  @Test
  void runWithTerminal(Testbed bed) {
    FaultRun.of(bed, TERMINAL, ERRORS);
  }

  @Test
  void start(Testbed bed) {
    FaultRun.of(bed, START, ERRORS);
  }

  @Test
  void startKilled(Testbed bed) {
    FaultRun.of(bed, START, DEATH);
  }

  @Test
  void exec(Testbed bed) {
    FaultRun.of(bed, EXEC, ERRORS);
  }

  @Test
  void execKilled(Testbed bed) {
    FaultRun.of(bed, EXEC, DEATH);
  }

  @Test
  void deleteStopped(Testbed bed) {
    FaultRun.of(bed, DELETE, ERRORS);
    FaultRun.of(bed, DELETE, DEATH);
  }

  @Test
  void deleteByForce(Testbed bed) {
    FaultRun.of(bed, DELETE_FORCE, ERRORS);
    FaultRun.of(bed, DELETE_FORCE, DEATH);
  }

  @Test
  void kill(Testbed bed) {
    FaultRun.of(bed, SIGNAL, ERRORS);
    FaultRun.of(bed, SIGNAL_ALL, ERRORS);
  }

  @Test
  void pauseAndResume(Testbed bed) {
    FaultRun.of(bed, PAUSE, ERRORS);
    FaultRun.of(bed, PAUSE, DEATH);
    FaultRun.of(bed, RESUME, ERRORS);
    FaultRun.of(bed, RESUME, DEATH);
  }

  @Test
  void update(Testbed bed) {
    FaultRun.of(bed, UPDATE, ERRORS);
    FaultRun.of(bed, UPDATE, DEATH);
  }

  @Test
  void reports(Testbed bed) {
    FaultRun.of(bed, STATE, ERRORS);
    FaultRun.of(bed, LIST, ERRORS);
    FaultRun.of(bed, PS, ERRORS);
  }

  private static final Verb CREATE =
      Verb.making("create", FaultIT::rich)
          .does((bed, b) -> bed.createCommand(b, "--pid-file", pidFile(b)));
  private static final Verb RUN =
      Verb.making("run", FaultIT::small)
          .does((bed, b) -> bed.runCommand(b, "--detach", "--pid-file", pidFile(b)));
  private static final Verb TERMINAL =
      Verb.making("run with a terminal", b -> small(b).args("true").set("/process/terminal", true))
          .does((bed, b) -> bed.runCommand(b, "--keep"));
  private static final Verb START =
      Verb.of("start", FaultIT::small)
          .before((bed, b) -> bed.createCommand(b).execute().ok())
          .does((bed, b) -> bed.oci("start", b.id()));
  private static final Verb EXEC =
      Verb.of("exec", FaultIT::small)
          .before(FaultIT::startIt)
          .does(
              (bed, b) ->
                  bed.oci("exec", "--detach", "--pid-file", pidFile(b), b.id(), "sleep", "100"));
  private static final Verb DELETE =
      Verb.of("delete", b -> small(b).args("true"))
          .before(
              (bed, b) -> {
                startIt(bed, b);
                dev.coracle.it.harness.Poll.until(
                    "stopped",
                    () -> bed.oci("state", b.id()).execute().stdout().contains("stopped"));
              })
          .does((bed, b) -> bed.oci("delete", b.id()));
  private static final Verb DELETE_FORCE =
      Verb.of("delete --force", FaultIT::small)
          .before(FaultIT::startIt)
          .does((bed, b) -> bed.oci("delete", "--force", b.id()));
  private static final Verb SIGNAL =
      Verb.of("kill", FaultIT::small)
          .before(FaultIT::startIt)
          .does((bed, b) -> bed.oci("kill", b.id(), "KILL"));
  private static final Verb SIGNAL_ALL =
      Verb.of("kill --all", FaultIT::small)
          .before(FaultIT::startIt)
          .does((bed, b) -> bed.oci("kill", "--all", b.id(), "KILL"));
  private static final Verb PAUSE =
      Verb.of("pause", FaultIT::small)
          .before(FaultIT::startIt)
          .does((bed, b) -> bed.oci("pause", b.id()));
  private static final Verb RESUME =
      Verb.of("resume", FaultIT::small)
          .before(
              (bed, b) -> {
                startIt(bed, b);
                bed.oci("pause", b.id()).execute().ok();
              })
          .does((bed, b) -> bed.oci("resume", b.id()));
  private static final Verb UPDATE =
      Verb.of("update", FaultIT::small)
          .before(FaultIT::startIt)
          .does(
              (bed, b) ->
                  Cgroups.here().hasController("pids")
                      ? bed.oci("update", "--pids-limit", "50", b.id())
                      : bed.oci("update", b.id()));
  private static final Verb STATE =
      Verb.of("state", FaultIT::small)
          .before(FaultIT::startIt)
          .does((bed, b) -> bed.oci("state", b.id()));
  private static final Verb LIST =
      Verb.of("list", FaultIT::small)
          .before(FaultIT::startIt)
          .does((bed, b) -> bed.oci("list", "--format", "json"));
  private static final Verb PS =
      Verb.of("ps", FaultIT::small)
          .before(FaultIT::startIt)
          .does((bed, b) -> bed.oci("ps", "--format", "json", b.id()));

  private static void startIt(Testbed bed, Bundle b) {
    bed.runCommand(b, "--detach").execute().ok();
  }

  private static String pidFile(Bundle b) {
    return b.directory().resolve("pid").toString();
  }

  /** Few mounts and a hook of each kind that start and delete run. */
  private static Bundle small(Bundle b) {
    hook(b, "poststart");
    hook(b, "poststop");
    b.withoutMount("/sys/fs/cgroup").withoutMount("/dev/mqueue").withoutMount("/dev/shm");
    return b.set("/linux/maskedPaths", new String[0])
        .set("/linux/readonlyPaths", new String[0])
        .args("sleep", "100");
  }

  /** Something of everything. */
  private static Bundle rich(Bundle b) {
    for (String kind : List.of("createRuntime", "createContainer")) {
      hook(b, kind);
    }
    b.folder("/data").file("/file", "");
    b.mount("/data", "bind", Path.of("/usr/share"), "rbind", "ro", "nosuid", "rprivate");
    b.mount("/file", "bind", Path.of("/etc/hostname"), "bind", "ro");
    b.set("/root/readonly", true);
    b.set("/process/oomScoreAdj", 100);
    b.set("/process/user/uid", 1000);
    b.set("/linux/rootfsPropagation", "rslave");
    b.add("/linux/namespaces", dev.coracle.it.harness.Json.object("type", "cgroup"));
    b.set("/linux/sysctl", dev.coracle.it.harness.Json.object("net.ipv4.ip_forward", "1"));
    b.set(
        "/linux/seccomp",
        dev.coracle.it.harness.Json.parseObject(
            "{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"syscalls\": [{\"names\": [\"swapon\"],"
                + " \"action\": \"SCMP_ACT_ERRNO\"}]}"));
    if (Cgroups.here().hasController("pids")) {
      b.set("/linux/resources/pids/limit", 100);
    }
    if (Cgroups.here().hasController("memory")) {
      b.set("/linux/resources/memory/limit", 1 << 28);
    }
    return b;
  }

  private static void hook(Bundle b, String kind) {
    b.add(
        "/hooks/" + kind,
        dev.coracle.it.harness.Json.object(
            "path", "/bin/busybox", "args", new String[] {"true"}, "timeout", 30));
  }
}
