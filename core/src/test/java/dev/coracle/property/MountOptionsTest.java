package dev.coracle.property;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.abi.Mount;
import dev.coracle.spec.Mount.MountOptions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class MountOptionsTest {
  // config.md of 1.3.0, "Linux mount options".
  private static final String SPEC =
      "async atime bind defaults dev diratime dirsync exec idmap iversion lazytime loud mand noatime nodev"
          + " nodiratime noexec noiversion nolazytime nomand norelatime nostrictatime nosuid"
          + " nosymfollow private ratime rbind rdev rdiratime relatime remount rexec ridmap rnoatime rnodev"
          + " rnodiratime rnoexec rnorelatime rnostrictatime rnosuid rnosymfollow ro rprivate"
          + " rrelatime rro rrw rshared rslave rstrictatime rsuid rsymfollow runbindable rw shared"
          + " silent slave strictatime suid symfollow sync tmpcopyup unbindable";

  private static MountOptions build(String... options) {
    MountOptionTable table = new MountOptionTable();
    for (String option : options) {
      assertThat(table.take(option)).as(option).isTrue();
    }
    return table.build(false);
  }

  @Test
  void everyOptionOfTheSpecIsTakenAndTold() {
    List<String> taken = new ArrayList<>();
    for (String option : SPEC.split(" ", -1)) {
      if (new MountOptionTable().take(option)) {
        taken.add(option);
      }
    }
    assertThat(taken).containsExactly(SPEC.split(" ", -1));
    // What features says, and from which a hint is made.
    List<String> told = Arrays.asList(Mounts.OPTIONS.trim().split(" ", -1));
    assertThat(told).containsExactlyElementsOf(taken);
  }

  @ParameterizedTest
  @CsvSource({
    "r",
    "rdefaults",
    "rbindx",
    "RO",
    "size=1",
    "rremount",
    "rsync",
    "nosuid=1",
    "idmap=uids=0-1-2"
  })
  void others(String option) {
    assertThat(new MountOptionTable().take(option)).isFalse();
  }

  @Test
  void theLastOneCounts() {
    assertThat(build("ro", "rw").attrSet()).isZero();
    assertThat(build("rw", "ro").attrSet()).isEqualTo(Mount.MOUNT_ATTR_RDONLY);
    assertThat(build("noatime", "strictatime").attrSet()).isEqualTo(Mount.MOUNT_ATTR_STRICTATIME);
    assertThat(build("noatime", "relatime").attrSet()).isZero();
    assertThat(build("shared", "rprivate").propagation()).isEqualTo(Mount.MS_PRIVATE);
    assertThat(build("rshared", "private").propagationRecursive()).isFalse();
  }

  @Test
  void atimeIsOneFieldOfTheKernel() {
    for (String option : List.of("noatime", "relatime", "strictatime", "atime")) {
      assertThat(build(option).attrClear()).as(option).isEqualTo(Mount.MOUNT_ATTR__ATIME);
    }
  }

  @Test
  void recursiveOnesStandApart() {
    MountOptions o = build("rro", "nosuid", "rnodev");
    assertThat(o.attrSet()).isEqualTo(Mount.MOUNT_ATTR_NOSUID);
    assertThat(o.recursiveSet()).isEqualTo(Mount.MOUNT_ATTR_RDONLY | Mount.MOUNT_ATTR_NODEV);
  }

  @Test
  void aReadonlyFilesystemHasAReadonlySuperblock() {
    assertThat(build("ro", "sync").superFlags()).containsExactly("sync", "ro");
    assertThat(build("ro", "bind").superFlags()).isEmpty();
    assertThat(build("remount", "rw").superFlags()).containsExactly("rw");
    assertThat(build("rw").superFlags()).isEmpty();
  }

  @ParameterizedTest
  @CsvSource({
    "nodv,nodev",
    "rnoexc,rnoexec",
    "privat,private",
    "binds,bind",
    "roo,rro",
    "xyzzy,''",
    "nosiud,''"
  })
  void hints(String option, String similar) {
    assertThat(MountOptionTable.similar(option)).isEqualTo(similar);
  }

  @ParameterizedTest
  @CsvSource({
    "/a//b/./c, /a/b/c",
    "/a/../b, /b",
    "/../../a, /a",
    "/, /",
    "//, /",
    "/a/b/.., /a",
    "a, /a"
  })
  void cleanPaths(String path, String clean) {
    assertThat(Mounts.clean(path)).isEqualTo(clean);
  }
}
