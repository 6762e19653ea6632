package dev.coracle.abi;

/** mount(2), mount_setattr(2), fsopen(2), fsconfig(2), move_mount(2), open_tree(2). */
public final class Mount {
  public static final long MS_RDONLY = 1;
  public static final long MS_NOSUID = 2;
  public static final long MS_NODEV = 4;
  public static final long MS_NOEXEC = 8;
  public static final long MS_NOATIME = 0x400;
  public static final long MS_BIND = 0x1000;
  public static final long MS_MOVE = 0x2000;
  public static final long MS_REC = 0x4000;
  public static final long MS_UNBINDABLE = 1 << 17;
  public static final long MS_PRIVATE = 1 << 18;
  public static final long MS_SLAVE = 1 << 19;
  public static final long MS_SHARED = 1 << 20;
  public static final long MNT_DETACH = 2;

  public static final long MOUNT_ATTR_RDONLY = 0x1;
  public static final long MOUNT_ATTR_NOSUID = 0x2;
  public static final long MOUNT_ATTR_NODEV = 0x4;
  public static final long MOUNT_ATTR_NOEXEC = 0x8;
  public static final long MOUNT_ATTR__ATIME = 0x70;
  public static final long MOUNT_ATTR_RELATIME = 0;
  public static final long MOUNT_ATTR_NOATIME = 0x10;
  public static final long MOUNT_ATTR_STRICTATIME = 0x20;
  public static final long MOUNT_ATTR_NODIRATIME = 0x80;
  public static final long MOUNT_ATTR_IDMAP = 0x100000;
  public static final long MOUNT_ATTR_NOSYMFOLLOW = 0x200000;

  public static final long FSOPEN_CLOEXEC = 1;
  public static final long FSMOUNT_CLOEXEC = 1;
  public static final long FSPICK_CLOEXEC = 1;
  public static final long FSPICK_EMPTY_PATH = 8;
  public static final long FSCONFIG_SET_FLAG = 0;
  public static final long FSCONFIG_SET_STRING = 1;
  public static final long FSCONFIG_CMD_CREATE = 6;
  public static final long FSCONFIG_CMD_RECONFIGURE = 7;

  public static final long OPEN_TREE_CLONE = 1;
  public static final long OPEN_TREE_CLOEXEC = 0x80000;

  public static final long MOVE_MOUNT_F_EMPTY_PATH = 0x4;
  public static final long MOVE_MOUNT_T_EMPTY_PATH = 0x40;

  public static final long CGROUP_SUPER_MAGIC = 0x27e0eb;
  public static final long CGROUP2_SUPER_MAGIC = 0x63677270;
  public static final long PROC_SUPER_MAGIC = 0x9fa0;
  public static final long DEVPTS_SUPER_MAGIC = 0x1cd1;

  private Mount() {}
}
