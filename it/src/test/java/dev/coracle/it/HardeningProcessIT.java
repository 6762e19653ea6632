package dev.coracle.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.it.harness.Bundle;
import dev.coracle.it.harness.Cgroups;
import dev.coracle.it.harness.Command;
import dev.coracle.it.harness.Container;
import dev.coracle.it.harness.ContainerTest;
import dev.coracle.it.harness.CoracleOnly;
import dev.coracle.it.harness.Json;
import dev.coracle.it.harness.Libc;
import dev.coracle.it.harness.Result;
import dev.coracle.it.harness.Testbed;
import dev.coracle.it.harness.Unsupported;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a process inherits or is taken for. */
@ContainerTest
class HardeningProcessIT {

  /** CVE-2022-29162, and its older sibling in Docker and Podman: nothing is inheritable unasked. */
  @Test
  void noCapabilityIsInheritable(Testbed bed) {
    String show = "grep -E 'Cap(Inh|Amb)' /proc/self/status | cut -f2";
    try (Container c = bed.start(bed.bundle().lasting())) {
      assertThat(c.exec("sh", "-c", show).ok().stdout()).isEqualTo("0000000000000000\n".repeat(2));
      assertThat(bed.oci("exec", "--cap", "CAP_KILL", c.id(), "sh", "-c", show).execute().stdout())
          .startsWith("0000000000000000\n");
    }
    assertThat(bed.run(bed.bundle().sh(show)).ok().stdout())
        .isEqualTo("0000000000000000\n".repeat(2));
  }

  /** CVE-2026-30892: a user that is half understood must not become root. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "abc",
        ":",
        "1:",
        ":1",
        "-1",
        "+1",
        "0x1",
        "1:abc",
        " 1",
        "1 ",
        "4294967296",
        "1:2:3"
      })
  @Unsupported(runtime = "crun", reason = "1.8.1 reads a part", expect = Unsupported.Expect.EITHER)
  @Unsupported(runtime = "runc", reason = "1.1.5 reads a part", expect = Unsupported.Expect.EITHER)
  void aUserIsADigitsOnly(String user, Testbed bed) {
    try (Container c = bed.start(bed.bundle().lasting())) {
      assertThat(bed.oci("exec", "--user", user, c.id(), "id", "-u").execute().fails().stdout())
          .isEmpty();
    }
  }

  @Test
  void aUserIsTheOneThatWasNamed(Testbed bed) {
    try (Container c = bed.start(bed.bundle().lasting())) {
      assertThat(bed.oci("exec", "-u", "1", c.id(), "id", "-u").execute().ok().line())
          .isEqualTo("1");
      assertThat(bed.oci("exec", "-u", "1:2", c.id(), "id", "-g").execute().ok().line())
          .isEqualTo("2");
    }
  }

  @Test
  @Unsupported(
      runtime = "crun",
      reason = "1.8.1 passes the mask on",
      expect = Unsupported.Expect.EITHER)
  @Unsupported(
      runtime = "runc",
      reason = "1.1.5 passes the mask on",
      expect = Unsupported.Expect.EITHER)
  void noSignalIsBlockedOrIgnored(Testbed bed) {
    String none =
        "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\nSigCgt:\t0000000000000000\n";
    String block =
        "exec /usr/bin/env --block-signal --ignore-signal=PIPE --ignore-signal=CHLD \"$@\"";
    Bundle bundle = bed.bundle().probe("signals");
    assertThat(bed.runCommand(bundle).after(block).execute().ok().stdout()).isEqualTo(none);
    try (Container c = bed.start(bed.bundle().lasting().addProbe())) {
      Result exec = bed.oci("exec", c.id(), "/bin/probe", "signals").after(block).execute();
      assertThat(exec.ok().stdout()).isEqualTo(none);
    }
  }

  /**
   * Limits of the caller that are too low for the runtime are an error or none, never half a
   * container.
   */
  @ParameterizedTest
  @ValueSource(strings = {"-f 0", "-n 8", "-n 16", "-l 0", "-v 16384", "-s 64", "-i 0", "-u 1"})
  @Unsupported(runtime = "runc", reason = "Go needs more", expect = Unsupported.Expect.NOT_RUN)
  @Unsupported(runtime = "crun", reason = "leaves its cgroup", expect = Unsupported.Expect.EITHER)
  void lowLimitsOfTheCaller(String limit, Testbed bed) {
    Bundle bundle = bed.bundle().args("echo", "whole");
    Result result = bed.runCommand(bundle).after("ulimit " + limit).execute();
    if (result.exitCode() == 0) {
      assertThat(result.line()).isEqualTo("whole");
    }
    bed.oci("delete", "--force", bundle.id()).execute().ok();
    bed.assertNothingLeft("ulimit " + limit);
  }

  /**
   * The id of the caller's limits that the container asked for wins, whatever the caller's were.
   */
  @Test
  void limitsAreTheContainers(Testbed bed) {
    Bundle bundle = bed.bundle().sh("ulimit -n; ulimit -c");
    bundle.set("/process/rlimits", List.of(limit("RLIMIT_NOFILE", 64), limit("RLIMIT_CORE", 0)));
    assertThat(bed.runCommand(bundle).after("ulimit -n 200").execute().ok().line())
        .isEqualTo("64\n0");
  }

  private static Object limit(String type, int value) {
    return Json.object("type", type, "soft", value, "hard", value);
  }

  /** A pid that was given to another process since is not the container's. */
  @Test
  @CoracleOnly("knows its own state file")
  void aPidThatWasReusedIsAStoppedContainer(Testbed bed) throws IOException {
    Command.Running other = bed.program("sleep", "100").start();
    try (Container c = bed.start(bed.bundle().args("true"))) {
      c.awaitStatus("stopped");
      Path file = bed.stateRoot().resolve(c.id()).resolve("state.json");
      Files.writeString(file, withPid(other.pid(), Files.readString(file), c.pid()));
      assertThat(c.state().get("status").getAsString()).isEqualTo("stopped");
      assertThat(c.kill("KILL").fails().stderr()).contains("not running");
      assertThat(bed.oci("exec", c.id(), "true").execute().fails().stderr())
          .contains("not running");
      c.delete("--force").ok();
      assertThat(other.isRunning()).isTrue();
    } finally {
      Libc.kill(other.pid(), Libc.SIGKILL);
      other.end();
    }
  }

  /** The state's numbers stand in fields of a fixed width. */
  private static String withPid(int other, String state, int pid) {
    Matcher field = Pattern.compile("(\"pid\":)( *" + pid + " *)").matcher(state);
    assertThat(field.find()).as(state).isTrue();
    String padded = ("%" + field.group(2).length() + "d").formatted(other);
    return state.substring(0, field.start(2)) + padded + state.substring(field.end(2));
  }

  @ParameterizedTest
  @ValueSource(strings = {"/", "//", "/.", "/../", "/tmp/.."})
  @Unsupported(runtime = "crun", reason = "takes it", expect = Unsupported.Expect.NOT_RUN)
  @Unsupported(runtime = "runc", reason = "1.1.5 takes it", expect = Unsupported.Expect.NOT_RUN)
  void theRootDirectoryHoldsNoState(String root, Testbed bed) {
    Bundle bundle = bed.bundle();
    bundle.write();
    String directory = bundle.directory().toString();
    Result result =
        bed.plain("--root", root, "create", "--bundle", directory, bundle.id()).execute().fails();
    assertThat(result.stderr()).contains("--root");
    assertThat(Path.of("/" + bundle.id())).doesNotExist();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"/../../coracle-it-escaped", "../../coracle-it-escaped", "/a/../../x", "/.."})
  @Unsupported(runtime = "crun", reason = "1.8.1 walks up", expect = Unsupported.Expect.NOT_RUN)
  @Unsupported(runtime = "runc", reason = "cleans the path", expect = Unsupported.Expect.NOT_RUN)
  void aCgroupPathCannotClimb(String path, Testbed bed) {
    Result result = bed.run(bed.bundle().set("/linux/cgroupsPath", path)).exitsWith(1);
    assertThat(result.stderr()).contains("/linux/cgroupsPath");
    assertThat(Path.of("/sys/fs/coracle-it-escaped")).doesNotExist();
  }

  /** Cgroups that the container made, with names that a line or a path cannot hold as they are. */
  @Test
  void hostileCgroupNamesAreRemoved(Testbed bed) {
    Bundle bundle = bed.bundle().lasting();
    try (Container c = bed.start(bundle)) {
      for (Path cgroup : Cgroups.here().named(bundle.cgroupsPath())) {
        for (String name :
            List.of("a b", "line\tbreak", "-rf", "..x", "*", "\\040", "deep/er/est")) {
          assertThat(cgroup.resolve(name).toFile().mkdirs()).as(cgroup + "/" + name).isTrue();
        }
      }
      assertThat(c.status()).isEqualTo("running");
      c.delete("--force").ok();
      assertThat(Cgroups.here().named(bundle.cgroupsPath())).isEmpty();
    }
  }
}
