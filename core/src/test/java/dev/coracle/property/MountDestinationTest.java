package dev.coracle.property;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.problem.Origin;
import dev.coracle.problem.Problem;
import dev.coracle.problem.Problems;
import dev.coracle.spec.Mount;
import dev.coracle.spec.Mount.MountOptions;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class MountDestinationTest {
  private final Problems problems = new Problems();

  private static Mount tmpfs(String destination) {
    MountOptions none =
        new MountOptions(false, false, false, 0, 0, 0, 0, 0, List.of(), 0, false, false, List.of());
    return new Mount(destination, "tmpfs", "", none, null, new Origin.Default("test"));
  }

  private String inContainer(String root, String destination) {
    List<Mount> out =
        MountDestination.inContainer(List.of(tmpfs("/a"), tmpfs(destination)), root, problems);
    assertThat(out.get(0).destination()).isEqualTo("/a");
    return out.get(1).destination();
  }

  @ParameterizedTest
  @CsvSource({
    "/b/rootfs, /b/rootfs/data, /data",
    "/b/rootfs, /b//./rootfs/x/../data/, /data",
    "/b/./rootfs/, /b/rootfs/data, /data",
    "/b/rootfs, /b/rootfs, /",
    "/b/rootfs, /data, /data",
    "/b/rootfs, /b/rootfs2/data, /b/rootfs2/data",
    "/b/rootfs, /b/rootfs/../data, /b/rootfs/../data",
    "/b/rootfs, /c/b/rootfs/data, /c/b/rootfs/data",
    "/, /data, /data",
    "/b/rootfs, /b/rootfs/b/rootfs/x, /b/rootfs/x"
  })
  void theHostsPathOfTheRootIsTakenAway(String root, String destination, String expected) {
    assertThat(inContainer(root, destination)).isEqualTo(expected);
    assertThat(problems.all()).isEmpty();
  }

  @Test
  void procIsNoPlaceForOthersByThatWayEither() {
    inContainer("/b/rootfs", "/b/rootfs/proc/self");
    assertThat(problems.all()).map(Problem::toString).singleElement().asString().contains("/proc");
  }

  @Test
  void othersAreTheSameList() {
    List<Mount> mounts = List.of(tmpfs("/a"), tmpfs("/b"));
    assertThat(MountDestination.inContainer(mounts, "/b/rootfs", problems)).isSameAs(mounts);
  }
}
