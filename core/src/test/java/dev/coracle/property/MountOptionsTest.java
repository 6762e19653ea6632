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

  private static final long FLAGS =
      Mount.MOUNT_ATTR_RDONLY
          | Mount.MOUNT_ATTR_NOSUID
          | Mount.MOUNT_ATTR_NODEV
          | Mount.MOUNT_ATTR_NOEXEC
          | Mount.MOUNT_ATTR_NOSYMFOLLOW;

  private static final long TIMES = Mount.MOUNT_ATTR__ATIME | Mount.MOUNT_ATTR_NODIRATIME;

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
  void aBindKeepsItsSourcesFlagsWhereNoOptionSpeaksOfFlags() {
    for (String option : List.of("bind", "rbind", "rprivate", "rro", "defaults", "idmap")) {
      MountOptions o = build("bind", option);
      assertThat(o.attrClear()).as(option).isZero();
      assertThat(o.impliedClear()).as(option).isZero();
    }
  }

  @Test
  void aBindLosesWhatIsNotAskedFor() {
    MountOptions o = build("bind", "ro", "exec");
    assertThat(o.attrSet()).isEqualTo(Mount.MOUNT_ATTR_RDONLY);
    assertThat(o.attrClear()).isEqualTo(Mount.MOUNT_ATTR_RDONLY | Mount.MOUNT_ATTR_NOEXEC);
    assertThat(o.impliedClear()).isEqualTo(FLAGS & ~o.attrClear());
    for (String option : List.of("rw", "sync", "silent", "atime", "diratime")) {
      MountOptions one = build("bind", option);
      assertThat(one.attrClear() | one.impliedClear()).as(option).isEqualTo(FLAGS);
    }
    assertThat(build("ro").impliedClear()).as("a new filesystem").isZero();
  }

  @Test
  void aBindsTimesOfAccessChangeByWordsThatSetThemOnly() {
    for (String none : List.of("atime", "norelatime", "nostrictatime", "diratime")) {
      MountOptions o = build("bind", none);
      assertThat((o.attrSet() | o.attrClear()) & TIMES).as(none).isZero();
    }
    assertThat(build("bind", "noatime", "atime").attrClear() & TIMES).isZero();
    assertThat(build("bind", "nodiratime", "diratime").attrClear() & TIMES).isZero();
    // As mount(2) has it: what is set stands for all of them, and the default is relatime.
    for (String some : List.of("relatime", "noatime", "strictatime", "nodiratime")) {
      assertThat(build("bind", some).attrClear() & TIMES).as(some).isEqualTo(TIMES);
    }
    assertThat(build("bind", "nodiratime").attrSet()).isEqualTo(Mount.MOUNT_ATTR_NODIRATIME);
    assertThat(build("bind", "noatime", "norelatime").attrSet())
        .isEqualTo(Mount.MOUNT_ATTR_NOATIME);
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
    assertThat(MountDestination.clean(path)).isEqualTo(clean);
  }
}
