package dev.coracle.it;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;
import dev.coracle.it.harness.Bundle;
import dev.coracle.it.harness.Container;
import dev.coracle.it.harness.ContainerTest;
import dev.coracle.it.harness.CoracleOnly;
import dev.coracle.it.harness.Json;
import dev.coracle.it.harness.Testbed;
import dev.coracle.it.harness.Unsupported;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BiConsumer;
import org.junit.jupiter.api.Test;

/** Id-mapped mounts: of one mount and of those below, by their own mappings and the container's. */
@ContainerTest
@Unsupported(
    runtime = "runc",
    reason = "1.1.5 knows no id-mapped mounts",
    expect = Unsupported.Expect.EITHER)
@Unsupported(
    runtime = "crun",
    reason = "1.8.1 knows some of them",
    expect = Unsupported.Expect.EITHER)
class MountsIdmapIT {

  /** A tmpfs of the host with one below it, and in each a file of user and group 1000. */
  private static void shared(Testbed bed, BiConsumer<Bundle, Path> use) {
    Path shared = bed.folder("shared");
    bed.program("mount", "-t", "tmpfs", "idmap", shared.toString()).execute().ok();
    try {
      bed.folder("shared/below");
      bed.program("mount", "-t", "tmpfs", "below", shared + "/below").execute().ok();
      for (String file : List.of("shared/file", "shared/below/file")) {
        bed.program("chown", "1000:1000", bed.file(file, "x").toString()).execute().ok();
      }
      use.accept(bed.bundle(), shared);
    } finally {
      bed.program("umount", "-R", shared.toString()).execute();
    }
  }

  private static List<JsonObject> map(int container, int host, int size) {
    return List.of(Json.object("containerID", container, "hostID", host, "size", size));
  }

  private static Bundle mount(
      Bundle bundle, String at, Path source, List<JsonObject> maps, String... options) {
    JsonObject mount =
        Json.object(
            "destination", at, "type", "bind", "source", source.toString(), "options", options);
    if (!maps.isEmpty()) {
      Json.set(mount, "/uidMappings", maps);
      Json.set(mount, "/gidMappings", maps);
    }
    return bundle.add("/mounts", mount);
  }

  private static List<String> owners(Testbed bed, Bundle bundle, String... files) {
    List<String> args = new ArrayList<>(List.of("stat", "-c", "%u:%g"));
    args.addAll(List.of(files));
    return bed.outputOf(bundle.args(args.toArray(String[]::new))).lines().toList();
  }

  @Test
  void mappingsTranslateTheOwnersOfOneMount(Testbed bed) {
    shared(
        bed,
        (bundle, source) -> {
          mount(bundle, "/m", source, map(1000, 4000, 1), "rbind", "idmap");
          mount(bundle, "/implied", source, map(1000, 5000, 1), "bind");
          mount(bundle, "/plain", source, List.of(), "bind");
          assertThat(
                  owners(bed, bundle, "/m/file", "/m/below/file", "/implied/file", "/plain/file"))
              .containsExactly("4000:4000", "1000:1000", "5000:5000", "1000:1000");
        });
  }

  @Test
  void ridmapReachesTheMountsBelow(Testbed bed) {
    shared(
        bed,
        (bundle, source) -> {
          mount(bundle, "/m", source, map(1000, 4000, 1), "rbind", "ridmap");
          assertThat(owners(bed, bundle, "/m/file", "/m/below/file"))
              .containsExactly("4000:4000", "4000:4000");
        });
  }

  @Test
  void whatIsMadeThereIsTranslatedBack(Testbed bed) {
    shared(
        bed,
        (bundle, source) -> {
          bed.program("chown", "1000:1000", source.toString()).execute().ok();
          mount(bundle, "/m", source, map(1000, 0, 10), "bind", "idmap");
          bed.outputOf(bundle.sh("echo > /m/new; mkdir /m/folder"));
          assertThat(bed.program("stat", "-c", "%u:%g", source + "/new").execute().ok().line())
              .isEqualTo("1000:1000");
        });
  }

  @Test
  void otherOptionsHoldToo(Testbed bed) {
    shared(
        bed,
        (bundle, source) -> {
          mount(bundle, "/m", source, map(1000, 4000, 1), "bind", "idmap", "ro", "nosuid");
          bundle.sh("grep ' /m ' /proc/self/mountinfo; touch /m/x 2>/dev/null || echo read-only");
          assertThat(bed.outputOf(bundle)).contains("ro,nosuid", "idmapped", "read-only");
        });
  }

  @Test
  void inAUserNamespaceItsOwnMappingsAreUsed(Testbed bed) {
    shared(
        bed,
        (bundle, source) -> {
          userNamespace(bundle);
          // Its root may make nothing in a root file system of the host's root.
          bundle.folder("/own").folder("/given").folder("/plain");
          // With all below: what the host has mounted there cannot be taken off in a user
          // namespace.
          mount(bundle, "/own", source, List.of(), "rbind", "idmap");
          mount(bundle, "/given", source, map(1000, 100_005, 1), "rbind", "ridmap");
          mount(bundle, "/plain", source, List.of(), "rbind");
          assertThat(
                  owners(
                      bed, bundle, "/own/file", "/given/file", "/given/below/file", "/plain/file"))
              .containsExactly("1000:1000", "5:5", "5:5", "65534:65534");
        });
  }

  private static void userNamespace(Bundle bundle) {
    bundle.namespace("user", null);
    bundle.set("/linux/uidMappings", map(0, 100_000, 5000));
    bundle.set("/linux/gidMappings", map(0, 100_000, 5000));
  }

  @Test
  void nothingOfTheMappingsIsLeft(Testbed bed) {
    shared(
        bed,
        (bundle, source) -> {
          mount(bundle, "/m", source, map(1000, 4000, 1), "bind", "idmap");
          mount(bundle, "/n", source, map(1000, 4001, 1), "bind", "idmap");
          try (Container c = bed.start(bundle.lasting().addProbe())) {
            assertThat(c.exec("/bin/probe", "fds").ok().stdout().lines()).hasSize(3);
            assertThat(
                    bed.program("ls", "/proc/" + c.pid() + "/fd").execute().ok().stdout().lines())
                .hasSizeLessThanOrEqualTo(4);
          }
        });
  }

  @Test
  @CoracleOnly("names the mount and what is wrong with it")
  void aFilesystemThatCannotIsAnError(Testbed bed) {
    Bundle bundle = bed.bundle();
    mount(bundle, "/m", Path.of("/proc"), map(1000, 4000, 1), "bind", "idmap");
    assertThat(bed.run(bundle).exitsWith(1).stderr())
        .contains("/mounts/", "cannot be id-mapped", "MOUNT_ATTR_IDMAP");
  }

  @Test
  @CoracleOnly("tells all mistakes with their places")
  void mistakesAreTold(Testbed bed) {
    Bundle none = bed.bundle();
    mount(none, "/m", bed.directory(), List.of(), "bind", "idmap");
    assertThat(bed.run(none).exitsWith(1).stderr())
        .contains("an id-mapped mount needs uidMappings and gidMappings");
    JsonObject half =
        Json.object("destination", "/n", "source", "/tmp", "options", List.of("bind"));
    Json.set(half, "/uidMappings", map(0, 1, 1));
    assertThat(bed.run(bed.bundle().add("/mounts", half)).exitsWith(1).stderr())
        .contains("/gidMappings: is required");
  }
}
