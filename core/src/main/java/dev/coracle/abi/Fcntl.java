package dev.coracle.abi;

/** open(2), openat2(2), fcntl(2), flock(2), close_range(2), access(2), memfd_create(2). */
public final class Fcntl {
  public static final int AT_FDCWD = -100;
  public static final long AT_SYMLINK_NOFOLLOW = 0x100;
  public static final long AT_REMOVEDIR = 0x200;
  public static final long AT_EACCESS = 0x200;
  public static final long AT_EMPTY_PATH = 0x1000;
  public static final long AT_RECURSIVE = 0x8000;

  public static final long O_RDONLY = 0;
  public static final long O_WRONLY = 1;
  public static final long O_RDWR = 2;
  public static final long O_CREAT = 0x40;
  public static final long O_EXCL = 0x80;
  public static final long O_NOCTTY = 0x100;
  public static final long O_TRUNC = 0x200;
  public static final long O_APPEND = 0x400;
  public static final long O_NONBLOCK = 0x800;
  public static final long O_DIRECTORY = 0x10000;
  public static final long O_NOFOLLOW = 0x20000;
  public static final long O_CLOEXEC = 0x80000;
  public static final long O_PATH = 0x200000;

  public static final long RESOLVE_NO_XDEV = 0x1;
  public static final long RESOLVE_NO_MAGICLINKS = 0x2;
  public static final long RESOLVE_NO_SYMLINKS = 0x4;
  public static final long RESOLVE_BENEATH = 0x8;
  public static final long RESOLVE_IN_ROOT = 0x10;

  public static final long F_DUPFD_CLOEXEC = 1030;
  public static final long F_GETFD = 1;
  public static final long F_SETFD = 2;
  public static final long F_GETFL = 3;
  public static final long F_SETFL = 4;
  public static final long FD_CLOEXEC = 1;
  public static final long F_ADD_SEALS = 1033;
  public static final long F_SEAL_SEAL = 1;
  public static final long F_SEAL_SHRINK = 2;
  public static final long F_SEAL_GROW = 4;
  public static final long F_SEAL_WRITE = 8;

  public static final long MFD_CLOEXEC = 1;
  public static final long MFD_ALLOW_SEALING = 2;
  public static final long MFD_EXEC = 0x10;

  public static final long RENAME_NOREPLACE = 1; // renameat2(2)
  public static final long LOCK_EX = 2;
  public static final long LOCK_NB = 4;

  public static final long CLOSE_RANGE_CLOEXEC = 4;
  public static final long ALL_DESCRIPTORS = 0xffffffffL;

  public static final long F_OK = 0;
  public static final long X_OK = 1;
  public static final long R_OK = 4;

  private Fcntl() {}
}
