package dev.coracle.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.it.harness.Bundle;
import dev.coracle.it.harness.Container;
import dev.coracle.it.harness.ContainerTest;
import dev.coracle.it.harness.Testbed;
import org.junit.jupiter.api.Test;

@ContainerTest
class RootIT {

  @Test
  void isWritable(Testbed bed) {
    Bundle bundle = bed.bundle().sh("echo x > /file && cat /file");
    assertThat(bed.outputOf(bundle)).isEqualTo("x");
    assertThat(bundle.inRootfs("/file")).exists();
  }

  @Test
  void canBeReadOnly(Testbed bed) {
    Bundle bundle = bed.bundle().set("/root/readonly", true);
    bundle.sh("touch /file 2>/dev/null || echo read-only; touch /dev/shm/file && echo shm");
    assertThat(bed.outputOf(bundle)).isEqualTo("read-only\nshm");
    assertThat(bundle.inRootfs("/file")).doesNotExist();
  }

  @Test
  void canBeAbsolute(Testbed bed) {
    Bundle bundle = bed.bundle();
    bundle.set("/root/path", bundle.rootfs().toString());
    assertThat(bed.outputOf(bundle.args("echo", "here"))).isEqualTo("here");
  }

  @Test
  void mustExist(Testbed bed) {
    assertThat(bed.run(bed.bundle().set("/root/path", "nowhere")).exitsWith(1).stderr())
        .contains("nowhere");
  }

  @Test
  void mustBeAFolder(Testbed bed) {
    bed.run(bed.bundle().set("/root/path", "rootfs/etc/passwd")).exitsWith(1);
  }

  @Test
  void canBeSharedByContainers(Testbed bed) {
    Bundle first = bed.bundle().lasting();
    try (Container c = bed.start(first)) {
      Bundle second = bed.bundle().args("true");
      second.set("/root/path", first.rootfs().toString());
      bed.run(second).ok();
      assertThat(c.status()).isEqualTo("running");
    }
  }

  @Test
  void theBundleIsTheWorkingFolderUnlessTold(Testbed bed) {
    Bundle bundle = bed.bundle().args("echo", "here");
    bundle.write();
    assertThat(bed.oci("run", bundle.id()).in(bundle.directory()).execute().ok().line())
        .isEqualTo("here");
  }

  @Test
  void noPivotWorksToo(Testbed bed) {
    assertThat(bed.run(bed.bundle().args("ls", "/bin/busybox"), "--no-pivot").ok().line())
        .isEqualTo("/bin/busybox");
  }
}
