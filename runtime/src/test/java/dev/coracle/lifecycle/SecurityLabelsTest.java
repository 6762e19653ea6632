package dev.coracle.lifecycle;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.coracle.kernel.Errno;
import dev.coracle.kernel.RecordingKernel;
import dev.coracle.lifecycle.FakeHost.Layout;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** AppArmor, SELinux and the keyring on the recording kernel: no machine of ours has the two. */
class SecurityLabelsTest {
  private static final long SELINUX_MAGIC = 0xf97cff8cL;

  private static FakeHost host(String property) {
    String config =
        FakeHost.bundle("minimal")
            .replaceFirst("\"process\": *\\{", "\"process\": {" + property + ",");
    assertThat(config).contains(property);
    FakeHost host = new FakeHost(Layout.V1, config);
    host.kernel.asChild();
    return host;
  }

  private static void run(FakeHost host) {
    assertThatThrownBy(() -> Create.create(host.environment(), FakeHost.request(null)))
        .isInstanceOf(RecordingKernel.Ended.class);
  }

  /** The calls of the container's process that speak of attributes and keys. */
  private static List<String> calls(FakeHost host) {
    List<String> out = new ArrayList<>();
    List<String> all = host.kernel.calls();
    for (int i = 0; i < all.size(); i++) {
      String call = all.get(i);
      if (call.contains("attr/")) {
        out.add(call.substring(call.indexOf('"')));
        if (i + 1 < all.size() && all.get(i + 1).startsWith("write(")) {
          out.add(all.get(i + 1).replaceFirst("\\d+", "N"));
        }
      } else if (call.startsWith("keyctl") || call.startsWith("pivot_root")) {
        out.add(call);
      }
    }
    return out;
  }

  @Test
  void theProfileIsAskedForThroughTheHostsProcfsBeforeTheRootIsChanged() {
    FakeHost host = host("\"apparmorProfile\": \"mine\"");
    run(host);
    assertThat(calls(host))
        .satisfies(
            c -> {
              assertThat(c.get(2)).startsWith("\"self/attr/apparmor/exec\"").contains("RESOLVE_");
              assertThat(c.get(3)).isEqualTo("write(N, \"exec mine\", 9)");
              assertThat(c.get(4)).startsWith("pivot_root");
            });
  }

  @Test
  void aKernelBeforeStackingHasTheOldFile() {
    FakeHost host = host("\"apparmorProfile\": \"mine\"");
    host.kernel.broken("self/attr/apparmor/exec", Errno.ENOENT);
    run(host);
    assertThat(calls(host)).anyMatch(c -> c.startsWith("\"self/attr/exec\""));
    assertThat(calls(host)).contains("write(N, \"exec mine\", 9)");
  }

  @Test
  void aProfileThatIsNotLoadedIsToldAsEnginesReadIt() {
    FakeHost host = host("\"apparmorProfile\": \"mine\"");
    host.kernel.broken("self/attr/apparmor/exec", Errno.EINVAL);
    run(host);
    assertThat(host.kernel.said())
        .contains(
            "config.json /process/apparmorProfile: cannot set AppArmor profile \"mine\": write to"
                + " `/proc/self/attr/apparmor/exec`: EINVAL (invalid argument); is AppArmor"
                + " enabled, and is that loaded?");
  }

  @Test
  void theLabelIsForTheKeyringToo() {
    FakeHost host = host("\"selinuxLabel\": \"u:r:t:s0\"");
    host.kernel.answers("statfsType", SELINUX_MAGIC);
    run(host);
    assertThat(calls(host))
        .satisfies(
            c -> {
              assertThat(c.get(0)).startsWith("\"self/attr/keycreate\"");
              assertThat(c.get(1)).isEqualTo("write(N, \"u:r:t:s0\", 8)");
              assertThat(c.get(2)).isEqualTo("keyctl(KEYCTL_JOIN_SESSION_KEYRING, \"_ses.id\")");
              assertThat(c.get(3)).contains("0x3f1b0000");
              assertThat(c.get(4)).startsWith("\"self/attr/keycreate\"");
              assertThat(c.get(5)).isEqualTo("write(N, \"\", 0)");
              assertThat(c.get(6)).startsWith("\"self/attr/exec\"");
              assertThat(c.get(7)).isEqualTo("write(N, \"u:r:t:s0\", 8)");
            });
  }

  @Test
  void withoutSelinuxALabelIsAnError() {
    FakeHost host = host("\"selinuxLabel\": \"u:r:t:s0\"");
    host.kernel.answers("statfsType", 0x62656572);
    run(host);
    assertThat(host.kernel.said())
        .contains(
            "config.json /process/selinuxLabel: cannot set SELinux label \"u:r:t:s0\": SELinux is"
                + " disabled or not supported on this host");
  }

  @Test
  void aKernelWithoutKeyringsIsFine() {
    FakeHost host = host("\"oomScoreAdj\": 0");
    host.kernel.answers("keyctlJoinSessionKeyring", -Errno.ENOSYS);
    run(host);
    assertThat(host.kernel.said()).isEqualTo("R");
    assertThat(calls(host)).noneMatch(c -> c.contains("0x3f1b0000"));
  }
}
