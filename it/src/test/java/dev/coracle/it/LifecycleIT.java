package dev.coracle.it;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import dev.coracle.it.harness.Bundle;
import dev.coracle.it.harness.Cgroups;
import dev.coracle.it.harness.Command;
import dev.coracle.it.harness.Container;
import dev.coracle.it.harness.ContainerTest;
import dev.coracle.it.harness.CoracleOnly;
import dev.coracle.it.harness.Json;
import dev.coracle.it.harness.Libc;
import dev.coracle.it.harness.Poll;
import dev.coracle.it.harness.Result;
import dev.coracle.it.harness.Testbed;
import dev.coracle.it.harness.Unsupported;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@ContainerTest
class LifecycleIT {

  private static final String UNKNOWN = "nobody-knows-it";

  @Test
  @CoracleOnly("runc does so since 1.2")
  void aContainerThatSharesItsPidsIsKilledAsAWhole(Testbed bed) {
    Bundle bundle =
        bed.bundle().withoutNamespace("pid").sh("sleep 1000 & echo $! > /other; echo ready; wait");
    try (Container c = bed.start(bundle)) {
      c.awaitOutput("ready");
      int other = Integer.parseInt(Cgroups.read(bundle.inRootfs("/other")).strip());
      c.kill("KILL").ok();
      c.awaitExit();
      // Not a child of ours that is left alone: nobody is left in the cgroup.
      Poll.until(
          "the end of " + other,
          () ->
              Cgroups.here().named(bundle.cgroupsPath()).stream()
                  .allMatch(g -> Cgroups.read(g.resolve("cgroup.procs")).isEmpty()));
    }
  }

  @Test
  void aCreatedOneHoldsNothingOfTheStateButItsFifo(Testbed bed) throws IOException {
    try (Container c = bed.create(bed.bundle());
        Stream<Path> descriptors = Files.list(Path.of("/proc/" + c.pid() + "/fd"))) {
      List<String> held = new ArrayList<>();
      for (Path descriptor : descriptors.toList()) {
        String target = Files.readSymbolicLink(descriptor).toString();
        if (target.startsWith(bed.stateRoot().toString())) {
          held.add(target);
        }
      }
      assertThat(held).allMatch(target -> target.endsWith("/exec.fifo"));
    }
  }

  @Test
  @Unsupported(runtime = "crun", reason = "1.8.1 has no words of its own for it")
  void signalZeroAsksWhetherItRuns(Testbed bed) {
    try (Container c = bed.start(bed.bundle().lasting())) {
      c.kill("0").ok();
      c.kill("KILL").ok();
      c.awaitExit();
      assertThat(c.kill("0").fails().stderr()).containsIgnoringCase("not running");
    }
  }

  @Test
  void createdRunningStopped(Testbed bed) {
    Bundle bundle =
        bed.bundle().probe("trap", "15", "7").set("/annotations", Json.object("a.b", "c"));
    try (Container c = bed.create(bundle)) {
      JsonObject state = c.state();
      assertThat(state.get("status").getAsString()).isEqualTo("created");
      assertThat(state.get("id").getAsString()).isEqualTo(bundle.id());
      assertThat(state.get("bundle").getAsString()).isEqualTo(bundle.directory().toString());
      assertThat(state.get("ociVersion").getAsString()).startsWith("1.");
      assertThat(state.get("pid").getAsInt()).isPositive();
      assertThat(state.get("annotations").getAsJsonObject().get("a.b").getAsString())
          .isEqualTo("c");
      Instant.parse(state.get("created").getAsString());
      assertThat(c.stdout()).isEmpty();
      c.start();
      assertThat(c.status()).isEqualTo("running");
      c.awaitOutput("ready");
      c.kill("TERM").ok();
      assertThat(c.awaitExit()).isEqualTo(7);
      assertThat(c.status()).isEqualTo("stopped");
      assertThat(c.state().get("pid").getAsInt()).isZero();
      c.delete().ok();
      assertThat(c.isKnown()).isFalse();
    }
  }

  @Unsupported(runtime = "crun", reason = "the kernel drops what the first process does not handle")
  @ParameterizedTest
  @ValueSource(strings = {"TERM", "INT", "HUP", "QUIT"})
  void aSignalEndsACreatedOne(String signal, Testbed bed) {
    try (Container c = bed.create(bed.bundle().lasting())) {
      c.kill(signal).ok();
      c.awaitExit();
      assertThat(c.status()).isEqualTo("stopped");
      assertThat(c.state().get("pid").getAsInt()).isZero();
      assertThat(bed.oci("start", c.id()).execute().fails().stderr()).contains("stopped");
      c.delete().ok();
      assertThat(c.isKnown()).isFalse();
    }
  }

  @CoracleOnly("the exit status tells the signal")
  @Test
  void aCreatedOneThatIsSignalledExitsAsAShellTells(Testbed bed) {
    try (Container c = bed.create(bed.bundle().lasting())) {
      c.kill("TERM").ok();
      assertThat(c.awaitExit()).isEqualTo(128 + 15);
    }
  }

  @Unsupported(runtime = "crun", reason = "tells the path as configured")
  @Test
  void theStateTellsTheRootfs(Testbed bed) {
    Bundle bundle = bed.bundle();
    try (Container c = bed.create(bundle)) {
      assertThat(c.state().get("rootfs").getAsString()).isEqualTo(bundle.rootfs().toString());
    }
  }

  @Unsupported(runtime = "crun", reason = "has words of its own")
  @Test
  void stateOfAnUnknownOne(Testbed bed) {
    assertThat(bed.oci("state", UNKNOWN).execute().exitsWith(1).stderr())
        .contains("does not exist");
  }

  @Unsupported(runtime = "crun", reason = "has words of its own")
  @Test
  void killOfAnUnknownOne(Testbed bed) {
    assertThat(bed.oci("kill", UNKNOWN, "9").execute().exitsWith(1).stderr())
        .contains("does not exist");
  }

  @Unsupported(runtime = "crun", reason = "has words of its own")
  @Test
  void deleteOfAnUnknownOne(Testbed bed) {
    assertThat(bed.oci("delete", UNKNOWN).execute().exitsWith(1).stderr())
        .contains("does not exist");
    bed.oci("delete", "--force", UNKNOWN).execute().ok();
  }

  @Unsupported(runtime = "crun", reason = "has words of its own")
  @ParameterizedTest
  @ValueSource(strings = {"start", "pause", "resume", "ps", "exec"})
  void verbsOnAnUnknownOneFail(String verb, Testbed bed) {
    String[] args =
        verb.equals("exec") ? new String[] {verb, UNKNOWN, "true"} : new String[] {verb, UNKNOWN};
    assertThat(bed.oci(args).execute().fails().stderr()).contains("does not exist");
  }

  @Test
  void anIdIsTakenOnce(Testbed bed) {
    Bundle bundle = bed.bundle();
    try (Container c = bed.create(bundle)) {
      assertThat(bed.createCommand(bundle).execute().exitsWith(1).stderr())
          .contains("already exists");
      assertThat(c.status()).isEqualTo("created");
    }
  }

  @Unsupported(runtime = "crun", reason = "has words of its own")
  @Test
  void anIdIsTakenOnceInRuncsWords(Testbed bed) {
    Bundle bundle = bed.bundle();
    try (Container c = bed.create(bundle)) {
      assertThat(bed.createCommand(bundle).execute().exitsWith(1).stderr())
          .contains("container with given ID already exists");
      assertThat(c.status()).isEqualTo("created");
    }
  }

  @Test
  void anIdCanBeUsedAgain(Testbed bed) {
    Bundle bundle = bed.bundle().args("echo", "again");
    assertThat(bed.outputOf(bundle)).isEqualTo("again");
    assertThat(bed.outputOf(bundle)).isEqualTo("again");
  }

  @Unsupported(runtime = "crun", reason = "1.8.1 takes a space", expect = Unsupported.Expect.EITHER)
  @ParameterizedTest
  @ValueSource(strings = {"../x", "a/b", "..", "", "a b"})
  void anIdMustBeAName(String id, Testbed bed) {
    Bundle bundle = bed.bundle();
    bed.oci("run", "--bundle", bundle.write().toString(), id).execute().exitsWith(1);
    assertThat(bed.directory().resolve("x")).doesNotExist();
  }

  @Test
  void startOfARunningOne(Testbed bed) {
    try (Container c = bed.start(bed.bundle().lasting())) {
      bed.oci("start", c.id()).execute().exitsWith(1);
      assertThat(c.status()).isEqualTo("running");
    }
  }

  @Unsupported(runtime = "crun", reason = "has words of its own")
  @Test
  void startOfARunningOneInRuncsWords(Testbed bed) {
    try (Container c = bed.start(bed.bundle().lasting())) {
      assertThat(bed.oci("start", c.id()).execute().exitsWith(1).stderr())
          .contains("cannot start an already running container");
    }
  }

  @Test
  void startOfAStoppedOne(Testbed bed) {
    try (Container c = bed.start(bed.bundle())) {
      c.awaitExit();
      bed.oci("start", c.id()).execute().exitsWith(1);
    }
  }

  @Unsupported(runtime = "crun", reason = "has words of its own")
  @Test
  void startOfAStoppedOneInRuncsWords(Testbed bed) {
    try (Container c = bed.start(bed.bundle())) {
      c.awaitExit();
      assertThat(bed.oci("start", c.id()).execute().exitsWith(1).stderr())
          .contains("cannot start a container that has stopped");
    }
  }

  @Test
  void killOfAStoppedOne(Testbed bed) {
    try (Container c = bed.start(bed.bundle())) {
      c.awaitExit();
      assertThat(c.kill("TERM").exitsWith(1).stderr().toLowerCase(Locale.ROOT))
          .containsAnyOf("container not running", "no such process", "process already finished");
    }
  }

  @Test
  void killAllOfAStoppedOneIsFine(Testbed bed) {
    try (Container c = bed.start(bed.bundle())) {
      c.awaitExit();
      bed.oci("kill", "--all", c.id(), "9").execute().ok();
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"9", "KILL", "SIGKILL"})
  void killTakesNumbersAndNames(String signal, Testbed bed) {
    try (Container c = bed.start(bed.bundle().lasting())) {
      c.kill(signal).ok();
      assertThat(c.awaitExit()).isEqualTo(137);
    }
  }

  @Test
  void killMeansTermUnlessTold(Testbed bed) {
    try (Container c = bed.start(bed.bundle().probe("trap", "15", "15"))) {
      c.awaitOutput("ready");
      bed.oci("kill", c.id()).execute().ok();
      assertThat(c.awaitExit()).isEqualTo(15);
    }
  }

  @Test
  void killAllReachesEveryProcess(Testbed bed) {
    Bundle bundle = bed.bundle().withoutNamespace("pid").sh("sleep 1000 & echo ready; wait");
    try (Container c = bed.start(bundle)) {
      c.awaitOutput("ready");
      bed.oci("kill", "--all", c.id(), "9").execute().ok();
      assertThat(c.awaitExit()).isEqualTo(137);
    }
  }

  @Unsupported(runtime = "crun", reason = "1.8.1 takes it for 0")
  @Test
  void anUnknownSignalIsAnError(Testbed bed) {
    try (Container c = bed.start(bed.bundle().lasting())) {
      c.kill("SIGNOTHING").exitsWith(1);
      assertThat(c.status()).isEqualTo("running");
    }
  }

  @Test
  void killOfACreatedOne(Testbed bed) {
    try (Container c = bed.create(bed.bundle())) {
      c.kill("KILL").ok();
      assertThat(c.awaitExit()).isEqualTo(137);
      assertThat(c.status()).isEqualTo("stopped");
    }
  }

  @Test
  void deleteOfARunningOne(Testbed bed) {
    try (Container c = bed.start(bed.bundle().lasting())) {
      c.delete().exitsWith(1);
      assertThat(c.status()).isEqualTo("running");
      c.delete("--force").ok();
      assertThat(c.awaitExit()).isEqualTo(137);
      assertThat(c.isKnown()).isFalse();
    }
  }

  @Test
  void deleteOfACreatedOneKillsIt(Testbed bed) {
    try (Container c = bed.create(bed.bundle())) {
      c.delete().ok();
      assertThat(c.isKnown()).isFalse();
      assertThat(c.awaitExit()).isEqualTo(137);
    }
  }

  @Test
  void aKilledOneIsStopped(Testbed bed) {
    try (Container c = bed.start(bed.bundle().lasting())) {
      c.killAndLeaveAZombie();
      assertThat(c.status()).isEqualTo("stopped");
    }
  }

  @Test
  void aConfigChangedAfterCreateHasNoEffect(Testbed bed) {
    Bundle bundle = bed.bundle().args("echo", "old");
    try (Container c = bed.create(bundle)) {
      bundle.args("echo", "new").write();
      c.start();
      c.awaitExit();
      assertThat(c.stdout()).isEqualTo("old\n");
    }
  }

  @Test
  void pauseAndResume(Testbed bed) {
    try (Container c = bed.start(bed.bundle().lasting())) {
      bed.oci("pause", c.id()).execute().ok();
      assertThat(c.status()).isEqualTo("paused");
      bed.oci("resume", c.id()).execute().ok();
      assertThat(c.status()).isEqualTo("running");
    }
  }

  @Test
  void aPausedOneIsDeletedByForce(Testbed bed) {
    try (Container c = bed.start(bed.bundle().lasting())) {
      bed.oci("pause", c.id()).execute().ok();
    }
  }

  @Unsupported(runtime = "crun", reason = "takes it for done")
  @Test
  void resumeOfARunningOneFails(Testbed bed) {
    try (Container c = bed.start(bed.bundle().lasting())) {
      bed.oci("resume", c.id()).execute().exitsWith(1);
    }
  }

  @Unsupported(runtime = "crun", reason = "has words of its own")
  @Test
  void execInAPausedOneFails(Testbed bed) {
    try (Container c = bed.start(bed.bundle().lasting())) {
      bed.oci("pause", c.id()).execute().ok();
      assertThat(c.exec("true").fails().stderr())
          .contains("cannot exec in a paused container (use --ignore-paused to override)");
    }
  }

  @Unsupported(runtime = "crun", reason = "has words of its own")
  @Test
  void execInAStoppedOneFails(Testbed bed) {
    try (Container c = bed.start(bed.bundle())) {
      c.awaitExit();
      assertThat(c.exec("true").fails().stderr()).contains("cannot exec in a stopped container");
    }
  }

  @Test
  void listOfNone(Testbed bed) {
    bed.folder("state");
    JsonElement none = bed.oci("list", "-f", "json").execute().ok().json();
    assertThat(none.isJsonNull() || none.getAsJsonArray().isEmpty()).isTrue();
    assertThat(bed.oci("list").execute().ok().line().split(" +", -1))
        .contains("PID", "STATUS", "BUNDLE", "CREATED", "OWNER");
    assertThat(bed.oci("list", "-q").execute().ok().line()).isEmpty();
  }

  @Test
  void list(Testbed bed) {
    try (Container a = bed.create(bed.bundle());
        Container b = bed.start(bed.bundle().lasting())) {
      JsonArray all = bed.oci("list", "--format=json").execute().ok().json().getAsJsonArray();
      assertThat(all).hasSize(2);
      for (JsonElement e : all) {
        JsonObject one = e.getAsJsonObject();
        boolean first = one.get("id").getAsString().equals(a.id());
        assertThat(one.get("pid").getAsInt()).isEqualTo(first ? a.pid() : b.pid());
        assertThat(one.get("status").getAsString()).isEqualTo(first ? "created" : "running");
        assertThat(one.get("owner").getAsString()).isEqualTo("root");
      }
      assertThat(bed.oci("list", "-q").execute().ok().line().split("\n", -1))
          .containsExactlyInAnyOrder(a.id(), b.id());
      assertThat(bed.oci("list").execute().ok().stdout().lines()).hasSize(3);
    }
  }

  @Test
  @Unsupported(
      runtime = "runc",
      reason = "under User Mode Linux procps' ps fails",
      views = Cgroups.View.V2,
      expect = Unsupported.Expect.EITHER)
  void psAsATable(Testbed bed) {
    try (Container c = bed.start(bed.bundle().lasting())) {
      assertThat(bed.oci("ps", c.id()).execute().ok().stdout()).contains("PID", "" + c.pid());
    }
  }

  @Test
  void ps(Testbed bed) {
    Bundle bundle = bed.bundle().sh("sleep 1000 & echo ready; wait");
    try (Container c = bed.start(bundle)) {
      c.awaitOutput("ready");
      JsonArray pids =
          bed.oci("ps", "--format", "json", c.id()).execute().ok().json().getAsJsonArray();
      assertThat(pids).hasSize(2).anyMatch(p -> p.getAsInt() == c.pid());
    }
  }

  @Unsupported(runtime = "crun", reason = "1.8.1 has no such verb")
  @Test
  void features(Testbed bed) {
    Result result = bed.plain("features").execute().ok();
    assertThat(result.stderr()).isEmpty();
    JsonObject features = result.json().getAsJsonObject();
    assertThat(features.get("ociVersionMin").getAsString()).startsWith("1.");
    assertThat(features.get("ociVersionMax").getAsString()).startsWith("1.");
    assertThat(Json.get(features, "/hooks").getAsJsonArray()).hasSize(6);
    assertThat(Json.get(features, "/mountOptions").getAsJsonArray())
        .contains(Json.tree("rbind"), Json.tree("rro"));
    assertThat(Json.get(features, "/linux/namespaces").getAsJsonArray())
        .contains(Json.tree("user"), Json.tree("mount"));
    assertThat(Json.get(features, "/linux/cgroup/v1").getAsBoolean()).isTrue();
    assertThat(Json.get(features, "/linux/seccomp/enabled").getAsBoolean()).isTrue();
  }

  @Test
  void version(Testbed bed) {
    assertThat(bed.plain("--version").execute().ok().stdout())
        .contains(bed.runtime().name() + " version ", "\ncommit: ", "\nspec: 1.");
  }

  @Test
  void help(Testbed bed) {
    assertThat(bed.plain("--help").execute().ok().stdout())
        .contains("create", "start", "state", "kill", "delete");
  }

  @ParameterizedTest
  @ValueSource(strings = {"create", "run", "exec", "delete"})
  void helpOfAVerb(String verb, Testbed bed) {
    assertThat(bed.plain(verb, "--help").execute().ok().stdout()).contains(verb);
  }

  @Test
  void anUnknownVerbFails(Testbed bed) {
    bed.plain("levitate").execute().fails();
  }

  @Test
  void anUnknownFlagFails(Testbed bed) {
    bed.oci("create", "--levitate", "x").execute().fails();
  }

  /** Podman takes exit 0 for support, and asks for the one flag by its complaint. */
  @Test
  @Unsupported(runtime = "crun", reason = "Debian's has no checkpoint")
  void checkpointIsThereForPodman(Testbed bed) {
    bed.plain("checkpoint", "--help").execute().ok();
  }

  @Unsupported(
      runtime = "crun",
      reason = "1.8.1 raises RLIMIT_MEMLOCK for device rules, without the right to",
      views = Cgroups.View.V2,
      expect = Unsupported.Expect.EITHER)
  @Test
  void specWritesAConfigThatRuns(Testbed bed) throws IOException {
    Bundle bundle = bed.bundle();
    bed.plain("spec", "--bundle", bundle.directory().toString()).execute().ok();
    Path config = bundle.directory().resolve("config.json");
    JsonObject written = Json.parseObject(Files.readString(config));
    assertThat(Json.get(written, "/process/terminal").getAsBoolean()).isTrue();
    Json.set(written, "/process/terminal", false);
    Json.set(written, "/process/args", List.of("echo", "runs"));
    Json.set(written, "/linux/cgroupsPath", bundle.cgroupsPath());
    assertThat(bed.outputOf(bundle.rawConfig(Json.text(written)))).isEqualTo("runs");
  }

  @Test
  void specDoesNotOverwrite(Testbed bed) throws IOException {
    Path config = bed.file("config.json", "mine");
    bed.plain("spec", "--bundle", bed.directory().toString()).execute().exitsWith(1);
    assertThat(Files.readString(config)).isEqualTo("mine");
  }

  @Test
  void runDetached(Testbed bed) {
    Bundle bundle = bed.bundle().lasting();
    Path pidFile = bed.directory().resolve("pid");
    try (Container c =
        bed.created(
            bundle.id(), bed.runCommand(bundle, "--detach", "--pid-file", pidFile.toString()))) {
      assertThat(c.status()).isEqualTo("running");
      assertThat(pidFile).hasContent("" + c.pid());
    }
  }

  @Test
  void runForwardsSignals(Testbed bed) {
    Command.Running run = bed.runCommand(bed.bundle().probe("trap", "15", "7")).start();
    Poll.until("ready", () -> run.stdout().contains("ready"));
    Libc.kill(run.pid(), Libc.SIGTERM);
    run.end().exitsWith(7);
  }

  @Unsupported(runtime = "crun", reason = "1.8.1 has no --keep")
  @Test
  void runKeepsTheContainerIfAsked(Testbed bed) {
    Bundle bundle = bed.bundle();
    bed.run(bundle, "--keep").ok();
    assertThat(bed.oci("state", bundle.id()).execute().ok().stdout()).contains("stopped");
    bed.oci("delete", bundle.id()).execute().ok();
  }

  @Test
  void stdioIsTheCreators(Testbed bed) {
    Bundle bundle = bed.bundle().sh("cat; echo err >&2");
    try (Container c = bed.created(bundle.id(), bed.createCommand(bundle).stdin("from stdin"))) {
      c.start();
      c.awaitExit();
      assertThat(c.stdout()).isEqualTo("from stdin");
      assertThat(c.stderr()).isEqualTo("err\n");
    }
  }

  @Test
  void signalsAreAtTheirDefaults(Testbed bed) {
    Result result =
        bed.runCommand(bed.bundle().probe("signals")).after("trap '' INT HUP").execute().ok();
    assertThat(result.line().replace("\t", " ").lines())
        .contains("SigBlk: 0000000000000000", "SigCgt: 0000000000000000");
  }
}
