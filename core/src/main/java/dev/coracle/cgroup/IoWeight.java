package dev.coracle.cgroup;

/** The v2 weight of a v1 weight of block devices. */
public final class IoWeight {
  private static final long BLKIO_MIN = 10;
  private static final long BLKIO_RANGE = 990;
  private static final long IO_RANGE = 9_999;

  private IoWeight() {}

  /**
   * The io.weight, 1 to 10000, of a blkio.weight, which is 10 to 1000: a straight line through the
   * ends, as in runc and crun.
   */
  public static long ofBlkio(long weight) {
    return 1 + (weight - BLKIO_MIN) * IO_RANGE / BLKIO_RANGE;
  }
}
