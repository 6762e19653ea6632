package dev.coracle.host;

import static dev.coracle.abi.Mount.CGROUP2_SUPER_MAGIC;

import dev.coracle.cgroup.CgroupLayout;
import dev.coracle.config.Host;
import dev.coracle.execute.Files;
import dev.coracle.kernel.Kernel;

/** Reads the facts of the host that planning needs, with as few calls as they take. */
public final class HostReader {
  private static final int MOST_MOUNTINFO_BYTES = 64 << 20;
  private static final int MOST_CGROUP_BYTES = 1 << 20;

  private HostReader() {}

  /** The facts. */
  public static Host read(Kernel k) {
    long[] sets = new long[3];
    long result = k.capget(sets);
    return new Host(cgroups(k), result < 0 ? 0 : sets[1]);
  }

  private static CgroupLayout cgroups(Kernel k) {
    byte[] own = bytes(Files.read(k, "/proc/self/cgroup", MOST_CGROUP_BYTES));
    if (k.statfsType(CgroupLayout.MOUNT_POINT) == CGROUP2_SUPER_MAGIC) {
      CgroupLayout layout = CgroupLayout.unified(own);
      String controllers = CgroupLayout.MOUNT_POINT + "/cgroup.controllers";
      return layout.withControllers(bytes(Files.read(k, controllers, MOST_CGROUP_BYTES)));
    }
    byte[] mounts = bytes(Files.read(k, "/proc/self/mountinfo", MOST_MOUNTINFO_BYTES));
    return CgroupLayout.parse(mounts, own);
  }

  private static byte[] bytes(Files.Read read) {
    Files.Content content = read.content();
    if (content == null) {
      return new byte[0];
    }
    byte[] out = new byte[content.length()];
    System.arraycopy(content.bytes(), 0, out, 0, out.length);
    return out;
  }
}
