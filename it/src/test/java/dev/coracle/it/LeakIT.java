package dev.coracle.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.it.harness.Bundle;
import dev.coracle.it.harness.Cgroups;
import dev.coracle.it.harness.Command;
import dev.coracle.it.harness.Container;
import dev.coracle.it.harness.ContainerTest;
import dev.coracle.it.harness.Result;
import dev.coracle.it.harness.Testbed;
import dev.coracle.it.harness.Unsupported;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Many containers at a time, and races for one: each ends well or with an error, and is gone. */
@ContainerTest
class LeakIT {
  private static final int LOOPS = 8;

  /** What one loop does with its bundle. */
  private interface Round {
    void run(Bundle bundle);
  }

  @Test
  void createStartDelete(Testbed bed) {
    inParallel(
        bed,
        25,
        bundle -> {
          bed.createCommand(bundle).execute().ok();
          bed.oci("start", bundle.id()).execute().ok();
          bed.oci("delete", "--force", bundle.id()).execute().ok();
        });
  }

  @Test
  void execPauseResume(Testbed bed) {
    inParallel(
        bed,
        5,
        bundle -> {
          bed.runCommand(bundle, "--detach").execute().ok();
          bed.oci("exec", bundle.id(), "true").execute().ok();
          bed.oci("pause", bundle.id()).execute().ok();
          bed.oci("resume", bundle.id()).execute().ok();
          bed.oci("exec", bundle.id(), "false").execute().exitsWith(1);
          bed.oci("kill", bundle.id(), "KILL").execute().ok();
          bed.oci("delete", "--force", bundle.id()).execute().ok();
        });
  }

  @Test
  @Unsupported(
      runtime = "runc",
      reason =
          "1.1.5 looks first and makes then: both may win, and one removes what the other made",
      expect = Unsupported.Expect.EITHER)
  @Unsupported(
      runtime = "crun",
      reason = "1.8.1 says no more than that it cannot make its directory, where it comes to that",
      expect = Unsupported.Expect.EITHER)
  void ofTwoCreatesOfOneIdOneWins(Testbed bed) {
    for (int i = 0; i < 20; i++) {
      Bundle bundle = bed.bundle().lasting();
      // Both first: each writes config.json anew.
      Command first = bed.createCommand(bundle);
      Command second = bed.createCommand(bundle);
      Command.Running one = first.start();
      Command.Running other = second.start();
      List<Result> results = List.of(one.end(), other.end());
      assertThat(results).as("%s", results).filteredOn(r -> r.exitCode() == 0).hasSize(1);
      assertThat(results)
          .filteredOn(r -> r.exitCode() != 0)
          .allMatch(r -> r.error().contains("exist") || r.error().contains("in use"));
      assertThat(bed.oci("state", bundle.id()).execute().ok().stdout()).contains("created");
      bed.oci("start", bundle.id()).execute().ok();
      bed.oci("delete", "--force", bundle.id()).execute().ok();
      bed.assertNothingLeft("two creates, round " + i);
    }
  }

  @Test
  @Unsupported(
      runtime = "runc",
      reason = "start may wait for ever where the container is deleted beside it",
      expect = Unsupported.Expect.NOT_RUN)
  @Unsupported(
      runtime = "crun",
      reason = "start may wait for ever where the container is deleted beside it",
      expect = Unsupported.Expect.NOT_RUN)
  void startRacedByDelete(Testbed bed) {
    for (int i = 0; i < 20; i++) {
      Bundle bundle = bed.bundle().lasting();
      bed.createCommand(bundle).execute().ok();
      Command.Running start = bed.oci("start", bundle.id()).start();
      Command.Running delete = bed.oci("delete", "--force", bundle.id()).start();
      delete.end().ok();
      Result started = start.end();
      assertThat(started.exitCode()).as("%s", started).isIn(0, 1);
      bed.assertNothingLeft("start raced by delete, round " + i);
    }
  }

  @Test
  void killRacedByTheEnd(Testbed bed) {
    for (int i = 0; i < 20; i++) {
      Bundle bundle = bed.bundle().args("true");
      try (Container c = bed.create(bundle)) {
        Command.Running start = bed.oci("start", c.id()).start();
        Result killed = c.kill("TERM");
        start.end();
        if (killed.exitCode() != 0) {
          assertThat(killed.error())
              .containsAnyOf("not running", "no such process", "No such process");
        }
      }
      bed.assertNothingLeft("kill raced by the end, round " + i);
    }
  }

  /** Eight loops at a time; all that is counted is as it was. */
  private static void inParallel(Testbed bed, int rounds, Round round) {
    List<Bundle> bundles = new ArrayList<>();
    for (int i = 0; i < LOOPS; i++) {
      bundles.add(bed.bundle().lasting());
      bundles.get(i).write();
    }
    bed.run(bed.bundle()).ok(); // makes what all share, such as the state root
    List<String> before = counted(bundles);
    List<Throwable> problems = Collections.synchronizedList(new ArrayList<>());
    List<Thread> loops = new ArrayList<>();
    for (Bundle bundle : bundles) {
      Thread.Builder loop = Thread.ofPlatform();
      loops.add(
          loop.start(
              () -> {
                try {
                  for (int i = 0; i < rounds; i++) {
                    round.run(bundle);
                  }
                } catch (RuntimeException | AssertionError e) {
                  problems.add(e);
                }
              }));
    }
    for (Thread loop : loops) {
      try {
        loop.join();
      } catch (InterruptedException e) {
        throw new IllegalStateException(e);
      }
    }
    assertThat(problems).isEmpty();
    bed.assertNothingLeft("after all loops");
    assertThat(counted(bundles)).isEqualTo(before);
  }

  /** The host's mounts, the cgroups of these bundles, and our own descriptors. */
  private static List<String> counted(List<Bundle> bundles) {
    List<String> out = new ArrayList<>();
    Cgroups.read(Path.of("/proc/self/mountinfo"))
        .lines()
        .filter(l -> mine(l, bundles))
        .forEach(out::add);
    for (Bundle bundle : bundles) {
      Cgroups.here().named(bundle.cgroupsPath()).forEach(c -> out.add("cgroup " + c));
    }
    try (Stream<Path> fds = Files.list(Path.of("/proc/self/fd"))) {
      for (Path fd : fds.toList()) {
        try {
          String to = Files.readSymbolicLink(fd).toString();
          // What Java itself opens and closes as it likes: its classes.
          if (!to.endsWith(".jar") && !to.endsWith("/fd")) {
            out.add("descriptor of " + to.replaceAll("[0-9]+", "N"));
          }
        } catch (IOException e) {
          // Closed meanwhile.
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    Collections.sort(out);
    return out;
  }

  private static boolean mine(String mount, List<Bundle> bundles) {
    return bundles.stream().anyMatch(b -> mount.contains(b.directory().toString()));
  }
}
