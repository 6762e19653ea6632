package dev.coracle.sandbox;

import dev.coracle.spec.Linux;
import dev.coracle.spec.Resources;
import dev.coracle.spec.Resources.DeviceRule;
import dev.coracle.spec.Spec;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A process of the host: what isolates is taken out, and what limits stays. Resource limits, user,
 * capabilities, rlimits, the seccomp filter and hooks are as everywhere; namespaces, the root,
 * mounts, devices, names and kernel parameters are the host's.
 */
public final class HostSandbox {
  private static final List<DeviceRule> ALL_DEVICES =
      List.of(new DeviceRule(true, 'a', null, null, "rwm"));

  private HostSandbox() {}

  /** The same bundle without a sandbox. */
  public static Spec rewrite(Spec spec) {
    Linux linux = spec.linux();
    return new Spec(
        spec.ociVersion(),
        spec.process(),
        null,
        null,
        null,
        List.of(),
        spec.hooks(),
        spec.annotations(),
        new Linux(
            List.of(),
            List.of(),
            linux.cgroupsPath(),
            limits(linux.resources()),
            Map.of(),
            linux.seccomp(),
            null,
            List.of(),
            List.of(),
            List.of(),
            List.of(),
            List.of(),
            List.of(),
            linux.intelRdt(),
            linux.memoryPolicy(),
            linux.personality(),
            null));
  }

  /**
   * Device rules speak of the container's /dev; the host's stays usable. To give none would not do:
   * that means the default ones, which deny nearly all.
   */
  private static Resources limits(@Nullable Resources r) {
    return r == null
        ? new Resources(ALL_DEVICES, null, null, null)
        : new Resources(
            ALL_DEVICES,
            r.memory(),
            r.cpu(),
            r.pidsLimit(),
            r.blockIo(),
            r.hugepageLimits(),
            r.network(),
            r.rdma(),
            r.unified());
  }
}
