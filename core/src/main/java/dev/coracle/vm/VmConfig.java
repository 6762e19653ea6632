package dev.coracle.vm;

import dev.coracle.spec.Vm;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What shapes a machine, as it was asked for: see {@link VmOptions}.
 *
 * @param kernel the name of a kernel in the store; null for the default one
 * @param image whether the kernel in the container's image is taken, where there is one
 * @param section what /vm asks for; null for nothing
 * @param append more words for the kernel's command line, the last ones count
 * @param debug whether the kernel tells how it starts
 * @param vcpus how many processors the guest has
 * @param memoryMib the guest's memory
 * @param accelerator null where it is found out
 * @param cpu the model under TCG; null for ours
 * @param cache what the guest may keep of its files
 * @param template whether the machine is copied from one that was started before; null where
 *     nothing is said of it
 * @param libModules whether the kernel's modules are shown at /lib/modules
 */
public record VmConfig(
    @Nullable String kernel,
    boolean image,
    @Nullable Vm section,
    List<String> append,
    boolean debug,
    int vcpus,
    long memoryMib,
    @Nullable Accelerator accelerator,
    MachineType machine,
    @Nullable String cpu,
    Virtiofsd.Cache cache,
    @Nullable Boolean template,
    boolean libModules,
    List<DiskRequest> disks) {
  /** The guest's memory where nothing is said of it. */
  public static final long DEFAULT_MEMORY_MIB = 512;

  /** With less than this the kernel does not start. */
  public static final long LEAST_MEMORY_MIB = 96;

  /** More than any host has. */
  public static final long MOST_MEMORY_MIB = 16L << 20;

  /** As many as QEMU gives a machine without more ado. */
  public static final int MOST_VCPUS = 240;

  /** With network and files, as many devices as a machine without PCI surely has places for. */
  public static final int MOST_DISKS = 8;

  /** The file of the kernel that /vm names; null where another one is asked for, or none. */
  public @Nullable String kernelFile() {
    Vm vm = section;
    return vm == null || image || kernel != null ? null : vm.kernel();
  }

  /**
   * A disk for the guest.
   *
   * @param source its image, a file in the container's root or in one of its mounts
   * @param destination where the guest mounts it
   * @param sizeBytes with which it is made where it is not there; 0 where that is an error
   */
  public record DiskRequest(String source, String destination, String filesystem, long sizeBytes) {}
}
