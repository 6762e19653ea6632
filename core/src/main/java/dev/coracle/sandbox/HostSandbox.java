package dev.coracle.sandbox;

import dev.coracle.spec.Linux;
import dev.coracle.spec.Resources;
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
            List.of()));
  }

  /** Device rules speak of the container's /dev; the host's stays usable. */
  private static @Nullable Resources limits(@Nullable Resources r) {
    return r == null ? null : new Resources(List.of(), r.memory(), r.cpu(), r.pidsLimit());
  }
}
