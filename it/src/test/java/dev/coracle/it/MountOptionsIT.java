package dev.coracle.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.it.harness.Bundle;
import dev.coracle.it.harness.Container;
import dev.coracle.it.harness.ContainerTest;
import dev.coracle.it.harness.Testbed;
import dev.coracle.it.harness.Unsupported;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;

@ContainerTest
class MountOptionsIT {

  /** Options of a mount, and the flags that must and must not stand in mountinfo for them. */
  private record Case(List<String> options, List<String> present, List<String> absent) {
    static Case of(String options, String present, String absent) {
      return new Case(words(options), words(present), words(absent));
    }

    private static List<String> words(String text) {
      return text.isEmpty() ? List.of() : List.of(text.split(" ", -1));
    }
  }

  private static void check(Testbed bed, Case... cases) {
    Bundle bundle = bed.bundle();
    for (int i = 0; i < cases.length; i++) {
      bundle.mount("/m/" + i, "tmpfs", "tmpfs", cases[i].options().toArray(String[]::new));
    }
    String[] lines = bed.outputOf(bundle.sh("grep ' /m/' /proc/self/mountinfo")).split("\n", -1);
    assertThat(lines).hasSameSizeAs(cases);
    for (int i = 0; i < cases.length; i++) {
      String[] parts = lines[i].split(" - ", -1);
      String[] fields = parts[0].split(" ", -1);
      String[] ofMount = fields[5].split(",", -1);
      String[] flags = (fields[5] + "," + parts[1].split(" ", -1)[2]).split(",", -1);
      assertThat(flags).as("options %s", cases[i].options()).containsAll(cases[i].present());
      if (!cases[i].absent().isEmpty()) {
        assertThat(ofMount)
            .as("options %s", cases[i].options())
            .doesNotContainAnyElementsOf(cases[i].absent());
      }
    }
  }

  @Test
  void areTheKernelsFlags(Testbed bed) {
    check(
        bed,
        Case.of("", "rw", "ro nosuid nodev noexec"),
        Case.of("ro", "ro", "rw"),
        Case.of("nosuid", "nosuid", "nodev noexec"),
        Case.of("nodev", "nodev", "nosuid"),
        Case.of("noexec", "noexec", "nosuid"),
        Case.of("noatime", "noatime", "relatime"),
        Case.of("nodiratime", "nodiratime", "noatime"),
        Case.of("relatime", "relatime", "noatime"),
        Case.of("strictatime", "", "relatime noatime"),
        Case.of("sync", "sync", ""),
        Case.of("dirsync", "dirsync", ""));
  }

  @Test
  @Unsupported(runtime = "crun", reason = "1.8.1 stays with ro")
  void theLastOfOppositesWins(Testbed bed) {
    check(
        bed,
        Case.of("nosuid suid", "", "nosuid"),
        Case.of("nodev dev", "", "nodev"),
        Case.of("noexec exec", "", "noexec"),
        Case.of("noatime atime", "", "noatime"),
        Case.of("sync async", "", "sync"),
        Case.of("ro rw", "rw", "ro"));
  }

  @Test
  @Unsupported(runtime = "runc", reason = "gives defaults to the file system")
  void defaultsStandForAll(Testbed bed) {
    check(bed, Case.of("nosuid nodev noexec defaults", "rw", ""));
  }

  @Test
  @Unsupported(runtime = "crun", reason = "1.8.1 does not know nosymfollow")
  void newerOnes(Testbed bed) {
    check(
        bed,
        Case.of("nosymfollow", "nosymfollow", ""),
        Case.of("nosymfollow symfollow", "", "nosymfollow"),
        Case.of("lazytime", "rw", ""),
        Case.of("lazytime nolazytime", "", "lazytime"),
        Case.of("iversion noiversion silent loud mand nomand", "rw", ""));
  }

  @Test
  void ofABindAreAppliedToIt(Testbed bed) {
    Path shared = bed.folder("shared");
    Bundle bundle =
        bed.bundle().mount("/b", "bind", shared, "bind", "ro", "nosuid", "nodev", "noexec");
    bundle.sh("grep ' /b ' /proc/self/mountinfo | cut -d' ' -f6");
    assertThat(bed.outputOf(bundle).split(",", -1)).contains("ro", "nosuid", "nodev", "noexec");
    assertThat(shared).isEmptyDirectory();
  }

  @Test
  void rroReachesTheMountsBelow(Testbed bed) {
    Path below = bed.folder("shared/below");
    bed.program("mount", "-t", "tmpfs", "below", below.toString()).execute().ok();
    try {
      Path outer = Objects.requireNonNull(below.getParent());
      Bundle bundle = bed.bundle().mount("/r", "bind", outer, "rbind", "rro");
      bundle.mount("/o", "bind", outer, "rbind", "ro");
      bundle.sh("touch /r/below/x 2>/dev/null || echo all; touch /o/below/x && echo top only");
      assertThat(bed.outputOf(bundle)).isEqualTo("all\ntop only");
    } finally {
      bed.program("umount", below.toString()).execute().ok();
    }
  }

  @Unsupported(runtime = "crun", reason = "1.8.1 does not make a bind shared")
  @Test
  void propagationIsSetPerMount(Testbed bed) {
    Path shared = bed.folder("shared");
    Bundle bundle = bed.bundle();
    for (String p : List.of("shared", "private", "unbindable")) {
      bundle.mount("/p/" + p, "bind", shared, "bind", p);
    }
    String out = bed.outputOf(bundle.sh("grep ' /p/' /proc/self/mountinfo"));
    String[] lines = out.split("\n", -1);
    assertThat(lines[0]).contains(" shared:");
    assertThat(lines[1]).doesNotContain(" shared:", " master:");
    assertThat(lines[2]).contains(" unbindable");
  }

  @Test
  void slaveReceivesWhatTheHostMounts(Testbed bed) {
    Path shared = bed.folder("shared/below");
    Path outer = Objects.requireNonNull(shared.getParent());
    bed.program("mount", "--bind", outer.toString(), outer.toString()).execute().ok();
    bed.program("mount", "--make-shared", outer.toString()).execute().ok();
    try {
      Bundle bundle = bed.bundle().mount("/s", "bind", outer, "rbind", "rslave").lasting();
      bundle.set("/linux/rootfsPropagation", "rslave");
      try (Container c = bed.start(bundle)) {
        bed.program("mount", "-t", "tmpfs", "late", outer + "/below").execute().ok();
        bed.file("shared/below/late", "");
        assertThat(c.exec("ls", "/s/below").ok().line()).isEqualTo("late");
        bed.program("umount", outer + "/below").execute().ok();
      }
    } finally {
      bed.program("umount", "-l", outer.toString()).execute().ok();
    }
  }

  @Test
  void unknownOnesAreTheFileSystems(Testbed bed) {
    assertThat(bed.run(bed.bundle().mount("/x", "tmpfs", "tmpfs", "noslip")).exitsWith(1).stderr())
        .containsAnyOf("noslip", "invalid argument", "Invalid argument");
  }
}
