package dev.coracle.property.linux;

import dev.coracle.json.Members;
import dev.coracle.json.Pointer;
import org.jspecify.annotations.Nullable;

/**
 * The SELinux context of the filesystems that are mounted for the container (config-linux.md,
 * "Mount Label"): each gets it by the mount option {@code context}, where its inodes have none of
 * their own. A kernel without SELinux refuses that option, as it does under runc.
 */
public final class MountLabel {
  public static final Pointer POINTER = Pointer.of("/linux/mountLabel");

  private MountLabel() {}

  /** Reads it; an empty one asks for nothing. */
  public static @Nullable String read(Members linux) {
    String label = linux.string("mountLabel");
    return label == null || label.isEmpty() ? null : label;
  }
}
