package dev.coracle.it;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;
import dev.coracle.it.harness.Bundle;
import dev.coracle.it.harness.Container;
import dev.coracle.it.harness.ContainerTest;
import dev.coracle.it.harness.CoracleOnly;
import dev.coracle.it.harness.Json;
import dev.coracle.it.harness.Testbed;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The cache of compiled filters below the state root. */
@CoracleOnly("peers keep theirs in other places")
@ContainerTest
class SeccompCacheIT {
  private static final int SYS_SYNC = 162;
  private static final FileTime LONG_AGO = FileTime.fromMillis(1_000_000_000_000L);

  private static Bundle bundle(Testbed bed) {
    JsonObject rule = Json.object("names", List.of("sync"), "action", "SCMP_ACT_ERRNO");
    JsonObject seccomp = Json.object("defaultAction", "SCMP_ACT_ALLOW", "syscalls", List.of(rule));
    return bed.bundle().probe("syscall", "" + SYS_SYNC).set("/linux/seccomp", seccomp);
  }

  private static void assertFiltered(Testbed bed) {
    assertThat(bed.outputOf(bundle(bed))).isEqualTo("-1 EPERM");
  }

  private static Path onlyFile(Testbed bed) throws IOException {
    try (Stream<Path> files = Files.list(bed.stateRoot().resolve(".seccomp"))) {
      List<Path> all = files.toList();
      assertThat(all).hasSize(1);
      return all.getFirst();
    }
  }

  @Test
  void aFilterIsKeptForTheNextContainerAndForExec(Testbed bed) throws IOException {
    assertFiltered(bed);
    Path file = onlyFile(bed);
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
        .isEqualTo("rw-------");
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file.getParent())))
        .isEqualTo("rwx------");
    Files.setLastModifiedTime(file, LONG_AGO);
    assertFiltered(bed);
    try (Container c = bed.start(bundle(bed).lasting().addProbe())) {
      assertThat(c.exec("/bin/probe", "syscall", "" + SYS_SYNC).ok().line()).isEqualTo("-1 EPERM");
    }
    assertThat(Files.getLastModifiedTime(onlyFile(bed))).isEqualTo(LONG_AGO);
  }

  @Test
  void execHasTheFilterThatIsKeptWithTheContainer(Testbed bed) throws IOException {
    try (Container c = bed.start(bundle(bed).lasting().addProbe())) {
      Path file = onlyFile(bed);
      Files.delete(file);
      assertThat(c.exec("/bin/probe", "syscall", "" + SYS_SYNC).ok().line()).isEqualTo("-1 EPERM");
      assertThat(file).as("nothing had to be compiled").doesNotExist();
    }
  }

  /** Whatever becomes of the file, the filter is the profile's. */
  @Test
  void aDamagedFileWeakensNothingAndIsReplaced(Testbed bed) throws IOException {
    assertFiltered(bed);
    Path file = onlyFile(bed);
    byte[] good = Files.readAllBytes(file);
    byte[] allowAll = good.clone();
    // The first instruction becomes "return SECCOMP_RET_ALLOW".
    int program = good.length - (good[12] & 0xff);
    System.arraycopy(new byte[] {6, 0, 0, 0, 0, 0, (byte) 0xff, 0x7f}, 0, allowAll, program, 8);
    List<byte[]> damaged =
        List.of(
            allowAll,
            Arrays.copyOf(good, good.length - 8),
            Arrays.copyOf(good, 20),
            new byte[0],
            new byte[good.length]);
    for (byte[] bytes : damaged) {
      assertThat(bytes).isNotEqualTo(good);
      Files.write(file, bytes);
      assertFiltered(bed);
      assertThat(Files.readAllBytes(file)).isEqualTo(good);
    }
  }

  @Test
  void aLinkInItsPlaceIsNotFollowed(Testbed bed) throws IOException {
    assertFiltered(bed);
    Path file = onlyFile(bed);
    Path elsewhere = bed.file("elsewhere", "precious");
    Files.delete(file);
    Files.createSymbolicLink(file, elsewhere);
    assertFiltered(bed);
    assertThat(Files.readString(elsewhere)).isEqualTo("precious");
    Files.delete(file);
    Files.delete(file.getParent());
    Path folder = bed.folder("folder");
    Files.createSymbolicLink(file.getParent(), folder);
    assertFiltered(bed);
    try (Stream<Path> files = Files.list(folder)) {
      assertThat(files).isEmpty();
    }
  }
}
