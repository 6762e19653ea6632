package dev.coracle.execute;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.cgroup.CgroupPaths;
import dev.coracle.cgroup.CgroupPaths.Directory;
import dev.coracle.kernel.Errno;
import dev.coracle.kernel.RecordingKernel;
import java.util.List;
import org.junit.jupiter.api.Test;

class OomWatchTest {
  private static final CgroupPaths V2 = new CgroupPaths(List.of(), "/c");

  private final RecordingKernel kernel = new RecordingKernel();

  @Test
  void onV2OnlyWhatCameSinceCounts() {
    kernel.file("/c/memory.events", "oom 9\noom_kill 2\noom_group_kill 0\n");
    OomWatch watch = requireNonNull(OomWatch.open(kernel, V2));
    assertThat(watch).isNotNull();
    assertThat(watch.take()).isZero();
    kernel.file("/c/memory.events", "oom 9\noom_kill 4\n");
    assertThat(watch.take()).isEqualTo(2);
    assertThat(watch.take()).isZero();
    kernel.broken("/c/memory.events", Errno.ENOENT);
    assertThat(watch.take()).as("the cgroup is gone").isZero();
  }

  @Test
  void onV1AnEventfdIsRegistered() {
    CgroupPaths v1 = new CgroupPaths(List.of(new Directory("memory", "/m")), null);
    OomWatch watch = requireNonNull(OomWatch.open(kernel, v1));
    assertThat(watch).isNotNull();
    assertThat(kernel.calls())
        .anyMatch(c -> c.startsWith("openat2(AT_FDCWD, \"/m/cgroup.event_control\""))
        .anyMatch(c -> c.startsWith("write(") && c.contains("\"" + watch.fd() + " "));
  }

  @Test
  void withoutAControllerThereIsNoWatch() {
    assertThat(OomWatch.open(kernel, new CgroupPaths(List.of(), null))).isNull();
    kernel.answers("faccessat2", -Errno.ENOENT);
    assertThat(OomWatch.open(kernel, V2)).isNull();
  }
}
