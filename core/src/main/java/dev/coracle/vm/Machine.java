package dev.coracle.vm;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One machine, as QEMU is told of it. Whatever it needs of the host it gets as an open descriptor,
 * so that it can do without any rights; paths are those of its private root.
 *
 * @param program QEMU
 * @param cpu its model and features; null for ours
 * @param firmware what starts the kernel: a file of QEMU's or SeaBIOS's
 * @param kernel a vmlinux with a PVH note, or a bzImage
 * @param append the kernel's command line
 * @param memoryMib the guest's memory
 * @param control a connected Unix socket: the port {@code dev.coracle.vm}
 * @param qmp a connected Unix socket: QEMU's monitor; {@link #NONE} for none
 * @param console opened with O_WRONLY | O_APPEND: QEMU looks for a descriptor of this very mode
 * @param files the path of the Unix socket at which virtiofsd listens; null for none
 * @param filesPort a connected Unix socket: the port {@code dev.coracle.files}; {@link #NONE} for
 *     none
 * @param emptySlots on a q35, how many devices can be added while it runs
 * @param generation whether the guest is told that it is a copy (vmgenid)
 * @param parameters more arguments for QEMU, as they are
 */
public record Machine(
    String program,
    Accelerator accelerator,
    MachineType type,
    @Nullable String cpu,
    String firmware,
    String kernel,
    @Nullable String initrd,
    String append,
    Memory memory,
    long memoryMib,
    int vcpus,
    int control,
    int qmp,
    int console,
    @Nullable String files,
    int filesPort,
    List<Nic> nics,
    List<Disk> disks,
    int emptySlots,
    Start start,
    boolean generation,
    List<String> parameters) {
  /** No descriptor. */
  public static final int NONE = -1;

  /**
   * Where the guest's memory is: in a file that has no name, or in one that is shared with the
   * machines that are copied from it.
   *
   * @param file null for none; else a path, such as {@code /proc/self/fd/9}
   * @param shared whether what is written goes to the file; a copy keeps it to itself
   */
  public record Memory(@Nullable String file, boolean shared) {
    /** Memory of this machine alone, which virtiofsd can map. */
    public static final Memory OWN = new Memory(null, true);
  }

  /** How a machine begins. */
  public enum Start {
    /** It boots. */
    BOOT,
    /** It waits for the state of another one ({@code migrate-incoming}). */
    INCOMING
  }

  /**
   * A network card.
   *
   * @param tap an open /dev/net/tun that was given IFF_TAP, IFF_NO_PI and IFF_VNET_HDR
   */
  public record Nic(int tap, String mac) {}

  /**
   * A disk.
   *
   * @param fd the image, opened with O_RDWR, or O_RDONLY where it is read-only
   * @param format {@code raw}, {@code qcow2}, {@code vdi}, {@code vmdk} or {@code vpc}
   * @param serial by which the guest knows it; at most 20 characters
   */
  public record Disk(int fd, String format, String serial, Content content, Access access) {
    /** What is behind the descriptor. */
    public enum Content {
      FILE,
      BLOCK_DEVICE
    }

    /** What may be done with it. */
    public enum Access {
      READ_WRITE,
      READ_ONLY
    }
  }
}
