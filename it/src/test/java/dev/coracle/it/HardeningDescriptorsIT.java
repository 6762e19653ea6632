package dev.coracle.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.it.harness.Bundle;
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
import java.util.HashSet;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Descriptors that leak, and what others see of a process that is being set up. */
@ContainerTest
class HardeningDescriptorsIT {

  /**
   * Refused, or a folder of the container: runc numbers its descriptors so that 7 or 8 is the
   * host's.
   */
  @ParameterizedTest
  @ValueSource(strings = {"/proc/self/fd", "/proc/thread-self/fd", "/proc/1/fd"})
  @Unsupported(runtime = "crun", reason = "takes the caller's", expect = Unsupported.Expect.EITHER)
  void aCwdOfALeakedFdIsNotTheHosts(String fds, Testbed bed) {
    for (int fd = 3; fd <= 20; fd++) {
      assertInside(bed, bed.bundle().set("/process/cwd", fds + "/" + fd));
    }
  }

  @Test
  @Unsupported(runtime = "crun", reason = "takes the caller's", expect = Unsupported.Expect.EITHER)
  void aCwdThatIsASymlinkToALeakedFdIsNotTheHosts(Testbed bed) {
    for (int fd = 3; fd <= 20; fd++) {
      assertInside(
          bed, bed.bundle().symlink("/work", "/proc/self/fd/" + fd).set("/process/cwd", "/work"));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"/proc/self/fd", "/link"})
  @Unsupported(runtime = "crun", reason = "takes the caller's", expect = Unsupported.Expect.EITHER)
  void aCwdOfExecIsNotTheHosts(String fds, Testbed bed) {
    Path marker = bed.file("marker", "");
    Bundle bundle = bed.bundle().lasting().symlink("/link", "/proc/self/fd");
    try (Container c = bed.start(bundle)) {
      for (int fd = 3; fd <= 20; fd++) {
        Result result =
            bed.oci("exec", "--cwd", fds + "/" + fd, c.id(), "sh", "-c", search(marker))
                .after("exec 5</ 7</ 9</")
                .execute();
        assertThat(result.stdout()).as(fds + "/" + fd).doesNotContain("escaped");
      }
    }
  }

  private static String search(Path marker) {
    return "d=.; for i in 1 2 3 4 5 6 7 8; do [ -e $d"
        + marker
        + " ] && echo escaped; d=$d/..; done; true";
  }

  /** Runs a bundle whose caller leaks the host's root too, and looks for the host from its cwd. */
  private static void assertInside(Testbed bed, Bundle bundle) {
    Path marker = bed.file("marker", "");
    bundle.sh(search(marker));
    Result result = bed.runCommand(bundle).after("exec 5</ 7</ 9</").execute();
    assertThat(result.stdout()).as(Json.text(bundle.config())).doesNotContain("escaped");
  }

  @Test
  void theCallersFdsAreNotPassedOn(Testbed bed) {
    Result result =
        bed.runCommand(bed.bundle().probe("fds")).after("exec 5</ 7</etc 9</proc").execute().ok();
    assertThat(result.stdout().lines().map(line -> line.split(" ", 2)[0]))
        .containsExactly("0", "1", "2");
  }

  @Test
  void theRuntimesFdsAreNotPassedOn(Testbed bed) {
    assertThat(bed.outputOf(bed.bundle().probe("fds")).lines().map(line -> line.split(" ", 2)[0]))
        .containsExactly("0", "1", "2");
  }

  @Test
  void execPassesNoFdsOn(Testbed bed) {
    try (Container c = bed.start(bed.bundle().lasting().addProbe())) {
      assertThat(
              c.exec("/bin/probe", "fds").ok().stdout().lines().map(line -> line.split(" ", 2)[0]))
          .containsExactly("0", "1", "2");
    }
  }

  @Test
  @CoracleOnly("a parked process holds nothing of the host")
  void theParkedProcessHoldsNoFolderOfTheHost(Testbed bed) throws IOException {
    try (Container c = bed.create(bed.bundle());
        Stream<Path> fds = Files.list(Path.of("/proc/" + c.pid() + "/fd"))) {
      Set<String> mounts = new HashSet<>();
      for (String line : Files.readAllLines(Path.of("/proc/" + c.pid() + "/mountinfo"))) {
        mounts.add(line.substring(0, line.indexOf(' ')));
      }
      for (Path fd : fds.toList()) {
        String name = fd.getFileName().toString();
        if (Integer.parseInt(name) > 2 && Files.isDirectory(fd)) {
          String info = Files.readString(Path.of("/proc/" + c.pid() + "/fdinfo/" + name));
          String mount = info.replaceAll("(?s).*mnt_id:\\s*(\\d+).*", "$1");
          assertThat(mounts).as(fd + " -> " + Files.readSymbolicLink(fd)).contains(mount);
        }
      }
    }
  }

  @Test
  void whatTheCallerOfExecLeaksIsNotPassedOn(Testbed bed) {
    try (Container c = bed.start(bed.bundle().lasting().addProbe())) {
      Result result =
          bed.oci("exec", c.id(), "/bin/probe", "fds")
              .after("exec 5</ 7</etc 9</proc")
              .execute()
              .ok();
      assertThat(result.stdout().lines().map(line -> line.split(" ", 2)[0]))
          .containsExactly("0", "1", "2");
    }
  }

  /** A process of root, in the same PID namespace, against one that waits for start. */
  @Test
  void theParkedProcessCannotBeLookedInto(Testbed bed) throws IOException {
    try (Container first = bed.start(bed.bundle().lasting().addProbe())) {
      Bundle second = bed.bundle().namespace("pid", Path.of("/proc/" + first.pid() + "/ns/pid"));
      try (Container parked = bed.create(second)) {
        String inside =
            Files.readString(Path.of("/proc/" + parked.pid() + "/status"))
                .replaceAll("(?s).*NSpid:\\s+\\d+\\s+(\\d+).*", "$1");
        assertThat(first.exec("/bin/probe", "look", inside).ok().line()).isEqualTo("end");
        // What the test can see: the container's own first process is no secret.
        assertThat(first.exec("/bin/probe", "look", "1").ok().line()).contains("exe", "ptrace");
      }
    }
  }

  /**
   * The time between the clone of exec's process and its execve is long enough to be looked for.
   */
  @Test
  @Unsupported(
      runtime = "crun",
      reason = "1.8.1 is seen at times",
      expect = Unsupported.Expect.EITHER)
  @Unsupported(
      runtime = "runc",
      reason = "1.1.5 is seen at times",
      expect = Unsupported.Expect.EITHER)
  void theProcessOfExecCannotBeLookedInto(Testbed bed) {
    Bundle bundle = bed.bundle().addProbe().sh("/bin/probe spy /bin/ & wait");
    try (Container c = bed.start(bundle)) {
      for (int i = 0; i < 60; i++) {
        bed.oci("exec", c.id(), "true").execute().ok();
      }
      assertThat(c.stdout()).isEmpty();
    }
  }
}
