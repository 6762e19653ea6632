package dev.coracle.abi;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class MountinfoTest {
  @Test
  void wholePseudoFilesystemsAreTold() {
    String mountinfo =
        """
        21 1 0:20 / /proc rw,relatime shared:3 - proc proc rw
        22 1 0:21 / /sys rw - sysfs sysfs rw
        23 1 0:21 /fs /part rw - sysfs sysfs rw
        24 1 0:23 / /tmp rw - tmpfs proc rw
        25 1 0:24 / /a\\040space rw shared:1 master:2 - proc none rw
        26 1 0:24 / /devices rw - procfs none rw
        27 1 0:24 / /cut rw
        """;
    assertThat(Mountinfo.wholePseudoFilesystems(mountinfo))
        .containsExactly("/proc", "/sys", "/a space");
    assertThat(Mountinfo.wholePseudoFilesystems("")).isEmpty();
  }
}
