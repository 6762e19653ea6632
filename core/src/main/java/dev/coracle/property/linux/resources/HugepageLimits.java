package dev.coracle.property.linux.resources;

import dev.coracle.cgroup.CgroupFiles;
import dev.coracle.cgroup.CgroupSteps;
import dev.coracle.json.Members;
import dev.coracle.json.Pointer;
import dev.coracle.kernel.Errno;
import dev.coracle.plan.Action;
import dev.coracle.plan.Errors;
import dev.coracle.spec.Resources.HugepageLimit;
import java.util.ArrayList;
import java.util.List;

/**
 * How much memory in huge pages of each size may be used (config-linux.md, "Huge page limits").
 *
 * <p>Where the kernel also accounts reservations (Linux 5.7), those are limited too, so that a
 * mapping fails with ENOMEM and not later with SIGBUS.
 *
 * <p>Kernel: linux v6.12 Documentation/admin-guide/cgroup-v1/hugetlb.rst.
 */
public final class HugepageLimits {
  public static final Pointer POINTER = Pointer.of("/linux/resources/hugepageLimits");

  private HugepageLimits() {}

  /** Reads them. */
  public static List<HugepageLimit> read(Members resources) {
    List<Members> all = resources.objects("hugepageLimits");
    List<HugepageLimit> out = new ArrayList<>(all.size());
    for (Members m : all) {
      String size = m.requiredString("pageSize");
      if (m.isString("pageSize") && !isSize(size)) {
        m.error("pageSize", "must be a number and KB, MB or GB like \"2MB\", not \"" + size + "\"");
      }
      Long limit = m.uint64("limit");
      if (!m.has("limit")) {
        m.error("limit", "is required");
      }
      out.add(new HugepageLimit(size, limit == null ? 0 : limit));
    }
    return out;
  }

  private static boolean isSize(String size) {
    int digits = 0;
    while (digits < size.length() && size.charAt(digits) >= '0' && size.charAt(digits) <= '9') {
      digits++;
    }
    return digits > 0
        && size.charAt(0) != '0'
        && size.length() == digits + 2
        && "KMG".indexOf(size.charAt(digits)) >= 0
        && size.charAt(digits + 1) == 'B';
  }

  /** Writes them. */
  public static void plan(List<HugepageLimit> limits, CgroupSteps steps) {
    for (int i = 0; i < limits.size(); i++) {
      HugepageLimit l = limits.get(i);
      Pointer at = POINTER.child(i);
      CgroupFiles files = steps.files("hugetlb");
      String prefix = "hugetlb." + l.pageSize();
      String name = files.isV2() ? ".max" : ".limit_in_bytes";
      String value = Long.toUnsignedString(l.limitBytes());
      Action action =
          new Action.LimitHugePages(files.directory(), prefix + name, l.pageSize(), value);
      files.add(action, at, Errors.NONE);
      if (files.version() != dev.coracle.cgroup.CgroupLayout.Version.NONE) {
        files.write(prefix + ".rsvd" + name, value, at, Errors.of(Errno.ENOENT));
      }
    }
  }
}
