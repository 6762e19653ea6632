package dev.coracle.execute;

import static dev.coracle.abi.Process.SIGKILL;
import static dev.coracle.abi.Process.SIGTERM;
import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.cgroup.CgroupPaths;
import dev.coracle.cgroup.CgroupPaths.Directory;
import dev.coracle.kernel.Errno;
import dev.coracle.kernel.RecordingKernel;
import java.util.List;
import org.junit.jupiter.api.Test;

class CgroupKillTest {
  private static final CgroupPaths V1 =
      new CgroupPaths(List.of(new Directory("freezer", "/f")), null);

  private final RecordingKernel kernel = new RecordingKernel();

  private List<String> acts() {
    return kernel.calls().stream()
        .filter(c -> c.startsWith("write(") || c.startsWith("kill("))
        .map(c -> c.startsWith("write(") ? c.replaceAll("[^\"]*\"(.*)\".*", "$1") : c)
        .toList();
  }

  @Test
  void theyStandStillWhileTheyAreKilled() {
    kernel.file("/f/cgroup.procs", "5\n6\n").file("/f/freezer.self_freezing", "0\n");
    kernel.file("/f/freezer.state", "THAWED\n");
    assertThat(CgroupKill.kill(kernel, V1)).isZero();
    assertThat(acts()).containsExactly("FROZEN", "kill(5, 9)", "kill(6, 9)", "THAWED", "THAWED");
  }

  @Test
  void whatWasPausedStaysSoUnlessItIsToDie() {
    kernel.file("/f/cgroup.procs", "5\n6\n").file("/f/freezer.self_freezing", "1\n");
    kernel.file("/f/freezer.state", "FROZEN\n");
    assertThat(CgroupKill.signal(kernel, V1, SIGTERM)).isZero();
    assertThat(acts()).containsExactly("kill(5, 15)", "kill(6, 15)");
    assertThat(CgroupKill.signal(kernel, V1, SIGKILL)).isZero();
    assertThat(acts()).endsWith("kill(5, 9)", "kill(6, 9)", "THAWED");
  }

  @Test
  void oneProcessNeedsNoFreezer() {
    kernel.file("/f/cgroup.procs", "5\n").file("/f/freezer.self_freezing", "0\n");
    assertThat(CgroupKill.signal(kernel, V1, SIGTERM)).isZero();
    assertThat(acts()).containsExactly("kill(5, 15)");
  }

  @Test
  void oneThatIsGoneIsNoError() {
    kernel.file("/f/cgroup.procs", "5\n").answers("kill", -Errno.ESRCH);
    assertThat(CgroupKill.kill(kernel, V1)).isZero();
    kernel.answers("kill", -Errno.EPERM);
    assertThat(CgroupKill.kill(kernel, V1)).isEqualTo(-Errno.EPERM);
  }
}
