package dev.coracle.property.linux.resources;

import dev.coracle.cgroup.CgroupFiles;
import dev.coracle.cgroup.CgroupSteps;
import dev.coracle.json.Members;
import dev.coracle.json.Pointer;
import dev.coracle.kernel.Errno;
import dev.coracle.plan.Action;
import dev.coracle.plan.Errors;
import dev.coracle.spec.Resources;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Memory limits (config-linux.md, "Memory").
 *
 * <p>Of a limit, 0 means that it is not set and −1 that there is none, which is how a new cgroup
 * starts, so that it is written in an update only.
 *
 * <p>checkBeforeUpdate: v1 refuses a limit below what is used by itself; on v2 it would kill.
 *
 * <p>Kernel: linux v6.12 Documentation/admin-guide/cgroup-v1/memory.rst, cgroup-v2.rst.
 */
public final class Memory {
  public static final Pointer POINTER = Pointer.of("/linux/resources/memory");

  private static final Pointer LIMIT = POINTER.child("limit");
  private static final Pointer RESERVATION = POINTER.child("reservation");
  private static final Pointer SWAP = POINTER.child("swap");
  private static final Pointer KERNEL = POINTER.child("kernel");
  private static final Pointer KERNEL_TCP = POINTER.child("kernelTCP");
  private static final Pointer SWAPPINESS = POINTER.child("swappiness");
  private static final Pointer DISABLE_OOM_KILLER = POINTER.child("disableOOMKiller");

  private static final String LIMIT_V1 = "memory.limit_in_bytes";
  private static final String MEMSW = "memory.memsw.limit_in_bytes";

  private static final long UNLIMITED = -1;
  private static final int SWAPPINESS_MAX = 100;

  /** The kernel's own ENOTSUPP, which no errno(3) knows: what memory.kmem.limit_in_bytes says. */
  private static final int ENOTSUPP = 524;

  private Memory() {}

  /** Reads it. */
  public static Resources.@Nullable Memory read(Members resources, CgroupSteps.Use use) {
    Members memory = resources.object("memory");
    if (memory == null) {
      return null;
    }
    Resources.Memory out =
        new Resources.Memory(
            limit(memory, "limit"),
            limit(memory, "reservation"),
            limit(memory, "swap"),
            limit(memory, "kernel"),
            limit(memory, "kernelTCP"),
            swappiness(memory),
            memory.bool("disableOOMKiller", false),
            memory.bool("checkBeforeUpdate", false));
    if (!memory.bool("useHierarchy", true)) {
      memory.error("useHierarchy", "cannot be false: Linux 5.11 has no other hierarchy any more");
    }
    checkSwap(memory, out, use);
    return out;
  }

  private static @Nullable Long limit(Members memory, String key) {
    Long bytes = memory.number(key, UNLIMITED, Long.MAX_VALUE);
    return bytes == null || bytes == 0 ? null : bytes;
  }

  private static @Nullable Long swappiness(Members memory) {
    Long value = memory.uint64("swappiness");
    if (value == null || value == -1) {
      return null; // the unsigned form of −1, with which Docker leaves it unset
    }
    if (value < 0 || value > SWAPPINESS_MAX) {
      String text = Long.toUnsignedString(value);
      memory.error("swappiness", "must be from 0 to " + SWAPPINESS_MAX + ", not " + text);
      return null;
    }
    return value;
  }

  private static void checkSwap(Members memory, Resources.Memory m, CgroupSteps.Use use) {
    Long swap = m.swapBytes();
    Long limit = m.limitBytes();
    if (swap == null || swap == UNLIMITED) {
      return;
    }
    if (limit == null) {
      // An update may find a limit that is set already.
      if (use == CgroupSteps.Use.CREATE) {
        memory.error("swap", "needs /linux/resources/memory/limit, for it is the sum of both");
      }
    } else if (limit == UNLIMITED) {
      memory.error("swap", "needs a limit of memory, for it is the sum of both");
    } else if (swap < limit) {
      memory.error(
          "swap", "must not be below the memory limit of " + limit + ", for it is the sum");
    }
  }

  /** Writes it. */
  public static void plan(Resources.Memory memory, CgroupSteps steps) {
    CgroupFiles files = steps.files("memory");
    if (files.isV2()) {
      planV2(memory, files);
    } else {
      planV1(memory, files, steps);
    }
  }

  private static void planV1(Resources.Memory m, CgroupFiles files, CgroupSteps steps) {
    limitsV1(m, files);
    String soft = "memory.soft_limit_in_bytes";
    if (!bytes(m.reservationBytes(), soft, RESERVATION, files, Errors.NONE)
        && m.reservationBytes() != null) {
      files.writeDefault(soft, "-1", RESERVATION, Errors.NONE);
    }
    planKernelV1(m, files, steps);
    if (m.disableOomKiller()) {
      files.write("memory.oom_control", "1", DISABLE_OOM_KILLER);
    }
    Long swappiness = m.swappiness();
    if (swappiness != null) {
      files.write("memory.swappiness", "" + swappiness, SWAPPINESS);
    }
  }

  private static void limitsV1(Resources.Memory m, CgroupFiles files) {
    Long limit = m.limitBytes();
    Long swap = m.swapBytes();
    boolean unlimited = limit != null && limit == UNLIMITED;
    // Without swap accounting there is no file, and no limit. First, for it bounds memory's own;
    // a limit of memory that is lifted lifts this one too, as with runc.
    if (swap == null ? unlimited : swap == UNLIMITED) {
      files.writeDefault(MEMSW, "-1", SWAP, Errors.of(Errno.ENOENT));
    }
    if (unlimited) {
      files.writeDefault(LIMIT_V1, "-1", LIMIT, Errors.NONE);
    }
    List<Action.WriteCgroupFile> values = new ArrayList<>(2);
    if (limit != null && !unlimited) {
      values.add(files.value(LIMIT_V1, "" + limit));
    }
    if (swap != null && swap != UNLIMITED) {
      values.add(files.value(MEMSW, "" + swap));
    }
    files.writeBound(values, values.size() == 2 || limit != null ? LIMIT : SWAP);
  }

  private static void planKernelV1(Resources.Memory m, CgroupFiles files, CgroupSteps steps) {
    Errors gone = Errors.of(ENOTSUPP, Errno.EOPNOTSUPP, Errno.ENOENT);
    if (bytes(m.kernelBytes(), "memory.kmem.limit_in_bytes", KERNEL, files, gone)) {
      steps.problems().warning(KERNEL, "has no effect since Linux 5.16");
    }
    bytes(m.kernelTcpBytes(), "memory.kmem.tcp.limit_in_bytes", KERNEL_TCP, files, Errors.NONE);
  }

  private static boolean bytes(
      @Nullable Long bytes, String file, Pointer at, CgroupFiles files, Errors tolerates) {
    if (bytes == null || bytes == UNLIMITED) {
      return false;
    }
    files.write(file, "" + bytes, at, tolerates);
    return true;
  }

  private static void planV2(Resources.Memory m, CgroupFiles files) {
    limitsV2(m, files);
    Long reservation = m.reservationBytes();
    if (reservation != null) {
      // The start value is 0 here, so that −1 is not the default: runc writes max too.
      files.write("memory.low", reservation == UNLIMITED ? "max" : "" + reservation, RESERVATION);
    }
    Long kernel = m.kernelBytes();
    if (kernel != null && kernel != UNLIMITED) {
      files.unsupportedOnV2(KERNEL);
    }
    Long kernelTcp = m.kernelTcpBytes();
    if (kernelTcp != null && kernelTcp != UNLIMITED) {
      files.unsupportedOnV2(KERNEL_TCP);
    }
    if (m.swappiness() != null) {
      files.unsupportedOnV2(SWAPPINESS);
    }
    if (m.disableOomKiller()) {
      files.unsupportedOnV2(DISABLE_OOM_KILLER);
    }
  }

  private static void limitsV2(Resources.Memory m, CgroupFiles files) {
    Long limit = m.limitBytes();
    Long swap = m.swapBytes();
    boolean unlimited = limit != null && limit == UNLIMITED;
    // No swap at all, or all of it, is what a kernel without swap gives: then no file is there.
    Errors noSwap = Errors.of(Errno.ENOENT);
    if (m.checkBeforeUpdate()) {
      check(swap, true, files);
      check(limit, false, files);
    }
    if (swap == null ? unlimited : swap == UNLIMITED) {
      files.writeDefault("memory.swap.max", "max", SWAP, noSwap);
    } else if (swap != null && limit == null) {
      files.add(new Action.SetSwapBySum(files.directory(), swap), SWAP, Errors.NONE);
    } else if (swap != null && limit != null) {
      long own = swap - limit; // v1's swap is the sum of both
      files.write("memory.swap.max", "" + own, SWAP, own == 0 ? noSwap : Errors.NONE);
    }
    if (unlimited) {
      files.writeDefault("memory.max", "max", LIMIT, Errors.NONE);
    } else if (limit != null) {
      files.write("memory.max", "" + limit, LIMIT);
    }
  }

  private static void check(@Nullable Long bytes, boolean swap, CgroupFiles files) {
    if (bytes != null && bytes != UNLIMITED) {
      Action check = new Action.CheckMemoryUsage(files.directory(), bytes, swap);
      files.add(check, swap ? SWAP : LIMIT, Errors.NONE);
    }
  }
}
