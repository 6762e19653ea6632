package dev.coracle.abi;

/**
 * Reads a struct statx (statx(2)):
 *
 * <pre>
 *  0 mask u32       8 attributes u64                 16 nlink u32
 * 28 mode u16      32 ino u64       40 size u64
 * 20 uid u32       24 gid u32       128 rdev_major u32   132 rdev_minor u32
 * 136 dev_major u32                 140 dev_minor u32    144 mnt_id u64
 * </pre>
 */
public final class Statx {
  public static final int SIZE = 256;
  public static final long STATX_BASIC_STATS = 0x7ff;
  public static final long STATX_MODE = 0x2;
  public static final long STATX_TYPE = 0x1;
  public static final long STATX_MNT_ID_UNIQUE = 0x4000;

  /** An attribute: it is the root of a mount. */
  public static final long STATX_ATTR_MOUNT_ROOT = 0x2000;

  /** Where the time of the last change stands: i64 seconds, then u32 nanoseconds. */
  public static final int MTIME_AT = 112;

  private Statx() {}

  /** Type and permissions, as in inode(7). */
  public static int mode(byte[] statx) {
    return statx[28] & 0xff | (statx[29] & 0xff) << 8;
  }

  /** The file type: one of the S_IF* of {@link Stat}. */
  public static int type(byte[] statx) {
    return mode(statx) & Stat.S_IFMT;
  }

  /** The owner. */
  public static long uid(byte[] statx) {
    return Bytes.u32(statx, 20);
  }

  /** The owning group. */
  public static long gid(byte[] statx) {
    return Bytes.u32(statx, 24);
  }

  /** The inode's number. */
  public static long inode(byte[] statx) {
    return Bytes.i64(statx, 32);
  }

  /** The size in bytes. */
  public static long size(byte[] statx) {
    return Bytes.i64(statx, 40);
  }

  /** Which fields the kernel has filled in. */
  public static long mask(byte[] statx) {
    return Bytes.u32(statx, 0);
  }

  /** STATX_ATTR_*. */
  public static long attributes(byte[] statx) {
    return Bytes.i64(statx, 8);
  }

  /** The number of the mount. */
  public static long mountId(byte[] statx) {
    return Bytes.i64(statx, 144);
  }

  /** A device node's major number. */
  public static long rdevMajor(byte[] statx) {
    return Bytes.u32(statx, 128);
  }

  /** A device node's minor number. */
  public static long rdevMinor(byte[] statx) {
    return Bytes.u32(statx, 132);
  }
}
