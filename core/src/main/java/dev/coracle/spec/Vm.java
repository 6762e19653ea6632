package dev.coracle.spec;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The section of virtual machines (config-vm.md). Paths are the host's.
 *
 * @param hypervisor the program; null for the host's QEMU
 * @param parameters more arguments for it
 * @param kernel the kernel's file; null for none
 * @param append the kernel's parameters
 * @param initrd an archive that is unpacked before ours; null for none
 * @param image the image of the root filesystem; null where the root is a directory
 * @param format of that image
 * @param vcpus null where it is not said
 * @param memoryBytes null where it is not said
 */
public record Vm(
    @Nullable String hypervisor,
    List<String> parameters,
    @Nullable String kernel,
    List<String> append,
    @Nullable String initrd,
    @Nullable String image,
    @Nullable String format,
    @Nullable Long vcpus,
    @Nullable Long memoryBytes) {}
