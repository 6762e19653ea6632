package dev.coracle.cgroup;

/** The v2 weight of a v1 share. */
public final class CpuWeight {
  private static final long SHARES_MIN = 2;
  private static final long SHARES_MAX = 1L << 18;
  private static final long WEIGHT_MAX = 10_000;
  private static final double LN_2 = 0.6931471805599453;

  private CpuWeight() {}

  /**
   * The cpu.weight, 1 to 10000, of cpu.shares, which are 2 to 262144 and not more than that.
   *
   * <p>A curve through the ends and through the defaults, 1024 and 100. The straight line that was
   * used before runc 1.3.2 and crun 1.23 made 39 of the default shares, so that a container with
   * the default lost against everything outside of containers (runc 4772).
   */
  public static long ofShares(long shares) {
    if (shares >= 0 && shares <= SHARES_MIN) {
      return 1;
    }
    if (shares < 0 || shares >= SHARES_MAX) {
      return WEIGHT_MAX; // below 0: an unsigned number of 64 bits
    }
    double l = log2(shares);
    double exponent = (l * l + 125 * l) / 612.0 - 7.0 / 34.0;
    return (long) Math.ceil(Math.pow(10, exponent));
  }

  /** Exact for powers of two: a hair above 10 would make 101 of 1024 shares. */
  private static double log2(long value) {
    int whole = 63 - Long.numberOfLeadingZeros(value);
    long power = 1L << whole;
    return value == power ? whole : whole + Math.log((double) value / power) / LN_2;
  }
}
