package dev.coracle.machine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coracle.kernel.Errno;
import dev.coracle.kernel.RecordingKernel;
import dev.coracle.vm.Machine.Disk;
import dev.coracle.vm.VmConfig.DiskRequest;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What a machine does with the files of a root that nobody vouches for. */
class DiskImagesTest {
  private static final String MKFS = "/usr/sbin/mkfs.ext4";
  private static final DiskRequest REQUEST = new DiskRequest("/d/one", "/data", "ext4", 4096);

  private final RecordingKernel k = new RecordingKernel();

  private DiskImages.Opened open(DiskRequest... requests) {
    return DiskImages.open(k, List.of(requests), List.of(), MKFS);
  }

  private RecordingKernel missing() {
    return k.broken("/d/one", Errno.ENOENT);
  }

  @Test
  void withoutDisksNothingIsDone() {
    DiskImages.Opened opened = open();
    assertThat(opened.problem()).isNull();
    assertThat(opened.disks()).isEmpty();
    assertThat(k.calls()).isEmpty();
  }

  @Test
  void aFileIsOpenedInsideTheRootOnlyAndLocked() {
    k.stat("/d/one", 0100600, 0, 0);
    DiskImages.Opened opened = open(REQUEST);
    assertThat(opened.problem()).isNull();
    Disk disk = opened.disks().get(0);
    assertThat(disk.serial()).isEqualTo("disk0");
    assertThat(disk.access()).isEqualTo(Disk.Access.READ_WRITE);
    assertThat(String.join("\n", k.calls()))
        .containsSubsequence(
            "openat2(AT_FDCWD, \"/rootfs\", O_PATH",
            "\"/d/one\", O_PATH|O_CLOEXEC, 0, RESOLVE_IN_ROOT",
            "\"/proc/self/fd/",
            "O_RDWR",
            "flock(" + disk.fd() + ", LOCK_EX|LOCK_NB")
        .doesNotContain("mknod", "fork", "O_CREAT");
    assertThat(k.openDescriptors()).containsExactly(disk.fd());
  }

  @Test
  void whatIsNoRegularFileIsNotOpened() {
    k.stat("/d/one", 0060600, 8, 0);
    assertThat(open(REQUEST).problem()).isEqualTo("the disk /d/one is no regular file");
    assertThat(k.calls()).noneMatch(c -> c.contains("O_RDWR"));
  }

  @Test
  void aDiskOfAnotherMachineIsRefused() {
    k.stat("/d/one", 0100600, 0, 0).fail("flock", 1, Errno.EAGAIN);
    assertThat(open(REQUEST).problem()).isEqualTo("the disk /d/one is in use already");
  }

  @Test
  void aBlockDeviceIsOpenedAsTheCgroupAllowsIt() {
    k.fail("openat2", 1, Errno.EPERM);
    DiskRequest on = new DiskRequest("/dev/data", "/data", "ext4", 0);
    DiskImages.Opened opened = DiskImages.open(k, List.of(on), List.of("/dev/data"), MKFS);
    assertThat(opened.problem()).isNull();
    Disk disk = opened.disks().get(0);
    assertThat(disk.serial()).isEqualTo("device0");
    assertThat(disk.access()).isEqualTo(Disk.Access.READ_ONLY);
    assertThat(disk.content()).isEqualTo(Disk.Content.BLOCK_DEVICE);
    assertThat(opened.disks()).hasSize(1);
    assertThat(opened.told()).hasSize(1);
    assertThat(String.join("\n", k.calls()))
        .contains("\"/dev/disk0\", O_RDWR", "\"/dev/disk0\", O_RDONLY");
  }

  @Test
  void aBlockDeviceThatIsGone() {
    k.broken("/dev/disk0", Errno.ENXIO);
    assertThat(DiskImages.open(k, List.of(), List.of("/dev/data"), MKFS).problem())
        .startsWith("the device /dev/data cannot be opened: ");
  }

  @Test
  void aMissingOneIsMadeBesideAndGetsItsNameLast() {
    missing();
    DiskImages.Opened opened = open(REQUEST);
    assertThat(opened.problem()).isNull();
    assertThat(String.join("\n", k.calls()))
        .containsSubsequence(
            "\"/d\", O_PATH",
            "unlinkat(",
            "\".coracle-new-one\", O_RDWR|O_CREAT|O_EXCL|O_NOFOLLOW",
            "pwrite64(",
            "fchownat(",
            "65534, 65534",
            "fork(",
            "wait4(-1",
            "\"\", 0, 0, AT_EMPTY_PATH",
            "renameat2(",
            ".coracle-new-one",
            "\"one\", 0x1");
  }

  @Test
  void withoutSizeOrProgramItIsNotMade() {
    missing();
    assertThat(open(new DiskRequest("/d/one", "/data", "ext4", 0)).problem())
        .isEqualTo("the disk /d/one is not there, and no size is given to make it");
    assertThat(DiskImages.open(k, List.of(REQUEST), List.of(), null).problem())
        .isEqualTo(
            "the disk /d/one cannot be made: mkfs.ext4 is missing; install the package e2fsprogs");
    assertThat(k.calls()).noneMatch(c -> c.contains("O_CREAT"));
  }

  @Test
  void whatWasBegunIsRemovedWhereverItFails() {
    for (String call : List.of("flock", "pwrite64", "fchownat", "fork", "wait4", "renameat2")) {
      RecordingKernel kernel = new RecordingKernel().broken("/d/one", Errno.ENOENT);
      kernel.fail(call, 1, Errno.ENOSPC);
      String problem = DiskImages.open(kernel, List.of(REQUEST), List.of(), MKFS).problem();
      assertThat(problem).as(call).startsWith("the disk /d/one cannot").contains("ENOSPC");
      assertThat(kernel.calls().getLast()).as(call).startsWith("close(");
      assertThat(kernel.calls().get(kernel.calls().size() - 2))
          .as(call)
          .startsWith("unlinkat(")
          .contains(".coracle-new-one");
    }
  }
}
