package dev.coracle.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.it.harness.Bundle;
import dev.coracle.it.harness.Cgroups;
import dev.coracle.it.harness.Container;
import dev.coracle.it.harness.ContainerTest;
import dev.coracle.it.harness.CoracleOnly;
import dev.coracle.it.harness.Json;
import dev.coracle.it.harness.Result;
import dev.coracle.it.harness.Testbed;
import dev.coracle.it.harness.Unsupported;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@ContainerTest
class BadInputIT {

  /** The runtime's answer to a bad bundle, which must leave nothing behind. */
  private static String complaint(Testbed bed, Bundle bundle) {
    Result result = bed.createCommand(bundle).execute().exitsWith(1);
    assertThat(Cgroups.here().named(bundle.cgroupsPath())).isEmpty();
    assertThat(result.stderr()).doesNotContain("internal error", "Exception");
    return result.error();
  }

  @Unsupported(runtime = "runc", reason = "panics on null", expect = Unsupported.Expect.EITHER)
  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "{",
        "{\"ociVersion\": }",
        "[]",
        "null",
        "true",
        "\"x\"",
        "{\"a\":1}x",
        "{\"ociVersion\":\"1.0.0\"",
        "{'a':1}",
        "\uFEFF{}",
        "{\"a\":\"\\ud800\\u0000"
      })
  void brokenJson(String text, Testbed bed) {
    assertThat(complaint(bed, bed.bundle().rawConfig(text))).isNotBlank();
  }

  @Unsupported(runtime = "runc", reason = "1.1.5 takes any")
  @Unsupported(runtime = "crun", reason = "names no property")
  @Test
  void aVersionThatIsNotOurs(Testbed bed) {
    assertThat(complaint(bed, bed.bundle().set("/ociVersion", "2.0.0"))).contains("/ociVersion");
    assertThat(complaint(bed, bed.bundle().set("/ociVersion", "one"))).contains("/ociVersion");
  }

  @ParameterizedTest
  @CsvSource({
    "/hostname, 7",
    "/process/args, 7",
    "/process/args/0, 7",
    "/process/env, {}",
    "/process/terminal, 1",
    "/process/user/uid, \"root\"",
    "/process/user/uid, -1",
    "/process/user/uid, 4294967296",
    "/process/user/uid, 1.5",
    "/process/cwd, null",
    "/process/capabilities/bounding, \"CAP_KILL\"",
    "/process/rlimits/0/soft, \"many\"",
    "/root, []",
    "/root/readonly, \"yes\"",
    "/mounts, {}",
    "/mounts/0, 5",
    "/mounts/0/destination, 5",
    "/mounts/1/options, \"ro\"",
    "/linux, 5",
    "/linux/namespaces/0/type, 5",
    "/linux/maskedPaths/0, 5",
    "/linux/resources/devices/0/allow, \"no\"",
    "/linux/cgroupsPath, 5",
  })
  @CoracleOnly("a wrong type is always an error, and says where it is")
  void wrongTypes(String pointer, String value, Testbed bed) {
    assertThat(complaint(bed, bed.bundle().set(pointer, Json.parse(value)))).contains(pointer);
  }

  @Test
  @CoracleOnly("all problems are listed, each with its JSON pointer")
  void allProblemsAtOnce(Testbed bed) {
    Bundle bundle = bed.bundle();
    bundle.set("/mounts/4/options/2", "rnoexc").set("/process/cwd", "relative");
    bundle.set("/mounts/4/type", "bind").add("/mounts/4/options", "bind");
    bundle.add("/process/rlimits", Json.object("type", "RLIMIT_HOPE", "soft", 1, "hard", 1));
    bundle.add("/linux/namespaces", Json.object("type", "dream"));
    bundle.set("/process/user/uid", "root");
    assertThat(complaint(bed, bundle))
        .contains(
            "/mounts/4/options/2",
            "/process/cwd",
            "/process/rlimits/1",
            "/linux/namespaces/5",
            "/process/user/uid");
  }

  @Test
  @CoracleOnly("what reading and what planning finds is told at once")
  void alsoWhatOnlyPlanningFinds(Testbed bed) {
    Bundle bundle = bed.bundle().withoutNamespace("uts").set("/hostname", "name");
    bundle.set("/process/cwd", "relative");
    assertThat(complaint(bed, bundle)).contains("/process/cwd", "/hostname: needs a new UTS");
  }

  @Test
  @CoracleOnly("an unknown option of a bind mount is named, with a guess")
  void anUnknownMountOption(Testbed bed) {
    Bundle bundle = bed.bundle().mount("/x", "bind", "/etc", "rbind", "rnoexc");
    assertThat(complaint(bed, bundle)).contains("/mounts/7/options/1", "\"rnoexc\"");
  }

  @Test
  @CoracleOnly("an unknown capability is a warning that names it")
  void anUnknownCapability(Testbed bed) {
    Bundle bundle = bed.bundle().add("/process/capabilities/bounding", "CAP_FLY");
    bed.run(bundle).ok();
  }

  @Test
  void aHundredThousandArrays(Testbed bed) {
    String deep = "[".repeat(100_000) + "]".repeat(100_000);
    assertThat(complaint(bed, bed.bundle().rawConfig(deep))).isNotBlank();
    assertThat(complaint(bed, bed.bundle().rawConfig("{\"x\":" + deep + "}"))).isNotBlank();
    assertThat(complaint(bed, bed.bundle().rawConfig("[".repeat(100_000)))).isNotBlank();
    assertThat(complaint(bed, bed.bundle().rawConfig("{\"a\":".repeat(100_000)))).isNotBlank();
  }

  @Test
  @CoracleOnly("sizes are bounded")
  void aConfigOfAHundredMegabytes(Testbed bed) throws IOException {
    Bundle bundle = bed.bundle();
    bundle.write();
    try (var file =
        new java.io.RandomAccessFile(bundle.directory().resolve("config.json").toFile(), "rw")) {
      file.setLength(100 << 20); // sparse: zeroes
    }
    Result result =
        bed.oci("create", "--bundle", bundle.directory().toString(), bundle.id())
            .execute()
            .exitsWith(1);
    assertThat(result.stderr()).isNotBlank().hasSizeLessThan(4096);
  }

  @Test
  void aMissingRootfs(Testbed bed) {
    assertThat(complaint(bed, bed.bundle().set("/root/path", "nowhere"))).contains("nowhere");
  }

  @Test
  void aMissingBundle(Testbed bed) {
    assertThat(
            bed.oci("create", "--bundle", bed.directory() + "/nothing", "x")
                .execute()
                .exitsWith(1)
                .stderr())
        .containsIgnoringCase("no such file or directory");
  }

  @Test
  void aMissingConfig(Testbed bed) {
    assertThat(
            bed.oci("create", "--bundle", bed.directory().toString(), "x")
                .execute()
                .exitsWith(1)
                .stderr())
        .contains("config.json");
  }

  @Test
  void aMissingId(Testbed bed) {
    bed.oci("create", "--bundle", bed.bundle().write().toString()).execute().exitsWith(1);
  }

  @Unsupported(
      runtime = "crun",
      reason = "1.8.1 deletes what the path names",
      expect = Unsupported.Expect.NOT_RUN)
  @ParameterizedTest
  @ValueSource(strings = {"../x", "x/../../y", "/x", ".", ".."})
  void anIdThatIsAPath(String id, Testbed bed) {
    bed.folder("state");
    for (String verb : List.of("state", "start", "delete", "kill", "pause")) {
      bed.oci(verb, id).execute().fails();
    }
    bed.oci("create", "--bundle", bed.bundle().write().toString(), id).execute().exitsWith(1);
  }

  @Test
  void missingParts(Testbed bed) {
    for (String part : List.of("/process", "/root", "/process/args", "/process/cwd")) {
      if (bed.runtime().isCoracle()) {
        assertThat(complaint(bed, bed.bundle().remove(part))).contains(part);
      }
    }
  }

  @Test
  @CoracleOnly("a path with a NUL would be cut short by the kernel")
  void aNulInAString(Testbed bed) {
    assertThat(complaint(bed, bed.bundle().set("/process/args/0", "tr\0ue")))
        .contains("/process/args/0");
    assertThat(complaint(bed, bed.bundle().set("/mounts/0/destination", "/pr\0oc")))
        .contains("/mounts/0/destination");
  }

  @Test
  @CoracleOnly("huge and odd numbers")
  void numbersOutOfRange(Testbed bed) {
    assertThat(complaint(bed, bed.bundle().set("/process/oomScoreAdj", 1001)))
        .contains("/process/oomScoreAdj");
    assertThat(complaint(bed, bed.bundle().set("/linux/resources/pids/limit", Json.parse("1e400"))))
        .contains("/linux/resources/pids/limit");
    assertThat(
            complaint(
                bed,
                bed.bundle()
                    .set("/linux/resources/pids/limit", Json.parse("99999999999999999999"))))
        .contains("/linux/resources/pids/limit");
  }

  @Test
  @CoracleOnly("state that is broken is told, and can be deleted by force")
  void brokenState(Testbed bed) throws IOException {
    Bundle bundle = bed.bundle();
    try (Container c = bed.create(bundle)) {
      try (Stream<Path> files = Files.list(bed.stateRoot().resolve(c.id()))) {
        for (Path file : files.filter(Files::isRegularFile).toList()) {
          Files.writeString(file, "{");
        }
      }
      assertThat(bed.oci("state", c.id()).execute().exitsWith(1).stderr())
          .doesNotContain("internal error");
      bed.oci("delete", "--force", c.id()).execute().ok();
    } finally {
      Cgroups.here()
          .named(bundle.cgroupsPath())
          .forEach(Cgroups::destroy); // its name is lost with the state
    }
  }
}
