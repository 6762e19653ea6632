package dev.coracle.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.it.harness.Bundle;
import dev.coracle.it.harness.Cgroups;
import dev.coracle.it.harness.Command;
import dev.coracle.it.harness.Container;
import dev.coracle.it.harness.ContainerTest;
import dev.coracle.it.harness.CoracleOnly;
import dev.coracle.it.harness.Json;
import dev.coracle.it.harness.Poll;
import dev.coracle.it.harness.Result;
import dev.coracle.it.harness.Testbed;
import dev.coracle.it.harness.Unsupported;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInfo;

/** {@code --systemd-cgroup}, with a systemd that is the first process: the view systemd. */
@ContainerTest
@Tag("systemd")
class SystemdCgroupIT {
  private static final Path ROOT = Path.of("/sys/fs/cgroup");
  private static final String SLICE = "cit-inner.slice";
  private static final String USER = "4321"; // it/uml/systemd.sh starts a systemd of this user

  /** A bundle whose scope is in a slice of the tests'. */
  private static Bundle bundle(Testbed bed) {
    Bundle bundle = bed.bundle().lasting();
    return bundle.set("/linux/cgroupsPath", SLICE + ":cit:" + bundle.id());
  }

  private static String unit(Bundle bundle) {
    return "cit-" + bundle.id() + ".scope";
  }

  private static Path cgroup(Bundle bundle) {
    return ROOT.resolve("cit.slice").resolve(SLICE).resolve(unit(bundle));
  }

  /** crun puts the container into a cgroup of its own below the scope's. */
  private static String below(Testbed bed) {
    return bed.runtime().isCrun() ? "/container" : "";
  }

  private static Command command(Testbed bed, String verb, Bundle bundle) {
    return bed.oci("--systemd-cgroup", verb, "--bundle", bundle.write().toString(), bundle.id());
  }

  private static Container create(Testbed bed, Bundle bundle) {
    return bed.created(bundle.id(), command(bed, "create", bundle));
  }

  private static Result systemctl(Testbed bed, String... args) {
    List<String> argv = new ArrayList<>(List.of("systemctl"));
    argv.addAll(List.of(args));
    return bed.program(argv.toArray(String[]::new)).execute();
  }

  private static String property(Testbed bed, String unit, String name) {
    return systemctl(bed, "show", "--value", "-p", name, unit).ok().line();
  }

  private static String file(Testbed bed, Bundle bundle, String name) {
    return Cgroups.read(Path.of(cgroup(bundle) + below(bed) + "/" + name)).strip();
  }

  private static void assertGone(Testbed bed, String unit) {
    // systemd forgets a unit a moment after it has ended.
    Poll.until(unit + " is forgotten", () -> property(bed, unit, "LoadState").equals("not-found"));
  }

  @AfterEach
  void nothingIsLeft(Testbed bed, TestInfo test) {
    String left =
        systemctl(bed, "list-units", "--all", "--plain", "--no-legend", "*cit-*.scope").line();
    systemctl(bed, "stop", "*cit-*.scope");
    systemctl(bed, "reset-failed", "*cit-*.scope");
    boolean known =
        test.getTestMethod()
            .map(m -> m.getAnnotation(Unsupported.class))
            .filter(mark -> mark.runtime().equals(bed.runtime().name()))
            .isPresent();
    assertThat(known ? "" : left).isEmpty();
  }

  @Test
  void theProcessIsInAScopeOfItsSlice(Testbed bed) throws IOException {
    Bundle bundle = bundle(bed);
    try (Container c = create(bed, bundle)) {
      assertThat(Files.readString(Path.of("/proc/" + c.pid() + "/cgroup")).strip())
          .isEqualTo("0::/cit.slice/" + SLICE + "/" + unit(bundle) + below(bed));
      assertThat(property(bed, unit(bundle), "ControlGroup"))
          .isEqualTo("/cit.slice/" + SLICE + "/" + unit(bundle));
      assertThat(property(bed, unit(bundle), "ActiveState")).isEqualTo("active");
      assertThat(property(bed, unit(bundle), "Slice")).isEqualTo(SLICE);
      assertThat(property(bed, unit(bundle), "Delegate")).isEqualTo("yes");
      assertThat(property(bed, unit(bundle), "MemoryAccounting")).isEqualTo("yes");
      c.start();
      assertThat(c.status()).isEqualTo("running");
    }
    assertGone(bed, unit(bundle));
    assertThat(cgroup(bundle)).doesNotExist();
  }

  @Test
  void theCgroupNamespaceBeginsAtTheScope(Testbed bed) {
    Bundle bundle = bundle(bed).namespace("cgroup", null).sh("cat /proc/self/cgroup");
    assertThat(command(bed, "run", bundle).execute().ok().line()).isEqualTo("0::/");
    assertGone(bed, unit(bundle));
  }

  @Test
  void theExitCodeOfRun(Testbed bed) {
    Bundle bundle = bundle(bed).sh("exit 42");
    command(bed, "run", bundle).execute().exitsWith(42);
    assertGone(bed, unit(bundle));
    assertThat(cgroup(bundle)).doesNotExist();
  }

  private static Bundle limited(Testbed bed) {
    return bundle(bed)
        .set("/linux/resources/memory/limit", 64L << 20)
        .set("/linux/resources/memory/reservation", 32L << 20)
        .set("/linux/resources/cpu/shares", 512)
        .set("/linux/resources/cpu/quota", 33333)
        .set("/linux/resources/cpu/period", 50000)
        .set("/linux/resources/pids/limit", 77);
  }

  private static void assertLimited(Testbed bed, Bundle bundle) {
    assertThat(file(bed, bundle, "memory.max")).isEqualTo("" + (64 << 20));
    assertThat(file(bed, bundle, "memory.low")).isEqualTo("" + (32 << 20));
    assertThat(file(bed, bundle, "pids.max")).isEqualTo("77");
  }

  @Test
  @Unsupported(runtime = "crun", reason = "1.8.1 tells systemd of no limit of memory")
  void limitsAreKnownToTheKernelAndToSystemd(Testbed bed) {
    Bundle bundle = limited(bed);
    try (Container c = create(bed, bundle)) {
      assertThat(c.status()).isEqualTo("created");
      assertLimited(bed, bundle);
      assertThat(file(bed, bundle, "cpu.max")).isEqualTo("33333 50000");
      assertThat(file(bed, bundle, "cpu.weight")).isNotEqualTo("100");
      String unit = unit(bundle);
      assertThat(property(bed, unit, "MemoryMax")).isEqualTo("" + (64 << 20));
      assertThat(property(bed, unit, "MemoryLow")).isEqualTo("" + (32 << 20));
      assertThat(property(bed, unit, "TasksMax")).isEqualTo("77");
      assertThat(property(bed, unit, "CPUWeight")).isEqualTo(file(bed, bundle, "cpu.weight"));
      assertThat(property(bed, unit, "CPUQuotaPerSecUSec")).isEqualTo("670ms");
      assertThat(property(bed, unit, "CPUQuotaPeriodUSec")).isEqualTo("50ms");
    }
  }

  @Test
  void limitsOutliveAReloadOfSystemd(Testbed bed) {
    Bundle bundle = limited(bed);
    try (Container c = create(bed, bundle)) {
      c.start();
      systemctl(bed, "daemon-reload").ok();
      assertLimited(bed, bundle);
      assertThat(c.status()).isEqualTo("running");
    }
  }

  @Test
  void devicesAreDeniedBeforeAndAfterAReload(Testbed bed) {
    Bundle bundle = bundle(bed).capabilities("CAP_MKNOD");
    bundle.set("/linux/resources/devices", new Object[] {});
    bundle.add("/linux/resources/devices", Json.object("allow", false, "access", "rwm"));
    try (Container c = create(bed, bundle)) {
      c.start();
      String script =
          "n=/dev/n$$; mknod $n c 1 3 && echo x > $n && echo null; k=/dev/k$$; mknod $k c 1 11 &&"
              + " { true < $k && echo kmsg || echo denied; }";
      assertThat(c.exec("sh", "-c", script).line()).isEqualTo("null\ndenied");
      systemctl(bed, "daemon-reload").ok();
      assertThat(c.exec("sh", "-c", script).line()).isEqualTo("null\ndenied");
    }
  }

  @Test
  @Unsupported(runtime = "crun", reason = "1.8.1 tells systemd of no limit of memory")
  void updateTellsBoth(Testbed bed) {
    Bundle bundle = limited(bed);
    try (Container c = create(bed, bundle)) {
      c.start();
      bed.oci("update", "--memory", "134217728", "--pids-limit", "99", c.id()).execute().ok();
      for (int round = 0; round < 2; round++) {
        assertThat(file(bed, bundle, "memory.max")).isEqualTo("134217728");
        assertThat(file(bed, bundle, "pids.max")).isEqualTo("99");
        assertThat(property(bed, unit(bundle), "MemoryMax")).isEqualTo("134217728");
        assertThat(property(bed, unit(bundle), "TasksMax")).isEqualTo("99");
        systemctl(bed, "daemon-reload").ok();
      }
    }
  }

  @Test
  void execJoinsTheScope(Testbed bed) {
    Bundle bundle = bundle(bed);
    try (Container c = create(bed, bundle)) {
      c.start();
      Path pidFile = bed.directory().resolve("pid");
      bed.oci("exec", "--detach", "--pid-file", pidFile.toString(), c.id(), "sleep", "1000")
          .execute()
          .ok();
      String pid = Cgroups.read(pidFile).strip();
      assertThat(Cgroups.read(Path.of("/proc/" + pid + "/cgroup")).strip())
          .isEqualTo("0::/cit.slice/" + SLICE + "/" + unit(bundle) + below(bed));
    }
    assertGone(bed, unit(bundle));
  }

  @Test
  void pauseAndResume(Testbed bed) {
    Bundle bundle = bundle(bed);
    try (Container c = create(bed, bundle)) {
      c.start();
      bed.oci("pause", c.id()).execute().ok();
      assertThat(c.status()).isEqualTo("paused");
      Poll.until("all stand still", () -> file(bed, bundle, "cgroup.events").contains("frozen 1"));
      bed.oci("resume", c.id()).execute().ok();
      assertThat(c.status()).isEqualTo("running");
      bed.oci("pause", c.id()).execute().ok();
    }
    assertGone(bed, unit(bundle));
  }

  @Test
  void deletionByForceEndsAllOfIt(Testbed bed) {
    Bundle bundle = bundle(bed).withoutNamespace("pid");
    bundle.sh("setsid sleep 1000 & sleep 1000 & echo ready; wait");
    try (Container c = create(bed, bundle)) {
      c.start();
      c.awaitOutput("ready");
    }
    assertGone(bed, unit(bundle));
    assertThat(cgroup(bundle)).doesNotExist();
    bed.assertNothingLeft("deleted by force");
  }

  @Test
  void aScopeThatEndedByItselfIsDeleted(Testbed bed) {
    Bundle bundle = bundle(bed);
    try (Container c = create(bed, bundle)) {
      c.start();
      c.kill("KILL").ok();
      c.awaitExit();
      assertGone(bed, unit(bundle));
      assertThat(c.status()).isEqualTo("stopped");
      c.delete().ok();
    }
  }

  @Test
  void aFailedCreateLeavesNoScope(Testbed bed) {
    Bundle bundle = bundle(bed).args("nosuch");
    // The peers may find that out only at start.
    command(bed, "run", bundle).execute().fails();
    assertGone(bed, unit(bundle));
    assertThat(cgroup(bundle)).doesNotExist();
    assertThat(bed.oci("state", bundle.id()).execute().exitCode()).isNotZero();
  }

  @Test
  @Unsupported(runtime = "runc", reason = "1.1.5 takes a unit that is there for its own")
  void aUnitThatRunsIsNotTouched(Testbed bed) {
    Bundle bundle = bundle(bed);
    String unit = unit(bundle);
    Command.Running other =
        bed.program("systemd-run", "--quiet", "--scope", "--unit", unit, "sleep", "1000").start();
    Poll.until("the other unit", () -> property(bed, unit, "ActiveState").equals("active"));
    Result result = command(bed, "create", bundle).execute().fails();
    assertThat(result.error()).contains(unit);
    assertThat(property(bed, unit, "ActiveState")).isEqualTo("active");
    assertThat(other.isRunning()).isTrue();
    bed.program("kill", "" + other.pid()).execute().ok();
    other.end();
    assertGone(bed, unit);
    bed.oci("delete", "--force", bundle.id()).execute();
  }

  @Test
  @Unsupported(runtime = "runc", reason = "1.1.5 takes a unit that is there for its own")
  void whatIsLeftOfAFailedUnitIsNotInTheWay(Testbed bed) {
    Bundle bundle = bundle(bed);
    String unit = unit(bundle);
    bed.program(
            "systemd-run",
            "--quiet",
            "--scope",
            "-p",
            "RuntimeMaxSec=100ms",
            "--unit",
            unit,
            "sleep",
            "1000")
        .execute();
    Poll.until("the failure", () -> property(bed, unit, "ActiveState").equals("failed"));
    try (Container c = create(bed, bundle)) {
      c.start();
      assertThat(property(bed, unit, "ActiveState")).isEqualTo("active");
    }
    assertGone(bed, unit);
  }

  @Test
  void propertiesByAnnotation(Testbed bed) {
    Bundle bundle = bundle(bed);
    bundle.set(
        "/annotations",
        Json.object(
            "org.systemd.property.CollectMode", "'inactive-or-failed'",
            "org.systemd.property.TimeoutStopUSec", "uint64 7000000",
            "org.systemd.property.RuntimeMaxSec", "uint64 4000",
            "org.systemd.property.Wants", "['cit-wanted.slice']"));
    try (Container c = create(bed, bundle)) {
      assertThat(c.status()).isEqualTo("created");
      String unit = unit(bundle);
      assertThat(property(bed, unit, "CollectMode")).isEqualTo("inactive-or-failed");
      assertThat(property(bed, unit, "TimeoutStopUSec")).isEqualTo("7s");
      assertThat(property(bed, unit, "RuntimeMaxUSec")).isEqualTo("1h 6min 40s");
      assertThat(property(bed, unit, "Wants")).isEqualTo("cit-wanted.slice");
    }
  }

  @Test
  void aPropertyThatIsNoneFailsCreate(Testbed bed) {
    Bundle bundle = bundle(bed);
    bundle.set("/annotations", Json.object("org.systemd.property.NoSuchThing", "true"));
    Result result = command(bed, "create", bundle).execute().fails();
    assertThat(result.error()).contains("NoSuchThing");
    assertGone(bed, unit(bundle));
    bed.oci("delete", "--force", bundle.id()).execute();
  }

  @Test
  @CoracleOnly("the peers make something of each of them")
  void badNamesFailCreate(Testbed bed) {
    for (String path : List.of("/a", "a.slice:b", "no-slice:b:c", "a--b.slice:b:c", "::x.slice")) {
      Bundle bundle = bed.bundle().set("/linux/cgroupsPath", path);
      assertThat(command(bed, "create", bundle).execute().fails().error())
          .contains("config.json /linux/cgroupsPath: ", "\"" + path + "\"");
    }
  }

  @Test
  @CoracleOnly("the pointer of the annotation")
  void allProblemsAreToldAtOnce(Testbed bed) {
    Bundle bundle = bed.bundle().set("/linux/cgroupsPath", "a.slice:b");
    bundle.set(
        "/annotations",
        Json.object("org.systemd.property.Nice", "[1", "org.systemd.property.x_y", "1"));
    assertThat(command(bed, "create", bundle).execute().fails().error())
        .contains(
            "config.json /linux/cgroupsPath: must be slice:prefix:name",
            "config.json /annotations/org.systemd.property.Nice: ",
            "config.json /annotations/org.systemd.property.x_y: ");
  }

  @Test
  @CoracleOnly("the peers take such a name for a path")
  void aUnitNeedsTheFlag(Testbed bed) {
    Bundle bundle = bundle(bed);
    assertThat(bed.createCommand(bundle).execute().fails().error())
        .contains("config.json /linux/cgroupsPath: ", "needs --systemd-cgroup");
  }

  @Test
  void withoutAPathTheScopeIsNamedAfterTheContainer(Testbed bed) throws IOException {
    Bundle bundle = bed.bundle().lasting().remove("/linux/cgroupsPath");
    String name = bed.runtime().isCoracle() ? "coracle" : bed.runtime().name();
    String unit = name + "-" + bundle.id() + ".scope";
    try (Container c = create(bed, bundle)) {
      assertThat(Files.readString(Path.of("/proc/" + c.pid() + "/cgroup")).strip())
          .isEqualTo("0::/system.slice/" + unit + below(bed));
    }
    assertGone(bed, unit);
  }

  @Test
  @Unsupported(runtime = "runc", reason = "its state does not name the scope")
  void stateNamesTheScope(Testbed bed) {
    Bundle bundle = bundle(bed);
    try (Container c = create(bed, bundle)) {
      assertThat(c.state().get("systemd-scope").getAsString()).isEqualTo(unit(bundle));
    }
  }

  @Test
  void byTheBus(Testbed bed) {
    Bundle bundle = bundle(bed).sh("exit 3");
    command(bed, "run", bundle)
        .env("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/run/dbus/system_bus_socket")
        .execute()
        .exitsWith(3);
    assertGone(bed, unit(bundle));
  }

  @Test
  @CoracleOnly("which words are used")
  void withoutSystemdNothingIsMade(Testbed bed) {
    Bundle bundle = bundle(bed);
    assertThat(
            command(bed, "create", bundle)
                .env("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nosuch")
                .execute()
                .fails()
                .error())
        .contains("--systemd-cgroup: cannot connect to systemd: connect(", "ENOENT");
    assertThat(bed.oci("state", bundle.id()).execute().exitCode()).isNotZero();
  }

  @Test
  @CoracleOnly("no peer runs a process of the host, which is what a user may without a namespace")
  void usersHaveTheirOwnSystemd(Testbed bed) throws IOException {
    Bundle bundle = bundle(bed).args("/bin/sleep", "1000");
    bundle.set("/process/user/uid", 4321).set("/process/user/gid", 4321);
    for (String p : List.of("/process/capabilities", "/linux/resources", "/process/rlimits")) {
      bundle.remove(p);
    }
    Path home = bed.folder("user");
    Files.setPosixFilePermissions(home, PosixFilePermissions.fromString("rwxrwxrwx"));
    String state = home.resolve("state").toString();
    Path pidFile = home.resolve("pid");
    asUser(
            bed,
            state,
            "--sandbox",
            "host",
            "--systemd-cgroup",
            "run",
            "--detach",
            "--pid-file",
            pidFile.toString(),
            "--bundle",
            bundle.write().toString(),
            bundle.id())
        .execute()
        .ok();
    try {
      assertThat(Cgroups.read(Path.of("/proc/" + Cgroups.read(pidFile).strip() + "/cgroup")))
          .contains("/it-user.service/cit.slice/" + SLICE + "/" + unit(bundle));
      asUser(bed, state, "update", "--pids-limit", "55", bundle.id()).execute().ok();
      asUser(bed, state, "pause", bundle.id()).execute().ok();
    } finally {
      asUser(bed, state, "delete", "--force", bundle.id()).execute().ok();
    }
    assertThat(asUser(bed, state, "list", "-q").execute().ok().line()).isEmpty();
  }

  @Test
  @CoracleOnly("how it finds whose systemd is meant")
  void rootOfAUserNamespaceHasTheUsersSystemd(Testbed bed) throws IOException {
    Bundle bundle = bundle(bed);
    Path config = bundle.write().resolve("config.json");
    Files.delete(config);
    bed.plain("spec", "--rootless", "--bundle", config.getParent() + "").execute().ok();
    String text = Files.readString(config).replace("\"terminal\": true", "\"terminal\": false");
    Files.writeString(config, text.replace("\"sh\"", "\"cat\", \"/proc/1/cgroup\""));
    bed.program("chown", "-R", USER + ":" + USER, config.getParent() + "").execute().ok();
    Path home = bed.folder("root-of-user");
    Files.setPosixFilePermissions(home, PosixFilePermissions.fromString("rwxrwxrwx"));
    List<String> argv = new ArrayList<>(List.of("setpriv", "--reuid", USER, "--regid", USER));
    argv.addAll(List.of("--clear-groups", "env", "XDG_RUNTIME_DIR=/run/user/" + USER));
    argv.addAll(List.of("unshare", "--user", "--map-root-user", "--mount"));
    argv.addAll(List.of(bed.runtime().binary() + "", "--root", home + "/state"));
    argv.addAll(List.of("--systemd-cgroup", "run", "--bundle", config.getParent() + "", "u1"));
    assertThat(bed.program(argv.toArray(String[]::new)).execute().ok().line()).isEqualTo("0::/");
  }

  private static Command asUser(Testbed bed, String state, String... args) {
    List<String> argv =
        new ArrayList<>(List.of("setpriv", "--reuid", USER, "--regid", USER, "--clear-groups"));
    // What root of a user namespace would have: the process must become its user.
    argv.addAll(List.of("--inh-caps", "+setuid,+setgid", "--ambient-caps", "+setuid,+setgid"));
    argv.add("env");
    argv.add("XDG_RUNTIME_DIR=/run/user/" + USER);
    argv.addAll(List.of(bed.runtime().binary().toString(), "--root", state));
    argv.addAll(List.of(args));
    return bed.program(argv.toArray(String[]::new));
  }
}
