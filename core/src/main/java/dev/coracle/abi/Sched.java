package dev.coracle.abi;

/** sched(7), sched_setattr(2), ioprio_set(2). */
public final class Sched {
  public static final int SCHED_OTHER = 0;
  public static final int SCHED_FIFO = 1;
  public static final int SCHED_RR = 2;
  public static final int SCHED_BATCH = 3;
  public static final int SCHED_ISO = 4;
  public static final int SCHED_IDLE = 5;
  public static final int SCHED_DEADLINE = 6;

  public static final long SCHED_FLAG_RESET_ON_FORK = 0x01;
  public static final long SCHED_FLAG_RECLAIM = 0x02;
  public static final long SCHED_FLAG_DL_OVERRUN = 0x04;
  public static final long SCHED_FLAG_KEEP_POLICY = 0x08;
  public static final long SCHED_FLAG_KEEP_PARAMS = 0x10;
  public static final long SCHED_FLAG_UTIL_CLAMP_MIN = 0x20;
  public static final long SCHED_FLAG_UTIL_CLAMP_MAX = 0x40;

  public static final int IOPRIO_WHO_PROCESS = 1;
  public static final int IOPRIO_CLASS_SHIFT = 13;
  public static final int IOPRIO_CLASS_RT = 1;
  public static final int IOPRIO_CLASS_BE = 2;
  public static final int IOPRIO_CLASS_IDLE = 3;

  /** The size of struct sched_attr since Linux 5.3, which a kernel that knows less also takes. */
  private static final int ATTR_BYTES = 56;

  /** No kernel is built for more (CONFIG_NR_CPUS). */
  public static final int LAST_CPU = 8191;

  private Sched() {}

  /**
   * A struct sched_attr:
   *
   * <pre>
   *  0 size u32     4 policy u32     8 flags u64     16 nice s32     20 priority u32
   * 24 runtime u64                  32 deadline u64                  40 period u64
   * 48 util_min u32                 52 util_max u32
   * </pre>
   */
  public static byte[] attr(dev.coracle.spec.Process.Scheduler s) {
    byte[] out = new byte[ATTR_BYTES];
    Bytes.put32(out, 0, ATTR_BYTES);
    Bytes.put32(out, 4, s.policy());
    Bytes.put64(out, 8, s.flags());
    Bytes.put32(out, 16, s.nice());
    Bytes.put32(out, 20, s.priority());
    Bytes.put64(out, 24, s.runtimeNanos());
    Bytes.put64(out, 32, s.deadlineNanos());
    Bytes.put64(out, 40, s.periodNanos());
    return out;
  }

  /** An ioprio as the kernel takes it. */
  public static long ioprio(int ioClass, int priority) {
    return (long) ioClass << IOPRIO_CLASS_SHIFT | priority;
  }
}
