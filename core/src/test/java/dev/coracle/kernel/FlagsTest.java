package dev.coracle.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** Arguments in errors are names, as strace(1) has them. */
class FlagsTest {
  @Test
  void mounts() {
    assertThat(Calls.open_tree(-100, "/a", 0x88001))
        .isEqualTo("open_tree(AT_FDCWD, \"/a\", OPEN_TREE_CLONE|OPEN_TREE_CLOEXEC|AT_RECURSIVE)");
    assertThat(Calls.move_mount(3, "", 4, "", 0x44))
        .isEqualTo("move_mount(3, \"\", 4, \"\", MOVE_MOUNT_F_EMPTY_PATH|MOVE_MOUNT_T_EMPTY_PATH)");
    assertThat(Calls.mount_setattr(3, "", 0x9000, 1, 0, 0x80000, -1))
        .isEqualTo(
            "mount_setattr(3, \"\", AT_EMPTY_PATH|AT_RECURSIVE, MOUNT_ATTR_RDONLY, 0, MS_SLAVE,"
                + " -1)");
    assertThat(Calls.umount2(".", 2)).isEqualTo("umount2(\".\", MNT_DETACH)");
    assertThat(Calls.fspick(3, "", 9))
        .isEqualTo("fspick(3, \"\", FSPICK_CLOEXEC|FSPICK_EMPTY_PATH)");
  }

  @Test
  void files() {
    assertThat(Calls.unlinkat(-100, "a", 0x200))
        .isEqualTo("unlinkat(AT_FDCWD, \"a\", AT_REMOVEDIR)");
    assertThat(Calls.unlinkat(-100, "a", 0)).isEqualTo("unlinkat(AT_FDCWD, \"a\", 0)");
    assertThat(Calls.faccessat2(-100, "a", 1, 0x200))
        .isEqualTo("faccessat2(AT_FDCWD, \"a\", X_OK, AT_EACCESS)");
    assertThat(Calls.faccessat2(-100, "a", 0, 0)).isEqualTo("faccessat2(AT_FDCWD, \"a\", F_OK, 0)");
    assertThat(Calls.fcntl(3, 1033, 15)).isEqualTo("fcntl(3, F_ADD_SEALS, 15)");
    assertThat(Calls.flock(3, 6)).isEqualTo("flock(3, LOCK_EX|LOCK_NB)");
    assertThat(Calls.close_range(3, 9, 4)).isEqualTo("close_range(3, 9, CLOSE_RANGE_CLOEXEC)");
    assertThat(Calls.statx(3, "", 0x1100, 1, new byte[256]))
        .isEqualTo("statx(3, \"\", AT_SYMLINK_NOFOLLOW|AT_EMPTY_PATH, STATX_TYPE, [256 bytes])");
  }

  @Test
  void limitsAndSockets() {
    assertThat(Calls.prlimit64(0, 0, 1, 2)).isEqualTo("prlimit64(0, RLIMIT_CPU, 1, 2)");
    assertThat(Calls.prlimit64(0, 15, 1, -1))
        .isEqualTo("prlimit64(0, RLIMIT_RTTIME, 1, 18446744073709551615)");
    assertThat(Calls.prlimit64(0, 16, 1, 2)).isEqualTo("prlimit64(0, 16, 1, 2)");
    assertThat(Calls.socket(1, 0x80005, 0))
        .isEqualTo("socket(AF_UNIX, SOCK_SEQPACKET|SOCK_CLOEXEC, 0)");
    assertThat(Calls.ioctl(3, 0x540e, 0)).isEqualTo("ioctl(3, TIOCSCTTY, 0)");
    assertThat(Calls.ioctl(3, 0x77, 0)).isEqualTo("ioctl(3, 0x77, 0)");
  }

  @Test
  void whatHasNoNameStaysANumber() {
    assertThat(Calls.open_tree(-100, "/a", 0x40000001L))
        .isEqualTo("open_tree(AT_FDCWD, \"/a\", OPEN_TREE_CLONE|0x40000000)");
  }
}
