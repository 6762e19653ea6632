package dev.coracle.execute;

import dev.coracle.kernel.Errno;
import dev.coracle.kernel.Kernel;
import dev.coracle.plan.Action;
import java.util.List;

/** Cgroup values that cannot just be written: what is there already has a say. */
final class CgroupValues {
  private static final int FILE_MOST = 4096;
  private static final long UNLIMITED = Long.MAX_VALUE;

  private CgroupValues() {}

  /**
   * Writes values that bound each other: in the order given, and those that are refused with EINVAL
   * again, for as long as another one could be written meanwhile.
   */
  static long writeAll(Kernel k, List<Action.WriteCgroupFile> values) {
    boolean[] written = new boolean[values.size()];
    while (true) {
      long refused = 0;
      boolean progress = false;
      for (int i = 0; i < written.length; i++) {
        if (written[i]) {
          continue;
        }
        Action.WriteCgroupFile value = values.get(i);
        long result = CgroupActions.write(k, value.path(), value.value());
        if (result < 0 && result != -Errno.EINVAL) {
          return result;
        }
        written[i] = result >= 0;
        progress |= written[i];
        refused = Math.min(refused, result);
      }
      if (refused >= 0 || !progress) {
        return Math.min(refused, 0);
      }
    }
  }

  static long writeEither(Kernel k, Action.WriteEitherCgroupFile a) {
    long result = CgroupActions.write(k, a.first().path(), a.first().value());
    return result == -Errno.ENOENT
        ? CgroupActions.write(k, a.otherwise().path(), a.otherwise().value())
        : result;
  }

  /** cpu.max is the quota, or max, and the period; who writes one word leaves the period. */
  static long setCpuPeriod(Kernel k, Action.SetCpuPeriod a) {
    String file = a.path() + "/cpu.max";
    Files.Read read = Files.read(k, file, FILE_MOST);
    Files.Content content = read.content();
    if (content == null) {
      return read.errno();
    }
    String old = content.text();
    int space = old.indexOf(' ');
    String quota = space < 0 ? "max" : old.substring(0, space);
    return CgroupActions.write(k, file, quota + " " + a.periodMicros());
  }

  static long setSwapBySum(Context c, Action.SetSwapBySum a) {
    Files.Read read = Files.read(c.kernel, a.path() + "/memory.max", FILE_MOST);
    Files.Content content = read.content();
    if (content == null) {
      return read.errno();
    }
    long limit = number(content);
    if (limit == UNLIMITED) {
      return c.fail(Errno.EINVAL, "memory has no limit, and this is the sum of both");
    }
    if (limit > a.sumBytes()) {
      return c.fail(Errno.EINVAL, "it is below the memory limit of " + limit + ", and is the sum");
    }
    String swap = Long.toString(a.sumBytes() - limit);
    return CgroupActions.write(c.kernel, a.path() + "/memory.swap.max", swap);
  }

  /** A usage that cannot be read is no reason to refuse: the cgroup may have no controller yet. */
  static long checkMemoryUsage(Context c, Action.CheckMemoryUsage a) {
    Files.Content content = Files.read(c.kernel, a.path() + "/memory.current", FILE_MOST).content();
    long usage = content == null ? 0 : number(content);
    return usage < a.limitBytes()
        ? 0
        : c.fail(
            Errno.EBUSY,
            (a.withSwap() ? "rejecting memory+swap limit " : "rejecting memory limit ")
                + a.limitBytes()
                + " <= usage "
                + usage);
  }

  /** The number at the start of a file; {@code max} is the largest. */
  private static long number(Files.Content content) {
    long value = 0;
    int i = 0;
    byte[] bytes = content.bytes();
    while (i < content.length() && bytes[i] >= '0' && bytes[i] <= '9') {
      value = value * 10 + bytes[i++] - '0';
    }
    return i == 0 ? UNLIMITED : value;
  }

  static long limitHugePages(Context c, Action.LimitHugePages a) {
    long result = CgroupActions.write(c.kernel, a.path() + "/" + a.file(), a.value());
    if (result != -Errno.ENOENT) {
      return result;
    }
    String suffix = a.file().substring("hugetlb.".length() + a.pageSize().length());
    return c.fail(
        Errno.ENOENT,
        "there are no huge pages of \""
            + a.pageSize()
            + "\"; this kernel has "
            + HugePageSizes.of(c.kernel, a.path(), suffix));
  }

  /**
   * Gives the cgroups between the mount point and ours realtime runtime where they have none, the
   * topmost first. What the kernel refuses is told by the write into our own.
   */
  static long allotRealtime(Kernel k, Action.AllotRealtime a) {
    int end = a.path().indexOf('/', a.mountPoint().length() + 1);
    while (end > 0) {
      String parent = a.path().substring(0, end);
      Files.Content runtime = Files.read(k, parent + "/cpu.rt_runtime_us", FILE_MOST).content();
      if (runtime != null && number(runtime) == 0) {
        long result = 0;
        if (a.periodMicros() > 0) {
          result = CgroupActions.write(k, parent + "/cpu.rt_period_us", "" + a.periodMicros());
        }
        if (result >= 0) {
          result = CgroupActions.write(k, parent + "/cpu.rt_runtime_us", "" + a.runtimeMicros());
        }
        if (result < 0) {
          return 0;
        }
      }
      end = a.path().indexOf('/', end + 1);
    }
    return 0;
  }
}
