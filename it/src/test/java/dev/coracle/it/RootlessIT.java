package dev.coracle.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.google.gson.JsonObject;
import dev.coracle.it.harness.Bundle;
import dev.coracle.it.harness.Cgroups;
import dev.coracle.it.harness.Command;
import dev.coracle.it.harness.ContainerTest;
import dev.coracle.it.harness.CoracleOnly;
import dev.coracle.it.harness.HostUser;
import dev.coracle.it.harness.Json;
import dev.coracle.it.harness.Mapped;
import dev.coracle.it.harness.Poll;
import dev.coracle.it.harness.Result;
import dev.coracle.it.harness.Testbed;
import dev.coracle.it.harness.Unsupported;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The runtime of a user who is not root, and of root of a user namespace. */
@ContainerTest
class RootlessIT {
  private static final int USER = HostUser.ID;

  /** The runtime with a state folder of the user's, below XDG_RUNTIME_DIR. */
  private static Command asUser(Testbed bed, String... args) {
    return asUser(bed, List.of(), args);
  }

  private static Command asUser(Testbed bed, List<String> before, String... args) {
    List<String> argv = new ArrayList<>(before);
    argv.addAll(HostUser.become());
    argv.add(binary(bed).toString());
    argv.addAll(List.of(args));
    return bed.program(argv.toArray(String[]::new)).env("XDG_RUNTIME_DIR", home(bed).toString());
  }

  /** Where the user can execute it. */
  private static Path binary(Testbed bed) {
    try {
      Path copy = bed.directory().resolve(bed.runtime().binary().getFileName());
      if (!Files.exists(copy)) {
        Files.copy(bed.runtime().binary(), copy, StandardCopyOption.COPY_ATTRIBUTES);
      }
      return copy;
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  private static Path home(Testbed bed) {
    Path home = bed.folder("home");
    bed.program("chown", USER + ":" + USER, home.toString()).execute().ok();
    return home;
  }

  /** A bundle of the user's, whose root is the user. */
  private static Bundle bundle(Testbed bed) {
    Bundle bundle = bed.bundle().namespace("user", null);
    List<JsonObject> map = List.of(Mapped.line(0, USER, 1));
    bundle.set("/linux/uidMappings", map).set("/linux/gidMappings", map);
    bundle.mountAt("/dev/pts").remove("options");
    bundle.remove("/linux/resources").remove("/linux/cgroupsPath").withoutMount("/sys/fs/cgroup");
    Mapped.give(bed, bundle, USER);
    return bundle;
  }

  private static Result run(Testbed bed, Bundle bundle) {
    String path = bundle.write().toString();
    return asUser(bed, "run", "--bundle", path, bundle.id()).execute();
  }

  @Test
  void theTemplateRuns(Testbed bed) throws IOException {
    Bundle bundle = bundle(bed);
    Files.deleteIfExists(bundle.directory().resolve("config.json"));
    bed.program("chown", USER + "", bundle.directory().toString()).execute().ok();
    asUser(bed, "spec", "--rootless").in(bundle.directory()).execute().ok();
    JsonObject config =
        Json.parseObject(Files.readString(bundle.directory().resolve("config.json")));
    Json.set(config, "/process/terminal", false);
    Json.set(
        config,
        "/process/args",
        List.of("sh", "-c", "id -u; hostname; ls /proc/self/fd >/dev/null && echo fine"));
    bundle.rawConfig(Json.text(config));
    assertThat(run(bed, bundle).ok().stdout()).startsWith("0\n").endsWith("fine\n");
  }

  @Test
  void rootIsTheUser(Testbed bed) {
    Bundle bundle = bundle(bed);
    bundle.sh(
        "id -u; cat /proc/self/setgroups; touch /made; echo x > /dev/null; stat -c %a /dev/null");
    assertThat(run(bed, bundle).ok().line()).isEqualTo("0\ndeny\n666");
    assertThat(bundle.inRootfs("/made")).exists();
  }

  @Test
  void theLifecycleWorks(Testbed bed) throws IOException {
    Bundle bundle = bundle(bed).lasting();
    String id = bundle.id();
    asUser(bed, "create", "--bundle", bundle.write().toString(), id).execute().ok();
    try {
      assertThat(
              asUser(bed, "state", id)
                  .execute()
                  .ok()
                  .json()
                  .getAsJsonObject()
                  .get("status")
                  .getAsString())
          .isEqualTo("created");
      asUser(bed, "start", id).execute().ok();
      assertThat(asUser(bed, "exec", id, "id", "-u").execute().ok().line()).isEqualTo("0");
      assertThat(asUser(bed, "exec", id, "readlink", "/proc/1/ns/pid").execute().ok().line())
          .isEqualTo(
              asUser(bed, "exec", id, "readlink", "/proc/self/ns/pid").execute().ok().line());
      assertThat(home(bed)).isNotEmptyDirectory();
    } finally {
      asUser(bed, "delete", "--force", id).execute().ok();
    }
  }

  @Test
  @Unsupported(
      runtime = "runc",
      reason = "needs cgroups of its own for that",
      expect = Unsupported.Expect.EITHER)
  void rangesAreMappedByTheHelpers(Testbed bed) {
    List<String> before = new HostUser(bed.directory(), home(bed)).known();
    Bundle bundle = bundle(bed);
    List<JsonObject> map = List.of(Mapped.line(0, USER, 1), Mapped.line(1, HostUser.RANGE, 65536));
    bundle.set("/linux/uidMappings", map).set("/linux/gidMappings", map);
    bundle.set("/process/user/uid", 1000).set("/process/user/gid", 1000);
    bundle.set("/process/user/additionalGids", List.of(7));
    bundle.sh("id -u; id -G; tr -s ' ' < /proc/self/uid_map");
    Result result =
        asUser(bed, before, "run", "--bundle", bundle.write().toString(), bundle.id()).execute();
    assertThat(result.ok().line()).isEqualTo("1000\n1000 7\n 0 65533 1\n 1 300000 65536");
  }

  @CoracleOnly("the helper's own words are in the message")
  @Test
  void aRangeThatIsNotTheUsersIsAnError(Testbed bed) {
    Bundle bundle = bundle(bed);
    bundle.set("/linux/uidMappings", List.of(Mapped.line(0, USER, 1), Mapped.line(1, 300000, 10)));
    assertThat(run(bed, bundle).fails().stderr()).contains("/linux/uidMappings", "newuidmap");
    bed.assertNothingLeft("after a failure");
  }

  @CoracleOnly("a limit is named where it cannot be set")
  @Test
  void aLimitThatCannotBeSetIsAnError(Testbed bed) {
    Bundle bundle = bundle(bed).set("/linux/cgroupsPath", "/not-the-users");
    bundle.set("/linux/resources", Json.object("pids", Json.object("limit", 10)));
    assertThat(run(bed, bundle).fails().stderr()).contains("/linux/resources/pids");
  }

  @Test
  void aDelegatedCgroupIsTheUsers(Testbed bed) throws IOException {
    assumeTrue(Cgroups.here().view() == Cgroups.View.V2, "delegation is of cgroup v2");
    Bundle bundle = bundle(bed).lasting();
    Path top = Path.of("/sys/fs/cgroup", bundle.id() + "-delegated");
    List<String> before = HostUser.delegate(top);
    Path cgroup = top.resolve("container");
    try {
      bundle.set("/linux/cgroupsPath", "/" + top.getFileName() + "/container");
      boolean limits = Cgroups.here().hasController("pids");
      if (limits) {
        bundle.set("/linux/resources/pids", Json.object("limit", 30));
        bundle.set("/linux/resources/memory", Json.object("limit", 64 << 20));
        bundle.set("/linux/resources/cpu", Json.object("quota", 50000, "period", 100000));
      }
      lifeIn(bed, before, bundle, cgroup, limits);
    } finally {
      Cgroups.destroy(top);
    }
  }

  private static void lifeIn(
      Testbed bed, List<String> before, Bundle bundle, Path cgroup, boolean limits) {
    String id = bundle.id();
    asUser(bed, before, "create", "--bundle", bundle.write().toString(), id).execute().ok();
    asUser(bed, before, "start", id).execute().ok();
    assertThat(Cgroups.read(cgroup.resolve("cgroup.procs"))).isNotEmpty();
    String where = "::/" + Path.of("/sys/fs/cgroup").relativize(cgroup);
    assertThat(asUser(bed, before, "exec", id, "cat", "/proc/self/cgroup").execute().ok().line())
        .endsWith(where);
    if (limits) {
      assertThat(Cgroups.read(cgroup.resolve("pids.max"))).isEqualTo("30\n");
      assertThat(Cgroups.read(cgroup.resolve("memory.max"))).isEqualTo((64 << 20) + "\n");
      assertThat(Cgroups.read(cgroup.resolve("cpu.max"))).isEqualTo("50000 100000\n");
      asUser(bed, before, "update", "--pids-limit", "40", "--memory", (48 << 20) + "", id)
          .execute()
          .ok();
      assertThat(Cgroups.read(cgroup.resolve("pids.max"))).isEqualTo("40\n");
      assertThat(Cgroups.read(cgroup.resolve("memory.max"))).isEqualTo((48 << 20) + "\n");
    }
    asUser(bed, before, "pause", id).execute().ok();
    // Not every peer waits for it.
    Poll.until("frozen", () -> Cgroups.read(cgroup.resolve("cgroup.events")).contains("frozen 1"));
    asUser(bed, before, "resume", id).execute().ok();
    assertThat(Cgroups.read(cgroup.resolve("cgroup.events"))).contains("frozen 0");
    asUser(bed, before, "delete", "--force", id).execute().ok();
    assertThat(cgroup).doesNotExist();
  }

  @CoracleOnly("the error says what to do")
  @Test
  void withoutAUserNamespaceItCannotWork(Testbed bed) {
    Bundle bundle = bundle(bed).withoutNamespace("user");
    bundle.remove("/linux/uidMappings").remove("/linux/gidMappings");
    assertThat(run(bed, bundle).fails().stderr())
        .contains("/linux/namespaces: need a user namespace", "{\"type\":\"user\"}");
  }

  @Test
  @Unsupported(runtime = "crun", reason = "starts without them", expect = Unsupported.Expect.EITHER)
  void groupsCannotBeGivenUp(Testbed bed) {
    Bundle bundle = bundle(bed).set("/process/user/additionalGids", List.of(0));
    run(bed, bundle).fails();
  }

  @Test
  @Unsupported(
      runtime = "crun",
      reason = "1.8.1 gives devpts a group that is not mapped",
      expect = Unsupported.Expect.EITHER)
  void rootOfAUserNamespaceRunsContainersWithoutOne(Testbed bed) {
    Bundle bundle = bundle(bed).withoutNamespace("user");
    bundle.remove("/linux/uidMappings").remove("/linux/gidMappings");
    bundle.sh("id -u; echo x > /dev/null && stat -c %t:%T /dev/null");
    String path = bundle.write().toString();
    Result result =
        bed.program(
                "setpriv",
                "--reuid=" + USER,
                "--regid=" + USER,
                "--clear-groups",
                "--inh-caps=-all",
                "unshare",
                "-U",
                "-r",
                "-m",
                binary(bed).toString(),
                "run",
                "--bundle",
                path,
                bundle.id())
            .env("XDG_RUNTIME_DIR", home(bed).toString())
            .execute();
    assertThat(result.ok().line()).isEqualTo("0\n1:3");
  }
}
