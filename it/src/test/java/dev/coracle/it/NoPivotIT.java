package dev.coracle.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.it.harness.Bundle;
import dev.coracle.it.harness.Container;
import dev.coracle.it.harness.ContainerTest;
import dev.coracle.it.harness.Testbed;
import dev.coracle.it.harness.Unsupported;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

/** --no-pivot: the root is moved over the old one, for hosts whose root cannot be pivoted away. */
@ContainerTest
class NoPivotIT {

  @Test
  void theRootIsTheContainers(Testbed bed) {
    Bundle bundle = bed.bundle().file("/which", "the image's");
    bundle.sh("cat /which; cut -d' ' -f5 /proc/self/mountinfo");
    String out = bed.run(bundle, "--no-pivot").ok().line();
    assertThat(out).startsWith("the image's/\n").doesNotContain(bed.directory().toString());
  }

  @Test
  void execIsInTheSameRoot(Testbed bed) {
    Bundle bundle = bed.bundle().file("/which", "the image's").lasting();
    try (Container c = bed.start(bundle, "--no-pivot")) {
      assertThat(c.exec("cat", "/which").ok().line()).isEqualTo("the image's");
      assertThat(c.exec("ls", "/proc/1/comm").ok().line()).isEqualTo("/proc/1/comm");
    }
  }

  /**
   * The old root is still below: the host's procfs in it would let a user namespace of the
   * container mount one in which nothing is masked.
   */
  @Test
  void aWholeProcCannotBeMountedAgain(Testbed bed) {
    Bundle bundle = bed.bundle().folder("/new");
    bundle.set("/process/noNewPrivileges", false);
    bundle.sh(
        "unshare -U -r -m -p -f mount -t proc proc /new 2>&1; wc -c < /new/timer_list 2>&1;"
            + " unshare -U -r -m -n mount -t sysfs sysfs /new && echo sysfs; true");
    assertThat(bed.run(bundle, "--no-pivot").ok().stdout())
        .containsIgnoringCase("not permitted")
        .doesNotContain("sysfs\n");
  }

  @Test
  void nothingOfItReachesTheHost(Testbed bed) throws IOException {
    String before = mountPoints();
    for (String propagation : new String[] {"rslave", "rshared"}) {
      Bundle bundle = bed.bundle().set("/linux/rootfsPropagation", propagation);
      bundle.mount("/m", "tmpfs", "tmpfs");
      bed.run(bundle, "--no-pivot").ok();
    }
    assertThat(mountPoints()).isEqualTo(before);
  }

  /** What the host unmounts later would stay mounted, and busy, below the container. */
  @Test
  @Unsupported(runtime = "crun", reason = "1.8.1 does not mind", expect = Unsupported.Expect.EITHER)
  void thePropagationMustNotCutTheOldRootOff(Testbed bed) {
    for (String propagation : new String[] {"rprivate", "private"}) {
      Bundle bundle = bed.bundle().set("/linux/rootfsPropagation", propagation);
      assertThat(bed.run(bundle, "--no-pivot").exitsWith(1).stderr()).contains("rootfsPropagation");
    }
  }

  private static String mountPoints() throws IOException {
    StringBuilder out = new StringBuilder();
    for (String line : Files.readAllLines(Path.of("/proc/self/mountinfo"))) {
      out.append(line.split(" ", -1)[4]).append('\n');
    }
    return out.toString();
  }

  /** Going up from the root, and a second chroot, end in the root. */
  @Test
  void thereIsNoWayUp(Testbed bed) {
    Bundle bundle = bed.bundle().capabilities("CAP_SYS_CHROOT").folder("/deeper");
    bundle.file("/which", "the image's");
    String up = "../".repeat(20);
    bundle.sh(
        "chroot /deeper /bin/true 2>/dev/null; cat /" + up + "which; cd /; cat " + up + "which");
    assertThat(bed.run(bundle, "--no-pivot").ok().line()).isEqualTo("the image'sthe image's");
  }

  /** As on an initramfs, where pivot_root(2) fails with EINVAL. */
  @Test
  void isForHostsWhoseRootCannotBePivoted(Testbed bed) {
    Bundle bundle = bed.bundle().args("echo", "started");
    bundle.write();
    String[] run = {
      "strace",
      "-f",
      "-o",
      "/dev/null",
      "-e",
      "inject=pivot_root:error=EINVAL",
      bed.runtime().binary().toString(),
      "--root",
      bed.stateRoot().toString(),
      "run",
      "--bundle",
      bundle.directory().toString()
    };
    assertThat(bed.program(with(run, bundle.id())).execute().fails().stdout()).isEmpty();
    assertThat(bed.program(with(run, "--no-pivot", bundle.id())).execute().ok().line())
        .isEqualTo("started");
  }

  private static String[] with(String[] first, String... more) {
    String[] all = Arrays.copyOf(first, first.length + more.length);
    System.arraycopy(more, 0, all, first.length, more.length);
    return all;
  }
}
