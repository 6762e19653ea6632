package dev.coracle.cgroup;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CgroupPathsTest {
  private static final CgroupLayout HYBRID =
      CgroupLayoutTest.parse(CgroupLayoutTest.HYBRID_MOUNTS, CgroupLayoutTest.HYBRID_SELF);

  private static CgroupLayout v2(String own) {
    return CgroupLayout.unified(("0::" + own + "\n").getBytes(UTF_8));
  }

  @Test
  void absoluteIsBelowTheMountPoints() {
    assertThat(CgroupPaths.of(HYBRID, "//a/./b/", "id").directories())
        .containsExactly(
            "/sys/fs/cgroup/pids/a/b",
            "/sys/fs/cgroup/memory/a/b",
            "/sys/fs/cgroup/devices/a/b",
            "/sys/fs/cgroup/cpuset/a/b",
            "/sys/fs/cgroup/cpu,cpuacct/a/b",
            "/sys/fs/cgroup/systemd/a/b",
            "/sys/fs/cgroup/unified/a/b");
    assertThat(CgroupPaths.of(v2("/own/x"), "/docker/id", "id").v2Path())
        .isEqualTo("/sys/fs/cgroup/docker/id");
  }

  @Test
  void relativeIsBelowTheOwnCgroupOnV1() {
    CgroupPaths paths = CgroupPaths.of(HYBRID, "a/b", "id");
    assertThat(paths.v1("memory")).isEqualTo("/sys/fs/cgroup/memory/user.slice/a/b");
    assertThat(paths.v1("cpuset")).isEqualTo("/sys/fs/cgroup/cpuset/a/b");
    assertThat(paths.v1("cpuacct")).isEqualTo("/sys/fs/cgroup/cpu,cpuacct/a/b");
    assertThat(paths.v1("cpua")).isNull();
    assertThat(paths.v2Path()).isEqualTo("/sys/fs/cgroup/unified/user.slice/session-1.scope/a/b");
  }

  @Test
  void relativeIsBesideTheOwnCgroupOnV2() {
    assertThat(CgroupPaths.of(v2("/s/own"), "a", "id").v2Path()).isEqualTo("/sys/fs/cgroup/s/a");
    assertThat(CgroupPaths.of(v2("/own"), "a", "id").v2Path()).isEqualTo("/sys/fs/cgroup/a");
    assertThat(CgroupPaths.of(v2("/"), "a", "id").v2Path()).isEqualTo("/sys/fs/cgroup/a");
  }

  @Test
  void theIdStandsInForTheProperty() {
    assertThat(CgroupPaths.of(v2("/s/own"), null, "id").v2Path()).isEqualTo("/sys/fs/cgroup/s/id");
    assertThat(CgroupPaths.of(HYBRID, null, "id").v1("memory"))
        .isEqualTo("/sys/fs/cgroup/memory/user.slice/id");
    assertThat(CgroupPaths.of(CgroupLayout.NONE, null, "id").directories()).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(strings = {"..", "/..", "/a/../b", "a/..", "/", "//", ".", "", "/./", "a\0", "a\nb"})
  void refused(String path) {
    assertThat(CgroupPaths.defect(path)).isNotNull();
    assertThatThrownBy(() -> CgroupPaths.of(HYBRID, path, "id"))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @ParameterizedTest
  @ValueSource(strings = {"/a", "a", "...", "/..a/b..", "a:b", "/a:b:c", "/a b/ä"})
  void accepted(String path) {
    assertThat(CgroupPaths.defect(path)).isNull();
  }

  @Test
  void textForm() {
    CgroupPaths paths = CgroupPaths.of(HYBRID, "/a b:c/ä", "id");
    assertThat(CgroupPaths.parse(paths.text())).isEqualTo(paths);
    assertThat(paths.text())
        .startsWith("pids:/sys/fs/cgroup/pids/a b:c/ä\n")
        .endsWith("\n:/sys/fs/cgroup/unified/a b:c/ä\n");
    CgroupPaths none = CgroupPaths.of(CgroupLayout.NONE, null, "id");
    assertThat(CgroupPaths.parse(none.text())).isEqualTo(none);
  }

  @ParameterizedTest
  @ValueSource(strings = {"x", "cpu:", "cpu:relative", ":\n", "\n", "cpu\n:/a"})
  void brokenText(String text) {
    assertThatThrownBy(() -> CgroupPaths.parse(text)).isInstanceOf(IllegalArgumentException.class);
  }
}
