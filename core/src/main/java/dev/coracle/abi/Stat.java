package dev.coracle.abi;

/** Modes and device numbers: inode(7), mknod(2), makedev(3), chmod(2). */
public final class Stat {
  public static final int S_IFMT = 0xf000;
  public static final int S_IFIFO = 0x1000;
  public static final int S_IFCHR = 0x2000;
  public static final int S_IFDIR = 0x4000;
  public static final int S_IFBLK = 0x6000;
  public static final int S_IFREG = 0x8000;
  public static final int S_IFLNK = 0xa000;
  public static final int S_IFSOCK = 0xc000;

  private Stat() {}

  /** A device number as mknodat(2) takes it. */
  public static long makedev(long major, long minor) {
    return (major & 0xfffff000L) << 32
        | (major & 0xfff) << 8
        | (minor & 0xffffff00L) << 12
        | minor & 0xff;
  }
}
