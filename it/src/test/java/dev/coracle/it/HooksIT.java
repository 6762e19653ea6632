package dev.coracle.it;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;
import dev.coracle.it.harness.Bundle;
import dev.coracle.it.harness.Cgroups;
import dev.coracle.it.harness.Container;
import dev.coracle.it.harness.ContainerTest;
import dev.coracle.it.harness.Json;
import dev.coracle.it.harness.Result;
import dev.coracle.it.harness.Testbed;
import dev.coracle.it.harness.Unsupported;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@ContainerTest
class HooksIT {

  private static JsonObject hook(String path, String... args) {
    return Json.object("path", path, "args", args);
  }

  /** A hook of the host that writes down its kind and the state it is given. */
  private static JsonObject recording(Testbed bed, String kind) {
    return hook(
        "/bin/sh",
        "sh",
        "-c",
        "echo "
            + kind
            + " >> "
            + bed.directory()
            + "/order; cat > "
            + bed.directory()
            + "/"
            + kind);
  }

  private static Bundle withAll(Testbed bed) {
    Bundle bundle = bed.bundle();
    for (String kind :
        List.of("prestart", "createRuntime", "createContainer", "poststart", "poststop")) {
      bundle.add("/hooks/" + kind, recording(bed, kind));
    }
    bundle.add(
        "/hooks/startContainer",
        hook("/bin/sh", "sh", "-c", "echo startContainer >> /order; cat > /startContainer"));
    return bundle;
  }

  @Unsupported(runtime = "runc", reason = "1.1.5 runs poststart at create")
  @Test
  void areRunInTheirOrder(Testbed bed) throws IOException {
    Bundle bundle = withAll(bed).sh("echo process >> /order; cat /order");
    Path order = bed.directory().resolve("order");
    try (Container c = bed.create(bundle)) {
      assertThat(Files.readAllLines(order))
          .containsExactly("prestart", "createRuntime", "createContainer");
      assertThat(bundle.inRootfs("/order")).doesNotExist();
      c.start();
      c.awaitExit();
      assertThat(c.stdout()).isEqualTo("startContainer\nprocess\n");
      assertThat(Files.readAllLines(order))
          .containsExactly("prestart", "createRuntime", "createContainer", "poststart");
      c.delete().ok();
      assertThat(Files.readAllLines(order)).endsWith("poststop");
    }
    assertThat(Files.readAllLines(order)).hasSize(5);
  }

  @Unsupported(
      runtime = "runc",
      reason = "1.1.5 says creating for created, and runs poststart at create",
      expect = Unsupported.Expect.EITHER)
  @Unsupported(
      runtime = "crun",
      reason = "1.8.1 says / for the bundle",
      expect = Unsupported.Expect.EITHER)
  @ParameterizedTest
  @CsvSource({
    "prestart,created",
    "createRuntime,created",
    "createContainer,created",
    "startContainer,created",
    "poststart,running",
    "poststop,stopped"
  })
  void getTheStateOnStdin(String kind, String status, Testbed bed) throws IOException {
    Bundle bundle =
        withAll(bed).lasting().set("/annotations", Json.object("dev.coracle.test", "yes"));
    int pid;
    try (Container c = bed.start(bundle)) {
      pid = c.pid();
    }
    Path written =
        kind.equals("startContainer")
            ? bundle.inRootfs("/startContainer")
            : bed.directory().resolve(kind);
    JsonObject state = Json.parseObject(Files.readString(written));
    assertThat(state.get("id").getAsString()).isEqualTo(bundle.id());
    assertThat(state.get("bundle").getAsString()).isEqualTo(bundle.directory().toString());
    assertThat(state.get("ociVersion").getAsString()).startsWith("1.");
    assertThat(state.get("status").getAsString()).isEqualTo(status);
    assertThat(state.get("annotations").getAsJsonObject().get("dev.coracle.test").getAsString())
        .isEqualTo("yes");
    if (kind.equals("createRuntime") || kind.equals("poststart")) {
      assertThat(state.get("pid").getAsInt()).isEqualTo(pid);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"prestart", "createRuntime", "createContainer"})
  void aFailingOneFailsCreate(String kind, Testbed bed) {
    Bundle bundle =
        bed.bundle()
            .add("/hooks/" + kind, hook("/bin/sh", "sh", "-c", "echo broken pump >&2; exit 7"));
    assertThat(bed.createCommand(bundle).execute().fails().stderr()).containsIgnoringCase("hook");
    assertThat(Cgroups.here().named(bundle.cgroupsPath())).isEmpty();
  }

  @Test
  @Unsupported(runtime = "crun", reason = "1.8.1 runs it in the bundle")
  void createContainerStandsInTheContainersRoot(Testbed bed) {
    Bundle bundle = bed.bundle().sh("cat /mark");
    bundle.add("/hooks/createContainer", hook("/bin/sh", "sh", "-c", "echo here > ./mark"));
    assertThat(bed.outputOf(bundle)).isEqualTo("here");
  }

  @Test
  void startContainerHasTheProgramsEnvironment(Testbed bed) {
    Bundle bundle = bed.bundle().env("ONE=two").sh("cat /environment");
    bundle.add(
        "/hooks/startContainer", hook("/bin/sh", "sh", "-c", "echo $ONE $HOME > /environment"));
    assertThat(bed.outputOf(bundle)).isEqualTo("two /root");
  }

  @Unsupported(runtime = "runc", reason = "the process does not start, but start succeeds")
  @Unsupported(runtime = "crun", reason = "the process does not start, but start succeeds")
  @Test
  void aFailingStartContainerFailsStart(Testbed bed) {
    Bundle bundle =
        bed.bundle().sh("echo started").add("/hooks/startContainer", hook("/bin/false"));
    try (Container c = bed.create(bundle)) {
      bed.oci("start", c.id()).execute().fails();
      assertThat(c.stdout()).isEmpty();
    }
  }

  @Unsupported(runtime = "runc", reason = "1.1.5 does not run those after it")
  @Unsupported(
      runtime = "crun",
      reason = "1.8.1 dies of SIGPIPE where the hook ends before it is told the state",
      expect = Unsupported.Expect.EITHER)
  @Test
  void aFailingPoststopDoesNotKeepTheContainer(Testbed bed) {
    Bundle bundle = bed.bundle().add("/hooks/poststop", hook("/bin/false"));
    bundle.add("/hooks/poststop", recording(bed, "second"));
    try (Container c = bed.start(bundle)) {
      c.awaitExit();
      c.delete();
      assertThat(c.isKnown()).isFalse();
    }
    assertThat(bed.directory().resolve("second")).exists();
  }

  @Test
  void aSlowOneIsEnded(Testbed bed) {
    JsonObject slow = hook("/bin/sleep", "sleep", "1000");
    slow.addProperty("timeout", 1);
    long begin = System.nanoTime();
    bed.createCommand(bed.bundle().add("/hooks/createRuntime", slow)).execute().fails();
    assertThat(Duration.ofNanos(System.nanoTime() - begin)).isLessThan(Duration.ofSeconds(5));
  }

  @Test
  void argsAndEnvAreExact(Testbed bed) throws IOException {
    JsonObject h =
        hook("/bin/sh", "name", "-c", "{ echo $0; env; } > " + bed.directory() + "/env", "zero");
    h.add("env", Json.tree(List.of("A=1", "B=two words")));
    Bundle bundle = bed.bundle().add("/hooks/createRuntime", h);
    bed.runCommand(bundle).env("LEAK", "yes").execute().ok();
    assertThat(Files.readAllLines(bed.directory().resolve("env")))
        .contains("zero", "A=1", "B=two words")
        .noneMatch(line -> line.startsWith("LEAK") || line.startsWith("PATH="));
  }

  @Test
  void runInTheirNamespaces(Testbed bed) throws IOException {
    String write = "readlink /proc/self/ns/mnt > " + bed.directory() + "/";
    Bundle bundle = bed.bundle();
    bundle.add("/hooks/createRuntime", hook("/bin/sh", "sh", "-c", write + "runtime"));
    bundle.add("/hooks/createContainer", hook("/bin/sh", "sh", "-c", write + "container"));
    bundle.sh("readlink /proc/self/ns/mnt");
    String inside = bed.outputOf(bundle);
    assertThat(Files.readString(bed.directory().resolve("runtime")).strip())
        .isEqualTo(Files.readSymbolicLink(Path.of("/proc/self/ns/mnt")).toString());
    assertThat(Files.readString(bed.directory().resolve("container")).strip()).isEqualTo(inside);
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  @Unsupported(
      runtime = "crun",
      reason = "1.8.1 loads the filter after them with no_new_privs",
      expect = Unsupported.Expect.EITHER)
  void startContainerIsBehindTheFilter(boolean noNewPrivileges, Testbed bed) {
    JsonObject rule = Json.object("names", List.of("mkdir", "mkdirat"), "action", "SCMP_ACT_KILL");
    // As engines have it: the flags of this call are out of a filter's sight.
    JsonObject clone3 = Json.object("names", List.of("clone3"), "action", "SCMP_ACT_ERRNO");
    clone3.addProperty("errnoRet", 38);
    JsonObject filter =
        Json.object(
            "defaultAction",
            "SCMP_ACT_ALLOW",
            "architectures",
            List.of("SCMP_ARCH_X86_64"),
            "syscalls",
            List.of(rule, clone3));
    Bundle bundle = bed.bundle().set("/linux/seccomp", filter).sh("cat /mark");
    bundle.set("/process/noNewPrivileges", noNewPrivileges);
    bundle.add("/hooks/startContainer", hook("/bin/sh", "sh", "-c", "echo ran > /mark"));
    assertThat(bed.outputOf(bundle)).isEqualTo("ran");
    bundle = bed.bundle().set("/linux/seccomp", filter).sh("echo the program ran");
    bundle.set("/process/noNewPrivileges", noNewPrivileges);
    bundle.add("/hooks/startContainer", hook("/bin/sh", "sh", "-c", "exec mkdir /made"));
    Result result = bed.run(bundle).fails();
    assertThat(result.stdout()).doesNotContain("the program ran");
    assertThat(result.stderr()).containsIgnoringCase("bad system call");
    assertThat(bundle.inRootfs("/made")).doesNotExist();
  }

  @Test
  void createRuntimeSeesTheMounts(Testbed bed) throws IOException {
    // After the namespaces and mounts, before the change of the root: the engines' network hooks
    // live on it.
    JsonObject h =
        hook(
            "/bin/sh",
            "sh",
            "-c",
            "sed -E 's/.*\"pid\": ?([0-9]+).*/\\1/' | tr -d '\\n' | xargs -I{} readlink /proc/{}/ns/net > "
                + bed.directory()
                + "/net");
    Bundle bundle = bed.bundle().add("/hooks/createRuntime", h).sh("readlink /proc/self/ns/net");
    String inside = bed.outputOf(bundle);
    assertThat(Files.readString(bed.directory().resolve("net")).strip()).isEqualTo(inside);
  }

  @Unsupported(runtime = "crun", reason = "looks it up")
  @Test
  void aRelativePathIsAnError(Testbed bed) {
    bed.run(bed.bundle().add("/hooks/createRuntime", hook("true"))).exitsWith(1);
  }

  @Unsupported(runtime = "crun", reason = "does not say why")
  @Test
  void aMissingProgramIsAnError(Testbed bed) {
    assertThat(
            bed.run(bed.bundle().add("/hooks/createRuntime", hook("/no/such/hook")))
                .fails()
                .stderr())
        .containsIgnoringCase("no such file or directory");
  }
}
