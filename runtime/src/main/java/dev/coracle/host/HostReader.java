package dev.coracle.host;

import static dev.coracle.abi.Mount.CGROUP2_SUPER_MAGIC;

import dev.coracle.cgroup.CgroupLayout;
import dev.coracle.config.CgroupPlan;
import dev.coracle.config.Host;
import dev.coracle.execute.Files;
import dev.coracle.kernel.Errno;
import dev.coracle.kernel.Kernel;
import dev.coracle.problem.Origin;
import dev.coracle.problem.Problems;
import dev.coracle.spec.Resources;
import org.jspecify.annotations.Nullable;

/** Reads the facts of the host that planning needs, with as few calls as they take. */
public final class HostReader {
  private static final int MOST_MOUNTINFO_BYTES = 64 << 20;
  private static final int MOST_CGROUP_BYTES = 1 << 20;

  private static final Origin HOST = new Origin.Default("host");

  private HostReader() {}

  /**
   * The facts. Where one cannot be read there is a problem: to plan with a wrong one could put the
   * container outside of the limits that its caller has.
   */
  public static Host read(Kernel k, Problems problems) {
    long capabilities = capabilities(k, problems);
    return host(k, cgroups(k, problems), capabilities);
  }

  /** The facts about the runtime itself: whoever has a container's state knows its cgroups. */
  public static Host readOwn(Kernel k, Problems problems) {
    return host(k, CgroupLayout.NONE, capabilities(k, problems));
  }

  private static long capabilities(Kernel k, Problems problems) {
    long[] sets = new long[3];
    long result = k.capget(sets);
    if (result < 0) {
      problems.error(HOST, "cannot read our own capabilities: " + k.explain(result));
    }
    return sets[1];
  }

  private static Host host(Kernel k, CgroupLayout cgroups, long capabilities) {
    Host host = new Host(cgroups, capabilities);
    return host.privileged()
        ? host
        : new Host(cgroups, capabilities, Math.max(0, k.geteuid()), Math.max(0, k.getegid()));
  }

  /** The facts, with those that only some resources need. */
  public static Host complete(
      Kernel k, Host host, @Nullable Resources resources, Problems problems) {
    CgroupLayout.Unified unified = host.cgroups().unified();
    if (unified == null || !CgroupPlan.needsUnified(resources, host.cgroups())) {
      return host;
    }
    String file = unified.mountPoint() + "/cgroup.controllers";
    byte[] controllers = bytes(k, file, MOST_CGROUP_BYTES, problems);
    return new Host(host.cgroups().withControllers(controllers), host.capabilities());
  }

  private static CgroupLayout cgroups(Kernel k, Problems problems) {
    byte[] own = bytes(k, "/proc/self/cgroup", MOST_CGROUP_BYTES, problems);
    long type = k.statfsType(CgroupLayout.MOUNT_POINT);
    if (type < 0 && type != -Errno.ENOENT) {
      problems.error(HOST, "cannot find the cgroups: " + k.explain(type));
    }
    if (type == CGROUP2_SUPER_MAGIC) {
      CgroupLayout layout = CgroupLayout.unified(own);
      String controllers = CgroupLayout.MOUNT_POINT + "/cgroup.controllers";
      return layout.withControllers(bytes(k, controllers, MOST_CGROUP_BYTES, problems));
    }
    byte[] mounts = bytes(k, "/proc/self/mountinfo", MOST_MOUNTINFO_BYTES, problems);
    return CgroupLayout.parse(mounts, own);
  }

  /** What a file holds; nothing where a kernel without cgroups does not have it. */
  private static byte[] bytes(Kernel k, String path, int most, Problems problems) {
    Files.Read read = Files.read(k, path, most);
    Files.Content content = read.content();
    if (content == null) {
      if (read.errno() != -Errno.ENOENT) {
        problems.error(HOST, "cannot read " + path + ": " + k.explain(read.errno()));
      }
      return new byte[0];
    }
    byte[] out = new byte[content.length()];
    System.arraycopy(content.bytes(), 0, out, 0, out.length);
    return out;
  }
}
