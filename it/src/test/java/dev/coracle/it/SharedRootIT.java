package dev.coracle.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.it.harness.Bundle;
import dev.coracle.it.harness.Command;
import dev.coracle.it.harness.Container;
import dev.coracle.it.harness.ContainerTest;
import dev.coracle.it.harness.CoracleOnly;
import dev.coracle.it.harness.Libc;
import dev.coracle.it.harness.Poll;
import dev.coracle.it.harness.Testbed;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Mounts of a container that has no mount namespace of its own (config-linux.md, "Namespaces"). */
@ContainerTest
class SharedRootIT {
  private static final String LOOK =
      "touch /x 2>/dev/null || echo read-only; cat /proc/self/comm; ls /proc/acpi 2>/dev/null;"
          + " test -c /dev/null && readlink /proc/self/ns/mnt";

  private static Bundle shared(Testbed bed) {
    return bed.bundle().withoutNamespace("mount").set("/root/readonly", true);
  }

  /** What is mounted at a root, or below it, in the mount namespace of a process. */
  private static List<String> mountsOf(Bundle bundle, String process) {
    List<String> out = new ArrayList<>();
    try {
      for (String line : Files.readAllLines(Path.of("/proc/" + process + "/mountinfo"))) {
        String at = line.split(" ", -1)[4];
        if (at.startsWith(bundle.rootfs().toString())) {
          out.add(at);
        }
      }
    } catch (IOException e) {
      throw new AssertionError(e);
    }
    return out;
  }

  private static String namespace(String process) throws IOException {
    return Files.readSymbolicLink(Path.of("/proc/" + process + "/ns/mnt")).toString();
  }

  @Test
  @CoracleOnly("the peers leave the mounts on the host")
  void mountsAreMadeInTheRuntimesOwnAndGoWithTheContainer(Testbed bed) throws IOException {
    Bundle bundle = shared(bed).sh(LOOK);
    assertThat(bed.outputOf(bundle)).isEqualTo("read-only\ncat\n" + namespace("self"));
    assertThat(mountsOf(bundle, "self")).isEmpty();
    assertThat(bundle.inRootfs("/x")).doesNotExist();
  }

  @Test
  @CoracleOnly("the peers leave the mounts on the host")
  void execIsInTheRootToo(Testbed bed) {
    Bundle bundle = shared(bed).file("/mark", "inside").lasting();
    try (Container c = bed.start(bundle)) {
      assertThat(mountsOf(bundle, "self")).contains(bundle.rootfs().toString());
      assertThat(c.exec("cat", "/mark").ok().line()).isEqualTo("inside");
      assertThat(c.kill("KILL").exitCode()).isZero();
      c.awaitStatus("stopped");
      c.delete().ok();
      assertThat(mountsOf(bundle, "self")).isEmpty();
    }
  }

  @Test
  @CoracleOnly("the peers leave the mounts on the host")
  void aCreateThatFailsLeavesNone(Testbed bed) {
    Bundle bundle = shared(bed).args("/no/such/program");
    bed.run(bundle).fails();
    assertThat(mountsOf(bundle, "self")).isEmpty();
    bundle = shared(bed).mount("/m", "bind", bed.directory() + "/nowhere", "bind");
    bed.run(bundle).fails();
    assertThat(mountsOf(bundle, "self")).isEmpty();
  }

  /** What others have put there meanwhile is theirs. */
  @Test
  @CoracleOnly("the peers leave the mounts on the host")
  void aMountOfOthersAtTheSamePlaceStays(Testbed bed) {
    Bundle bundle = shared(bed).lasting();
    String root = bundle.rootfs().toString();
    try (Container c = bed.start(bundle)) {
      bed.program("mount", "-t", "tmpfs", "others", root).execute().ok();
      c.delete("--force").ok();
      assertThat(Files.exists(bundle.inRootfs("/bin"))).isFalse();
      assertThat(mountsOf(bundle, "self")).contains(root);
    } finally {
      bed.program("umount", root).execute().ok();
      bed.program("umount", "-l", root).execute().ok();
    }
    assertThat(mountsOf(bundle, "self")).isEmpty();
  }

  /** Neither do the container's mounts reach the host's, nor its own root those around it. */
  @Test
  @CoracleOnly("the peers leave the mounts on the host")
  void mountsOfASharedTreeStayWhereTheyAre(Testbed bed) {
    Bundle bundle = shared(bed).sh("ls /below");
    Path below = bundle.inRootfs("/below");
    bed.program("mkdir", below.toString()).execute().ok();
    bed.program("mount", "-t", "tmpfs", "below", below.toString()).execute().ok();
    bed.program("mount", "--make-shared", below.toString()).execute().ok();
    try {
      bed.program("touch", below + "/file").execute().ok();
      bundle.mount("/below/inner", "tmpfs", "tmpfs");
      assertThat(bed.outputOf(bundle)).isEqualTo("file\ninner");
      assertThat(mountsOf(bundle, "self")).containsExactly(below.toString());
    } finally {
      bed.program("umount", below.toString()).execute().ok();
    }
  }

  @Test
  @CoracleOnly(
      "runc makes the root of the container that of all in the namespace, by pivot_root(2)")
  void mountsAreMadeInTheOneThatIsJoined(Testbed bed) throws IOException {
    Command.Running other = bed.program("unshare", "-m", "sleep", "1000").start();
    try {
      String host = namespace("self");
      String pid = Integer.toString(other.pid());
      Poll.until("unshared", () -> !namespaceOf(pid).equals(host));
      String own = namespace(pid);
      Path path = Path.of("/proc/" + pid + "/ns/mnt");
      Bundle bundle = shared(bed).namespace("mount", path).file("/mark", "inside").lasting();
      try (Container c = bed.start(bundle)) {
        assertThat(namespace(Integer.toString(c.pid()))).isEqualTo(own);
        assertThat(mountsOf(bundle, pid)).contains(bundle.rootfs() + "/proc");
        assertThat(mountsOf(bundle, "self")).isEmpty();
        assertThat(c.exec("sh", "-c", "cat /mark; readlink /proc/self/ns/mnt").ok().stdout())
            .isEqualTo("inside" + own + "\n");
        // Who was there before stands where it stood.
        assertThat(Files.readSymbolicLink(Path.of("/proc/" + pid + "/root"))).hasToString("/");
      }
      assertThat(mountsOf(bundle, pid)).isEmpty();
      Bundle failing = shared(bed).namespace("mount", path).args("/no/such/program");
      bed.run(failing).fails();
      assertThat(mountsOf(failing, pid)).isEmpty();
    } finally {
      Libc.kill(other.pid(), Libc.SIGKILL);
      other.end();
    }
  }

  private static String namespaceOf(String pid) {
    try {
      return namespace(pid);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }
}
