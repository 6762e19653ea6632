package dev.coracle.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.it.harness.Bundle;
import dev.coracle.it.harness.Container;
import dev.coracle.it.harness.ContainerTest;
import dev.coracle.it.harness.Mapped;
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

  /** Mounts below one another on the host, for the recursive options. */
  private static void nested(Testbed bed, java.util.function.Consumer<Path> use) {
    Path outer = bed.folder("outer");
    Path below = bed.folder("outer/below");
    bed.program("mount", "--bind", outer.toString(), outer.toString()).execute().ok();
    bed.program("mount", "-t", "tmpfs", "below", below.toString()).execute().ok();
    try {
      bed.folder("outer/below/deep");
      bed.program("mount", "-t", "tmpfs", "deep", below + "/deep").execute().ok();
      use.accept(outer);
    } finally {
      bed.program("umount", "-R", outer.toString()).execute();
    }
  }

  @Test
  @Unsupported(runtime = "crun", reason = "1.8.1 does not know all of them")
  @Unsupported(
      runtime = "runc",
      reason = "1.1.5 cannot take rnoatime back",
      expect = Unsupported.Expect.EITHER)
  void recursiveOnesReachEveryMountBelow(Testbed bed) {
    nested(
        bed,
        outer -> {
          Bundle bundle = bed.bundle();
          List<String> options =
              List.of(
                  "rro", "rnosuid", "rnodev", "rnoexec", "rnodiratime", "rnosymfollow", "rnoatime");
          for (String option : options) {
            bundle.mount("/" + option, "bind", outer, "rbind", option);
          }
          bundle.mount("/rstrictatime", "bind", outer, "rbind", "rnoatime", "rstrictatime");
          bundle.sh("grep -E ' /r[a-z]*(/below(/deep)?)? ' /proc/self/mountinfo | cut -d' ' -f5,6");
          List<String> lines = bed.outputOf(bundle).lines().toList();
          assertThat(lines).hasSize(3 * (options.size() + 1));
          for (String option : options) {
            List<String> of =
                lines.stream()
                    .filter(
                        l -> l.startsWith("/" + option + " ") || l.startsWith("/" + option + "/"))
                    .toList();
            assertThat(of).as(option).hasSize(3);
            assertThat(of)
                .allSatisfy(l -> assertThat(flags(l)).as(l).contains(option.substring(1)));
          }
          assertThat(lines.stream().filter(l -> l.startsWith("/rstrictatime")))
              .allSatisfy(l -> assertThat(flags(l)).doesNotContain("noatime", "relatime"));
        });
  }

  private static List<String> flags(String line) {
    return List.of(line.split(" ", -1)[1].split(",", -1));
  }

  @Test
  @Unsupported(runtime = "crun", reason = "1.8.1 does not know all of them")
  @Unsupported(
      runtime = "runc",
      reason = "1.1.5 sets what is cleared later",
      expect = Unsupported.Expect.EITHER)
  void recursiveOnesCanBeCleared(Testbed bed) {
    nested(
        bed,
        outer -> {
          bed.program("mount", "-o", "remount,bind,ro,nosuid,nodev,noexec", outer + "/below")
              .execute()
              .ok();
          Bundle bundle = bed.bundle();
          bundle.mount("/r", "bind", outer, "rbind", "rrw", "rsuid", "rdev", "rexec");
          bundle.mount("/last", "bind", outer, "rbind", "rro", "rrw");
          bundle.sh("grep -E ' /(r|last)/below ' /proc/self/mountinfo | cut -d' ' -f5,6");
          List<String> lines = bed.outputOf(bundle).lines().toList();
          assertThat(flags(lines.get(0)))
              .contains("rw")
              .doesNotContain("nosuid", "nodev", "noexec");
          assertThat(flags(lines.get(1))).contains("rw", "nosuid", "nodev", "noexec");
        });
  }

  /**
   * A bind shows its source's flags, unless the bundle speaks of flags: then those, and no more.
   */
  @Test
  @Unsupported(
      runtime = "crun",
      reason = "1.8.1 does not clear",
      expect = Unsupported.Expect.EITHER)
  @Unsupported(
      runtime = "runc",
      reason = "1.1.5 keeps all where the only options clear some",
      expect = Unsupported.Expect.EITHER)
  void ofABindAreItsSourcesOrThoseThatAreAskedFor(Testbed bed) {
    nested(
        bed,
        outer -> {
          bed.program(
                  "mount", "-o", "remount,bind,ro,nosuid,nodev,noexec,noatime", outer.toString())
              .execute()
              .ok();
          Bundle bundle = bed.bundle().mount("/kept", "bind", outer, "bind", "rprivate");
          bundle.mount("/cleared", "bind", outer, "bind", "exec", "atime");
          bundle.mount("/one", "bind", outer, "bind", "nosuid", "relatime");
          bundle.sh("grep -E ' /(kept|cleared|one) ' /proc/self/mountinfo | cut -d' ' -f5,6");
          List<String> lines = bed.outputOf(bundle).lines().toList();
          assertThat(flags(lines.get(0))).contains("ro", "nosuid", "nodev", "noexec", "noatime");
          assertThat(flags(lines.get(1)))
              .contains("rw", "noatime")
              .doesNotContain("nosuid", "nodev", "noexec");
          assertThat(flags(lines.get(2)))
              .contains("rw", "nosuid", "relatime")
              .doesNotContain("nodev", "noexec", "noatime");
        });
  }

  /** In a user namespace the host's flags are locked: they stay, or it is an error. */
  @Test
  @Unsupported(runtime = "crun", reason = "1.8.1 adds them up", expect = Unsupported.Expect.EITHER)
  @Unsupported(
      runtime = "runc",
      reason = "1.1.5 takes them away, or fails",
      expect = Unsupported.Expect.EITHER)
  void ofABindStayWhereTheHostHasLockedThem(Testbed bed) {
    nested(
        bed,
        outer -> {
          bed.program("mount", "-o", "remount,bind,ro,nosuid,noexec,noatime", outer.toString())
              .execute()
              .ok();
          Bundle bundle = Mapped.bundle(bed).mount("/m", "bind", outer, "rbind", "nodev");
          bundle.sh("grep -E ' /m ' /proc/self/mountinfo | cut -d' ' -f5,6");
          assertThat(flags(bed.outputOf(bundle)))
              .contains("ro", "nosuid", "nodev", "noexec", "noatime");
          for (String option : List.of("rw", "exec", "suid", "relatime", "strictatime")) {
            Bundle other = Mapped.bundle(bed).mount("/m", "bind", outer, "rbind", option);
            assertThat(bed.run(other).exitsWith(1).stderr()).contains("/mounts/", "locked");
          }
        });
  }

  @Test
  @Unsupported(runtime = "runc", reason = "1.1.5 adds them up", expect = Unsupported.Expect.EITHER)
  @Unsupported(runtime = "crun", reason = "1.8.1 adds them up", expect = Unsupported.Expect.EITHER)
  void theTimesOfAccessAreOneOfThree(Testbed bed) {
    check(
        bed,
        Case.of("noatime strictatime", "", "noatime relatime"),
        Case.of("strictatime noatime", "noatime", "relatime"),
        Case.of("noatime norelatime", "relatime", "noatime"),
        Case.of("noatime nodiratime", "noatime nodiratime", ""),
        Case.of("nodiratime diratime", "relatime", "nodiratime"));
  }

  @Test
  @Unsupported(
      runtime = "crun",
      reason = "1.8.1 passes over it",
      expect = Unsupported.Expect.EITHER)
  @Unsupported(
      runtime = "runc",
      reason = "1.1.5 passes over it",
      expect = Unsupported.Expect.EITHER)
  void aBindTakesNoOptionOfAFilesystem(Testbed bed) {
    Path shared = bed.folder("shared");
    for (String option : List.of("size=1m", "mode=700", "errors=panic")) {
      bed.run(bed.bundle().mount("/b", "bind", shared, "bind", option)).exitsWith(1);
    }
  }
}
