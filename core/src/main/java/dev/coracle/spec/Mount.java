package dev.coracle.spec;

import static dev.coracle.abi.Mount.MOUNT_ATTR_RDONLY;

import dev.coracle.problem.Origin;
import dev.coracle.spec.Linux.IdMapping;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One mount (config.md, "Mounts"), with its options already sorted.
 *
 * @param destination an absolute path in the container
 * @param type the filesystem type; null for a bind mount
 * @param source a device, a name, or the host's path of a bind mount; empty where there is none
 * @param options what the option strings mean
 * @param idMap null where files keep their ids
 * @param origin the property that asked for it
 */
public record Mount(
    String destination,
    @Nullable String type,
    String source,
    MountOptions options,
    @Nullable IdMap idMap,
    Origin origin) {

  /** The same at another place. */
  public Mount at(String other) {
    return new Mount(other, type, source, options, idMap, origin);
  }

  /**
   * How the ids of files are translated at a mount (mount_setattr(2), MOUNT_ATTR_IDMAP).
   *
   * @param recursive whether at the mounts below it too
   * @param uidMappings from ids of the filesystem to ids of the mount; empty for those of the
   *     container's user namespace
   * @param gidMappings empty where {@code uidMappings} are
   */
  public record IdMap(
      boolean recursive, List<IdMapping> uidMappings, List<IdMapping> gidMappings) {}

  /**
   * Mount options, sorted into what the kernel's mount interface takes.
   *
   * @param bind whether the source is a path that is bound
   * @param recursive whether a bind takes the mounts below it along
   * @param remount whether an existing mount is changed
   * @param attrSet MOUNT_ATTR_* of the mount itself to set
   * @param attrClear MOUNT_ATTR_* of the mount itself to clear
   * @param impliedClear MOUNT_ATTR_* that a bind mount loses because they are not asked for; where
   *     the kernel has locked one for a user namespace, it stays (mount_namespaces(7))
   * @param recursiveSet MOUNT_ATTR_* to set on the mount and on all below it
   * @param recursiveClear MOUNT_ATTR_* to clear on the mount and on all below it
   * @param superFlags options of the superblock that are plain words: {@code sync}, {@code ro}
   * @param propagation MS_SHARED and its like; 0 where none was given
   * @param propagationRecursive whether the propagation holds for all mounts below
   * @param tmpcopyup whether what the image has at the destination is copied up into a tmpfs
   * @param data options of the filesystem: {@code key} or {@code key=value}
   */
  public record MountOptions(
      boolean bind,
      boolean recursive,
      boolean remount,
      long attrSet,
      long attrClear,
      long impliedClear,
      long recursiveSet,
      long recursiveClear,
      List<String> superFlags,
      long propagation,
      boolean propagationRecursive,
      boolean tmpcopyup,
      List<String> data) {

    /** The same with one more option for the filesystem. */
    public MountOptions withData(String option) {
      List<String> more = new ArrayList<>(data);
      more.add(option);
      return with(attrSet, superFlags, more);
    }

    /** The same without being read-only. */
    public MountOptions writable() {
      List<String> flags = new ArrayList<>(superFlags);
      flags.remove("ro");
      return with(attrSet & ~MOUNT_ATTR_RDONLY, flags, data);
    }

    private MountOptions with(long attributes, List<String> flags, List<String> options) {
      return new MountOptions(
          bind,
          recursive,
          remount,
          attributes,
          attrClear,
          impliedClear,
          recursiveSet,
          recursiveClear,
          flags,
          propagation,
          propagationRecursive,
          tmpcopyup,
          options);
    }

    /** What makes a mount read-only that is there, and leaves all else as it is. */
    public static MountOptions readonlyRemount() {
      return new MountOptions(
          true, false, true, MOUNT_ATTR_RDONLY, 0, 0, 0, 0, List.of(), 0, false, false, List.of());
    }
  }
}
