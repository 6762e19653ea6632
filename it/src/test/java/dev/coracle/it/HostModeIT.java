package dev.coracle.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.it.harness.Bundle;
import dev.coracle.it.harness.Command;
import dev.coracle.it.harness.Container;
import dev.coracle.it.harness.ContainerTest;
import dev.coracle.it.harness.CoracleOnly;
import dev.coracle.it.harness.Json;
import dev.coracle.it.harness.Result;
import dev.coracle.it.harness.Testbed;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

@ContainerTest
@CoracleOnly("no peer runs a bundle as a process of the host")
class HostModeIT {

  private static Path allowing(Testbed bed) {
    return bed.file("config.toml", "[host]\nallow_annotation = true\n");
  }

  private static Bundle hostBundle(Testbed bed) {
    return bed.bundle().set("/annotations", Json.object("dev.coracle.sandbox", "host"));
  }

  private static Command byAnnotation(Testbed bed, Bundle bundle) {
    return bed.runCommand(bundle).env("CORACLE_CONFIG", allowing(bed).toString());
  }

  @Test
  void theProcessSeesTheHostsRoot(Testbed bed) {
    Bundle bundle = hostBundle(bed).args("/bin/cat", bed.file("on-the-host", "seen").toString());
    assertThat(byAnnotation(bed, bundle).execute().ok().line()).isEqualTo("seen");
  }

  @Test
  void byTheEnvironment(Testbed bed) {
    Bundle bundle = bed.bundle().args("/bin/cat", bed.file("on-the-host", "seen").toString());
    assertThat(bed.runCommand(bundle).env("CORACLE_HOST", "1").execute().ok().line())
        .isEqualTo("seen");
  }

  @Test
  void byTheFlag(Testbed bed) {
    Bundle bundle = bed.bundle().args("/bin/cat", bed.file("on-the-host", "seen").toString());
    assertThat(
            bed.oci("--sandbox", "host", "run", "--bundle", bundle.write().toString(), bundle.id())
                .execute()
                .ok()
                .line())
        .isEqualTo("seen");
  }

  @Test
  void theNamespacesAreTheHosts(Testbed bed) throws IOException {
    Bundle bundle =
        hostBundle(bed)
            .args(
                "/bin/sh",
                "-c",
                "for n in pid net ipc uts mnt user; do readlink /proc/self/ns/$n; done");
    List<String> hosts = new ArrayList<>();
    for (String n : List.of("pid", "net", "ipc", "uts", "mnt", "user")) {
      hosts.add(Files.readSymbolicLink(Path.of("/proc/self/ns/" + n)).toString());
    }
    assertThat(byAnnotation(bed, bundle).execute().ok().line().split("\n", -1))
        .containsExactlyElementsOf(hosts);
  }

  @Test
  void theExitCodeIsTheProcesss(Testbed bed) {
    byAnnotation(bed, hostBundle(bed).args("/bin/sh", "-c", "exit 42")).execute().exitsWith(42);
  }

  @Test
  void aMissingCommandIsToldAsEver(Testbed bed) {
    assertThat(byAnnotation(bed, hostBundle(bed).args("nosuch")).execute().exitsWith(1).error())
        .contains("exec: \"nosuch\": executable file not found in $PATH");
  }

  @Test
  void killAndDelete(Testbed bed) {
    Bundle bundle = hostBundle(bed).args("/bin/sleep", "1000");
    String config = allowing(bed).toString();
    try (Container c =
        bed.created(bundle.id(), bed.createCommand(bundle).env("CORACLE_CONFIG", config))) {
      assertThat(c.status()).isEqualTo("created");
      c.start();
      assertThat(c.status()).isEqualTo("running");
      c.kill("TERM").ok();
      assertThat(c.awaitExit()).isEqualTo(143);
      assertThat(c.status()).isEqualTo("stopped");
      c.delete().ok();
    }
  }

  @Test
  void theCgroupHoldsAllOfIt(Testbed bed) {
    Bundle bundle = hostBundle(bed).args("/bin/sh", "-c", "sleep 1000 & echo ready; wait");
    String config = allowing(bed).toString();
    try (Container c =
        bed.created(bundle.id(), bed.createCommand(bundle).env("CORACLE_CONFIG", config))) {
      c.start();
      c.awaitOutput("ready");
    }
    bed.assertNothingLeft("deleted by force");
  }

  @Test
  void theHostIsUnchanged(Testbed bed) throws IOException {
    String mounts = Files.readString(Path.of("/proc/self/mountinfo"));
    String hostname = bed.program("hostname").execute().line();
    byAnnotation(bed, hostBundle(bed).args("/bin/true")).execute().ok();
    assertThat(Files.readString(Path.of("/proc/self/mountinfo"))).isEqualTo(mounts);
    assertThat(bed.program("hostname").execute().line()).isEqualTo(hostname);
  }

  @Test
  void theAnnotationIsRefusedUnlessAllowed(Testbed bed) {
    Bundle bundle = hostBundle(bed).args("/bin/cat", bed.file("on-the-host", "seen").toString());
    for (String config : List.of("", "[host]\nallow_annotation = false\n")) {
      Path file = bed.file("refusing.toml", config);
      Result result =
          bed.runCommand(bundle).env("CORACLE_CONFIG", file.toString()).execute().exitsWith(1);
      assertThat(result.stdout()).isEmpty();
      assertThat(result.stderr()).contains("dev.coracle.sandbox");
    }
  }

  @Test
  void anUnknownSandboxIsAnError(Testbed bed) {
    Bundle bundle = bed.bundle().set("/annotations", Json.object("dev.coracle.sandbox", "castle"));
    assertThat(bed.run(bundle).exitsWith(1).stderr()).contains("castle");
  }
}
