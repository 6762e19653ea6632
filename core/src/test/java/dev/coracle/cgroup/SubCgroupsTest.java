package dev.coracle.cgroup;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.cgroup.CgroupPaths.Directory;
import dev.coracle.problem.Problems;
import java.util.List;
import org.junit.jupiter.api.Test;

class SubCgroupsTest {
  private static final CgroupPaths HYBRID =
      new CgroupPaths(
          List.of(
              new Directory("cpu,cpuacct", "/cg/cpu,cpuacct/id"),
              new Directory("memory", "/cg/memory/id"),
              new Directory("name=systemd", "/cg/systemd/id")),
          "/cg/unified/id");

  private final Problems problems = new Problems();

  private List<String> of(String... asked) {
    return SubCgroups.of(HYBRID, List.of(asked), problems).directories();
  }

  @Test
  void withoutAnyItIsTheContainers() {
    assertThat(of()).isEqualTo(HYBRID.directories());
    assertThat(of("/")).isEqualTo(HYBRID.directories());
  }

  @Test
  void aPathIsForAll() {
    assertThat(of("/a/b/"))
        .containsExactly(
            "/cg/cpu,cpuacct/id/a/b",
            "/cg/memory/id/a/b",
            "/cg/systemd/id/a/b",
            "/cg/unified/id/a/b");
  }

  @Test
  void aControllersPathIsForItsHierarchy() {
    assertThat(of("cpu,cpuacct:a", "name=systemd:b"))
        .containsExactly(
            "/cg/cpu,cpuacct/id/a", "/cg/memory/id", "/cg/systemd/id/b", "/cg/unified/id");
    assertThat(problems.all()).isEmpty();
  }

  @Test
  void allThatIsWrong() {
    of("..");
    of("memory:a/../../b");
    of("a", "memory:b");
    of("rdma:a");
    of(":a");
    of("cpu:a", "cpuacct:b");
    assertThat(problems.errorText().split("\n"))
        .containsExactly(
            "--cgroup: .. is not a sub cgroup path: it must not hold \"..\"",
            "--cgroup: memory:a/../../b is not a sub cgroup path: it must not hold \"..\"",
            "--cgroup: needs CONTROLLER: before the path if given twice: \"a\"",
            "--cgroup: there is no cgroup v1 hierarchy of \"rdma\"",
            "--cgroup: there is no cgroup v1 hierarchy of \"\"",
            "--cgroup: two paths for the hierarchy of \"cpuacct\"");
  }
}
