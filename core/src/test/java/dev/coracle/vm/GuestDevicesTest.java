package dev.coracle.vm;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.config.ConfigReader;
import dev.coracle.problem.Problems;
import dev.coracle.spec.Linux.Device;
import dev.coracle.spec.Spec;
import dev.coracle.vm.GuestModules.Need;
import org.junit.jupiter.api.Test;

class GuestDevicesTest {
  private static final String DEVICES =
      "{'path': '/dev/sdb', 'type': 'b', 'major': 8, 'minor': 16},"
          + "{'path': '/dev/net/tun', 'type': 'c', 'major': 10, 'minor': 200},"
          + "{'path': '/dev/fuse', 'type': 'c', 'major': 10, 'minor': 229},"
          + "{'path': '/dev/kvm', 'type': 'c', 'major': 10, 'minor': 232},"
          + "{'path': '/dev/zero', 'type': 'c', 'major': 1, 'minor': 5},"
          + "{'path': '/dev/pipe', 'type': 'p'},"
          + "{'path': '/dev/sdc', 'type': 'b', 'major': 8, 'minor': 32},"
          + "{'path': '/dev/dri/card0', 'type': 'c', 'major': 226, 'minor': 0},"
          + "{'path': '/dev/rtc', 'type': 'c', 'major': 10, 'minor': 135}";

  private final Problems problems = new Problems();

  private Spec spec(String devices, String rules) {
    String json =
        "{'ociVersion': '1.3.0', 'root': {'path': 'r'}, 'process': {'cwd': '/', 'args': ['x'],"
            + " 'user': {'uid': 0, 'gid': 0}}, 'linux': {'devices': ["
            + devices
            + "], 'resources': {'devices': ["
            + rules
            + "]}}}";
    byte[] bytes = json.replace('\'', '"').getBytes(UTF_8);
    return requireNonNull(ConfigReader.read(bytes, 0, bytes.length, -1, problems));
  }

  @Test
  void whatAGuestHasNotIsAnErrorAtItsPlace() {
    GuestDevices.check(spec(DEVICES, "{'allow': false, 'access': 'rwm'}"), problems);
    assertThat(problems.errorText().lines())
        .containsExactly(
            "config.json /linux/devices/7: a virtual machine cannot be given \"/dev/dri/card0\":"
                + " it gets block devices, /dev/fuse, /dev/net/tun and /dev/kvm",
            "config.json /linux/devices/8: a virtual machine cannot be given \"/dev/rtc\":"
                + " it gets block devices, /dev/fuse, /dev/net/tun and /dev/kvm");
  }

  @Test
  void disksInTheirOrderAndModules() {
    Spec spec = spec(DEVICES, "");
    assertThat(GuestDevices.disks(spec))
        .extracting(Device::path)
        .containsExactly("/dev/sdb", "/dev/sdc");
    assertThat(GuestDevices.serial(1)).isEqualTo("device1");
    assertThat(GuestDevices.needs(spec)).containsExactly(Need.TUN, Need.FUSE, Need.KVM);
    assertThat(GuestDevices.needs(spec("", ""))).isEmpty();
  }

  @Test
  void aPrivilegedContainerGetsNoneOfTheHosts() {
    Spec spec = spec(DEVICES, "{'allow': true, 'access': 'rwm'}");
    GuestDevices.check(spec, problems);
    assertThat(problems.errorText()).isEmpty();
    assertThat(GuestDevices.disks(spec)).isEmpty();
    assertThat(GuestDevices.needs(spec)).contains(Need.TUN);
    String later = "{'allow': true, 'access': 'rwm'}, {'allow': false, 'access': 'rwm'}";
    assertThat(GuestDevices.disks(spec(DEVICES, later))).hasSize(2);
  }
}
